"""Names of products, plans and the like in a sentence, as far as they can be told from their writing.

A name that the evidence does not hold is a fault where it is written as one in the middle of a sentence: several words in
capitals, or a capital and a number. In German, where every noun is one, only what begins like a name of the evidence counts.
"""

import re
from typing import Final

from switchboard.agent.grounding.calendar_names import MONTHS, WEEKDAYS
from switchboard.text.languages import Language
from switchboard.text.stop_words import STOP_WORDS

_NAME: Final = re.compile(
    r"(?<![\w'>/.@-])[A-ZÄÖÜ][\w'-]{0,30}(?: (?:[A-ZÄÖÜ][\w'-]{0,30}|\d{1,4}[A-Za-z]{0,2}(?![\w:%]|[.,]\d|\s?(?:GB|MB|%|£|€)))){0,4}"
)
_GREETING: Final = re.compile(
    r"^\W*(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|hallo|guten \w+|liebe[r]?|hola|buen[oa]s \w+|estimad[oa])\b",
    re.IGNORECASE,
)
SKIPPED_WORDS = 2
PLURAL_CHARACTERS_MIN = 4
_PLAIN: Final = frozenset(
    [
        "i'm",
        "i'll",
        "i've",
        "i'd",
        "i",
        "ok",
        "okay",
        "mr",
        "mrs",
        "ms",
        "dr",
        "uk",
        "eu",
        "us",
        "usa",
        "vat",
        "pdf",
        "sim",
        "esim",
        "imei",
        "apn",
        "tv",
        "pc",
        "id",
        "pin",
        "puk",
        "led",
        "usb",
        "hd",
        "faq",
        "dns",
        "dhcp",
        "ip",
        "mac",
        "isp",
        "wlan",
        "iban",
        "sms",
        "mms",
        "app",
        "wi-fi",
        "wifi",
        "bluetooth",
        "android",
        "ios",
        "iphone",
        "ipad",
        "windows",
        "mac",
        "mac's",
        "google",
        "apple",
        "english",
        "german",
        "spanish",
        "europe",
        "christmas",
        "easter",
    ]
)


def unknown_names(sentence: str, evidence_text: str, language: Language) -> list[str]:
    """The names in a sentence that `evidence_text` (lower case, one space between words) does not hold."""
    text = " ".join(re.sub(r"\[\d{1,3}\]|[*_`“”\"]", " ", sentence).split())
    if language != "en":
        return [
            each
            for each in _sequences(text, 0)
            if _begins_known(each, evidence_text) and not _is_known(each, evidence_text)
        ]
    return [each for each in _sequences(text, _body_start(text)) if not _is_known(each, evidence_text)]


def _body_start(text: str) -> int:
    greeting = _GREETING.match(text)
    return text.find(",", greeting.end()) if greeting and "," in text else (greeting.end() + 24 if greeting else 0)


def _sequences(text: str, start: int) -> list[str]:
    found: list[str] = []
    for match in _NAME.finditer(text):
        words = match[0].split()
        opens = match.start() == 0 or text[match.start() - 2 : match.start()].strip() in (".", "!", "?", ":", "-", "•")
        if match.start() < start:
            continue
        if opens:  # nothing shows whether the word that opens a sentence is part of a name
            words = words[1:]
        while words and (words[0].lower() in STOP_WORDS or _is_calendar(words[0])):
            words = words[1:]
        while words and _is_calendar(words[-1]):
            words = words[:-1]
        if len([word for word in words if word.lower() not in _PLAIN]) < 2 or any(_is_calendar(word) for word in words):
            continue
        if words[0].isdigit():
            continue
        found.append(" ".join(words))
    return found


def _is_calendar(word: str) -> bool:
    bare = word.lower().rstrip("'s")
    return bare in MONTHS or bare in WEEKDAYS or word.lower() in MONTHS or word.lower() in WEEKDAYS


def _is_known(name: str, evidence_text: str) -> bool:
    """Its words stand in the evidence in their order, at most `SKIPPED_WORDS` apart; or nothing like it stands there."""
    words = [re.sub(r"'s$|'$", "", word.lower()) for word in name.split()]
    spoken = rf"\W+(?:[\w'-]+\W+){{0,{SKIPPED_WORDS}}}"
    stems = [re.escape(word.removesuffix("s") if len(word) > PLURAL_CHARACTERS_MIN else word) for word in words]
    if re.search(spoken.join(rf"\b{word}s?" for word in stems) + r"\b", evidence_text):
        return True
    akin = any(re.search(rf"\b{word}\b", evidence_text) for word in stems if not word.isdigit())
    return not akin and not any(word.isdigit() for word in words)


def _begins_known(name: str, evidence_text: str) -> bool:
    """Its first word is one of the evidence's that a name there begins with, and a digit is in it."""
    first = name.split()[0].lower()
    return any(part.isdigit() for part in name.split()) and f"{first} " in evidence_text
