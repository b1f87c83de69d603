"""What may be cached at all. In doubt, not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.gateway.caching.fingerprint import NOT_ANSWERED_TO
from services.gateway.call import Cacheable
from switchboard.caching.digest import digest
from switchboard.caching.semantic.reading import TEXT_CHARACTERS_MAX


@dataclass(frozen=True, slots=True)
class Question:
    """A request whose whole meaning is one question under one prompt."""

    text: str
    prompt: str
    """A digest of everything else in the request: system messages, tools, format, sampling. It is the prompt's version."""


def is_sampled(body: Mapping[str, Any]) -> bool:
    """Whether the caller asks for variety: a temperature above 0 or several choices. Saying nothing asks for none."""
    temperature, choices = body.get("temperature"), body.get("n")
    return (isinstance(temperature, int | float) and temperature > 0) or (isinstance(choices, int) and choices > 1)


def exact_refusal(body: Mapping[str, Any], cacheable: Cacheable) -> str | None:
    """Why a request is not looked up by its fingerprint; None where it is.

    `tool_results`: what a tool returned may be somebody's data, or the trace of an effect; the caller's word does not
    change that. `tools`: the answer may be a call, so the caller must ask for the same one each time, by a temperature
    of 0, or say `yes`.
    """
    if cacheable == "no":
        return "caller"
    if _holds_results(body.get("messages")):
        return "tool_results"
    if cacheable == "yes":
        return None
    if is_sampled(body):
        return "sampling"
    return "tools" if _offers_tools(body) and body.get("temperature") != 0 else None


def question_of(body: Mapping[str, Any], cacheable: Cacheable) -> Question | str:
    """The question that a semantic look-up may go by, or why there is none.

    Beside the reasons of `exact_refusal`: `tools` whatever the temperature, and `history`, where the question hangs on
    what was said before.
    """
    refused = exact_refusal(body, cacheable)
    if refused is not None:
        return refused
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(each, dict) for each in messages):
        return "shape"
    roles = [each.get("role") for each in messages]
    if roles[-1] != "user" or roles.count("user") != 1 or "assistant" in roles:
        return "history"
    if _offers_tools(body) and cacheable != "yes":
        return "tools"
    text = messages[-1].get("content")
    if not isinstance(text, str) or not text.strip() or len(text) > TEXT_CHARACTERS_MAX:
        return "shape"
    rest = {
        key: value for key, value in body.items() if key not in NOT_ANSWERED_TO and key not in ("model", "messages")
    }
    return Question(text.strip(), digest([messages[:-1], rest]))


def answer_text(body: Mapping[str, Any]) -> str | None:
    """The text of an answer that others may get: finished, one choice, no tool call, no refusal. Else None."""
    choices = body.get("choices")
    if not isinstance(choices, list) or len(choices) != 1:
        return None
    message = choices[0].get("message") or {}
    if choices[0].get("finish_reason") != "stop" or message.get("tool_calls") or message.get("refusal"):
        return None
    text = message.get("content")
    return text if isinstance(text, str) and text.strip() else None


def is_whole(body: Mapping[str, Any]) -> bool:
    """Whether an answer is finished, so that it may be given again to the very same request."""
    choices = body.get("choices")
    return bool(choices) and all(each.get("finish_reason") in ("stop", "tool_calls") for each in choices or [])


def _holds_results(messages: Any) -> bool:
    if not isinstance(messages, list):
        return False
    objects = [each for each in messages if isinstance(each, dict)]
    return any(each.get("role") in ("tool", "function") or each.get("tool_calls") for each in objects)


def _offers_tools(body: Mapping[str, Any]) -> bool:
    return bool(body.get("tools") or body.get("functions")) and body.get("tool_choice") != "none"
