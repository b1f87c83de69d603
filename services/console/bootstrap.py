"""Wires the console: settings, keys, span store."""

from dataclasses import dataclass
from typing import Any

from services.console.settings import ConsoleSettings
from switchboard.identity.keys import ApiKeys, KeyFile, load_key_file
from switchboard.telemetry.spans import STORE_FILE, SpanStore

DEMO_PREFIX = "demo-"
"""Only keys that start so are ever handed to a browser."""


@dataclass(frozen=True, slots=True)
class Console:
    """What the routes need."""

    settings: ConsoleSettings
    keys: ApiKeys
    demo_keys: list[dict[str, Any]]
    """For the page's picker: key, name, tenant, user, tier, roles. Empty outside the demo."""
    store: SpanStore


def open_console(settings: ConsoleSettings) -> Console:
    """Raises `BadConfiguration` for unreadable keys and `Unavailable` for an unusable data directory."""
    file = load_key_file(settings.keys_file)
    return Console(
        settings=settings,
        keys=ApiKeys(file),
        demo_keys=demo_keys(file),
        store=SpanStore(settings.data_dir / STORE_FILE, spans_max=settings.spans_max),
    )


def demo_keys(file: KeyFile) -> list[dict[str, Any]]:
    """The keys that anybody may know, as JSON."""
    return [
        entry.model_dump(mode="json", exclude={"sha256"})
        for entry in file.keys
        if entry.key is not None and entry.key.startswith(DEMO_PREFIX)
    ]
