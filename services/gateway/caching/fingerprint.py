"""The canonical fingerprint of a request: the same for requests that must get the same answer, else another one."""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

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
    answered_to = {key: _plain(value) for key, value in body.items() if key not in NOT_ANSWERED_TO and key != "model"}
    kept = {key: value for key, value in answered_to.items() if value is not None and not _is_default(key, value)}
    return hashlib.sha256(_canonical({"body": kept, "scope": scope})).hexdigest()


def digest(value: Any) -> str:
    """A short fingerprint of any JSON value: 16 hexadecimal digits."""
    return hashlib.sha256(_canonical(_plain(value))).hexdigest()[:16]


def _is_default(key: str, value: Any) -> bool:
    return key in DEFAULTS and type(value) is type(DEFAULTS[key]) and value == DEFAULTS[key]


def _plain(value: Any) -> Any:
    """Whole numbers are the same as integers or as floats."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
