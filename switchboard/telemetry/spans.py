"""The embedded span store: finished spans of every process in one bounded SQLite file (WAL)."""

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from switchboard.contracts.errors import Unavailable
from switchboard.telemetry.context import CONVERSATION_ID, TENANT_ID, TURN_ID, USER_ID

SPANS_MAX = 200_000
AGE_S_MAX = 7 * 24 * 3600
PRUNE_EVERY_INSERTS = 2_000
QUERY_SPANS_MAX = 5_000
QUERY_TRACES_MAX = 50
STORE_FILE = "spans.db"
"""The file's name in the data directory."""

SpanKindName = Literal["internal", "server", "client", "producer", "consumer"]
SpanStatus = Literal["unset", "ok", "error"]
GroupColumn = Literal["conversation_id", "turn_id"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS spans (
  seq INTEGER PRIMARY KEY,
  trace_id TEXT NOT NULL, span_id TEXT NOT NULL, parent_id TEXT NOT NULL,
  name TEXT NOT NULL, kind TEXT NOT NULL, service TEXT NOT NULL,
  start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,
  status TEXT NOT NULL, message TEXT NOT NULL,
  conversation_id TEXT, turn_id TEXT, tenant_id TEXT,
  attributes TEXT NOT NULL,
  UNIQUE (trace_id, span_id)
);
CREATE INDEX IF NOT EXISTS spans_by_conversation ON spans (conversation_id) WHERE conversation_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS spans_by_turn ON spans (turn_id) WHERE turn_id IS NOT NULL;
"""
_COLUMNS = "trace_id, span_id, parent_id, name, kind, service, start_ns, end_ns, status, message, attributes"
_INSERT = f"""
INSERT OR REPLACE INTO spans ({_COLUMNS}, conversation_id, turn_id, tenant_id)
VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)
"""


@dataclass(frozen=True, slots=True)
class Span:
    """One finished span. Ids are lower-case hex; times are nanoseconds since the epoch."""

    trace_id: str
    span_id: str
    parent_id: str
    """Empty at the root of a trace."""
    name: str
    service: str
    start_ns: int
    end_ns: int
    kind: SpanKindName = "internal"
    status: SpanStatus = "unset"
    message: str = ""
    attributes: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def tenant(self) -> str | None:
        return self._text(TENANT_ID)

    @property
    def user(self) -> str | None:
        return self._text(USER_ID)

    def _text(self, attribute: str) -> str | None:
        value = self.attributes.get(attribute)
        return None if value is None else str(value)


class SpanStore:
    """Spans by trace, turn and conversation. Methods block on disk: call them in a thread.

    Lifecycle: made at start, `close`d at the end. Safe to use from several threads; several processes may read
    while one writes. Bounds: the newest `spans_max` spans that are younger than `age_s_max` seconds are kept.
    """

    def __init__(
        self, path: Path, *, spans_max: int = SPANS_MAX, age_s_max: float = AGE_S_MAX, read_only: bool = False
    ) -> None:
        """Raises `Unavailable` where the file cannot be opened."""
        self._spans_max = spans_max
        self._age_s_max = age_s_max
        self._lock = threading.Lock()
        self._inserts = 0
        try:
            if read_only:
                self._db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._db = sqlite3.connect(path, check_same_thread=False)
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=NORMAL")  # a lost second of spans after a power cut is fine
                self._db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise Unavailable("The trace store cannot be opened.") from error

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def insert(self, spans: Iterable[Span]) -> None:
        """Adds a batch in one transaction; a span that is sent twice is kept once."""
        rows = [_row(span) for span in spans]
        with self._lock, self._db:
            self._db.executemany(_INSERT, rows)
        self._inserts += len(rows)
        if self._inserts >= PRUNE_EVERY_INSERTS:
            self.prune()

    def prune(self) -> None:
        """Drops what is over the bounds."""
        self._inserts = 0
        cutoff_ns = time.time_ns() - int(self._age_s_max * 1e9)
        with self._lock, self._db:
            self._db.execute("DELETE FROM spans WHERE seq <= (SELECT max(seq) FROM spans) - ?", (self._spans_max,))
            # Rows lie in the order of arrival, so the old ones are among the first: no index on time is needed.
            self._db.execute(
                "DELETE FROM spans WHERE seq <= (SELECT min(seq) FROM spans) + ? AND end_ns < ?",
                (PRUNE_EVERY_INSERTS * 5, cutoff_ns),
            )

    def count(self) -> int:
        with self._lock:
            return int(self._db.execute("SELECT count(*) FROM spans").fetchone()[0])

    def trace(self, trace_id: str) -> list[Span]:
        """The spans of a trace by start time, at most `QUERY_SPANS_MAX`; empty where the trace is unknown."""
        return self._select("trace_id = ?", (trace_id.lower(),))

    def traces_of(self, column: GroupColumn, value: str) -> list[list[Span]]:
        """The whole traces that a turn or a conversation runs through, oldest first, at most `QUERY_TRACES_MAX`."""
        with self._lock:
            rows = self._db.execute(
                f"SELECT trace_id, max(start_ns) AS t FROM spans WHERE {column} = ? "
                "GROUP BY trace_id ORDER BY t DESC LIMIT ?",
                (value, QUERY_TRACES_MAX),
            ).fetchall()
        return [self.trace(cast(str, row[0])) for row in reversed(rows)]

    def _select(self, where: str, parameters: Sequence[object]) -> list[Span]:
        with self._lock:
            rows = self._db.execute(
                f"SELECT {_COLUMNS} FROM spans WHERE {where} ORDER BY start_ns, seq LIMIT {QUERY_SPANS_MAX}",
                tuple(parameters),
            ).fetchall()
        return [_span(row) for row in rows]


def _row(span: Span) -> tuple[Any, ...]:
    attributes = span.attributes
    return (
        span.trace_id,
        span.span_id,
        span.parent_id,
        span.name,
        span.kind,
        span.service,
        span.start_ns,
        span.end_ns,
        span.status,
        span.message,
        json.dumps(attributes, ensure_ascii=False, separators=(",", ":"), default=str),
        attributes.get(CONVERSATION_ID),
        attributes.get(TURN_ID),
        attributes.get(TENANT_ID),
    )


def _span(row: tuple[Any, ...]) -> Span:
    trace_id, span_id, parent_id, name, kind, service, start_ns, end_ns, status, message, attributes = row
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_id=parent_id,
        name=name,
        kind=kind,
        service=service,
        start_ns=start_ns,
        end_ns=end_ns,
        status=status,
        message=message,
        attributes=json.loads(attributes),
    )
