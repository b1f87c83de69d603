"""Money as whole picodollars (10^-12 US dollars).

A price of 0.15 dollars a million tokens is 150,000 picodollars a token: a whole number, as every published price is.
So what an attempt costs is exact, no attempt is rounded, and a sum over attempts is the price of the sum of their
tokens. Only what is shown is rounded, once, to micro-dollars.
"""

from decimal import ROUND_HALF_EVEN, Decimal

PICOUSD_PER_USD = 10**12
PICOUSD_PER_MICROUSD = 10**6


def picousd_of(usd: Decimal | float | str) -> int:
    """The nearest whole number of picodollars."""
    exact = usd if isinstance(usd, Decimal) else Decimal(str(usd))
    return int((exact * PICOUSD_PER_USD).to_integral_value(rounding=ROUND_HALF_EVEN))


def microusd_of(picousd: int) -> int:
    """Rounded to the nearest micro-dollar, halves to the even one."""
    return int((Decimal(picousd) / PICOUSD_PER_MICROUSD).to_integral_value(rounding=ROUND_HALF_EVEN))


def usd_of(picousd: int) -> float:
    """For people and for OpenAI-shaped answers; never added up."""
    return picousd / PICOUSD_PER_USD


def usd_text(picousd: int) -> str:
    """Exact, in dollars, without trailing zeros but for cents: `0.00012345`, `12.50`."""
    whole, part = divmod(abs(picousd), PICOUSD_PER_USD)
    decimals = f"{part:012d}".rstrip("0").ljust(2, "0")
    return f"{'-' if picousd < 0 else ''}{whole}.{decimals}"
