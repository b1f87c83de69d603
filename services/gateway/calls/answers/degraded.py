"""What is answered when no model answers: a cached answer with a banner, else a sentence that offers a ticket."""

import time
from typing import Any

from services.gateway.call import ModelCall
from switchboard.contracts.degraded import BANNER

MESSAGE = (
    "I am sorry, I cannot answer that at the moment: our AI service is temporarily limited. "
    "Would you like me to open a support ticket, so that a colleague gets back to you?"
)
MODEL = "switchboard-degraded"


def with_banner(body: dict[str, Any]) -> dict[str, Any] | None:
    """A cached answer's text under the banner, its tool calls left out. None where it has no text."""
    text = ((body.get("choices") or [{}])[0].get("message") or {}).get("content")
    return _said(f"{BANNER}.\n\n{text}", str(body.get("id") or "")) if text else None


def polite(call: ModelCall) -> dict[str, Any]:
    """A sentence that offers a ticket."""
    return _said(MESSAGE, f"chatcmpl-{call.id}")


def _said(text: str, identity: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": None}
    return {
        "id": identity,
        "object": "chat.completion",
        "created": int(time.time()),
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }
