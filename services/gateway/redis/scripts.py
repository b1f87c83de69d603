"""Every Lua script that the gateway runs in Redis: a file each beside this one, read once."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LuaScript:
    """A Lua script by its file's name; `text` is its source. Its keys and arguments are described at its head."""

    name: str
    text: str


def _read(name: str) -> LuaScript:
    return LuaScript(name, (Path(__file__).parent / f"{name}.lua").read_text(encoding="utf-8"))


RESERVE, SETTLE, RENEW = _read("reserve"), _read("settle"), _read("renew")
RECORD = _read("record")
BREAKER_FAILED = _read("breaker_failed")
CACHE_GET, CACHE_GET_MANY, CACHE_PUT = _read("cache_get"), _read("cache_get_many"), _read("cache_put")
CACHE_CHANGES, CACHE_IDS = _read("cache_changes"), _read("cache_ids")
PIPED = (RESERVE, SETTLE, RENEW, RECORD, CACHE_GET, CACHE_GET_MANY, CACHE_PUT, CACHE_CHANGES, CACHE_IDS)
"""Those on a call's way: they go over the `Pipe`."""
