"""Whether a small model's answer is good enough, by rule."""

import re
from typing import Any

from services.gateway.policy.models import CascadeChecks

REFUSAL = re.compile(
    r"\b(i(?:'m| am)? (?:sorry|afraid)\b.{0,40}\b(?:can(?:'|no)?t|cannot|unable)|i (?:can(?:'|no)?t|cannot|am unable to|"
    r"am not able to|won't) (?:help|assist|answer|do that|provide|comply)|as an ai\b|i (?:do not|don't) know\b)",
    re.IGNORECASE,
)


def fault_of(answer: dict[str, Any], asked: dict[str, Any], checks: CascadeChecks) -> str:
    """The check that a `chat.completion` fails: `tool_needed`, `refusal` or `too_short`; empty where it is taken."""
    choices = answer.get("choices") or [{}]
    message = choices[0].get("message") or {}
    called = bool(message.get("tool_calls"))
    text = str(message.get("content") or "").replace("’", "'")
    if checks.tool_needed and not called and needs_tool(asked):
        return "tool_needed"
    refused = bool(message.get("refusal")) or choices[0].get("finish_reason") == "content_filter"
    if checks.refusal and (refused or (not called and REFUSAL.search(text))):
        return "refusal"
    if not called and len(text.strip()) < checks.characters_min:
        return "too_short"
    return ""


def needs_tool(asked: dict[str, Any]) -> bool:
    """The caller wants a tool to be called: any, or one by its name."""
    choice = asked.get("tool_choice")
    return bool(asked.get("tools")) and (choice == "required" or isinstance(choice, dict))
