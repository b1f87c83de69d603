"""Tool calls out of a stream's pieces, in all the ways in which providers cut them.

OpenAI numbers the calls and gives each name and id once; others leave the number out, give every call the number 0, or
repeat the name with every piece.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CALLS_MAX = 64
"""Of one answer; a model that goes on calling has lost its way."""


@dataclass(slots=True)
class ToolCallParts:
    """One call as far as it has come; `arguments` is JSON, perhaps not yet, perhaps never."""

    id: str = ""
    name: str = ""
    arguments: str = ""

    def add(self, piece: Mapping[str, Any]) -> None:
        function: Mapping[str, Any] = piece.get("function") or {}
        self.id = self.id or str(piece.get("id") or "")
        self.name = self.name or str(function.get("name") or "")
        self.arguments += str(function.get("arguments") or "")


class StreamedToolCalls:
    """The calls of one answer, in the order in which they began."""

    def __init__(self) -> None:
        self._calls: list[ToolCallParts] = []
        self._latest: dict[int, ToolCallParts] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, pieces: Iterable[Mapping[str, Any]]) -> None:
        """The `tool_calls` of one delta."""
        for piece in pieces:
            call = self._of(piece)
            if call is not None:
                call.add(piece)

    def whole(self) -> Sequence[ToolCallParts]:
        """Each with an id: a result must be told to which call it belongs."""
        for call in self._calls:
            call.id = call.id or f"call_{uuid.uuid4().hex[:24]}"
        return tuple(self._calls)

    def _of(self, piece: Mapping[str, Any]) -> ToolCallParts | None:
        """The call that a piece goes on with, or a new one; None beyond the bound."""
        number = piece.get("index")
        index = number if isinstance(number, int) else 0
        call, given_id = self._latest.get(index), str(piece.get("id") or "")
        function: Mapping[str, Any] = piece.get("function") or {}
        named = bool(function.get("name"))
        is_another = call is not None and (
            (given_id != "" and call.id not in ("", given_id)) or (number is None and named and not given_id)
        )
        if call is not None and not is_another:
            return call
        if len(self._calls) >= CALLS_MAX:
            return None
        self._latest[index] = ToolCallParts()
        self._calls.append(self._latest[index])
        return self._latest[index]
