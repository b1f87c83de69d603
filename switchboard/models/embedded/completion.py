"""The embedded model's view of a chat request, and what it replies. Wire shapes are OpenAI's chat completions."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson

from switchboard.contracts.errors import InvalidRequest
from switchboard.models.embedded.json_types import is_list, is_object

MESSAGES_MAX = 400
TOOLS_MAX = 128


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the model makes (or made earlier)."""

    name: str
    arguments: dict[str, Any]
    id: str = ""


@dataclass(frozen=True, slots=True)
class CompletionMessage:
    role: str
    """system, user, assistant or tool; `developer` reads as system."""
    text: str
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""
    """Of a tool message: the call it answers."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the request declares it."""

    name: str
    description: str
    parameters: Mapping[str, Any]

    @property
    def bare_name(self) -> str:
        """The name without the plugin in front of it, as frameworks write it (`billing-find_invoice`)."""
        for separator in ("-", ".", "__"):
            if separator in self.name:
                return self.name.rsplit(separator, 1)[1]
        return self.name


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    messages: tuple[CompletionMessage, ...]
    tools: tuple[ToolSpec, ...]
    forced: str | None = None
    """`required`, or the name of the one tool the caller forces."""
    parallel: bool = True
    schema: Mapping[str, Any] | None = None
    """Of the JSON the caller wants instead of prose."""

    @property
    def system(self) -> str:
        return "\n".join(message.text for message in self.messages if message.role == "system")

    @property
    def results(self) -> tuple[CompletionMessage, ...]:
        """Tool results that came after the last user message."""
        return tuple(message for message in self.messages[self.last_user + 1 :] if message.role == "tool")

    @property
    def last_user(self) -> int:
        """Index of the last user message; -1 where there is none."""
        return max((index for index, message in enumerate(self.messages) if message.role == "user"), default=-1)

    @property
    def calls_made(self) -> tuple[ToolCall, ...]:
        """Calls made since the last user message."""
        return tuple(call for message in self.messages[self.last_user + 1 :] for call in message.calls)

    def tool(self, name: str) -> ToolSpec | None:
        """By its full or its bare name."""
        exact = next((tool for tool in self.tools if tool.name == name), None)
        return exact or next((tool for tool in self.tools if tool.bare_name == name.rsplit("-", 1)[-1]), None)


@dataclass(frozen=True, slots=True)
class CompletionReply:
    """Text, or tool calls; never both."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def finish_reason(self) -> str:
        return "tool_calls" if self.calls else "stop"


def completion_request_of(body: Mapping[str, Any]) -> CompletionRequest:
    """Reads a request's body. Raises `InvalidRequest` with the field that is wrong."""
    raw = body.get("messages")
    if not is_list(raw) or not raw:
        raise InvalidRequest("'messages' must be a list with at least one message.")
    if len(raw) > MESSAGES_MAX:
        raise InvalidRequest(f"'messages' holds more than {MESSAGES_MAX} messages.")
    messages = tuple(_message(item, index) for index, item in enumerate(raw))
    if int(body.get("n") or 1) != 1:
        raise InvalidRequest("'n' other than 1 is not supported by the embedded model.")
    choice = body.get("tool_choice")
    forced: str | None = None
    if is_object(choice):
        function: dict[str, Any] = choice.get("function") or {}
        forced = str(function.get("name") or "") or None
    elif choice == "required":
        forced = "required"
    tools = () if choice == "none" else _tools(body.get("tools"))
    return CompletionRequest(
        messages=messages,
        tools=tools,
        forced=forced,
        parallel=body.get("parallel_tool_calls") is not False,
        schema=_schema(body.get("response_format")),
    )


def _message(item: Any, index: int) -> CompletionMessage:
    if not is_object(item) or not isinstance(item.get("role"), str):
        raise InvalidRequest(f"'messages[{index}]' must be an object with a 'role'.")
    role = {"developer": "system", "function": "tool"}.get(item["role"], item["role"])
    if role not in ("system", "user", "assistant", "tool"):
        raise InvalidRequest(f"'messages[{index}].role' must be system, developer, user, assistant or tool.")
    calls = tuple(_call(call, index) for call in item.get("tool_calls") or ())
    return CompletionMessage(role, _text(item.get("content"), index), calls, str(item.get("tool_call_id") or ""))


def _text(content: Any, index: int) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if is_list(content):
        parts = [part for part in content if is_object(part)]
        if all(part.get("type") in ("text", "refusal") for part in parts):
            return "\n".join(str(part.get("text") or part.get("refusal") or "") for part in parts)
    raise InvalidRequest(f"'messages[{index}].content' must be text: the embedded model reads nothing else.")


def _call(call: Any, index: int) -> ToolCall:
    function = call.get("function") if is_object(call) else None
    if not is_object(call) or not is_object(function) or not isinstance(function.get("name"), str):
        raise InvalidRequest(f"'messages[{index}].tool_calls' must hold function calls.")
    arguments: Any = None
    with suppress(orjson.JSONDecodeError):
        arguments = orjson.loads(function.get("arguments") or "{}")
    return ToolCall(function["name"], arguments if is_object(arguments) else {}, str(call.get("id") or ""))


def _tools(raw: Any) -> tuple[ToolSpec, ...]:
    if raw is None:
        return ()
    if not is_list(raw) or len(raw) > TOOLS_MAX:
        raise InvalidRequest(f"'tools' must be a list of at most {TOOLS_MAX} functions.")
    tools: list[ToolSpec] = []
    for index, item in enumerate(raw):
        function = item.get("function") if is_object(item) else None
        if not is_object(function) or not isinstance(function.get("name"), str):
            raise InvalidRequest(f"'tools[{index}].function' must be an object with a 'name'.")
        parameters = function.get("parameters")
        tools.append(
            ToolSpec(
                function["name"],
                str(function.get("description") or ""),
                parameters if is_object(parameters) else {},
            )
        )
    return tuple(tools)


def _schema(response_format: Any) -> Mapping[str, Any] | None:
    if not is_object(response_format) or response_format.get("type") in (None, "text"):
        return None
    if response_format["type"] == "json_schema":
        declared: dict[str, Any] = response_format.get("json_schema") or {}
        if is_object(schema := declared.get("schema")):
            return schema
    raise InvalidRequest("The embedded model supports 'response_format' only as text or as a json_schema.")
