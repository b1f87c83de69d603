"""A short fingerprint of any JSON value: the same for values that mean the same."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson


def digest(value: Any) -> str:
    """16 hexadecimal digits. The order of lists counts, that of an object's keys does not."""
    return hashlib.sha256(canonical(value)).hexdigest()[:16]


def canonical(value: Any) -> bytes:
    """The JSON that stands for `value` and for whatever means the same."""
    return orjson.dumps(plain(value), option=orjson.OPT_SORT_KEYS)


def plain(value: Any) -> Any:
    """Whole numbers are the same as integers or as floats."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in cast(Mapping[Any, Any], value).items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in cast(Sequence[Any], value)]
    return value
