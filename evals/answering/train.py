"""Fits how sure the embedded model is that a passage answers: `python -m evals.answering.train`.

Every question of the services' `kb/questions.yaml` is asked without itself: of its own agent, where the right section
is known, and of another one, whose articles hold no answer. Each section's questions were written by somebody who saw
only that section. Prints the weights of `LOGISTIC`, and what the three bands would do.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from switchboard.knowledge.articles.article import Chunk, embedded_text
from switchboard.knowledge.articles.folder import read_folder
from switchboard.models.embedded.answering.composer import ANSWER_MIN, CLOSEST_MIN
from switchboard.models.embedded.answering.passage_fit import PassageFit, PassageRanker
from switchboard.models.embedded.answering.units import NumberedPassage
from switchboard.models.minilm import MiniLmEmbedder

AGENTS = ("billing", "product", "tech")
QUESTIONS_EVERY = 4
FOREIGN_EVERY = 12
FOUND_MAX = 5
NEWTON_STEPS, RIDGE = 20, 0.1
FITTED_EVERY = 2
"""Every other question is held back for the figures."""


@dataclass(frozen=True, slots=True)
class Sections:
    """One agent's sections with the vectors of their texts and questions."""

    chunks: Sequence[Chunk]
    texts: Any
    questions: Sequence[Any]

    def nearness(self, vector: Any, without: tuple[int, int] | None) -> Any:
        """Of each section, as the index scores it; `without` is a section and its question that is asked."""
        scores = self.texts @ vector
        for place, questions in enumerate(self.questions):
            cosines = questions @ vector if len(questions) else np.zeros(0)
            if without is not None and without[0] == place:
                cosines = np.delete(cosines, without[1])
            if len(cosines):
                scores[place] = max(scores[place], np.sort(cosines)[-3:].mean())
        return scores


def sections_of(agent: str, embedder: MiniLmEmbedder) -> Sections:
    chunks = [chunk for article in read_folder(Path("services") / agent / "kb").articles for chunk in article.chunks()]
    texts = embedder.encode([embedded_text(chunk.title, chunk.heading, chunk.text) for chunk in chunks])
    questions = [embedder.encode(list(chunk.questions)) if chunk.questions else np.zeros((0, 384)) for chunk in chunks]
    return Sections(chunks, texts, questions)


async def fits(embedder: MiniLmEmbedder) -> list[tuple[PassageFit, bool, bool]]:
    """The best passage of each question, whether it is the right one, and whether the question has an answer."""
    everything = {agent: sections_of(agent, embedder) for agent in AGENTS}
    ranker = PassageRanker(embedder)
    found: list[tuple[PassageFit, bool, bool]] = []

    async def ask(agent: str, text: str, own: tuple[int, int] | None) -> None:
        sections = everything[agent]
        scores = sections.nearness(embedder.encode([text])[0], own)
        best = np.argsort(-scores)[:FOUND_MAX]
        sources = [
            NumberedPassage(int(place), sections.chunks[place].label, sections.chunks[place].text, float(scores[place]))
            for place in best
        ]
        ranked = await ranker.ranked(text, sources)
        right = own is not None and sections.chunks[ranked[0].source.n].section == sections.chunks[own[0]].section
        found.append((ranked[0], right, own is not None))

    for agent in AGENTS:
        for number, (place, which, text) in enumerate(_asked(everything[agent])):
            if number % QUESTIONS_EVERY == 0:
                await ask(agent, text, (place, which))
            if number % FOREIGN_EVERY == 0:
                await ask(AGENTS[(AGENTS.index(agent) + 1) % len(AGENTS)], text, None)
    return found


def logistic(inputs: Any, targets: Any) -> Any:
    """Weights of a logistic regression, by Newton's method, a little ridge on them."""
    weights = np.zeros(inputs.shape[1])
    for _ in range(NEWTON_STEPS):
        sure = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (targets - sure) - RIDGE * weights
        curve = (inputs * (sure * (1 - sure))[:, None]).T @ inputs + RIDGE * np.eye(len(weights))
        weights = weights + np.linalg.solve(curve, slope)
    return weights


def _asked(sections: Sections) -> Iterator[tuple[int, int, str]]:
    for place, chunk in enumerate(sections.chunks):
        for which, text in enumerate(chunk.questions):
            yield place, which, text


def main() -> None:
    found = asyncio.run(fits(MiniLmEmbedder()))
    features = np.array([[f.nearness, f.likeness, f.overlap, min(f.margin, 0.3)] for f, _, _ in found])
    right = np.array([each for _, each, _ in found])
    answerable = np.array([each for _, _, each in found])
    fitted = np.arange(len(found)) % FITTED_EVERY == 0
    inputs = np.column_stack([np.ones(len(features)), features])
    weights = logistic(inputs[fitted], right[fitted].astype(np.float64))
    sure = 1 / (1 + np.exp(-inputs @ weights))
    held = ~fitted
    bands = {
        "answer": sure >= ANSWER_MIN,
        "closest": (sure < ANSWER_MIN) & (sure >= CLOSEST_MIN),
        "no": sure < CLOSEST_MIN,
    }
    shares = {
        name: {
            "answerable": round(float(band[held & answerable].mean()), 3),
            "right": round(float(right[held & answerable & band].mean()), 3),
            "unanswerable": round(float(band[held & ~answerable].mean()), 3),
        }
        for name, band in bands.items()
    }
    top = round(float(right[held & answerable].mean()), 3)
    print(
        json.dumps(
            {"weights": [round(float(each), 2) for each in weights], "right_at_1": top, "bands": shares}, indent=2
        )
    )


if __name__ == "__main__":
    main()
