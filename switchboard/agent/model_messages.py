"""The kernel's chat history as the messages of a request, in the strict form that every provider takes; and shorter."""

import re
from collections.abc import Sequence
from typing import Any, Final

import orjson
from semantic_kernel.contents import (
    AuthorRole,
    ChatHistory,
    ChatMessageContent,
    FunctionCallContent,
    FunctionResultContent,
)

Message = dict[str, Any]

RESULT_CHARACTERS_MIN: Final = 2_000
"""A tool's result is not cut below this."""
CUT: Final = " … (cut here)"
NO_NAME: Final = "unknown"
NAME_CHARACTERS_MAX: Final = 64
_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9_-]")


def messages_of(history: ChatHistory) -> list[Message]:
    """OpenAI's messages. An assistant's that calls tools says `content: null` where it says nothing, as providers ask."""
    return [message for each in history.messages for message in _messages(each)]


def shorter(messages: Sequence[Message]) -> list[Message] | None:
    """The same with less of what was said before, then without, then with shorter tool results. None: no shorter one.

    The system message, the customer's last message and what follows it stay.
    """
    last_user = max((n for n, each in enumerate(messages) if each["role"] == "user"), default=0)
    first = 1 if messages and messages[0]["role"] == "system" else 0
    earlier = last_user - first
    if earlier > 0:
        left = earlier // 2 if earlier > 3 else 0
        left -= left % 2  # a customer's message comes first again
        return [*messages[:first], *messages[last_user - left :]]
    longest = max((len(each["content"] or "") for each in messages if each["role"] == "tool"), default=0)
    if longest <= RESULT_CHARACTERS_MIN:
        return None
    most = max(RESULT_CHARACTERS_MIN, longest // 4)
    return [_cut(each, most) if each["role"] == "tool" else each for each in messages]


def _results(messages: Sequence[ChatMessageContent]) -> list[FunctionResultContent]:
    return [item for message in messages for item in message.items if isinstance(item, FunctionResultContent)]


def _messages(message: ChatMessageContent) -> list[Message]:
    if message.role == AuthorRole.TOOL:
        return [
            {"role": "tool", "tool_call_id": each.id or "", "content": str(each.result)} for each in _results([message])
        ]
    said: Message = {"role": message.role.value, "content": message.content}
    calls = [item for item in message.items if isinstance(item, FunctionCallContent)]
    if calls:
        said = {**said, "content": message.content if message.content.strip() else None}
        said["tool_calls"] = [_call(each) for each in calls]
    return [said]


def _call(call: FunctionCallContent) -> Message:
    """As providers take it back: a name of allowed characters, and arguments that are a JSON object."""
    name = _NOT_IN_A_NAME.sub("_", call.name or NO_NAME)[:NAME_CHARACTERS_MAX]
    return {"id": call.id, "type": "function", "function": {"name": name, "arguments": _object(call.arguments)}}


def _object(arguments: Any) -> str:
    if isinstance(arguments, str):
        try:
            parsed: Any = orjson.loads(arguments)
        except orjson.JSONDecodeError:
            return "{}"
        return arguments if isinstance(parsed, dict) else "{}"
    return orjson.dumps(dict(arguments or {})).decode()


def _cut(message: Message, characters_max: int) -> Message:
    content: str = message["content"] or ""
    return message if len(content) <= characters_max else {**message, "content": content[:characters_max] + CUT}
