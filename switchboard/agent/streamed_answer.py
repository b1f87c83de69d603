"""One model call's answer, read while it streams: what it says, what it calls, how it ended."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from semantic_kernel.contents import FunctionCallContent

from switchboard.contracts.events import Usage
from switchboard.contracts.model_errors import CONTENT_FILTER
from switchboard.models.tool_call_parts import StreamedToolCalls

LENGTH: Final = "length"
"""The `finish_reason` of an answer that reached the model's most tokens."""
NAMESPACE: Final = "functions."
"""Some models put it before the name of a tool."""
PICOUSD_PER_USD: Final = 10**12


class StreamedAnswer:
    """Not shared."""

    def __init__(self) -> None:
        self.text = ""
        """What was given so far."""
        self.finish_reason = ""
        """As the provider told it; empty where the stream ended without one, which ends an answer like `stop`."""
        self.is_refused = False
        """The model, or its provider's filter, declined."""
        self._calls = StreamedToolCalls()
        self._leading_space = ""

    @property
    def calls(self) -> list[FunctionCallContent]:
        """The tool calls, once the stream is over."""
        return [
            FunctionCallContent(id=call.id, name=call.name.removeprefix(NAMESPACE), arguments=call.arguments)
            for call in self._calls.whole()
        ]

    @property
    def is_empty(self) -> bool:
        """Nothing was said and nothing called: empty, white space only, or a refusal."""
        return not self.text and not self._calls

    def read(self, chunks: Sequence[Mapping[str, Any]]) -> tuple[str, Usage | None]:
        """The text in `chunks` that can be given now, and the usage. White space waits for a word that follows it."""
        text, usage = "", None
        for chunk in chunks:
            if isinstance(chunk.get("usage"), dict):
                usage = usage_of(chunk["usage"])
            for choice in chunk.get("choices") or ():
                text += self._delta(choice)
        if not self.text:
            text = self._leading_space + text
            if not text.strip():
                self._leading_space, text = text, ""
        self.text += text
        return text, usage

    def _delta(self, choice: Mapping[str, Any]) -> str:
        delta: Mapping[str, Any] = choice.get("delta") or {}
        self.finish_reason = str(choice.get("finish_reason") or "") or self.finish_reason
        self.is_refused = self.is_refused or bool(delta.get("refusal")) or self.finish_reason == CONTENT_FILTER
        self._calls.add(delta.get("tool_calls") or ())
        return str(delta.get("content") or "")


def usage_of(usage: Mapping[str, Any]) -> Usage:
    """Of one model call, by the gateway's usage. Other gateways tell the cost in dollars only, or not at all."""
    cost_picousd = usage.get("cost_picousd")
    return Usage(
        prompt_tokens=usage.get("prompt_tokens") or 0,
        completion_tokens=usage.get("completion_tokens") or 0,
        model_calls=1,
        cached_calls=1 if usage.get("cache") else 0,
        cost_picousd=cost_picousd
        if isinstance(cost_picousd, int)
        else round((usage.get("cost_usd") or 0) * PICOUSD_PER_USD),
    )
