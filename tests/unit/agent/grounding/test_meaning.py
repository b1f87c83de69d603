"""The score of an answer's prose by meaning: of its claims alone, and never a reason for an answer to fail."""

from collections.abc import Sequence

import numpy as np

from switchboard.agent.grounding.meaning import claims_in, support_score
from switchboard.models.embedder import DIMENSIONS, Vectors


class OneAxisAWord:
    """Vectors by the first word: equal first words have cosine 1, others 0."""

    model_id = "axes"

    def __init__(self) -> None:
        self.axes: dict[str, int] = {}
        self.calls = 0

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.calls += 1
        vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row, self.axes.setdefault(text.split()[0].lower(), len(self.axes))] = 1
        return vectors


def test_greetings_empathy_questions_and_offers_claim_nothing() -> None:
    said = "Hello Ada! I'm sorry that it broke. Shops close at six today. I can book one for you. Shall I do that now?"
    assert claims_in(said) == ["Shops close at six today."]


async def test_the_score_is_the_mean_of_each_claims_best_cosine() -> None:
    embedder = OneAxisAWord()
    answer = "Shops close at six today. Trains run every ten minutes."
    assert await support_score(answer, "shops close at six\nbuses do not run", embedder) == 0.5
    assert embedder.calls == 1


async def test_nothing_to_score_asks_nobody() -> None:
    embedder = OneAxisAWord()
    assert await support_score("Of course!", "shops close at six", embedder) is None
    assert await support_score("Shops close at six today.", "", embedder) is None
    assert embedder.calls == 0
