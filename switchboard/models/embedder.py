"""The port of embedding models."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 384

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into unit vectors. May be called concurrently; raises `Unavailable` when the model cannot be had."""

    @property
    def model_id(self) -> str:
        """Names the vector space: vectors of different ids must never be compared."""
        ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), 384), float32, each row of length 1."""
        ...
