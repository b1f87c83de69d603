"""The semantic answer cache: finds an entry whose answer serves a question, and keeps new answers.

Entries are shared through their store; each process mirrors the partitions it uses and reads, before every look, what
others added since. A knowledge or prompt that changes makes another partition, so nothing of the old one is found.
"""

import uuid
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from switchboard.caching.digest import digest
from switchboard.caching.entries.port import Bounds, Entries
from switchboard.caching.semantic.decision import ReuseDecision, Thresholds, decide
from switchboard.caching.semantic.mirror import Head, Mirror
from switchboard.caching.semantic.personal import names_somebody
from switchboard.caching.semantic.reading import Reading, read
from switchboard.caching.semantic.verifier import Verifier
from switchboard.models.embedder import Embedder

MIRRORS_MAX = 64
"""Partitions that a process mirrors; the one used longest ago goes first."""
STALE_MAX = 4
"""Entries that turn out to be gone, before a look gives up."""
SAME_ANSWER_COSINE = 0.9
ANSWER_CHARACTERS_MAX = 1_000
"""Of an answer that are compared with others."""


@dataclass(frozen=True, slots=True)
class SemanticQuery:
    """A question, read and embedded once: for the look, and to keep its answer later."""

    partition: str
    """What it was asked in, and the embedding model: vectors of two models are never compared."""
    reading: Reading
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SemanticLookup:
    """What a look found; `value` is the entry's, None without a hit."""

    decision: ReuseDecision
    value: bytes | None = None
    identity: str = ""
    """The entry's."""


class SemanticCache:
    """May be used concurrently. Raises `Unavailable` when its store or its embedder does not answer."""

    def __init__(
        self, entries: Entries, embedder: Embedder, verifier: Verifier, known_names: Sequence[str] = ()
    ) -> None:
        """`known_names` are the deployment's products and plans, in any case."""
        self._entries = entries
        self._embedder = embedder
        self._verifier = verifier
        self._known_names = frozenset(name.lower() for name in known_names)
        self._mirrors: OrderedDict[str, Mirror] = OrderedDict()

    async def ask(self, partition: str, text: str, embedded: str = "") -> SemanticQuery | None:
        """Reads and embeds a question; None for one that holds what belongs to one person.

        `partition` stands for all that must be the same before anything is compared. `embedded` is what is embedded
        instead of `text`, where somebody else embeds that anyway: the text put right, say.
        """
        reading = read(text, self._known_names)
        if names_somebody(reading):
            return None
        vector = (await self._embedder.embed([embedded or text]))[0]
        return SemanticQuery(f"{partition}@{self._embedder.model_id}", reading, vector)

    async def look(self, query: SemanticQuery, thresholds: Thresholds) -> SemanticLookup:
        mirror = await self._synced(query.partition)
        decision = ReuseDecision("empty")
        for _ in range(STALE_MAX):
            near = mirror.near(query.vector, thresholds.cosine, thresholds.neighbours_max)
            decision = decide(query.reading, near, self._verifier, thresholds)
            if decision.index is None:
                return SemanticLookup(decision)
            identity = mirror.id_of(decision.index)
            value = await self._entries.get(query.partition, identity)
            if value is not None:
                return SemanticLookup(decision, value, identity)
            mirror.remove(identity)  # expired or evicted meanwhile
        return SemanticLookup(ReuseDecision("empty", score=decision.score))

    async def keep(
        self, query: SemanticQuery, answer: str, value: bytes, bounds: Bounds, thresholds: Thresholds
    ) -> None:
        """Adds an entry. Its group is that of a near entry whose answer says the same, else a new one."""
        text = answer[:ANSWER_CHARACTERS_MAX]
        vector = (await self._embedder.embed([text]))[0].astype(np.float16)
        figures = _figures(read(text))
        mirror = await self._synced(query.partition)
        identity = identity_of(query.reading.text)
        group = uuid.uuid4().hex[:12]
        for candidate in mirror.near(query.vector, thresholds.cosine, thresholds.neighbours_max):
            other = mirror.head_of(candidate.index)
            same = float(other.answer.astype(np.float32) @ vector.astype(np.float32)) >= SAME_ANSWER_COSINE
            if same and other.figures == figures:
                group = other.group
                break
        head = Head(query.reading.text, query.vector, group, vector, figures)
        await self._entries.put(query.partition, identity, head.pack(), value, bounds)

    async def _synced(self, key: str) -> Mirror:
        mirror = self._mirrors.get(key)
        if mirror is None:
            mirror = self._mirrors[key] = Mirror(self._known_names)
            if len(self._mirrors) > MIRRORS_MAX:
                self._mirrors.popitem(last=False)
        self._mirrors.move_to_end(key)
        changes = await self._entries.changes(key, mirror.place)
        for identity, head in changes.heads:
            mirror.add(identity, Head.unpack(head))
        mirror.place = changes.place
        if len(mirror) > changes.count:
            mirror.keep_only(await self._entries.ids(key))
        return mirror


def identity_of(text: str) -> str:
    """The same for a question to the letter: but for capitals, white space and the point or mark at its end."""
    return digest(" ".join(text.lower().replace("’", "'").split()).rstrip(".!? "))


def _figures(reading: Reading) -> str:
    figures = (reading.numbers, sorted(reading.identifiers), sorted(reading.dates))
    return " ".join(word for words in figures for word in words) + (" not" if reading.negations else "")
