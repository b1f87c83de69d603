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

_SHORT: Final = re.compile(r"([A-Za-z]{3,9})\.?(?:,? (\d{4}))?")
_NUMBERS: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])-\d\d|(0?[1-9]|1[0-2])/(\d{4})")
_SHORT_CHARACTERS: Final = 3

_MENTION: Final = re.compile(
    r"(?P<compared>(?:than|since|compared (?:to|with))\s+(?:(?:in|for|my|the)\s+)*)?"
    rf"\b(?P<month>\d{{4}}-(?:0[1-9]|1[0-2])|(?:{_NAMES_PATTERN}|May)(?: \d{{4}})?|[Ll]ast month|[Tt]his month)\b"
)


def spelled_out(value: object) -> object:
    """A month in other ways than `MONTH_PATTERN`'s in one of those: `Nov 2026`, `nov.`, `11/2026`, `2026-11-15`.

    For a field's validation; what it does not know it gives back for the pattern to refuse.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if numbers := _NUMBERS.fullmatch(text):
        return f"{numbers[1] or numbers[4]}-{int(numbers[2] or numbers[3]):02d}"
    if short := _SHORT.fullmatch(text):
        begins = short[1].lower()
        name = next((each for each in NAMES if each.lower().startswith(begins[:_SHORT_CHARACTERS])), None)
        if name is not None and (name.lower().startswith(begins) or begins == "sept"):
            return f"{name} {short[2]}" if short[2] else name
    return text


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
