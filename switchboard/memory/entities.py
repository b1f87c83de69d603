"""Things that people name: ids, months, devices, and what they prefer. By patterns only; the same text, the same result.

An id is letters, a dash and digits (`TCK-100245`, `INV-202611-1042`); its letters say its kind. One whose letters
are not known is a `reference`: an agent's own ids are remembered without being declared anywhere.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date

from switchboard.contracts.turns import Entity
from switchboard.text.dates import months_in

KINDS = {
    "C": "customer",
    "CUS": "customer",
    "CUST": "customer",
    "DEV": "device",
    "IMEI": "device",
    "INV": "invoice",
    "LINE": "line",
    "ORD": "order",
    "PAY": "payment",
    "REF": "refund",
    "SN": "device",
    "TCK": "ticket",
    "TKT": "ticket",
}
TEXT_CHARACTERS_MAX = 4_000
"""Of one message; what matters of a longer one is said in its beginning."""
FOUND_MAX = 12
"""In one text."""
PREFERENCE_CHARACTERS_MAX = 120

_ID = re.compile(r"(?<![\w-])([A-Za-z]{1,5})-(\d[\w]*(?:-\d[\w]*){0,3})(?![\w-])")
_DEVICE = re.compile(
    r"\b(?:my|our|the)\s+(?:(?:new|old|other|broken)\s+)?"
    r"((?:[A-Z][\w-]*)(?:\s+(?:[A-Z][\w-]*|\d[\w-]*)){0,3}\s+(?:router|hub|phone|tablet|modem|handset|laptop|watch|booster)"
    r"|(?:[A-Z][a-z][\w-]*)\s+(?:[A-Z]{0,3}\d[\w-]*)(?:\s+(?:Pro|Plus|Max|Mini|Lite|Ultra))?)"
)
_PREFERENCE = re.compile(
    r"\b(?:i(?:'d| would)? prefer|i(?:'d| would) rather|i always want|i never want|please always|please never|always (?:send|call|write|use|answer)|"
    r"never (?:send|call|write|use)|(?:please )?(?:don't|do not) (?:ever )?(?:call|ring|text|email|e-mail|write|phone)(?: me)?|"
    r"please (?:call|address) me|call me(?! back)|my name is|(?:please )?(?:answer|write|reply|speak)(?: to me)? in|"
    r"(?:please )?(?:contact|reach|email|e-mail|text) me (?:by|via|on|only|instead)|remember that)\b[^.!?\n]*",
    re.IGNORECASE,
)


def entities_in(text: str, on: date) -> list[Entity]:
    """What `text` names, in its order, each once; relative months are read against the day it was said."""
    text = text[:TEXT_CHARACTERS_MAX]
    found: dict[Entity, None] = {}
    for match in _ID.finditer(text):
        letters = match.group(1).upper()
        if letters.startswith("20") or (letters not in KINDS and match.group(1).islower()):
            continue  # "covid-19", "mid-2026": words, no ids
        found[Entity(kind=KINDS.get(letters, "reference"), value=f"{letters}-{match.group(2)}"[:80])] = None
    for match in _DEVICE.finditer(text):
        found[Entity(kind="device", value=match.group(1)[:80])] = None
    for month in months_in(text, on):
        found[Entity(kind="month", value=month)] = None
    return list(found)[:FOUND_MAX]


def preferences_in(text: str) -> list[str]:
    """What the user says they prefer, in their own words."""
    found = (" ".join(match.group(0).split()) for match in _PREFERENCE.finditer(text[:TEXT_CHARACTERS_MAX]))
    return list(dict.fromkeys(each[:PREFERENCE_CHARACTERS_MAX] for each in found if len(each.split()) > 2))[:FOUND_MAX]


def newest_first(known: Sequence[Entity], said: Iterable[Entity], most: int) -> list[Entity]:
    """`known` after a turn named `said`: each thing once, by the turn that named it last.

    Within a turn what was named first comes first: an invoice's own month stands before the days of its period.
    """
    return list(dict.fromkeys([*said, *known]))[:most]
