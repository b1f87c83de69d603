"""The ledger on disk, and the spool before it."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.gateway.money.ledger.spool import BYTES_MAX, Spool
from switchboard.ledger.archive import MONTHS_KEPT, Archive
from switchboard.ledger.record import Price, Record


def record(day: datetime, identity: str = "r.1") -> Record:
    return Record(
        id=identity,
        at=day.timestamp(),
        request_id="r",
        attempt=1,
        tenant="aurora",
        user="ada",
        alias="fast",
        deployment="one",
        outcome="ok",
        price=Price(prompt=150_000, completion=600_000, cached=75_000),
        cost_picousd=2**62,
        prompt_tokens=7,
        first_token_ms=1.5,
    )


def test_a_record_is_read_as_it_was_written_and_once(tmp_path: Path):
    written = record(datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC))
    archive = Archive(tmp_path)
    for _ in range(3):
        archive.add([written, written])
    assert list(archive.records(since="2026-11-21", until="2026-11-21")) == [written]
    assert not list(archive.records(since="2026-11-22", until="2026-12-31"))


def test_days_over_a_months_end_are_found_in_both_files(tmp_path: Path):
    archive = Archive(tmp_path)
    days = [datetime(2026, 10, 31, 12, tzinfo=UTC), datetime(2026, 11, 1, 12, tzinfo=UTC)]
    archive.add([record(day, f"r{n}.1") for n, day in enumerate(days)])
    assert [each.day for each in archive.sums(since="2026-10-31", until="2026-11-01")] == ["2026-10-31", "2026-11-01"]
    assert {path.name for path in tmp_path.glob("*.sqlite")} == {"2026-10.sqlite", "2026-11.sqlite"}


def test_months_that_are_too_old_are_forgotten(tmp_path: Path):
    archive = Archive(tmp_path)
    months = [datetime(2020 + n // 12, n % 12 + 1, 5, tzinfo=UTC) for n in range(MONTHS_KEPT + 3)]
    for n, month in enumerate(months):
        archive.add([record(month, f"r{n}.1")])
    kept = sorted(path.stem for path in tmp_path.glob("*.sqlite"))
    assert len(kept) == MONTHS_KEPT and kept[0] == "2020-04"


def test_the_spool_keeps_lines_until_they_are_done(tmp_path: Path):
    spool = Spool(tmp_path)
    spool.add(b"one")
    spool.add(b"two")
    [(path, lines)] = spool.take()
    assert lines == [b"one", b"two"]
    spool.add(b"three")  # while the first file is read back
    spool.done(path)
    assert [lines for _, lines in spool.take()] == [[b"three"]]


def test_the_spool_takes_what_a_dead_process_left_and_leaves_what_a_living_one_writes(tmp_path: Path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / f"{dead.pid}.jsonl").write_bytes(b"left\n")
    (tmp_path / f"{os.getppid()}.jsonl").write_bytes(b"another's\n")
    assert [lines for _, lines in Spool(tmp_path).take()] == [[b"left"]]


def test_a_full_spool_says_so(tmp_path: Path):
    spool = Spool(tmp_path)
    spool.add(b"x" * (BYTES_MAX - 10))
    with pytest.raises(OSError, match="full"):
        spool.add(b"y" * 10)
