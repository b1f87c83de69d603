"""Which agent a text is for, by the examples on the cards: a fit of milliseconds, a calibrated score per agent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from switchboard.routing.calibration import Calibration, elsewhere_min_of, familiarity_min_of, temperature_of
from switchboard.routing.kernel_ridge import BLOCK_ROWS, Fit, fitted
from switchboard.routing.lexical_features import LexicalSpace, Matrix

ELSEWHERE = ""
"""The class of texts that belong to nobody. It stands where an agent's id stands."""
RESERVED_PREFIX = ":"
"""Begins the names of classes that compete with agents and are none, such as requests for a person."""
SKILL_WEIGHT = 0.5
"""Of an agent's best skill in the agent's score; the rest is the agent as one class, its skills together."""
PARTS_WEIGHT = 0.5
"""Of the mean score of a message's parts, beside the whole message's."""


def is_agent(name: str) -> bool:
    return name != ELSEWHERE and not name.startswith(RESERVED_PREFIX)


@dataclass(frozen=True, slots=True)
class Example:
    """A text that is known to be for a skill of an agent."""

    text: str
    agent: str
    skill: str
    is_name: bool = False
    """What the skill is called, which nobody says: it teaches, but thresholds are not measured by it."""
    group: str = ""
    """Texts of an agent's group are ways to ask for one thing: how a new matter is read shows only where all are left out."""


@dataclass(frozen=True, slots=True)
class Classification:
    """What the classifier makes of one text."""

    agents: dict[str, float]
    """Probability of each agent and each reserved class, the likeliest first; with `elsewhere` they add up to 1."""
    scores: dict[str, float]
    """Raw score of each agent, in the same order: of a message with two intents both agents keep a share."""
    elsewhere: float
    """Probability that it is for nobody, judged by what is known to be for nobody."""
    skill: str
    """The likeliest skill of the likeliest class."""
    score: float
    """Raw score of the likeliest skill of any agent: about 1 for a known text, 0 for one unlike everything."""
    nearest: float
    """Cosine to the nearest example."""

    @property
    def familiarity(self) -> float:
        return self.score + self.nearest

    @property
    def best(self) -> float:
        return next(iter(self.agents.values()))

    @property
    def second(self) -> float:
        return list(self.agents.values())[1] if len(self.agents) > 1 else 0.0

    @property
    def nobodys(self) -> float:
        """Probability that it is no agent's: for nobody, for a person, small talk."""
        return 1 - sum(share for name, share in self.agents.items() if is_agent(name))

    def with_parts(self, parts: Sequence["Classification"], calibration: Calibration) -> "Classification":
        """The same, its agents told apart by the parts too: a story of many sentences blurs what it asks for."""
        names = [name for name in self.agents if is_agent(name)]
        whole = np.array([self.scores[name] for name in names], dtype=np.float32)
        of_parts = np.array([[each.scores[name] for name in names] for each in parts], dtype=np.float32)
        mixed = (1 - PARTS_WEIGHT) * whole + PARTS_WEIGHT * of_parts.mean(axis=0)
        shares = calibration.probabilities(mixed) * (1 - self.nobodys)
        agents = {**self.agents, **dict(zip(names, map(float, shares), strict=True))}
        agents = dict(sorted(agents.items(), key=lambda one: -one[1]))
        best = next(iter(agents))
        skills = (each.skill for each in parts if next(iter(each.agents)) == best)
        skill = self.skill if best == next(iter(self.agents)) else next(skills, "")
        return replace(self, agents=agents, skill=skill)


@dataclass(frozen=True, slots=True)
class Classifier:
    """Immutable: a card that comes or leaves makes a new one. `classify` is safe from any thread."""

    agents: tuple[str, ...]
    skills: tuple[tuple[str, str], ...]
    """(agent, skill), in the order of `agents`, those of `ELSEWHERE` last: the first columns of the fit."""
    columns: NDArray[np.intp]
    """Shape (skills,): which agent owns a skill; `len(agents)` for elsewhere."""
    space: LexicalSpace
    fit: Fit
    in_scope: NDArray[np.bool_]
    """Shape (landmarks,): those that are an agent's."""
    skill_in_scope: NDArray[np.bool_]
    """Shape (skills,): likewise."""
    calibration: Calibration

    @classmethod
    def learned(cls, examples: Sequence[Example], vectors: Matrix) -> "Classifier":
        """Fits on examples and their unit vectors, shape (examples, 384). At least one is an agent's."""
        agents = tuple(dict.fromkeys(each.agent for each in examples if each.agent != ELSEWHERE))
        names = {name: place for place, name in enumerate((*agents, ELSEWHERE))}
        known = dict.fromkeys((each.agent, each.skill) for each in examples)
        skills = tuple(sorted(known, key=lambda skill: names[skill[0]]))
        columns = np.array([names[agent] for agent, _ in skills])
        truth = np.array([names[each.agent] for each in examples])
        skill_of = {skill: place for place, skill in enumerate(skills)}
        space = LexicalSpace.learned([each.text for each in examples])
        rows = space.rows([each.text for each in examples])
        of_skills = np.array([skill_of[each.agent, each.skill] for each in examples])
        targets = np.zeros((len(examples), len(skills) + len(names)), dtype=np.float32)
        targets[np.arange(len(examples)), of_skills] = 1
        targets[np.arange(len(examples)), len(skills) + truth] = 1
        groups = _groups(examples)
        order = np.argsort(groups, kind="stable")
        runs = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
        together = [run for run in runs if len(run) > 1]
        fit, unseen = fitted(vectors, rows, targets, together)

        own = np.array([is_agent(each.agent) for each in examples])
        said = own & ~np.array([each.is_name for each in examples])
        in_scope = np.array([is_agent(agent) for agent, _ in skills])
        best = unseen[:, : len(skills)][:, in_scope].max(axis=1)
        nearest = _nearest_other(vectors, groups, fit.landmarks[own[fit.landmarks]])
        of_agents = _agent_scores(unseen, columns)
        calibration = Calibration(temperature_of(of_agents, truth), familiarity_min_of((best + nearest)[said]))
        if together and ELSEWHERE in names and len(names) > len(agents):
            shares = calibration.probabilities(of_agents)
            calibration = replace(calibration, elsewhere_min=elsewhere_min_of(shares[said, -1]))
        return cls(agents, skills, columns, space, fit, own[fit.landmarks], in_scope, calibration)

    def classify(self, texts: Sequence[str], vectors: Matrix) -> list[Classification]:
        """One classification a text. `vectors`: shape (texts, 384), of length 1."""
        cosines = vectors @ self.fit.vectors.T
        scores = self.fit.scores(cosines, self.space.rows(texts))
        of_agents = _agent_scores(scores, self.columns)
        shares = self.calibration.probabilities(of_agents)
        nearest = cosines[:, self.in_scope].max(axis=1)
        of_skills = scores[:, : len(self.skills)]
        return [self._classification(*each) for each in zip(shares, of_agents, of_skills, nearest, strict=True)]

    def _classification(self, shares: Matrix, scores: Matrix, skills: Matrix, nearest: float) -> Classification:
        order = np.argsort(-shares[: len(self.agents)], kind="stable")
        of_best = np.flatnonzero(self.columns == order[0])
        return Classification(
            agents={self.agents[place]: float(shares[place]) for place in order},
            scores={self.agents[place]: float(scores[place]) for place in order},
            elsewhere=float(shares[len(self.agents)]) if len(shares) > len(self.agents) else 0.0,
            skill=self.skills[int(of_best[int(skills[of_best].argmax())])][1],
            score=float(skills[self.skill_in_scope].max()),
            nearest=float(nearest),
        )


def _groups(examples: Sequence[Example]) -> NDArray[np.intp]:
    """Shape (texts,): equal for those that are left out together."""
    numbers: dict[tuple[str, str], int] = {}
    return np.array(
        [
            numbers.setdefault((each.agent, each.group), len(numbers) + len(examples)) if each.group else place
            for place, each in enumerate(examples)
        ],
        dtype=np.intp,
    )


def _agent_scores(scores: Matrix, columns: NDArray[np.intp]) -> Matrix:
    """Shape (texts, agents), plus one for elsewhere where it has examples. `scores`: those of skills, then of agents."""
    count = int(columns.max()) + 1
    together = scores[:, len(columns) : len(columns) + count]
    starts = np.flatnonzero(np.diff(columns, prepend=-1))
    assert len(starts) == count, "the skills of an agent stand together"
    best = np.maximum.reduceat(scores[:, : len(columns)], starts, axis=1)
    return (SKILL_WEIGHT * best + (1 - SKILL_WEIGHT) * together).astype(np.float32, copy=False)


def _nearest_other(vectors: Matrix, groups: NDArray[np.intp], landmarks: NDArray[np.intp]) -> Matrix:
    """Of each text, the cosine to the nearest of `landmarks` that is of another group than itself. Shape (texts,)."""
    result = np.empty(len(vectors), dtype=np.float32)
    for start in range(0, len(vectors), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        cosines = vectors[rows] @ vectors[landmarks].T
        cosines[groups[rows, None] == groups[landmarks]] = -1
        result[rows] = cosines.max(axis=1)
    return result
