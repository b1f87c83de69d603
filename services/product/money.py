"""Pence as people read them."""


def pounds(pence: int) -> str:
    """`£1,299.00`."""
    return f"£{pence // 100:,}.{pence % 100:02d}"


def price_text(pence: int, *, monthly: bool) -> str:
    """`£19.00 a month` or `£699.00`."""
    return f"{pounds(pence)} a month" if monthly else pounds(pence)
