"""Passages that the tools of a turn found, numbered, and which part of which of them the answer cites."""

import re
from collections.abc import Iterator, Sequence

from switchboard.contracts.events import Citation
from switchboard.contracts.tools import Passage
from switchboard.knowledge.retrieval.cited_span import cited_span

CITED = re.compile(r"\[(\d{1,3})\]")
CLAIM_CHARACTERS_MAX = 600
PARAGRAPH = re.compile(r"\n\s*\n")
PLACE = re.compile(r"#\d+-\d+")


class Passages:
    """Numbers passages from 1 through one turn; the same place keeps its number."""

    def __init__(self, agent_id: str) -> None:
        self._agent_id = agent_id
        self._by_uri: dict[str, Passage] = {}
        self._by_number: dict[int, Passage] = {}
        self._spans: dict[int, tuple[int, int]] = {}
        self._said = ""
        self._claim = ""

    def number(self, passages: Sequence[Passage]) -> list[Passage]:
        """`passages` with their numbers in this turn; one that was seen before keeps the number that it had."""
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
        self._said = (self._said + text)[-CLAIM_CHARACTERS_MAX - len(text) :]
        at = 0
        for match in CITED.finditer(self._said):
            # Marks that stand together stand for the same claim.
            self._claim = PARAGRAPH.split(self._said[at : match.start()])[-1].strip(" .,;") or self._claim
            at = match.end()
            n = int(match[1])
            passage = self._by_number.get(n)
            if passage is None:
                continue
            first = n not in self._spans
            start, end = cited_span(passage.text, self._claim)
            old_start, old_end = self._spans.get(n, (start, end))
            self._spans[n] = min(start, old_start), max(end, old_end)
            if first:
                yield self._citation(n)
        self._said = self._said[at:]

    @property
    def found(self) -> tuple[Passage, ...]:
        """All of them, by number."""
        return tuple(self._by_number.values())

    @property
    def cited(self) -> list[Citation]:
        """Each with the span of all the claims that cite it."""
        return [self._citation(n) for n in sorted(self._spans)]

    def _citation(self, n: int) -> Citation:
        passage = self._by_number[n]
        start, end = self._spans[n]
        place = passage.start + start, passage.start + end
        uri = PLACE.sub(f"#{place[0]}-{place[1]}", passage.uri) if passage.document else passage.uri
        return Citation(
            n=n,
            agent=self._agent_id,
            title=passage.title,
            uri=uri,
            span=passage.text[start:end],
            document=passage.document,
            version=passage.version,
            start=place[0],
            end=place[1],
        )
