"""Tools: typed async methods that a model may call. The JSON schema that the model sees comes from their signature."""

import inspect
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from switchboard.contracts.errors import BadConfiguration, ModelRetry
from switchboard.contracts.tools import ToolOutcome
from switchboard.contracts.turns import HistoryMessage, Principal
from switchboard.models.caller import Lane

TOOL_MARK = "__switchboard_tool__"
"""Where a method keeps that it is a tool: the description for language models, empty where its docstring is that."""
EXAMPLES_MARK = "Examples:"
REFERENCE_DEPTH_MAX = 8

Method = TypeVar("Method", bound=Callable[..., Awaitable[ToolOutcome]])


@dataclass(frozen=True, slots=True)
class ToolContext:
    """Who asks, and in which turn: what a tool knows beyond the model's arguments. The model never sees it."""

    principal: Principal
    turn_id: str
    call_id: str
    """The same for the same call of a redelivered turn: the idempotency key of what the tool writes."""
    conversation_id: str
    message: str
    history: tuple[HistoryMessage, ...] = ()
    lane: Lane = "interactive"
    """Whether somebody waits for the turn."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool, ready to be offered to a model and to be called."""

    name: str
    description: str
    """The docstring, with the users' utterances that the embedded model learns from."""
    properties: Mapping[str, dict[str, Any]]
    """JSON schema by argument, references inlined."""
    required: frozenset[str]
    arguments: type[BaseModel]
    function: Callable[..., Awaitable[ToolOutcome]]
    brief: str
    """What it is for, in a sentence or two: the description for language models."""

    def validate(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as Python values; a null for one that may be left out is one that is left out.

        Raises `ModelRetry` that names what is wrong with which argument.
        """
        given = {name: value for name, value in arguments.items() if value is not None or name in self.required}
        try:
            parsed = self.arguments.model_validate(given)
        except ValidationError as error:
            wrong = [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()[:5]]
            raise ModelRetry(f"The arguments of {self.name} are not valid. {'; '.join(wrong)}.") from error
        return {name: getattr(parsed, name) for name in type(parsed).model_fields}

    async def call(self, context: ToolContext, values: Mapping[str, Any]) -> ToolOutcome:
        """Runs it with values from `validate`. Raises what the tool raises."""
        return await self.function(context, **values)


@overload
def tool(method: Method, /) -> Method: ...


@overload
def tool(*, description: str) -> Callable[[Method], Method]: ...


def tool(method: Method | None = None, /, *, description: str = "") -> Method | Callable[[Method], Method]:
    """Marks an async method `(self, ctx: ToolContext, ...) -> ToolOutcome` as a tool.

    Its docstring is what the embedded model reads; end it with a line `Examples: "..."; "..."` of users' utterances. A
    language model reads `description`, where it is given, else the docstring without the examples: tell there what the
    tool is for, and how it differs from its neighbours. Describe arguments with `Annotated[type, Field(description=...,
    pattern=..., examples=[...])]`; a question to ask when a required one is missing goes into
    `json_schema_extra={"x-ask": "Which month do you mean?"}`.
    """

    def marked(method: Method) -> Method:
        setattr(method, TOOL_MARK, description)
        return method

    return marked(method) if method is not None else marked


def tools_of(holder: object) -> list[Tool]:
    """The tools among an object's methods, by name. Raises `BadConfiguration` for one that is declared wrongly."""
    names = [name for name, member in inspect.getmembers(type(holder)) if hasattr(member, TOOL_MARK)]
    return [build_tool(getattr(holder, name)) for name in names]


def build_tool(function: Callable[..., Awaitable[ToolOutcome]]) -> Tool:
    """Describes one bound method. Raises `BadConfiguration`."""
    name: str = getattr(function, "__name__", "")
    description = inspect.getdoc(function) or ""
    if not inspect.iscoroutinefunction(function):
        raise BadConfiguration(f"The tool {name} must be 'async def'.")
    if not description:
        raise BadConfiguration(f"The tool {name} needs a docstring: it is what the model reads.")
    hints = typing.get_type_hints(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters or hints.get(parameters[0].name) is not ToolContext:
        raise BadConfiguration(f"The first argument of the tool {name} must be 'ctx: ToolContext'.")
    fields: dict[str, Any] = {}
    for parameter in parameters[1:]:
        if parameter.name not in hints:
            raise BadConfiguration(f"The argument {parameter.name} of the tool {name} needs a type.")
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    model = create_model(f"{name}_arguments", __config__=ConfigDict(extra="forbid"), **fields)
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    properties = {key: _plain(value, definitions, 0) for key, value in schema.get("properties", {}).items()}
    brief = getattr(function, TOOL_MARK, "") or description.partition(EXAMPLES_MARK)[0]
    required = frozenset[str](schema.get("required", ()))
    return Tool(name, description, properties, required, model, function, " ".join(brief.split()))


def _plain(schema: Any, definitions: Mapping[str, Any], depth: int) -> Any:
    """A schema without references, generated titles and `null` alternatives: what every model understands."""
    if depth > REFERENCE_DEPTH_MAX:
        raise BadConfiguration("The arguments of a tool must not be recursive types.")
    if isinstance(schema, list):
        return [_plain(each, definitions, depth) for each in typing.cast(list[Any], schema)]
    if not isinstance(schema, dict):
        return schema
    plain: dict[str, Any] = dict(typing.cast(dict[str, Any], schema))
    plain.pop("title", None)
    if plain.get("default", ...) is None:
        del plain["default"]
    if reference := plain.pop("$ref", None):
        plain = {**definitions[str(reference).rsplit("/", 1)[-1]], **plain}
        return _plain(plain, definitions, depth + 1)
    alternatives = [each for each in plain.get("anyOf", ()) if each.get("type") != "null"]
    if len(alternatives) == 1:
        del plain["anyOf"]
        return _plain({**alternatives[0], **plain}, definitions, depth + 1)
    for key in ("anyOf", "items", "prefixItems"):
        if key in plain:
            plain[key] = _plain(plain[key], definitions, depth + 1)
    if isinstance(plain.get("properties"), dict):
        plain["properties"] = {key: _plain(value, definitions, depth + 1) for key, value in plain["properties"].items()}
    return plain
