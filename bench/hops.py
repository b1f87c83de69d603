"""Where the milliseconds of a turn go: self time of the spans of sampled turns, hop by hop."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Hop:
    service: str
    name: str
    self_ms_p50: float
    calls_a_turn: float


def hops(turns: Sequence[Sequence[Mapping[str, Any]]]) -> list[Hop]:
    """The hops of all turns, the costliest first, from the spans of `GET /api/traces/<id>`.

    `self_ms_p50` is the median over turns of the sum of a turn.
    """
    sums: dict[tuple[str, str], list[float]] = defaultdict(list)
    calls: dict[tuple[str, str], int] = defaultdict(int)
    for spans in turns:
        of_turn: dict[tuple[str, str], float] = defaultdict(float)
        for span in spans:
            of_turn[span["service"], span["name"]] += span["self_ms"]
            calls[span["service"], span["name"]] += 1
        for hop, milliseconds in of_turn.items():
            sums[hop].append(milliseconds)
    found = [
        Hop(service, name, round(median(of), 2), round(calls[service, name] / len(turns), 1))
        for (service, name), of in sums.items()
    ]
    return sorted(found, key=lambda hop: -hop.self_ms_p50 * min(1.0, hop.calls_a_turn))
