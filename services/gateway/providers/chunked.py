"""A whole answer as a stream of chunks: what the embedded model, a cache hit and a cascade give to a caller that streams."""

from collections.abc import Iterator
from typing import Any

import orjson

from switchboard.contracts.sse import encode

CHUNK_WORDS = 3
DONE = encode(b"[DONE]")


def events_of(body: dict[str, Any]) -> bytes:
    """The events of a `chat.completion`, the last one its usage, without `[DONE]`."""
    return b"".join(encode(orjson.dumps(chunk)) for chunk in _chunks(body))


class WholeStream:
    """`EventBytes` of an answer that is there already: one read gives all of it."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._data = events_of(body) + DONE

    async def read(self) -> bytes:
        data, self._data = self._data, b""
        return data

    async def finish(self) -> None: ...

    async def close(self) -> None: ...


def _chunks(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    head = {key: body.get(key) for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    for whole in body.get("choices") or []:
        index, message = whole.get("index", 0), whole.get("message") or {}

        def chunk(delta: dict[str, Any], finish_reason: str | None = None, index: int = index) -> dict[str, Any]:
            choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
            return {**head, "choices": [choice]}

        calls = message.get("tool_calls") or []
        yield chunk({"role": "assistant", "content": None if calls else ""})
        for number, call in enumerate(calls):
            function = call.get("function") or {}
            opened = {**call, "index": number, "function": {"name": function.get("name"), "arguments": ""}}
            yield chunk({"tool_calls": [opened]})
            arguments = {"index": number, "function": {"arguments": function.get("arguments") or ""}}
            yield chunk({"tool_calls": [arguments]})
        for key in ("content", "refusal"):
            for text in _pieces(message.get(key) or ""):
                yield chunk({key: text})
        yield chunk({}, whole.get("finish_reason") or "stop")
    if isinstance(body.get("usage"), dict):
        yield {**head, "choices": [], "usage": body["usage"]}


def _pieces(text: str) -> list[str]:
    """`text` in runs of a few words; joined they are `text` again."""
    words = text.split(" ")
    runs = [" ".join(words[start : start + CHUNK_WORDS]) for start in range(0, len(words), CHUNK_WORDS)] if text else []
    return [run if index == 0 else f" {run}" for index, run in enumerate(runs)]
