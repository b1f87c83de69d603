"""The canonical fingerprint of a request: the same for requests that must get the same answer, else another one."""

import hashlib
from collections.abc import Mapping
from typing import Any

from switchboard.caching.digest import canonical, plain

NOT_ANSWERED_TO = frozenset(
    ["stream", "stream_options", "user", "safety_identifier", "metadata", "store", "service_tier", "prompt_cache_key"]
)
"""Fields that say how the answer travels or is accounted for. Every other field counts, known or not."""
DEFAULTS: Mapping[str, Any] = {
    "n": 1, "frequency_penalty": 0, "presence_penalty": 0, "logprobs": False, "top_p": 1, "tools": [], "stop": None,
    "parallel_tool_calls": True,
}  # fmt: skip
"""Saying a default is the same as not saying it. `null` is the same as nothing, too."""


def fingerprint(body: Mapping[str, Any], **scope: str) -> str:
    """SHA-256, hexadecimal, of what changes the answer to `body`, within `scope` (tenant, alias, ...).

    The order of lists counts (messages, tools), that of an object's keys does not. Texts are compared to the letter.
    """
    answered_to = {key: plain(value) for key, value in body.items() if key not in NOT_ANSWERED_TO and key != "model"}
    kept = {key: value for key, value in answered_to.items() if value is not None and not _is_default(key, value)}
    return hashlib.sha256(canonical({"body": kept, "scope": scope})).hexdigest()


def _is_default(key: str, value: Any) -> bool:
    return key in DEFAULTS and type(value) is type(DEFAULTS[key]) and value == DEFAULTS[key]
