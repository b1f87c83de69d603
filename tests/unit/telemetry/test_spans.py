"""The embedded span store."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from switchboard.contracts.errors import Unavailable
from switchboard.telemetry.spans import Span, SpanStore

NOW_NS = time.time_ns()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SpanStore]:
    opened = SpanStore(tmp_path / "data" / "spans.db", spans_max=100)
    yield opened
    opened.close()


def span(number: int, trace: int = 1, *, age_s: float = 0, **attributes: str) -> Span:
    start = NOW_NS - int(age_s * 1e9) + number
    named = {name.replace("_", "."): value for name, value in attributes.items()}
    return Span(f"{trace:032x}", f"{number:016x}", "", "work", "billing", start, start + 5, attributes=named)


def test_a_span_comes_back_as_it_went_in(store: SpanStore) -> None:
    given = span(1, tenant_id="aurora", note="£ 5")
    store.insert([given])
    assert store.trace(given.trace_id) == [given]


def test_a_span_sent_twice_is_kept_once(store: SpanStore) -> None:
    store.insert([span(1)])
    store.insert([span(1), span(2)])
    assert store.count() == 2


def test_a_conversation_gives_its_whole_traces_oldest_first(store: SpanStore) -> None:
    store.insert([span(1, 1, conversation_id="c"), span(2, 1), span(3, 2, conversation_id="c"), span(4, 3)])
    assert [[one.span_id[-1] for one in trace] for trace in store.traces_of("conversation_id", "c")] == [
        ["1", "2"],
        ["3"],
    ]


def test_only_the_newest_spans_are_kept(store: SpanStore) -> None:
    store.insert([span(number) for number in range(1, 151)])
    store.prune()
    assert store.count() == 100
    assert store.trace(f"{1:032x}")[0].span_id == f"{51:016x}"


def test_spans_older_than_a_week_are_dropped(store: SpanStore) -> None:
    store.insert([span(1, age_s=8 * 24 * 3600), span(2)])
    store.prune()
    assert [one.span_id for one in store.trace(f"{1:032x}")] == [f"{2:016x}"]


def test_a_file_can_be_read_while_another_writes_it(store: SpanStore, tmp_path: Path) -> None:
    store.insert([span(1)])
    reader = SpanStore(tmp_path / "data" / "spans.db", read_only=True)
    assert len(reader.trace(f"{1:032x}")) == 1
    with pytest.raises(sqlite3.OperationalError):
        reader.insert([span(2)])
    reader.close()


def test_a_folder_that_cannot_be_made_is_told_as_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable):
        SpanStore(tmp_path / "file" / "spans.db")
