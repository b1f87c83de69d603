"""Passages that the tools of a turn found, numbered, and which of them the answer cites."""

import re
from collections.abc import Iterator, Sequence

from switchboard.contracts.events import Citation
from switchboard.contracts.tools import Passage

CITED = re.compile(r"\[(\d{1,3})\]")
MARK_CHARACTERS_MAX = 5


class Passages:
    """Numbers passages from 1 through one turn; the same place keeps its number."""

    def __init__(self, agent_id: str) -> None:
        self._agent_id = agent_id
        self._by_uri: dict[str, Passage] = {}
        self._by_number: dict[int, Passage] = {}
        self._cited: dict[int, Citation] = {}
        self._text = ""

    def number(self, passages: Sequence[Passage]) -> list[Passage]:
        numbered: list[Passage] = []
        for passage in passages:
            known = self._by_uri.get(passage.uri)
            if known is None:
                known = passage.model_copy(update={"n": len(self._by_uri) + 1})
                self._by_uri[passage.uri] = known
                self._by_number[known.n] = known
            numbered.append(known)
        return numbered

    def read(self, text: str) -> Iterator[Citation]:
        """Takes the next words of the answer, gives what they cite for the first time. Unknown numbers are ignored."""
        window = self._text[-MARK_CHARACTERS_MAX:] + text
        self._text = window[-MARK_CHARACTERS_MAX:]
        for match in CITED.finditer(window):
            n = int(match[1])
            passage = self._by_number.get(n)
            if passage is None or n in self._cited:
                continue
            citation = Citation(
                n=n,
                agent=self._agent_id,
                title=passage.title,
                uri=passage.uri,
                span=passage.text,
                document=passage.document,
                version=passage.version,
                start=passage.start,
                end=passage.end,
            )
            self._cited[n] = citation
            yield citation

    @property
    def found(self) -> tuple[Passage, ...]:
        """All of them, by number."""
        return tuple(self._by_number.values())

    @property
    def cited(self) -> list[Citation]:
        return [self._cited[n] for n in sorted(self._cited)]
