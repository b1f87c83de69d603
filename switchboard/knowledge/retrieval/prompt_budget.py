"""What of the found passages a prompt gets: no words twice, within a budget of tokens."""

from collections.abc import Callable, Sequence

from switchboard.contracts.tools import Passage
from switchboard.text.tokens import estimated_tokens
from switchboard.text.words import terms

SAME_SHARE_MIN = 0.9
"""Two passages with so many of the shorter one's words in common say the same."""


def within_budget(
    passages: Sequence[Passage], *, tokens_max: int, count: Callable[[str], int] = estimated_tokens
) -> list[Passage]:
    """Passages in the order given, best first. One that repeats an earlier one is left out; one that does not fit any
    more is, too, and shorter ones behind it may still fit. The first always stays: a passage is never cut, because a
    citation is the passage as it stands in its document."""
    kept: list[Passage] = []
    words: list[set[str]] = []
    left = tokens_max
    for passage in passages:
        said = set(terms(passage.text))
        if any(_overlap(passage, other) for other in kept) or any(_same(said, other) for other in words):
            continue
        cost = count(f"{passage.title}\n{passage.text}")
        if kept and cost > left:
            continue
        kept.append(passage)
        words.append(said)
        left -= cost
    return kept


def _overlap(one: Passage, other: Passage) -> bool:
    same = one.document and (one.document, one.version) == (other.document, other.version)
    return bool(same and one.start < other.end and other.start < one.end)


def _same(one: set[str], other: set[str]) -> bool:
    shorter = min(len(one), len(other))
    return shorter > 0 and len(one & other) / shorter >= SAME_SHARE_MIN and len(one | other) / shorter <= 1.25
