"""What a model reads of a tool and of its outcome: one rendering for the embedded model, one for language models (ADR 0023).

The embedded model learns from utterances, patterns and the outcome as it is. A language model wants a short description, a
schema that any provider accepts (the keywords of OpenAI's strict mode), and of an outcome only what it can use.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol, cast

import orjson

from switchboard.agent.tool import EXAMPLES_MARK, Tool
from switchboard.agent.utterances import NONE, Utterances
from switchboard.contracts.tools import ToolOutcome

CHANGES_DATA: Final = "It changes data"
"""The embedded model reads a tool's risk from these words; when to call such a tool is a rule of the prompt."""
NOTHING_FOUND: Final = "Nothing was found."
SCHEMA_KEYWORDS: Final = (
    "type",
    "description",
    "enum",
    "const",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "items",
    "minItems",
    "maxItems",
    "anyOf",
    "properties",
    "required",
)
"""What a language model is told of a schema. The others (`x-…`, defaults, patterns, lengths) some provider refuses; what
does not fit is told to the model when it is called."""


class ToolRendering(Protocol):
    """Shared by concurrent turns."""

    def declared(self, tool: Tool, *, changes_data: bool) -> dict[str, Any]:
        """The tool as OpenAI's `tools` has it."""
        ...

    def told(self, outcome: ToolOutcome) -> str:
        """The outcome as the content of a tool message: JSON."""
        ...


class EmbeddedRendering:
    """Everything that there is: the embedded model has no other knowledge."""

    def __init__(self, utterances: Utterances = NONE) -> None:
        self._utterances = utterances

    def declared(self, tool: Tool, *, changes_data: bool) -> dict[str, Any]:
        """The docstring with its utterances, and the arguments' schemas as they are."""
        description = tool.description
        if changes_data:
            prose, mark, examples = description.partition(EXAMPLES_MARK)
            asked = f"{CHANGES_DATA}: call it only when the user asks for it or agrees to it."
            description = f"{prose.rstrip()} {asked}\n\n{mark}{examples}".rstrip()
        return self._utterances.added_to(_function(tool, description, dict(tool.properties)))

    def told(self, outcome: ToolOutcome) -> str:
        """All that is set."""
        return outcome.model_dump_json(exclude_defaults=True)


class LanguageRendering:
    """What a language model needs, and no more."""

    def declared(self, tool: Tool, *, changes_data: bool) -> dict[str, Any]:
        """The brief description, and of the schemas what every provider takes."""
        description = f"{tool.brief} {CHANGES_DATA}." if changes_data else tool.brief
        function = _function(tool, description, {name: _schema(each) for name, each in tool.properties.items()})
        function["function"]["parameters"]["additionalProperties"] = False
        return function

    def told(self, outcome: ToolOutcome) -> str:
        """Facts, the passages' words, what may be offered, and the data without what is empty."""
        told: dict[str, Any] = {
            "facts": outcome.facts,
            "passages": [{"n": each.n, "title": each.title, "text": each.text} for each in outcome.passages],
            "offer": outcome.offer.question if outcome.offer else None,
            "offer_if_unanswered": outcome.offer_unanswered.question if outcome.offer_unanswered else None,
            "data": outcome.data,
        }
        found = _filled(told)
        if not outcome.facts and not outcome.passages:
            found = {"facts": [NOTHING_FOUND], **found}
        return orjson.dumps(found).decode()


def _function(tool: Tool, description: str, properties: dict[str, Any]) -> dict[str, Any]:
    required = [name for name in properties if name in tool.required]
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "function": {"name": tool.name, "description": description, "parameters": parameters}}


def _schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords that every provider takes. For a pattern stands its first example, in the description."""
    kept: dict[str, Any] = {key: schema[key] for key in SCHEMA_KEYWORDS if key in schema}
    if "pattern" in schema and schema.get("examples"):
        described = str(kept.get("description") or "").rstrip()
        kept["description"] = f"{described} Such as {schema['examples'][0]}.".lstrip()
    if isinstance(kept.get("items"), dict):
        kept["items"] = _schema(kept["items"])
    if isinstance(kept.get("anyOf"), list):
        kept["anyOf"] = [_schema(each) for each in kept["anyOf"]]
    if isinstance(kept.get("properties"), dict):
        properties = cast(dict[str, Mapping[str, Any]], kept["properties"])
        kept["properties"] = {name: _schema(each) for name, each in properties.items()}
        kept["additionalProperties"] = False
    return kept


def _filled(value: Any) -> Any:
    """Without nulls, empty texts, lists and objects."""
    if isinstance(value, dict):
        parts = {key: _filled(each) for key, each in cast(dict[str, Any], value).items()}
        return {key: each for key, each in parts.items() if each not in (None, "", [], {})}
    if isinstance(value, list):
        return [_filled(each) for each in cast(list[Any], value)]
    return value
