"""One partition of the semantic cache as this process knows it: vectors to compare with, and what the texts read."""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from switchboard.caching.semantic.decision import CachedQuestion
from switchboard.caching.semantic.reading import Reading, read
from switchboard.models.embedder import DIMENSIONS, Vectors

ROWS_FIRST = 64


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of an entry without its answer."""

    question: str
    vector: NDArray[np.float32]
    group: str
    """The same for entries whose answers say the same."""
    answer: NDArray[np.float16]
    """Unit vector of the answer's text."""
    figures: str
    """Numbers, dates and identifiers of the answer, in one text."""

    def pack(self) -> bytes:
        return orjson.dumps(
            {
                "q": self.question,
                "v": base64.b64encode(self.vector.astype("<f4").tobytes()).decode(),
                "g": self.group,
                "a": base64.b64encode(self.answer.astype("<f2").tobytes()).decode(),
                "f": self.figures,
            }
        )

    @classmethod
    def unpack(cls, data: bytes) -> "Head":
        fields: dict[str, Any] = orjson.loads(data)
        vector = np.frombuffer(base64.b64decode(fields["v"]), dtype="<f4").astype(np.float32)
        answer = np.frombuffer(base64.b64decode(fields["a"]), dtype="<f2").astype(np.float16)
        return cls(fields["q"], vector, fields["g"], answer, fields["f"])


class Mirror:
    """Not shared between partitions; used by one task at a time between two awaits."""

    def __init__(self, known_names: frozenset[str]) -> None:
        self.place = 0
        self._known_names = known_names
        self._ids: list[str] = []
        self._heads: list[Head] = []
        self._readings: list[Reading] = []
        self._rows: dict[str, int] = {}
        self._vectors: Vectors = np.empty((ROWS_FIRST, DIMENSIONS), dtype=np.float32)

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, identity: str, head: Head) -> None:
        """Replaces an entry of the same id."""
        row = self._rows.get(identity, len(self._ids))
        if row == len(self._ids):
            if row == len(self._vectors):
                self._vectors = np.concatenate([self._vectors, np.empty_like(self._vectors)])
            self._ids.append(identity)
            self._heads.append(head)
            self._readings.append(read(head.question, self._known_names))
            self._rows[identity] = row
        else:
            self._heads[row], self._readings[row] = head, read(head.question, self._known_names)
        self._vectors[row] = head.vector

    def remove(self, identity: str) -> None:
        """The last row takes the place of the one that goes."""
        row = self._rows.pop(identity, None)
        if row is None:
            return
        last = len(self._ids) - 1
        if row != last:
            self._ids[row], self._heads[row] = self._ids[last], self._heads[last]
            self._readings[row], self._vectors[row] = self._readings[last], self._vectors[last]
            self._rows[self._ids[row]] = row
        self._ids.pop()
        self._heads.pop()
        self._readings.pop()

    def keep_only(self, identities: set[str]) -> None:
        for identity in [identity for identity in self._ids if identity not in identities]:
            self.remove(identity)

    def near(self, vector: NDArray[np.float32], cosine_min: float, most: int) -> list[CachedQuestion]:
        """At most `most`, in falling order of cosine; their `index` is for `id_of` until the next change."""
        cosines = self._vectors[: len(self._ids)] @ vector
        found = np.flatnonzero(cosines >= cosine_min)
        found = found[np.argsort(-cosines[found], kind="stable")][:most]
        rows: list[int] = found.tolist()
        return [CachedQuestion(row, float(cosines[row]), self._readings[row], self._heads[row].group) for row in rows]

    def id_of(self, row: int) -> str:
        return self._ids[row]

    def head_of(self, row: int) -> Head:
        return self._heads[row]
