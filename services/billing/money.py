"""Pence as people read them."""


def pounds(pence: int) -> str:
    """`£1,234.50`; with a minus sign before the pound where it is negative."""
    sign = "−" if pence < 0 else ""
    return f"{sign}£{abs(pence) // 100:,}.{abs(pence) % 100:02d}"


def signed_pounds(pence: int) -> str:
    """`+£9.20`, `−£1.00`."""
    return f"+{pounds(pence)}" if pence > 0 else pounds(pence)
