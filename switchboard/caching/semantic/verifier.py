"""The verifier: a small logistic model that says how likely two like questions want the same answer.

Its score reads like a cosine: it is fitted so that as many pairs reach a score as reach that cosine. Trained by
`python -m evals.cache.train` on public questions; the weights and what they were trained on are in `verifier.json`.
"""

from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from switchboard.caching.semantic.features import NAMES, Rarity, features
from switchboard.caching.semantic.reading import Reading
from switchboard.contracts.errors import BadConfiguration

WEIGHTS_FILE = "verifier.json"
SAME_WORDING_GAP = 0.25
"""Of a cosine's distance to 1 that is left between questions of the same wording: what the model was not asked about."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """Immutable and shared. `weights` has one value a feature; `score = offset + features · weights`."""

    weights: NDArray[np.float64]
    offset: float
    rarity: Rarity

    def score(self, cosine: float, asked: Reading, cached: Reading) -> float:
        """0 to 1, to be compared with a threshold as a cosine would be."""
        if asked.wording and asked.wording == cached.wording:
            return 1.0 - (1.0 - cosine) * SAME_WORDING_GAP
        row = np.array(features(cosine, asked, cached, self.rarity))
        return float(min(1.0, max(0.0, self.offset + row @ self.weights)))


def load(rarity: Rarity) -> Verifier:
    """The packaged weights. Raises `BadConfiguration` where they do not fit the features of this version."""
    stored: dict[str, Any] = orjson.loads(
        resources.files("switchboard.caching.semantic").joinpath(WEIGHTS_FILE).read_bytes()
    )
    if tuple(stored["weights"]) != NAMES:
        raise BadConfiguration(f"{WEIGHTS_FILE} was trained for other features: run `python -m evals.cache.train`.")
    return Verifier(np.array(list(stored["weights"].values())), float(stored["offset"]), rarity)
