"""The ledger on disk: one SQLite file a month, `2026-11.sqlite`, to which rows are only ever added.

Triggers refuse to change or delete a row; a month's file is removed whole when it is older than is kept. A record that
is added twice is one record. Blocking: call it on a thread.
"""

import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from switchboard.ledger.record import Record
from switchboard.ledger.report import GROUP_FIELDS, Sum

FOLDER = "ledger"
"""Of the archive, in a service's data folder."""
MONTHS_KEPT = 25
BUSY_S = 10.0
COLUMNS = tuple(name for name in Record.model_fields if name != "price")
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS attempts (
  id TEXT PRIMARY KEY, day TEXT NOT NULL, {", ".join(f'"{name}"' for name in COLUMNS if name != "id")},
  price_prompt INTEGER, price_completion INTEGER, price_cached INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_tenant_day ON attempts (tenant, day);
CREATE TRIGGER IF NOT EXISTS never_changed BEFORE UPDATE ON attempts
  BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS never_deleted BEFORE DELETE ON attempts
  BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
"""


class Archive:
    """`folder` is made when something is written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, records: Sequence[Record]) -> None:
        """On disk when it returns. Raises `OSError` or `sqlite3.Error`; then nothing of a month was added."""
        self._folder.mkdir(parents=True, exist_ok=True)
        months: dict[str, list[Record]] = {}
        for record in records:
            months.setdefault(record.day[:7], []).append(record)
        for month, of_month in months.items():
            path = self._folder / f"{month}.sqlite"
            is_new = not path.exists()
            with _opened(path) as connection:
                if is_new:
                    connection.execute("PRAGMA journal_mode = WAL")
                    connection.executescript(SCHEMA)
                marks = ", ".join("?" * (len(COLUMNS) + 4))
                names = ", ".join(f'"{name}"' for name in COLUMNS)
                with connection:
                    connection.executemany(
                        f"INSERT OR IGNORE INTO attempts ({names}, day, price_prompt, price_completion, price_cached) "
                        f"VALUES ({marks})",
                        [_row(record) for record in of_month],
                    )
            if is_new:
                self._forget_old()

    def sums(self, *, since: str, until: str, tenant: str | None = None) -> list[Sum]:
        """Of the days from `since` to `until`, both included."""
        found: list[Sum] = []
        for path in self._files(since, until):
            groups = ", ".join(("tenant", "day", *GROUP_FIELDS))
            where, values = "day BETWEEN ? AND ?", [since, until]
            if tenant is not None:
                where, values = f"{where} AND tenant = ?", [*values, tenant]
            with _opened(path) as connection:
                rows = connection.execute(
                    f"SELECT {groups}, COUNT(*), SUM(prompt_tokens), SUM(completion_tokens), SUM(cached_tokens), "
                    f"SUM(cost_picousd) FROM attempts WHERE {where} GROUP BY {groups}",
                    values,
                )
                found += [Sum(*row) for row in rows]
        return found

    def records(self, *, since: str, until: str, tenant: str | None = None) -> Iterator[Record]:
        """Oldest first."""
        for path in self._files(since, until):
            with _opened(path) as connection:
                connection.row_factory = sqlite3.Row
                rows = connection.execute(
                    "SELECT * FROM attempts WHERE day BETWEEN ? AND ? AND (? IS NULL OR tenant = ?) ORDER BY at, id",
                    (since, until, tenant, tenant),
                )
                for row in rows:
                    price = {name: row[f"price_{name}"] for name in ("prompt", "completion", "cached")}
                    yield Record.model_validate({**dict(row), "price": price})

    def _files(self, since: str, until: str) -> list[Path]:
        return [path for path in sorted(self._folder.glob("????-??.sqlite")) if since[:7] <= path.stem <= until[:7]]

    def _forget_old(self) -> None:
        for path in sorted(self._folder.glob("????-??.sqlite"))[:-MONTHS_KEPT]:
            for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
                each.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path) -> Generator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, timeout=BUSY_S)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        yield connection


def _row(record: Record) -> list[object]:
    price = record.price
    return [*(getattr(record, name) for name in COLUMNS), record.day, price.prompt, price.completion, price.cached]
