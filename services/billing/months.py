"""Invoice months as people write them, and dates as they read them."""

import re
from datetime import date
from typing import Final

from switchboard.contracts.errors import ModelRetry

NAMES: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_NAMES_PATTERN: Final = "|".join(f"[{name[0]}{name[0].lower()}]{name[1:]}" for name in NAMES if name != "May")
MONTH_PATTERN: Final = rf"^(\d{{4}}-(0[1-9]|1[0-2])|({_NAMES_PATTERN}|May)( \d{{4}})?|[Ll]ast month|[Tt]his month)$"
"""`2026-10`, `October`, `October 2026`, `last month`. May only with a capital: "may" is mostly another word."""

_MENTION: Final = re.compile(
    r"(?P<compared>(?:than|since|compared (?:to|with))\s+(?:(?:in|for|my|the)\s+)*)?"
    rf"\b(?P<month>\d{{4}}-(?:0[1-9]|1[0-2])|(?:{_NAMES_PATTERN}|May)(?: \d{{4}})?|[Ll]ast month|[Tt]his month)\b"
)


def mentioned_months(message: str, today: date) -> list[tuple[str, bool]]:
    """The months that a message names, and of each whether it is the one to compare with ("than in October")."""
    return [(parse_month(found["month"], today), found["compared"] is not None) for found in _MENTION.finditer(message)]


def parse_month(text: str, today: date) -> str:
    """`2026-10` from how a person says it; a name alone is the latest such month. Raises `ModelRetry`."""
    lowered = text.strip().lower()
    if re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", lowered):
        return lowered
    this = today.year * 12 + today.month - 1
    if lowered in ("this month", "last month"):
        return _month(this - (lowered == "last month"))
    name, _, year = lowered.partition(" ")
    numbers = [index for index, full in enumerate(NAMES) if full.lower() == name]
    if numbers and year.isdigit():
        return _month(int(year) * 12 + numbers[0])
    if numbers and not year:
        wanted = today.year * 12 + numbers[0]
        return _month(wanted if wanted <= this else wanted - 12)
    raise ModelRetry(f"'{text}' is no invoice month. Write it as 2026-10 or October 2026.")


def _month(number: int) -> str:
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def month_name(month: str) -> str:
    """`October 2026` from `2026-10`."""
    return f"{NAMES[int(month[5:]) - 1]} {month[:4]}"


def day_name(day: date) -> str:
    """`28 November 2026`."""
    return f"{day.day} {NAMES[day.month - 1]} {day.year}"
