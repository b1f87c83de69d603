"""Fills a tool's arguments from what was said, by the tool's JSON schema."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from switchboard.models.embedded.json_types import is_object
from switchboard.models.embedded.phrasing import content_stems
from switchboard.models.embedded.slots.values import has_pattern, is_date, is_month, spans, values_in
from switchboard.models.embedded.tools.profile import QUERY_NAMES, Parameter, ToolProfile

TEXT_CHARACTERS_MAX = 500
VARIANTS_MAX = 3
_ANAPHORA = re.compile(
    r"\b(?:it|its|that|this|these|those|them|they|same|one|ones|the (?:first|second|last) one|the (?:ticket|order|invoice|bill|payment))\b",
    re.IGNORECASE,
)
_FREE_TEXT = re.compile(
    r"\b(?:words|problem|issue|reason|summary|describe|details?|message|note|comment|wrong|complaint|free text|explanation)\b",
    re.IGNORECASE,
)
_COMPARED = re.compile(r"\b(?:than|versus|vs|compared (?:to|with)|against)\b", re.IGNORECASE)
_NEWEST = re.compile(
    r"\b(?:latest|newest|(?:brand )?new|current|most recent|this time|just (?:come|came|arrived))\b", re.IGNORECASE
)
"""Says which one is meant by itself, whatever was spoken of before."""
_PLACE = re.compile(
    r"\b(?:town|city|area|place|region|country|postcode|address|location|street|where)\b", re.IGNORECASE
)
_SECOND = re.compile(r"compar|previous|before|other|against|second|until|\bto\b|end", re.IGNORECASE)
_PIECES = re.compile(r"(?<=[.!?;])\s++|:\s++|(?<!\s)\s++(?:because|since)\s++|(?<!\s)\s++-\s++", re.IGNORECASE)
_ALTERNATIVES = re.compile(
    r"(?<!\s)\s++(?:and|or|vs\.?|versus|with|to|against|than)\s++(?:(?:the|a|an)\s++)?|(?<!\s)\s*+[,;/]\s++(?:the\s++)?",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"^.*?\b(?:compare|comparison (?:of|between)|difference(?:s)? between|between|better|choose|versus|about|of|for|in|is|are|does|do|the)\b[:,]?\s+",
    re.IGNORECASE,
)
_STRONG_LEAD = re.compile(r"^.*\b(?:between|compar(?:e|ing|ison of)|better|choose|versus)\b[:,]?\s+", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“]([^\"”]{2,80})[\"”]")
_REPLY_LEAD = re.compile(r"^(?:it'?s|it is|the|that'?s|i mean|for|in|my)\s++", re.IGNORECASE)
_NAMES_AND_IDS = re.compile(r"(?<=\s)(?:[A-Z][\w-]*+|[^\s\d]*+\d\S*+)")
_REQUEST = re.compile(
    r"^(?:(?:please|can you|could you|would you|i(?:'d| would) like(?: you)? to|i want(?: you)? to|kindly|hi|hello|hey|yes|ok)[, ]+)*",
    re.I,
)


@dataclass(frozen=True, slots=True)
class SlotContext:
    """Where values may come from: the clause in hand, the whole message, and what was said before, newest first."""

    clause: str
    message: str
    today: date
    earlier_user: Sequence[str] = ()
    earlier: Sequence[str] = ()
    """Of both sides."""
    reply: str = ""
    """The answer to a question for a missing detail."""
    asked: str = ""
    """The name of the parameter that was asked for."""
    continues: bool = False
    """The message leans on what was said before."""
    about: str | None = None
    """The month (`YYYY-MM`) that was spoken of last."""
    elsewhere: Sequence[str] = ()
    """Things the user named in other conversations, newest first: good for looking up, never for changing anything."""


@dataclass(frozen=True, slots=True)
class Filled:
    arguments: dict[str, Any]
    missing: tuple[Parameter, ...] = ()
    others: tuple[dict[str, Any], ...] = field(default=())
    """Further argument sets, where the user named several values of one thing."""


def fill(tool: ToolProfile, said: SlotContext, given: dict[str, Any] | None = None) -> Filled:
    """Arguments of one call. `given` ones are kept as they are."""
    arguments: dict[str, Any] = {}
    missing: list[Parameter] = []
    several: tuple[str, list[Any]] | None = None
    used: list[Any] = []
    for parameter in tool.parameters:
        if given and parameter.name in given:
            arguments[parameter.name] = given[parameter.name]
            continue
        values = [value for value in _stated(parameter, tool, said, used) if not _is_used(value, used)]
        if not values:
            if parameter.required:
                missing.append(parameter)
            continue
        if parameter.schema.get("type") == "array":
            arguments[parameter.name] = values[: int(parameter.schema.get("maxItems") or len(values))]
            if len(values) < int(parameter.schema.get("minItems") or 1):
                missing.append(parameter)
            used += values
            continue
        arguments[parameter.name] = values[0]
        used.append(values[0])
        if len(values) > 1 and several is None:
            several = (parameter.name, values[1:])
    return Filled(arguments, tuple(missing), _variants(tool, said, arguments, several, used))


def _is_used(value: Any, used: list[Any]) -> bool:
    return not isinstance(value, bool) and value in used


def _variants(
    tool: ToolProfile,
    said: SlotContext,
    arguments: dict[str, Any],
    several: tuple[str, list[Any]] | None,
    used: list[Any],
) -> tuple[dict[str, Any], ...]:
    """'for September and October' is two calls; 'higher than October' is not."""
    if several is None or tool.risk != "read" or _COMPARED.search(said.clause):
        return ()
    name, values = several
    rest = [value for value in values if value not in used]
    return tuple({**arguments, name: value} for value in rest[: VARIANTS_MAX - 1])


def _stated(parameter: Parameter, tool: ToolProfile, said: SlotContext, used: Sequence[Any] = ()) -> list[Any]:
    """Values, the best source first: the reply to a question, the clause, the message, what was said before."""
    if said.reply and parameter.name == said.asked:
        if _is_free_text(parameter):
            return [_bounded(said.reply, parameter)]
        values = values_in(parameter, said.reply, said.today) or _free(parameter, tool, said.reply, whole=True)
        if values:
            return values
    if _is_query(parameter):
        return [_bounded(said.clause, parameter)]
    if _is_free_text(parameter):
        return _in_own_words(parameter, tool, said)
    if parameter.schema.get("type") == "array":
        return _several(parameter, tool, said)
    is_time = is_month(parameter) or is_date(parameter)
    for text in filter(None, (said.clause, said.reply, said.message)):
        values = values_in(parameter, text, said.today, said.about)
        if is_time and values and not _SECOND.search(parameter.name):
            # In 'higher than in October' October is what to compare with, not what is asked about.
            values = values_in(parameter, _COMPARED.split(text)[0], said.today, said.about)
            if not values and not parameter.required:
                return []
        if values:
            return values
    values = _open_ended(parameter, tool, _without(said.clause, used))
    if values:
        return values
    if is_time and not parameter.required and _NEWEST.search(said.clause):
        return []
    if parameter.required or said.continues or _ANAPHORA.search(said.clause):
        for text in said.earlier:
            values = values_in(parameter, text, said.today)
            if tool.risk != "read" and text not in said.earlier_user and len(values) > 1:
                return []  # which of the ones we named is the user's to say, where something is changed
            if values and not _is_vague(parameter):
                return values[:1]
    if parameter.required and tool.risk == "read" and has_pattern(parameter):
        for text in said.elsewhere:
            if values := values_in(parameter, text, said.today):
                return values[:1]
    default = parameter.schema.get("default")
    return [default] if parameter.required and default is not None else []


def _without(text: str, used: Sequence[Any]) -> str:
    """`text` without what other parameters took from it."""
    for value in used:
        if isinstance(value, str) and len(value) > 2:
            text = re.sub(re.escape(value), ",", text, flags=re.IGNORECASE)
    return text


def _several(parameter: Parameter, tool: ToolProfile, said: SlotContext) -> list[Any]:
    """Values of a list: known ones by their own names, unknown names as they were said."""
    for text in filter(None, (said.clause, said.message)):
        known = values_in(parameter, text, said.today)
        named = _open_ended(parameter, tool, text)
        if len(named) > len(known):
            return list(dict.fromkeys(next(iter(values_in(parameter, name, said.today)), name) for name in named))
        if known:
            return known
    if said.continues or _ANAPHORA.search(said.clause):
        found = (values_in(parameter, text, said.today) for text in said.earlier)
        return next(filter(None, found), list[Any]())
    return []


def _is_vague(parameter: Parameter) -> bool:
    """Numbers and switches mean nothing outside their own message."""
    return parameter.schema.get("type") in ("integer", "number", "boolean")


def _is_query(parameter: Parameter) -> bool:
    return (
        parameter.name in QUERY_NAMES
        and parameter.schema.get("type", "string") == "string"
        and "enum" not in parameter.schema
    )


def _is_free_text(parameter: Parameter) -> bool:
    schema = parameter.schema
    if schema.get("type", "string") != "string" or any(key in schema for key in ("enum", "pattern", "format", "const")):
        return False
    return _FREE_TEXT.search(f"{parameter.name.replace('_', ' ')} {parameter.description}") is not None


def _in_own_words(parameter: Parameter, tool: ToolProfile, said: SlotContext) -> list[str]:
    """What the user said, in their own words: this message, or the one before where this one only asks for the deed."""
    own = _vocabulary(tool)
    texts = [said.clause, said.message, *(said.earlier_user[:3] if parameter.required else ())]
    for text in texts:
        pieces = [piece for piece in _PIECES.split(text) if _says_more(piece, own)]
        if pieces:
            start = text.index(pieces[0])
            return [_bounded(_REQUEST.sub("", text[start:]), parameter)]
    return []


def _says_more(text: str, own: frozenset[str]) -> bool:
    """Says more than the request for the deed itself; ids say nothing."""
    without_ids = " ".join(each for each in text.split() if not any(character.isdigit() for character in each))
    return any(each not in own for each in content_stems(without_ids))


def _open_ended(parameter: Parameter, tool: ToolProfile, text: str) -> list[str]:
    schema = parameter.schema
    if schema.get("type") == "array":
        items = schema.get("items")
        if not is_object(items) or items.get("type", "string") != "string" or "enum" in items or "pattern" in items:
            return []
        return _names(parameter, tool, text)
    if schema.get("type", "string") != "string" or any(key in schema for key in ("enum", "pattern", "format", "const")):
        return []
    if is_month(parameter) or is_date(parameter):
        return []
    return _free(parameter, tool, text, whole=False)


def _free(parameter: Parameter, tool: ToolProfile, text: str, *, whole: bool) -> list[str]:
    """A name or a thing out of `text`; the `whole` of it where it answers the question for it."""
    schema = parameter.schema
    if schema.get("type", "string") == "array":
        return _names(parameter, tool, text)
    if schema.get("type", "string") != "string" or any(key in schema for key in ("enum", "pattern", "format", "const")):
        return []
    if is_month(parameter) or is_date(parameter):
        return []
    quoted = _QUOTED.findall(text)
    if quoted:
        return [_bounded(quoted[0], parameter)]
    if whole:
        bare = _REPLY_LEAD.sub("", text.strip(" .!"))
        return [_bounded(bare, parameter)] if bare else []
    named = _most_telling(spans(text, _vocabulary(tool)))
    if not parameter.required and not _is_name(named) and not _is_led_to(named, text, parameter):
        return []  # left-over words are no reason to fill what may be left out
    return [_bounded(named, parameter)] if named else []


def _is_led_to(named: str, text: str, parameter: Parameter) -> bool:
    """Words before it say that it is a name, or a place where one can be."""
    leads = "called|named"
    if _PLACE.search(f"{parameter.name.replace('_', ' ')} {parameter.description}"):
        leads += "|in|at|near|around|from|to"
    return re.search(rf"\b(?:{leads})\s+(?:the )?{re.escape(named)}", text) is not None


def _is_name(text: str) -> bool:
    return any(c.isdigit() or c.isupper() for c in text)


def _most_telling(found: list[str]) -> str:
    """Names with digits or capitals before plain words, long before short."""
    return max(found, key=lambda run: (_is_name(run), len(run)), default="")


def _names(parameter: Parameter, tool: ToolProfile, text: str) -> list[str]:
    """Several things named side by side: 'X and Y', 'X vs Y', 'X, Y or Z'."""
    quoted = _QUOTED.findall(text)
    if len(quoted) > 1:
        return quoted
    body = text.strip(" ?.!")
    pieces = [piece for piece in _ALTERNATIVES.split(body) if piece and piece.strip()]
    names: list[str] = []
    for index, piece in enumerate(pieces):
        piece = piece.strip(" ?.!,")
        if index == 0:
            lead = _STRONG_LEAD.match(piece) or _LEAD.match(piece)
            piece = piece[lead.end() :] if lead else piece
        kept = spans(f" {piece}", _vocabulary(tool))
        name = " ".join(kept)
        if name:
            names.append(name)
    if len(names) == 1 and not _is_name(names[0]):
        return []  # 'compare two phones' names a kind of thing, and no thing
    limit = int(parameter.schema.get("maxItems") or 5)
    return list(dict.fromkeys(names))[:limit]


def _vocabulary(tool: ToolProfile) -> frozenset[str]:
    """Stems the tool uses of itself; capitalised words in its examples are somebody's names, not its own."""
    plain = [_NAMES_AND_IDS.sub(" ", example) for example in tool.examples]
    return frozenset(content_stems(" ".join([tool.name.replace("_", " "), tool.purpose, *plain])))


def _bounded(text: str, parameter: Parameter) -> str:
    return " ".join(text.split())[
        : min(TEXT_CHARACTERS_MAX, int(parameter.schema.get("maxLength") or TEXT_CHARACTERS_MAX))
    ]
