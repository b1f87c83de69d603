"""The hard facts that a text tells: what can be right or wrong whatever words stand around it.

Amounts, numbers with and without a unit, percentages, dates, months, days of the week, times, ids, phone numbers, links and
literals. Marks of passages, numbers of list items, ordinals and "24/7" are none. English, German and Spanish.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib import import_module
from itertools import takewhile
from typing import Final, Literal, cast

from switchboard.agent.grounding.calendar_names import MONTHS, WEEKDAYS, WORDS_TOO
from switchboard.agent.grounding.units import UNIT_PATTERN, unit_of
from switchboard.text.languages import Language
from switchboard.text.spaces import straightened
from switchboard.text.stop_words import STOP_WORDS
from switchboard.text.words import words

# The package has no types.
_digits = cast(Callable[[str, str, float], str], import_module("text_to_num").alpha2digit)

Kind = Literal[
    "money", "number", "percent", "date", "month", "day", "weekday", "time", "id", "phone", "literal", "ordinal"
]

TEXTS_KEPT_MAX = 512
CHARACTERS_MAX = 20_000
"""Of one text; what is longer is read so far."""
NUMBER_WORDS_FROM = 1.5
"""Number words above it are numbers: "one" and "a" are mostly none."""
FEW = 6
"""What is counted by ordinals: a higher one without a noun is a day of the month."""
NOUN_WORDS_MAX = 3
NOUN_CHARACTERS_MAX = 40
SAID_CHARACTERS_MAX = 24
PHONE_DIGITS_MIN = 7
ID_DIGITS_MIN = 3
CENTS: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Fact:
    """One hard fact. `values` are the readings that its writing allows: "1.200" is 1,200 or 1.2."""

    kind: Kind
    text: str
    values: tuple[Decimal, ...] = ()
    """Amounts in the currency's main unit, times in minutes of the day, quantities in the base unit of `unit`."""
    unit: str = ""
    """What a quantity measures (`units`), the currency of an amount; empty where none is told."""
    places: int = 0
    """Decimals as it is written, in the base unit: -3 where it is told to the thousand."""
    raw: tuple[Decimal, ...] = ()
    """Of a quantity: the readings of its numeral without the unit."""
    nouns: tuple[str, ...] = ()
    """The words behind a number without a unit: what it counts."""
    year: int | None = None
    month: int = 0
    day: int = 0
    word: str = ""
    """An id, a phone number (digits alone) or a literal, in lower case."""


_GAP: Final = "\x00"
_PLAIN_SPACES: Final = {0x202F: " ", 0x2009: " ", 0x00: " "}
_MARK = re.compile(r"\[\d{1,3}(?:\s?,\s?\d{1,3})*\]|【[^】]{0,40}】")
_LIST_NUMBER = re.compile(r"^[ \t]*+(?:[-*•][ \t]++)?\d{1,2}[.)](?=\s|$)", re.MULTILINE)
_BOLD = re.compile(r"\*\*|__")
_NO_FACT = re.compile(
    r"\b24/7\b|\b24x7\b|\b24 hours a day\b|\b(?:7|seven) days a week\b|\b365 days\b|\b(?:an?|one) \w{1,12} or two\b|\b(?:one|1) or two(?: \w{1,12})?\b"
    r"|\bein(?:e|en)? (?:bis|oder) zwei(?: \w{1,12})?\b|\bun[oa]? o dos(?: \w{1,12})?\b|\b(?:three|two|drei|tres)[ -](?:quarters|thirds|viertel|drittel|cuartos|tercios)\b"
    r"|\(\d{1,2}\)(?=\s)|\b100\s?%\s(?:sure|certain|sicher|seguro)|\b(?:step|point|option|schritt|punkt|paso|punto|opción)\s\d{1,2}\b|\b911\b|\b112\b",
    re.IGNORECASE,
)
_HALF = re.compile(
    r"\b(?:half an?|an? halbe[rsn]?|eine halbe|einer halben|media)\s(?=(?:minute|hour|day|month|year|stunde|tag|monat|jahr|minuto|hora|día|mes|año)\b)",
    re.IGNORECASE,
)
_FRACTION = re.compile(r"(\d)\s?½")
_NOTE = re.compile(r"\ba (tenner|fiver)\b", re.IGNORECASE)
_NOTES: Final = {"tenner": "£10", "fiver": "£5"}
_A_HUNDRED = re.compile(r"\ba (?=\d)")
_LITERAL = re.compile(r"`([^`\n]{1,120})`")
_LINK = re.compile(
    r"\bhttps?://[^\s<>\"')\]]{1,200}|\bwww\.[^\s<>\"')\]]{1,200}|\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"
    r"|(?<![\w.])[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,3}\.(?:com|org|net|co\.uk|uk|de|es|eu|io|example)\b(?:/[^\s<>\"')\]]{0,200})?",
    re.IGNORECASE,
)
_NAMES = "|".join(sorted(MONTHS, key=len, reverse=True))
_ISO_TIME = re.compile(
    r"(?<=\d)T(\d\d):(\d\d)(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?|(?<=\d\d\d\d-\d\d-\d\d )(\d\d):(\d\d):\d\d\b"
)
_ISO_DATE = re.compile(r"(?<![\d-])(20\d\d|19\d\d)-(\d\d)-(\d\d)(?![\d-])")
_ISO_MONTH = re.compile(r"(?<![\w-])(20\d\d)-(0[1-9]|1[0-2])(?![\w-])")
_DAY_MONTH = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th|\.|º|°)?\s(?:day\s)?(?:of\s|de\s)?({_NAMES})\b\.?(?:,?\s(?:de\s|del\s)?((?:19|20)\d\d)\b)?",
    re.IGNORECASE,
)
_MONTH_DAY = re.compile(
    rf"\b({_NAMES})\b\.?\s(?:the\s)?(\d{{1,2}})(?:st|nd|rd|th)?\b(?![.,:]?\d|\s?%|\s(?:GB|MB))(?:,?\s((?:19|20)\d\d)\b)?",
    re.IGNORECASE,
)
_SLASHED = re.compile(r"(?<![\w/.])(\d{1,2})([/.])(\d{1,2})(?:\2((?:19|20)?\d\d)\b|(?![\w/]))(?<=[./\d])")
_MONTH = re.compile(rf"(?<![\w-])({_NAMES})\b(?:\.?,?\s(?:de\s|del\s)?((?:19|20)\d\d)\b)?", re.IGNORECASE)
_ORDINAL_DAY = re.compile(
    r"\b(?:the|by|on|am|zum|vom|bis|dem|el|del|al)\s(\d{1,2})(?:st|nd|rd|th|\.(?=\s))(?!\w)(?:\s([a-zäöü]{2,}))?",
    re.IGNORECASE,
)
_LEADS_TO_DAY = re.compile(r"\b(?:on|by|until|till|before|from|since|am|bis|vom|zum|el|del|al)\s", re.IGNORECASE)
_ORDINAL = re.compile(r"\b(\d{1,4})(?:st|nd|rd|th|º|ª|er|a|o)\b", re.IGNORECASE)
_WEEKDAY_DAY = re.compile(
    rf"\b(?:{'|'.join(WEEKDAYS)}),?\s(?:den\s|el\s|día\s)?(\d{{1,2}})(?![\d:]|[.,]\d|\s?[%€£]|\s?(?:Uhr|am|pm)\b)",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(rf"\b({'|'.join(WEEKDAYS)})(?:s|en)?\b", re.IGNORECASE)
_CLOCK = re.compile(
    r"(?<![\w:.,])(\d{1,2})(?:[:.](\d\d))?\s?(a\.?m\.?|p\.?m\.?)(?!\w)|(?<![\w:.,])(\d{1,2}):(\d\d)(?!\d|:\d)(?:\sUhr\b)?"
    r"|(?<![\w:.,])(\d{1,2})(?:\.(\d\d))?\s(?:Uhr|o'clock)\b",
    re.IGNORECASE,
)
_TWELVE = re.compile(r"\b(midnight|mitternacht|medianoche|noon|midday|mittags|mediodía)\b", re.IGNORECASE)
_TWELVES: Final = {
    "midnight": 0,
    "mitternacht": 0,
    "medianoche": 0,
    "noon": 720,
    "midday": 720,
    "mittags": 720,
    "mediodía": 720,
}
_SPOKEN_CLOCK = re.compile(
    r"\b(half past|quarter past|quarter to|halb|\d{1,2} (?:minutes )?(?:past|nach)) (\d{1,2})\b(?! ?%)", re.IGNORECASE
)
_SPOKEN_MINUTES: Final = {"half past": 30, "quarter past": 15, "quarter to": -15, "halb": -30}
_NUMERAL = r"\d{1,15}(?:[.,']\d{1,15}){0,5}"
_SYMBOLS = {"£": "GBP", "€": "EUR", "$": "USD"}
_CURRENCIES = {
    **dict.fromkeys(("gbp", "pound", "pounds", "quid", "pfund", "libra", "libras"), "GBP"),
    **dict.fromkeys(("eur", "euro", "euros"), "EUR"),
    **dict.fromkeys(("usd", "dollar", "dollars", "dólar", "dólares"), "USD"),
}
_CURRENCY_NAMES = "|".join(sorted(_CURRENCIES, key=len, reverse=True))
_SYMBOL_FIRST = re.compile(rf"([£€$])\s?({_NUMERAL})")
_SYMBOL_LAST = re.compile(
    rf"(?<![\w.,])({_NUMERAL})\s?(?:([£€$])|({_CURRENCY_NAMES})\b(?:\s(?:and\s|und\s|con\s|y\s)?(\d{{1,2}})(?!\d|[.,]\d|\s?%)(?:\s?(?:p|pence|cents?|céntimos|peniques)\b)?)?)",
    re.IGNORECASE,
)
_MINOR = re.compile(rf"(?<![\w.,])({_NUMERAL})\s?(?:p|pence|penny|cents?|ct|céntimos|peniques)\b", re.IGNORECASE)
_PERCENT = re.compile(rf"(?<![\w.,])({_NUMERAL})\s?(?:%|percent\b|per cent\b|prozent\b|por ciento\b)", re.IGNORECASE)
_PHONE = re.compile(r"(?<![\w.,/-])(?:\+\d|\(?0\d|\d{3})[\d()/ -]{4,22}\d(?![\w]|[.,]\d)")
_VERSION = re.compile(r"(?<![\w.])\d{1,4}(?:\.\d{1,4}){2,4}(?![\w.]*\w)")
_ID = re.compile(
    r"(?<![\w-])(?=[A-Za-z0-9-]{0,30}\d)(?=[A-Za-z0-9-]{0,30}[A-Za-z])[A-Za-z0-9]{1,24}(?:-[A-Za-z0-9]{1,24}){0,5}(?![\w])"
)
_LETTERS_AND_DIGITS = re.compile(r"[A-Za-z]\d|\d[A-Za-z]")
_ID_DASHED = re.compile(r"^[A-Z]{2,8}(?:-[A-Z0-9]{1,12})+$")
_QUANTITY = re.compile(rf"(?<![\w.,])({_NUMERAL})({UNIT_PATTERN})", re.IGNORECASE)
_TWICE = re.compile(r"\b(twice|thrice|zweimal|dreimal|viermal|fünfmal|doppelt)\b", re.IGNORECASE)
_MULTIPLES = {"twice": 2, "thrice": 3, "zweimal": 2, "dreimal": 3, "viermal": 4, "fünfmal": 5, "doppelt": 2}
_NUMBER = re.compile(rf"(?<![\w.,])({_NUMERAL})(?![\w])")
_TO_ANOTHER = re.compile(r"^(?:-|to|and|or|bis|und|oder|a|y|o)\s?\d{1,4}\s", re.IGNORECASE)
_NOT_WORDS = re.compile(r"[.,;:!?()|/\"]")
_AMOUNT_FOLLOWS = re.compile(rf"\s?(?:{_GAP}|\d)")
_GROUPED = re.compile(r"^\d{1,3}(?:[,']\d{3})+(?:\.\d+)?$|^\d{1,3}(?:\.\d{3})+(?:,\d+)?$")


@lru_cache(maxsize=TEXTS_KEPT_MAX)
def facts_in(text: str, language: Language = "en") -> tuple[Fact, ...]:
    """The hard facts of a text, in the order of their kinds. Bounded work: at most `CHARACTERS_MAX` are read.

    Kept by text: the instructions and the history come again with every turn, a tool's sentence as its own clause.
    """
    reader = _Reader(plain_text(text[:CHARACTERS_MAX], language))
    for pattern, read in _READERS:
        reader.take(pattern, read)
    return tuple(reader.facts)


def plain_text(text: str, language: Language = "en") -> str:
    """The text without marks, list numbers and emphasis, its number words as digits: what facts are read from."""
    # Typography is made plain piece by piece: it takes the back quotes of literals for apostrophes.
    text = "`".join(map(straightened, text.translate(_PLAIN_SPACES).split("`")))
    text = _LIST_NUMBER.sub("", _MARK.sub("", text))
    text = _NOTE.sub(lambda note: _NOTES[note[1].lower()], text)
    text = _FRACTION.sub(r"\1.5", text)
    text = _HALF.sub("0.5 ", _NO_FACT.sub(" ", _BOLD.sub("", text)))
    return _A_HUNDRED.sub("", _digits(text, language, NUMBER_WORDS_FROM))


def numerals(written: str) -> tuple[tuple[Decimal, ...], int]:
    """The readings of a numeral, and its decimals: "1,200" → 1200 or 1.2; "12,00" → 12; "1,234.50" → 1234.50."""
    if _GROUPED.match(written):
        whole = (
            re.sub(r"[,']", "", written)
            if written.count(".") <= 1 and _english(written)
            else written.replace(".", "").replace(",", ".")
        )
        first = Decimal(whole)
        if len(re.findall(r"[.,']", written)) > 1:
            return (first,), _places(first)
        return (first, Decimal(written.replace(",", ".").replace("'", ""))), 0
    parts = re.split(r"[.,']", written)
    value = Decimal(f"{''.join(parts[:-1])}.{parts[-1]}") if len(parts) > 1 else Decimal(written)
    return (value,), _places(value)


def _english(written: str) -> bool:
    return "," in written.rsplit(".", 1)[0] or "'" in written


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


class _Reader:
    """Takes facts out of a text kind by kind: what one kind has read no other reads again."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.facts: list[Fact] = []

    def take(self, pattern: re.Pattern[str], read: "Callable[[re.Match[str], str], Fact | None]") -> None:
        """`read` gives None for what another kind may be."""
        pieces: list[str] = []
        at = 0
        for match in pattern.finditer(self.text):
            found = read(match, self.text)
            if found is None:
                continue
            self.facts.append(found)
            pieces += [self.text[at : match.start()], _GAP]
            at = match.end()
        if at:
            self.text = "".join(pieces) + self.text[at:]


_Read = Callable[[re.Match[str], str], "Fact | None"]


def _literal(match: re.Match[str], _: str) -> Fact:
    return Fact("literal", match[0], word=" ".join(match[1].lower().split()))


def _link(match: re.Match[str], _: str) -> Fact:
    word = re.sub(r"^(?:https?://)?(?:www\.)?", "", match[0].lower()).rstrip("/.,;:!?")
    return Fact("literal", match[0], word=word)


def _date(year: str | None, month: int, day: int, text: str) -> Fact | None:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    full = int(year) + (2000 if len(year) == 2 else 0) if year else None
    return Fact("date", text, year=full, month=month, day=day)


def _iso_time(match: re.Match[str], _: str) -> Fact:
    hour, minute = (match[1], match[2]) if match[1] else (match[3], match[4])
    return Fact("time", match[0], (Decimal(int(hour) * 60 + int(minute)),))


def _iso_date(match: re.Match[str], _: str) -> Fact | None:
    return _date(match[1], int(match[2]), int(match[3]), match[0])


def _iso_month(match: re.Match[str], _: str) -> Fact:
    return Fact("month", match[0], year=int(match[1]), month=int(match[2]))


def _day_month(match: re.Match[str], _: str) -> Fact | None:
    return _date(match[3], MONTHS[match[2].lower()], int(match[1]), match[0])


def _month_day(match: re.Match[str], _: str) -> Fact | None:
    return _date(match[3], MONTHS[match[1].lower()], int(match[2]), match[0])


def _slashed(match: re.Match[str], text: str) -> Fact | None:
    """28/10, 28.10., 28/10/2026. With a point and no year it is a date only where a point or nothing follows it: 4.2 GB."""
    day, separator, month, year = match[1], match[2], match[3], match[4]
    if separator == "." and not year and (text[match.end() : match.end() + 1] != "."):
        return None
    found = _date(year, int(month), int(day), match[0])
    return found or _date(year, int(day), int(month), match[0])


def _month(match: re.Match[str], text: str) -> Fact | None:
    name, year = match[1], match[2]
    if not year and name.lower() in WORDS_TOO and (name[0].islower() or _begins_sentence(text, match.start())):
        return None
    return Fact("month", match[0], year=int(year) if year else None, month=MONTHS[name.lower()])


def _begins_sentence(text: str, at: int) -> bool:
    before = text[max(0, at - 3) : at].rstrip(" \"'(*")
    return not before or before[-1] in ".!?:\n-"


def _ordinal_day(match: re.Match[str], text: str) -> Fact | None:
    """ "the 28th", but not "the 2nd payment"."""
    day = int(match[1])
    follows = (match[2] or "").lower()
    if not 1 <= day <= 31 or (follows and follows not in _AFTER_DAY):
        return None
    if day <= FEW and not _LEADS_TO_DAY.search(text, max(0, match.start() - 8), match.start() + 3):
        return None  # "the second is the duplicate"
    return Fact("day", match[0], day=day)


_MAY_FOLLOW = """
of and or is was but by it at to in on again with which so as und oder ist war wurde wird mit por con y o se es fue because for
if when the you we your
"""
_AFTER_DAY = frozenset(_MAY_FOLLOW.split())


def _weekday_day(match: re.Match[str], _: str) -> Fact | None:
    """ "martes 17"."""
    day = int(match[1])
    return Fact("day", match[0], day=day) if 1 <= day <= 31 else None


def _ordinal(match: re.Match[str], _: str) -> Fact:
    return Fact("ordinal", match[0], (Decimal(match[1]),))


def _weekday(match: re.Match[str], _: str) -> Fact:
    return Fact("weekday", match[0], day=WEEKDAYS[match[1].lower()])


def _clock(match: re.Match[str], _: str) -> Fact | None:
    hour, minute = next((match[n], match[n + 1] or "0") for n in (1, 4, 6) if match[n])
    half = (match[3] or "").lower()[:1]
    h, m = int(hour), int(minute)
    if h > 24 or m > 59:
        return None
    readings = (h, h + 12) if 1 <= h <= 12 else (h % 24,)
    if match[0].lower().endswith("uhr"):
        readings = (h % 24,)
    elif half:
        readings = (h % 12 + (12 if half == "p" else 0),)
    return Fact("time", match[0], tuple(Decimal((reading % 24) * 60 + m) for reading in readings))


def _spoken_clock(match: re.Match[str], _: str) -> Fact:
    spoken = match[1].lower()
    minutes = int(match[2]) % 12 * 60 + (int(spoken.split()[0]) if spoken[0].isdigit() else _SPOKEN_MINUTES[spoken])
    return Fact("time", match[0], (Decimal(minutes % 1440), Decimal((minutes + 720) % 1440)))


def _twelve(match: re.Match[str], _: str) -> Fact:
    return Fact("time", match[0], (Decimal(_TWELVES[match[1].lower()]),))


def _money(numeral: str, currency: str, text: str, minor: str | None = None) -> Fact:
    values, places = numerals(numeral)
    if minor:
        values = tuple(value + Decimal(minor) * CENTS for value in values)
        places = 2
    if places == 2:
        values = values[:1]
    return Fact("money", text, values, unit=currency, places=places)


def _symbol_first(match: re.Match[str], _: str) -> Fact:
    return _money(match[2], _SYMBOLS[match[1]], match[0])


def _symbol_last(match: re.Match[str], _: str) -> Fact:
    currency = _SYMBOLS[match[2]] if match[2] else _CURRENCIES[match[3].lower()]
    return _money(match[1], currency, match[0], match[4])


def _minor(match: re.Match[str], _: str) -> Fact:
    values, _places_told = numerals(match[1])
    return Fact("money", match[0], tuple(value * CENTS for value in values), places=2)


def _percent(match: re.Match[str], _: str) -> Fact:
    values, places = numerals(match[1])
    return Fact("percent", match[0], values, places=places)


def _phone(match: re.Match[str], _: str) -> Fact | None:
    digits = re.sub(r"\D", "", match[0])
    if len(digits) < PHONE_DIGITS_MIN or (match[0][0] not in "+0(" and (len(digits) < 9 or "  " in match[0])):
        return None
    return Fact("phone", match[0], word=digits)


def _version(match: re.Match[str], _: str) -> Fact:
    return Fact("id", match[0], word=match[0])


def _id(match: re.Match[str], _: str) -> Fact | None:
    token = match[0]
    digits = sum(character.isdigit() for character in token)
    mixed = _LETTERS_AND_DIGITS.search(token) is not None
    if not mixed and not (_ID_DASHED.match(token) or digits >= ID_DIGITS_MIN):
        return None
    if (
        token[0].isdigit()
        and not token.endswith("G")
        and unit_of(token.lstrip("0123456789.,")) is not None
        and "-" not in token
    ):
        return None
    return Fact("id", token, word=token.lower().replace("-", ""))


def _quantity(match: re.Match[str], text: str) -> Fact | None:
    unit = unit_of(match[2])
    if unit is None:
        return None
    dimension, factors = unit
    readings, places = numerals(match[1])
    values = tuple(reading * factor for reading in readings for factor in factors)
    if dimension == "times" and _AMOUNT_FOLLOWS.match(text, match.end()):
        return Fact("ordinal", match[0], values)  # "3 x £2.50": how often, not how many
    return Fact("number", match[0], values, unit=dimension, places=places - factors[0].adjusted(), raw=readings)


def _twice(match: re.Match[str], _: str) -> Fact:
    return Fact("number", match[0], (Decimal(_MULTIPLES[match[1].lower()]),), unit="times")


def _number(match: re.Match[str], text: str) -> Fact | None:
    values, places = numerals(match[1])
    if values[0] <= 1 and not places:
        return None  # "1 of them", "0 faults": an article or a negation in digits
    behind = text[match.end() : match.end() + NOUN_CHARACTERS_MAX].split(_GAP)[0].split("\n")[0]
    spoken = _TO_ANOTHER.sub("", _NOT_WORDS.split(behind.lstrip())[0])
    nouns = tuple(takewhile(lambda word: word not in STOP_WORDS, words(spoken)))[:NOUN_WORDS_MAX]
    return Fact("number", f"{match[0]}{behind[:SAID_CHARACTERS_MAX]}", values, places=places, nouns=nouns)


_READERS: Final[tuple[tuple[re.Pattern[str], _Read], ...]] = (
    (_LITERAL, _literal),
    (_LINK, _link),
    (_ISO_TIME, _iso_time),
    (_ISO_DATE, _iso_date),
    (_ISO_MONTH, _iso_month),
    (_DAY_MONTH, _day_month),
    (_MONTH_DAY, _month_day),
    (_VERSION, _version),
    (_SYMBOL_FIRST, _symbol_first),
    (_SYMBOL_LAST, _symbol_last),
    (_MINOR, _minor),
    (_PERCENT, _percent),
    (_CLOCK, _clock),
    (_SPOKEN_CLOCK, _spoken_clock),
    (_TWELVE, _twelve),
    (_SLASHED, _slashed),
    (_PHONE, _phone),
    (_ORDINAL_DAY, _ordinal_day),
    (_WEEKDAY_DAY, _weekday_day),
    (_ORDINAL, _ordinal),
    (_ID, _id),
    (_QUANTITY, _quantity),
    (_MONTH, _month),
    (_WEEKDAY, _weekday),
    (_TWICE, _twice),
    (_NUMBER, _number),
)
