"""Fits how sure the embedded model is of its answers: `python -m evals.answering.train`.

Passages (`LOGISTIC` of `passage_fit`): every question of the services' `kb/questions.yaml` is asked without itself of its own
agent, where the right section is known; without its section, so that the nearest ones are only near; and of another agent. What is
out of scope is asked of every agent. Tools (`LOGISTIC` of `tools/choice`): every utterance is asked without itself of its own agent's reading tools,
and of another agent's, beside section questions and what is out of scope. Prints the weights, and what the bands would do.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from switchboard.contracts.cards import load_card
from switchboard.knowledge.articles.article import Chunk, embedded_text
from switchboard.knowledge.articles.folder import read_folder
from switchboard.knowledge.base import PASSAGES_MAX
from switchboard.models.embedded.answering.composer import TOOL_CLOSEST_MIN, TOOL_SURE
from switchboard.models.embedded.answering.passage_fit import PassageRanker
from switchboard.models.embedded.answering.sections import ANSWER_MIN, CLOSEST_MIN
from switchboard.models.embedded.answering.units import NumberedPassage
from switchboard.models.embedded.completion import ToolSpec
from switchboard.models.embedded.phrasing import content_stems
from switchboard.models.embedded.tools.choice import ToolPicker
from switchboard.models.embedded.tools.profile import ToolProfile, tool_profile_of
from switchboard.models.minilm import MiniLmEmbedder

AGENTS = ("billing", "product", "tech")
OWN_EVERY, GONE_EVERY, FOREIGN_EVERY, UTTERANCES_EVERY = 5, 9, 30, 6
NEWTON_STEPS, RIDGE = 20, 0.003
FITTED_EVERY = 2
"""Every other question is held back for the figures."""


@dataclass(frozen=True, slots=True)
class Row:
    """One question's best answer."""

    kind: str
    """What it was asked of: its own agent, or one that cannot know."""
    features: tuple[float, ...]
    right: bool


@dataclass(frozen=True, slots=True)
class Sections:
    """One agent's sections with the vectors of their texts and questions."""

    chunks: Sequence[Chunk]
    texts: Any
    questions: Sequence[Any]

    def nearness(self, vector: Any, without: tuple[int, int | None] | None) -> Any:
        """Of each section, as the index scores it; `without` is a section and its question that is asked, or all of it."""
        scores = self.texts @ vector
        for place, questions in enumerate(self.questions):
            cosines = questions @ vector if len(questions) else np.zeros(0)
            if without is not None and without[0] == place and without[1] is not None:
                cosines = np.delete(cosines, without[1])
            if len(cosines):
                scores[place] = max(scores[place], np.sort(cosines)[-3:].mean())
        if without is not None and without[1] is None:
            scores[without[0]] = -1.0
        return scores


def chunks_of(agent: str) -> list[Chunk]:
    return [chunk for article in read_folder(Path("services") / agent / "kb").articles for chunk in article.chunks()]


def sections_of(agent: str, embedder: MiniLmEmbedder) -> Sections:
    chunks = chunks_of(agent)
    texts = embedder.encode([embedded_text(chunk.title, chunk.heading, chunk.text) for chunk in chunks])
    questions = [embedder.encode(list(chunk.questions)) if chunk.questions else np.zeros((0, 384)) for chunk in chunks]
    return Sections(chunks, texts, questions)


async def passages(embedder: MiniLmEmbedder) -> list[Row]:
    """The best passage of each question, and whether it is the right one."""
    everything = {agent: sections_of(agent, embedder) for agent in AGENTS}
    ranker = PassageRanker(embedder)
    rows: list[Row] = []

    async def ask(kind: str, agent: str, text: str, without: tuple[int, int | None] | None = None) -> None:
        sections = everything[agent]
        scores = sections.nearness(embedder.encode([text])[0], without)
        best = np.argsort(-scores)[:PASSAGES_MAX]
        sources = [
            NumberedPassage(int(place), sections.chunks[place].label, sections.chunks[place].text, float(scores[place]))
            for place in best
        ]
        fit = (await ranker.ranked(text, sources))[0]
        own = without[0] if kind == "own" and without is not None else None
        rows.append(Row(kind, fit.features, own is not None and _same(sections.chunks, fit.source.n, own)))

    for agent in AGENTS:
        for number, (place, which, text) in enumerate(_asked(chunks_of(agent))):
            if number % OWN_EVERY == OWN_EVERY - 1:
                await ask("own", agent, text, (place, which))
            if number % GONE_EVERY == GONE_EVERY - 1:
                await ask("gone", agent, text, (place, None))
            if number % FOREIGN_EVERY == FOREIGN_EVERY - 1:
                await ask("foreign", _other(agent), text)
    for number, text in enumerate(out_of_scope()):
        await ask("out of scope", AGENTS[number % len(AGENTS)], text)
    return rows


async def tools(embedder: MiniLmEmbedder) -> list[Row]:
    """The reading tool of each utterance that is chosen, and whether it is the right one."""
    said = {agent: [each for each in profiles_of(agent) if each.utterances] for agent in AGENTS}
    reading = {agent: [tool for tool in said[agent] if tool.risk == "read"] for agent in AGENTS}
    picker = ToolPicker(embedder, embedder.rarity)
    rows: list[Row] = []

    async def ask(kind: str, agent: str, text: str, own: ToolProfile | None = None) -> None:
        others = [_without(tool, text) if tool is own else tool for tool in reading[agent]]
        pick = await picker.best_reading(text, others)
        assert pick is not None
        rows.append(Row(kind, (pick.fit, pick.known), own is not None and pick.tool.name == own.name))

    for agent in AGENTS:
        for tool in reading[agent]:
            for number, text in enumerate(tool.utterances):
                if number % UTTERANCES_EVERY == 0:
                    await ask("own", agent, text, tool)
                if number % FOREIGN_EVERY == 0:
                    await ask("foreign", _other(agent), text)
        for number, (_, _, text) in enumerate(_asked(chunks_of(agent))):
            if number % FOREIGN_EVERY == 0:
                await ask("of an article", agent, text)
    for number, text in enumerate(out_of_scope()):
        await ask("out of scope", AGENTS[number % len(AGENTS)], text)
    return rows


def out_of_scope() -> list[str]:
    """What nobody here answers, from evals/words."""
    said = map(json.loads, Path("evals/words/smalltalk.jsonl").read_text(encoding="utf-8").splitlines())
    return [each["say"] for each in said if each["label"] == "out_of_scope"]


def profiles_of(agent: str) -> list[ToolProfile]:
    """An agent's tools as far as its utterances and its card tell."""
    written = yaml.safe_load((Path("services") / agent / "utterances.yaml").read_text(encoding="utf-8"))
    card = load_card(Path("services") / agent / "agent.yaml")
    return [
        tool_profile_of(ToolSpec(name, name.replace("_", " "), {"x-utterances": said, "x-risk": card.tools[name].risk}))
        for name, said in written.items()
        if not name.endswith(":not") and name in card.tools
    ]


def _without(tool: ToolProfile, text: str) -> ToolProfile:
    left = tuple(each for each in tool.utterances if each != text)
    return replace(tool, utterances=left, spoken=tool.vocabulary.union(*map(content_stems, left)))


def _other(agent: str) -> str:
    return AGENTS[(AGENTS.index(agent) + 1) % len(AGENTS)]


def _same(chunks: Sequence[Chunk], left: int, right: int) -> bool:
    return (chunks[left].article_id, chunks[left].section) == (chunks[right].article_id, chunks[right].section)


def logistic(inputs: Any, targets: Any) -> Any:
    """Weights of a logistic regression, by Newton's method, a little ridge on them."""
    weights = np.zeros(inputs.shape[1])
    for _ in range(NEWTON_STEPS):
        sure = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (targets - sure) - RIDGE * weights
        curve = (inputs * (sure * (1 - sure))[:, None]).T @ inputs + RIDGE * np.eye(len(weights))
        weights = weights + np.linalg.solve(curve, slope)
    return weights


def _asked(chunks: Sequence[Chunk]) -> Iterator[tuple[int, int, str]]:
    for place, chunk in enumerate(chunks):
        for which, text in enumerate(chunk.questions):
            yield place, which, text


def report(rows: Sequence[Row], bands: tuple[float, float]) -> dict[str, Any]:
    """Weights of all rows; and, fitted on every other row, what would become of the rest by kind."""
    inputs = np.array([[1.0, *row.features] for row in rows])
    right = np.array([row.right for row in rows])
    held = np.arange(len(rows)) % FITTED_EVERY > 0
    sure = 1 / (1 + np.exp(-inputs[held] @ logistic(inputs[~held], right[~held].astype(np.float64))))
    kinds = np.array([row.kind for row in rows])[held]
    answer, closest = bands
    shares = {
        kind: {
            "asked": int((kinds == kind).sum()),
            "answered": round(float((sure[kinds == kind] >= answer).mean()), 3),
            "refused": round(float((sure[kinds == kind] < closest).mean()), 3),
        }
        for kind in dict.fromkeys(kinds.tolist())
    }
    weights = logistic(inputs, right.astype(np.float64))
    return {
        "weights": [round(float(each), 2) for each in weights],
        "right_at_1": round(float(right[kinds_of(rows) == "own"].mean()), 3),
        "right_of_answered": round(float(right[held][sure >= answer].mean()), 3),
        "right_of_refused": round(float(right[held][sure < closest].mean()), 3),
        "kinds": shares,
    }


def kinds_of(rows: Sequence[Row]) -> Any:
    return np.array([row.kind for row in rows])


def main() -> None:
    embedder = MiniLmEmbedder()
    found = {
        "passages": report(asyncio.run(passages(embedder)), (ANSWER_MIN, CLOSEST_MIN)),
        "tools": report(asyncio.run(tools(embedder)), (TOOL_SURE, TOOL_CLOSEST_MIN)),
    }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
