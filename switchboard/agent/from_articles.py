"""Whether an answer rests on articles alone, so that it would be the same for anybody who asks that."""

from collections.abc import Sequence

from switchboard.agent.tool_calls import ToolCalls
from switchboard.caching.semantic.personal import own_data
from switchboard.caching.semantic.reading import read
from switchboard.contracts.tools import SEARCH_TOOL, Offer, Passage
from switchboard.contracts.turns import TurnRequest
from switchboard.text.sentences import sentences
from switchboard.text.words import terms


def is_from_articles(text: str, request: TurnRequest, calls: ToolCalls, offered: Offer | None) -> bool:
    """Nothing stood before it, nothing was changed or is offered, and no other tool's facts are told: none was called,
    or every sentence stands in a passage that was found. Addresses and long numbers are told only out of passages. `offered` is what the turn before had offered."""
    if request.history or request.remembered is not None or offered is not None or calls.offers:
        return False
    if SEARCH_TOOL not in calls.called or calls.changed or not calls.passages.cited:
        return False
    if own_data(read(text)) - {figure for passage in calls.passages.found for figure in own_data(read(passage.text))}:
        return False
    return calls.called == {SEARCH_TOOL} or _is_extract(text, calls.passages.found)


def _is_extract(text: str, passages: Sequence[Passage]) -> bool:
    found = [_plain(passage.text) for passage in passages]
    said = [plain for each in sentences(text) if (plain := _plain(each)).strip()]
    return all(any(each in passage for passage in found) for each in said)


def _plain(text: str) -> str:
    """Its words, without marks of passages and numbers of steps that stand by themselves."""
    words = [word for word in text.replace("*", " ").split() if not word.strip("[].,;:)").isdigit() or "£" in word]
    return f" {' '.join(terms(' '.join(words)))} "
