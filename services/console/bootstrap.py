"""Wires the console: settings, keys, span store."""

from dataclasses import dataclass

from services.console.keys import Keys, read_keys
from services.console.settings import ConsoleSettings
from switchboard.telemetry.spans import STORE_FILE, SpanStore


@dataclass(frozen=True, slots=True)
class Console:
    """What the routes need."""

    settings: ConsoleSettings
    keys: Keys
    store: SpanStore


def open_console(settings: ConsoleSettings) -> Console:
    """Raises `BadConfiguration` for unreadable keys and `Unavailable` for an unusable data directory."""
    return Console(
        settings=settings,
        keys=read_keys(settings.keys_file),
        store=SpanStore(settings.data_dir / STORE_FILE, spans_max=settings.spans_max),
    )
