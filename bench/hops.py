"""Where the milliseconds of a turn go: every instant of it belongs to one span, so that the hops sum to the whole."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Key = tuple[str, str]
"""Service and span name."""


@dataclass(frozen=True, slots=True)
class Hop:
    """What spans of one name take of a turn, in milliseconds, and how many of them a turn has."""

    service: str
    name: str
    self_ms: float
    calls_a_turn: float


@dataclass(frozen=True, slots=True)
class Hops:
    """`turn_ms` is the sum of the hops' `self_ms`; `after_ms` is what still ran when the turn's own span had ended."""

    turn_ms: float
    after_ms: float
    hops: tuple[Hop, ...]
    """The costliest first."""


def hops(turns: Sequence[Sequence[Mapping[str, Any]]]) -> Hops:
    """Of the spans of `GET /api/traces/<id>`, a list a turn. Raises `ValueError` without turns.

    Means over the middle half of the turns by their time: means add up where medians do not, and of the middle half an
    outlier is no part.
    """
    if not turns:
        raise ValueError("hops need at least one turn")
    times = sorted(((_times(spans), spans) for spans in turns), key=lambda each: sum(each[0].during.values()))
    middle = times[len(times) // 4 : max(len(times) // 4 + 1, len(times) - len(times) // 4)]
    sums: dict[Key, float] = defaultdict(float)
    calls: dict[Key, int] = defaultdict(int)
    after_ms = 0.0
    for attributed, spans in middle:
        after_ms += attributed.after_ms
        for key, milliseconds in attributed.during.items():
            sums[key] += milliseconds
        for span in spans:
            calls[span["service"], span["name"]] += 1
    count = len(middle)
    found = [
        Hop(service, name, milliseconds / count, round(calls[service, name] / count, 1))
        for (service, name), milliseconds in sums.items()
    ]
    return Hops(sum(sums.values()) / count, after_ms / count, tuple(sorted(found, key=lambda hop: -hop.self_ms)))


@dataclass(frozen=True, slots=True)
class _Times:
    during: dict[Key, float]
    after_ms: float


def _times(spans: Sequence[Mapping[str, Any]]) -> _Times:
    """Attributes every instant to the deepest span that is active in it; of two alike, to the one that began last.

    A parent need not cover its children: a sidecar's span ends with the response's headers, while the app behind it
    streams on. The turn is the first root.
    """
    root = next(span for span in spans if span["depth"] == 0)
    began, ended = root["start_ms"], root["start_ms"] + root["duration_ms"]
    edges = sorted({edge for span in spans for edge in _interval(span)} | {began, ended})
    during: dict[Key, float] = defaultdict(float)
    after_ms = 0.0
    waiting = sorted(spans, key=lambda span: -span["start_ms"])
    active: list[Mapping[str, Any]] = []
    for start, end in pairwise(edges):
        while waiting and waiting[-1]["start_ms"] <= start:
            active.append(waiting.pop())
        active = [span for span in active if _interval(span)[1] > start]
        if not active:
            continue
        if start >= ended:
            after_ms += end - start
        elif start >= began:
            deepest = max(active, key=lambda span: (span["depth"], span["start_ms"]))
            during[deepest["service"], deepest["name"]] += end - start
    return _Times(during, after_ms)


def _interval(span: Mapping[str, Any]) -> tuple[float, float]:
    return span["start_ms"], span["start_ms"] + span["duration_ms"]
