"""Fills a specialist's own database with the demo company."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from switchboard.agent.database import Database, open_database
from switchboard.demo.company import TODAY, company
from switchboard.demo.model import Company

SEED_VERSION: Final = 2
"""Raised when the generator's data or the rows of a table change, so that a database of before is filled anew."""

Value = str | int | float | None
Rows = Callable[[Company], Iterable[Sequence[Value]]]
"""The rows of one table, a value for each column."""


def seeded_database(
    path: Path, records: str, schema: Path, tables: Mapping[str, Rows], *, seed: int, today: date | None
) -> Database:
    """The database at `path`, made by the SQL in `schema`, with the company of `seed` on `today` in its `tables`.

    Without a day it is the company's own: where the clock is real, its records grow old like anybody's.

    `records` names the data to a user when they cannot be read. A table comes after those that it refers to. What was
    written since stays until the seed, the day or `SEED_VERSION` changes. Raises `Unavailable` as `open_database` does.
    """

    day = today or TODAY

    def fill(connection: sqlite3.Connection) -> None:
        demo = company(seed, day)
        for table in ("seeded", *reversed(list(tables))):
            connection.execute(f"DELETE FROM {table}")
        for table, rows in tables.items():
            values = list(rows(demo))
            marks = ", ".join("?" * len(values[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", values)

    marker = f"{SEED_VERSION}|{seed}|{day.isoformat()}"
    return open_database(path, records, schema.read_text(encoding="utf-8"), marker=marker, fill=fill)
