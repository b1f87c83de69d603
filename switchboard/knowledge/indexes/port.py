"""The port of knowledge indexes, and what goes through it.

`SqliteIndex` (embedded) and `CosmosIndex` (Azure) implement it; both pass the suite in
`switchboard/testing/knowledge_contract.py`. Methods block and may be called from several threads. Each raises
`Unavailable` when the store behind it does not answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from switchboard.knowledge.articles.article import Article, Chunk

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Filter:
    """Whose knowledge a query may see. An index applies it inside the query, never to the query's results."""

    agent: str | None = None
    """None: any agent's."""
    tenant: str | None = None
    """What every tenant may read, and what this one may. None: everything, for operators' tools only."""
    language: str | None = None
    """As in the document, such as `en`. None: any."""
    on: date | None = None
    """Only what is valid on this day. None: any."""


@dataclass(frozen=True, slots=True)
class Hit:
    key: str
    score: float
    """Higher is better; comparable within one answer only."""


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk as an index keeps it."""

    key: str
    agent: str
    version: str
    """Of its document."""
    chunk: Chunk
    digest: str
    """Of the text that is embedded: equal texts share a vector."""
    vector: Vectors | None = None
    """Of length 1, where it was asked for and is there."""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """One revision of a document."""

    agent: str
    id: str
    version: str
    title: str
    text: str
    tenants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Version:
    """A state of one agent's knowledge: which documents it held, by id, and in which revision."""

    name: str
    """`kb_version`: the same documents always make the same one."""
    at: str
    """When it became the live one, ISO 8601, UTC."""
    live: bool
    documents: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SyncChanges:
    """What a sync did, by document id."""

    version: str
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class ChunkVectors:
    """Vectors by the digest of the text that they stand for, all of one model."""

    model_id: str
    vectors: Mapping[str, Vectors]


class KnowledgeIndex(Protocol):
    """Documents of agents in versions; chunks to be found by words and by meaning."""

    def sync(self, agent: str, articles: Sequence[Article], embedded: ChunkVectors | None = None) -> SyncChanges:
        """Makes `agent`'s live knowledge exactly these articles, and swaps to it at once: no search sees a mixture.

        `embedded` are vectors of chunks that are new, kept before the swap.

        Unchanged documents, their chunks and their vectors are not touched. Replaced revisions can still be read with
        `document`, at most `REVISIONS_MAX` a document.
        """
        ...

    def unembedded(self, agent: str, model_id: str) -> dict[str, str]:
        """Texts of live chunks and of their questions without a vector of this model, by digest."""
        ...

    def known(self, model_id: str, digests: Sequence[str]) -> set[str]:
        """Which of these digests have a vector of this model."""
        ...

    def add_vectors(self, embedded: ChunkVectors) -> None:
        """Keeps vectors, and drops those of other models: spaces are never mixed."""
        ...

    def by_words(self, text: str, scope: Filter, limit: int) -> list[Hit]:
        """Chunks that share words with `text`, best BM25 first."""
        ...

    def by_meaning(self, vector: Vectors, model_id: str, scope: Filter, limit: int) -> list[Hit]:
        """Chunks by cosine to `vector`, best first. Empty where no vector of this model is there.

        The score is that of the chunk's text, or the mean of its `NEAREST_QUESTIONS` nearest questions where that is
        more. An index that keeps no questions goes by the text.
        """
        ...

    def chunks(self, keys: Sequence[str], model_id: str | None = None) -> list[StoredChunk]:
        """Live chunks by key, in no order, with their vectors of `model_id`; keys that are gone are left out."""
        ...

    def document(self, agent: str, document_id: str, version: str | None = None) -> StoredDocument | None:
        """A revision; None as `version` is the live one."""
        ...

    def titles(self, agent: str) -> dict[str, str]:
        """Titles of live documents by id."""
        ...

    def versions(self, agent: str) -> list[Version]:
        """The latest states, newest first, at most `VERSIONS_MAX`."""
        ...

    def close(self) -> None: ...


NEAREST_QUESTIONS = 3
"""One question may be near by accident; three of a section are not."""
REVISIONS_MAX = 20
VERSIONS_MAX = 50
