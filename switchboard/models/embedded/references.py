"""What a message points at without naming it: 'the second one', 'the other', 'it', after a list or a name was told.

Names are those that the tools' schemas give as examples. What 'the cheaper one' is, only the tool that knows the
values can tell: the name that stands for it here says of what kind it is, and the tool reads the message.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from switchboard.models.embedded.json_types import is_object
from switchboard.models.embedded.phrasing import content_stems
from switchboard.models.embedded.slots.values import named_examples
from switchboard.models.embedded.tools.profile import ToolProfile

EARLIER_MAX = 6
NAMES_MAX = 400
_ORDINALS = {"first": 0, "1st": 0, "former": 0, "second": 1, "2nd": 1, "latter": 1, "third": 2, "3rd": 2, "last": -1}
_ORDINAL = re.compile(
    r"(?:\bthe )?\b(first|second|third|1st|2nd|3rd|former|latter|last)\b(?: (?:one|of (?:the two|them|those|these)))?",
    re.IGNORECASE,
)
_NOT_A_THING = re.compile(
    r"(?<!\s)\s++(?:time|thing|of all|month|year|week|day|bill|invoice|payment|hour|question|floor|line|name|step|night|fee|class)s?\b",
    re.IGNORECASE,
)
"""After an ordinal: something else is counted."""
_OTHER = re.compile(
    r"\b(?:the )?other(?: (?:one|of the two))?\b(?! (?:than|hand|thing|things|day|matter)\b)", re.IGNORECASE
)
_COMPARATIVE = re.compile(
    r"\b(?:the )?(?:more |less )?(?:\w{2,12}er|dear|more \w++|less \w++)(?: (?:one|of (?:the two|them|those|these)))\b"
    r"|\bthe (?:cheaper|dearer|lighter|heavier|larger|bigger|smaller|longer|shorter|faster|slower|newer|older|pricier)\b",
    re.IGNORECASE,
)
_PRONOUN = re.compile(
    r"\b(?:(?:that|this) one|it(?!['’])|(?<!one )(?<!ones )(?<!those )that(?=\W*+$|\s++(?:is|has|have|does|do|comes?|works?|costs?)\b))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Told:
    """Names told before."""

    listed: tuple[str, ...] = ()
    """The newest ones that were told together, in their order."""
    current: str = ""
    """What was spoken of last."""


def told_before(earlier: Sequence[str], tools: Sequence[ToolProfile]) -> Told:
    """What messages of both sides named, the newest first."""
    names = known_names(tools)
    if not names:
        return Told()
    found = [named_examples(names, text) for text in earlier[:EARLIER_MAX]]
    listed = next((each for each in found if len(each) > 1), list[str]())
    current = next((each[0] for each in found if each), "")
    alone = next((each[0] for each in found if len(each) == 1), "")
    return Told(tuple(listed), alone if alone in listed and found[0] == [alone] else current)


def known_names(tools: Sequence[ToolProfile]) -> tuple[str, ...]:
    """Proper names among the examples of the tools' parameters."""
    names: dict[str, None] = {}
    for tool in tools:
        for parameter in tool.parameters:
            items = parameter.schema.get("items")
            for schema in (parameter.schema, items if is_object(items) else {}):
                if not schema.get("pattern"):
                    names |= dict.fromkeys(
                        each for each in schema.get("examples") or () if isinstance(each, str) and each[:1].isupper()
                    )
    return tuple(names)[:NAMES_MAX]


def resolved(message: str, told: Told, names: Sequence[str]) -> str:
    """The message with what it points at named; as it is where it names something itself or points at nothing known."""
    if not (told.listed or told.current) or named_examples(names, message):
        return message
    if told.listed:
        match = _ORDINAL.search(message)
        if match is not None and not _NOT_A_THING.match(message, match.end()):
            place = _ORDINALS[match[1].lower()]
            if -len(told.listed) <= place < len(told.listed):
                return _replaced(message, match, told.listed[place])
        match = _OTHER.search(message)
        others = [each for each in told.listed if each != told.current]
        if match is not None and others:
            return _replaced(message, match, others[0])
        match = _COMPARATIVE.search(message)
        if match is not None:
            return _replaced(message, match, told.listed[0])
    match = _PRONOUN.search(message) if told.current else None
    return _replaced(message, match, f"the {told.current}") if match is not None else message


def repeats(message: str, before: str, names: Sequence[str]) -> str:
    """'The Kestrel 12?' after 'is the X5 heavy?' asks the same of another thing: the message with what was asked before.

    As it is where it asks something itself.
    """
    named = named_examples(names, message)
    if not named or not before or any(stem not in content_stems(named[0]) for stem in content_stems(message)):
        return message
    asked = before
    for each in named_examples(names, before):
        asked = re.sub(rf"\b(?:the )?{re.escape(each)}", "", asked, flags=re.IGNORECASE)
    for pattern in (_COMPARATIVE, _ORDINAL, _OTHER, _PRONOUN):
        asked = pattern.sub("", asked)
    return f"{named[0]}: {asked.strip(' .,!?')}?"


def _replaced(message: str, match: re.Match[str], name: str) -> str:
    return f"{message[: match.start()]}{name}{message[match.end() :]}"
