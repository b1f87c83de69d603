"""Wires the console: settings, keys, span store."""

import asyncio
from typing import Any

from services.console.settings import Settings
from switchboard.contracts import headers
from switchboard.contracts.errors import BadConfiguration, Unavailable
from switchboard.identity import ApiKeys, KeyFile, load_key_file
from switchboard.telemetry.spans import STORE_FILE, SpanStore

EXPORTS_AT_ONCE_MAX = 16


class Console:
    """What the routes need. Open it before the first request, close it after the last."""

    def __init__(self, settings: Settings, keys: ApiKeys, demo_keys: list[dict[str, Any]]) -> None:
        self.settings = settings
        self.keys = keys
        self.demo_keys = demo_keys
        """For the page's picker: key, name, tenant, user, tier, roles. Empty outside the demo."""
        self.exports = asyncio.Semaphore(EXPORTS_AT_ONCE_MAX)
        """Taken while a process's spans are read and stored."""
        self._store: SpanStore | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def store(self) -> SpanStore:
        """Raises `Unavailable` before `open`."""
        if self._store is None:
            raise Unavailable
        return self._store

    async def open(self) -> None:
        """Raises `Unavailable` for an unusable data directory."""
        file, spans_max = self.settings.data_dir / STORE_FILE, self.settings.spans_max
        self._store = await asyncio.to_thread(lambda: SpanStore(file, spans_max=spans_max))
        self._watching = asyncio.create_task(self.keys.watch())

    async def close(self) -> None:
        """Waits for the insert under way."""
        if self._watching is not None:
            self._watching.cancel()
        await asyncio.to_thread(self.store.close)


def build(settings: Settings) -> Console:
    """A console that is not open yet. Raises `BadConfiguration` for unreadable keys, and for a missing token outside a demo."""
    if settings.otlp_token is None and not settings.demo:
        raise BadConfiguration(
            "SWITCHBOARD_OTLP_TOKEN is not set, so anybody could send spans in anybody's name: set it here, and "
            f"'{headers.OTLP_TOKEN}=<token>' as OTEL_EXPORTER_OTLP_HEADERS of every process that exports."
        )
    file = load_key_file(settings.keys_file, public=settings.demo)
    return Console(settings, ApiKeys(file, settings.keys_file, public=settings.demo), demo_keys(file))


def demo_keys(file: KeyFile) -> list[dict[str, Any]]:
    """The keys that anybody may know, as JSON."""
    return [entry.model_dump(mode="json", exclude={"sha256"}) for entry in file.keys if entry.is_public]
