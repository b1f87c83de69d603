"""Dates and months as people write them, read against a given today. Nothing here knows the real date."""

import re
from datetime import date, timedelta

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_NAMES = "|".join([*MONTHS, *(name[:3] for name in MONTHS), "sept"])
_MONTH = re.compile(rf"\b({_NAMES})\b\.?(?:\s*,?\s*(?:of\s+)?(20\d\d)\b)?", re.IGNORECASE)
_DAY_MONTH = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?({_NAMES})\b\.?(?:\s*,?\s*(20\d\d)\b)?", re.IGNORECASE
)
_MONTH_DAY = re.compile(
    rf"\b({_NAMES})\b\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?\b(?!\d)(?:\s*,?\s*(20\d\d)\b)?", re.IGNORECASE
)
_ISO_DATE = re.compile(r"\b(20\d\d)-(\d\d)-(\d\d)\b")
_ISO_MONTH = re.compile(r"\b(20\d\d)-(0[1-9]|1[0-2])\b(?!-\d)")
_SLASHED = re.compile(r"\b(\d{1,2})/(\d{1,2})/(20\d\d)\b")
_AGO = re.compile(r"\b(\d{1,2}|a|one|two|three|four|five|six)\s+(day|week|month)s?\s+ago\b", re.IGNORECASE)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = re.compile(rf"\b(?:(last|next|this|on)\s+)?({'|'.join(_WEEKDAYS)})\b", re.IGNORECASE)
_NUMBERS = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_RELATIVE_MONTHS = (
    (re.compile(r"\b(?:the )?month before last\b", re.IGNORECASE), -2),
    (re.compile(r"\blast month(?:['’]?s)?\b", re.IGNORECASE), -1),
    (re.compile(r"\b(?:this|current) month\b", re.IGNORECASE), 0),
    (re.compile(r"\bnext month\b", re.IGNORECASE), 1),
)
_FROM_THERE = (
    (re.compile(r"\b(?:previous|prior|preceding) month\b(?!s)|\b(?:the )?month before\b(?! last)", re.IGNORECASE), -1),
    (re.compile(r"\b(?:following month|(?:the )?month after)\b", re.IGNORECASE), 1),
)
"""Counted from the month that was spoken of, where one was; else from today."""
_LED = re.compile(r"\b(?:in|of|for|from|since|until|to|by|during|last|this|and|my|the|than|with|or)$")
_LED_CHARACTERS = 12
"""Before a month's name: the word that leads to it."""
_RELATIVE_DAYS = {"day before yesterday": -2, "yesterday": -1, "today": 0, "tonight": 0, "tomorrow": 1}


def months_in(text: str, today: date, about: str | None = None) -> list[str]:
    """Months named in `text` as `YYYY-MM`, in the order they are named. A bare name is the latest one not after today.

    `about` is the month that was spoken of before (`YYYY-MM`): "the month before" is the one before that, and so is
    "last month" where last month is what was just spoken of.
    """
    found: list[tuple[int, str]] = [(m.start(), m.group(0)) for m in _ISO_MONTH.finditer(text)]
    found += [(m.start(), f"{m.group(1)}-{m.group(2)}") for m in _ISO_DATE.finditer(text)]
    for match in _MONTH.finditer(text):
        if not _is_month_name(text, match):
            continue
        month = _month_number(match.group(1))
        year = int(match.group(2)) if match.group(2) else today.year - (1 if month > today.month else 0)
        found.append((match.start(), f"{year}-{month:02d}"))
    for pattern, offset in _RELATIVE_MONTHS:
        month = shifted(today, offset)
        if offset == -1 and month == about:
            month = shifted(today, offset - 1)
        found += [(match.start(), month) for match in pattern.finditer(text)]
    for pattern, offset in _FROM_THERE:
        found += [(match.start(), shifted(_first_day(about) or today, offset)) for match in pattern.finditer(text)]
    for match in _AGO.finditer(text):
        if match.group(2).lower() == "month":
            found.append((match.start(), shifted(today, -_count(match.group(1)))))
    return list(dict.fromkeys(month for _, month in sorted(found)))


def dates_in(text: str, today: date) -> list[str]:
    """Days named in `text` as `YYYY-MM-DD`, in the order they are named."""
    found: list[tuple[int, date | None]] = []
    for match in _ISO_DATE.finditer(text):
        found.append((match.start(), _day(int(match.group(1)), int(match.group(2)), int(match.group(3)))))
    for match in _SLASHED.finditer(text):
        found.append((match.start(), _day(int(match.group(3)), int(match.group(2)), int(match.group(1)))))
    for match in _DAY_MONTH.finditer(text):
        found.append((match.start(), _named(match.group(2), match.group(1), match.group(3), today)))
    for match in _MONTH_DAY.finditer(text):
        found.append((match.start(), _named(match.group(1), match.group(2), match.group(3), today)))
    lowered = text.lower()
    for phrase, offset in _RELATIVE_DAYS.items():
        position = lowered.find(phrase)
        if position >= 0 and not (phrase == "yesterday" and "before yesterday" in lowered):
            found.append((position, today + timedelta(days=offset)))
    for match in _AGO.finditer(text):
        days = {"day": 1, "week": 7}.get(match.group(2).lower())
        if days is not None:
            found.append((match.start(), today - timedelta(days=days * _count(match.group(1)))))
    for match in _WEEKDAY.finditer(text):
        found.append((match.start(), _weekday((match.group(1) or "").lower(), match.group(2).lower(), today)))
    ordered = sorted((position, day) for position, day in found if day is not None)
    return list(dict.fromkeys(day.isoformat() for _, day in ordered))


def shifted(today: date, months: int) -> str:
    """The month `months` after today's, as `YYYY-MM`."""
    index = today.year * 12 + today.month - 1 + months
    return f"{index // 12}-{index % 12 + 1:02d}"


def _first_day(month: str | None) -> date | None:
    return date.fromisoformat(f"{month}-01") if month is not None else None


def _month_number(name: str) -> int:
    return next(index for index, month in enumerate(MONTHS, 1) if month.startswith(name.lower()[:3]))


def _is_month_name(text: str, match: re.Match[str]) -> bool:
    """Not the verbs 'may' and 'march', nor 'mar' or 'dec' inside other talk."""
    word, start = match.group(1), match.start()
    before = text[max(0, start - _LED_CHARACTERS) : start].rstrip().lower()
    if word.lower() in ("may", "march", "mar", "dec", "jan", "sun"):
        led = _LED.search(before)
        return match.group(2) is not None or (word[0].isupper() and start > 0) or (led is not None and word != "may i")
    return True


def _count(text: str) -> int:
    return _NUMBERS.get(text.lower()) or int(text)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _named(month_name: str, day: str, year: str | None, today: date) -> date | None:
    month = _month_number(month_name)
    if year:
        return _day(int(year), month, int(day))
    named = _day(today.year, month, int(day))
    return _day(today.year - 1, month, int(day)) if named is not None and named > today + timedelta(days=92) else named


def _weekday(lead: str, name: str, today: date) -> date:
    distance = (_WEEKDAYS.index(name) - today.weekday()) % 7
    if lead == "last":
        return today - timedelta(days=(7 - distance) if distance else 7)
    return today + timedelta(days=distance or 7)
