"""What the model knows of a tool: the sentences of its description, the utterances it names, the risk it carries."""

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from switchboard.models.embedded.completion import ToolSpec
from switchboard.models.embedded.json_types import is_list, is_object
from switchboard.models.embedded.phrasing import content_stems
from switchboard.text.sentences import sentences
from switchboard.text.spaces import collapsed

SEARCH = "search_knowledge"
EXAMPLES_MAX = 40
UTTERANCES_MAX = 200
KEPT_MAX, KEPT_BYTES_MAX = 512, 32_768
"""Profiles kept, and of how long declarations."""
_EXAMPLES = re.compile(r"\bExamples?:\s*(.+)$", re.IGNORECASE | re.DOTALL)
_ASIDE = re.compile(r"[,;:(]|\be\.g\.|\bsuch as\b|\bas YYYY")
_ARTICLE = re.compile(r"^(?:the|a|an)\s++", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“]([^\"”]{2,200})[\"”]")
_EFFECT_VERBS = frozenset(
    [
        "open",
        "create",
        "request",
        "cancel",
        "submit",
        "order",
        "book",
        "update",
        "change",
        "set",
        "delete",
        "remove",
        "reserve",
        "renew",
        "send",
        "activate",
        "add",
    ]
)
QUERY_NAMES = frozenset(["query", "question", "q", "search", "search_query", "text_query", "search_text"])

Risk = Literal["read", "write", "money"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a tool."""

    name: str
    schema: Mapping[str, Any]
    required: bool

    @property
    def description(self) -> str:
        return str(self.schema.get("description") or "")

    @property
    def question(self) -> str:
        """What to ask a user who left it out: the schema's `x-ask`, else built from the description."""
        asked = self.schema.get("x-ask")
        if isinstance(asked, str) and asked.strip():
            return asked.strip()
        noun = sentences(self.description)[0].rstrip(".") if self.description else self.name.replace("_", " ")
        noun = _ASIDE.split(noun, maxsplit=1)[0].strip() or self.name
        noun = _ARTICLE.sub("", noun)
        noun = noun[:1].lower() + noun[1:] if not noun[1:2].isupper() else noun
        if noun.lower().startswith(("which ", "what ", "how ", "when ", "where ", "who ")):
            return f"{noun[:1].upper()}{noun[1:]}?"
        return f"Which {noun} do you mean?"


@dataclass(frozen=True, slots=True)
class ToolProfile:
    spec: ToolSpec
    purpose: str
    """The first sentence of the description."""
    sentences: tuple[str, ...]
    examples: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    risk: Risk
    name: str
    """Without the plugin in front of it."""
    vocabulary: frozenset[str]
    """Stems of what it says of itself: its name, its description, its examples."""
    deed: frozenset[str]
    """Stems of its name, its purpose and its examples: who asks for what it does uses one of them."""
    utterances: tuple[str, ...] = ()
    """What people say who want it: `x-utterances` of its parameters' schema."""
    near_misses: tuple[str, ...] = ()
    """What sounds like it and asks for something else: `x-not`."""
    spoken: frozenset[str] = frozenset()
    """Stems of its vocabulary and its utterances."""

    @property
    def found_by(self) -> Mapping[str, str]:
        """Of a required argument that was left out, the reading tool whose offer states it: the schema's `x-found-by`."""
        declared = ((each.name, each.schema.get("x-found-by")) for each in self.parameters if each.required)
        return {name: tool for name, tool in declared if isinstance(tool, str) and tool}

    @property
    def is_search(self) -> bool:
        return self.name == SEARCH

    @property
    def said(self) -> tuple[str, ...]:
        """All that people say who want it; empty where only its description names some."""
        return (*self.utterances, *self.examples) if self.utterances else ()


class ToolProfiles:
    """Profiles of declared tools, kept: an agent declares the same tools with every request."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, ToolProfile] = OrderedDict()

    def of(self, spec: ToolSpec) -> ToolProfile:
        key = orjson.dumps((spec.name, spec.description, spec.parameters))
        profile = self._kept.get(key)
        if profile is not None:
            self._kept.move_to_end(key)
            return profile
        profile = tool_profile_of(spec)
        if len(key) <= KEPT_BYTES_MAX:
            self._kept[key] = profile
            if len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        return profile


def tool_profile_of(spec: ToolSpec) -> ToolProfile:
    """Reads a declared tool."""
    description = spec.description.strip()
    listed = _EXAMPLES.search(description)
    prose = description[: listed.start()] if listed else description
    examples = tuple(_QUOTED.findall(listed.group(1))[:EXAMPLES_MAX]) if listed else ()
    prose_sentences = tuple(sentences(collapsed(prose)))
    name = spec.bare_name
    spoken = name.replace("_", " ")
    purpose = prose_sentences[0] if prose_sentences else spoken
    prose_sentences = prose_sentences or (purpose,)
    vocabulary = frozenset(content_stems(" ".join([spoken, *prose_sentences, *examples])))
    utterances = _listed(spec.parameters.get("x-utterances"))
    return ToolProfile(
        spec,
        purpose,
        prose_sentences,
        examples,
        _parameters(spec.parameters),
        _risk(spec, prose),
        name,
        vocabulary=vocabulary,
        deed=frozenset(content_stems(" ".join([spoken, purpose, *examples]))),
        utterances=utterances,
        near_misses=_listed(spec.parameters.get("x-not")),
        spoken=vocabulary.union(*map(content_stems, utterances)),
    )


def _listed(declared: Any) -> tuple[str, ...]:
    return tuple(str(each) for each in declared[:UTTERANCES_MAX] if str(each).strip()) if is_list(declared) else ()


def _parameters(schema: Mapping[str, Any]) -> tuple[Parameter, ...]:
    properties = schema.get("properties")
    required = schema.get("required")
    if not is_object(properties):
        return ()
    wanted: set[str] = set(required) if is_list(required) else set()
    declared_types = schema.get("$defs")
    definitions: dict[str, Any] = declared_types if is_object(declared_types) else {}
    return tuple(
        Parameter(name, resolved(declared, definitions), name in wanted)
        for name, declared in properties.items()
        if is_object(declared)
    )


def resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema without `$ref` and without an `anyOf` that only adds null."""
    reference = schema.get("$ref")
    if isinstance(reference, str):
        target = definitions.get(reference.rsplit("/", 1)[-1])
        if is_object(target):
            schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    for keyword in ("anyOf", "oneOf", "allOf"):
        options = schema.get(keyword)
        if is_list(options):
            real = [option for option in options if is_object(option) and option.get("type") != "null"]
            if real:
                rest = {key: value for key, value in schema.items() if key != keyword}
                schema = {**resolved(real[0], definitions), **rest}
    kind = schema.get("type")
    if is_list(kind):
        schema = {**schema, "type": next((name for name in kind if name != "null"), "string")}
    return schema


def _risk(spec: ToolSpec, prose: str) -> Risk:
    stated = spec.parameters.get("x-risk")
    properties = spec.parameters.get("properties")
    if stated is None and is_object(properties):
        stated = next((p["x-risk"] for p in properties.values() if is_object(p) and "x-risk" in p), None)
    if stated == "money":
        return "money"
    if stated == "write":
        return "write"
    if stated == "read":
        return "read"
    if "changes data" in prose.lower() or spec.bare_name.split("_")[0] in _EFFECT_VERBS:
        return "write"
    return "read"
