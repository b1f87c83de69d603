"""The blind set: messages of writers who know the articles and the data, and nothing of how the assistant is built.

Each turn names what a useful answer tells, what makes it wrong, and which deeds are allowed. The verdict is code's: the
same answer always gets the same one. `test` is only ever shown as totals, so that nobody tunes on it by accident.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from switchboard.contracts.errors import BadConfiguration
from switchboard.contracts.turns import UserMessage
from switchboard.evaluation.statistics import Interval, wilson
from switchboard.scoring.evaluators.refusal import is_refusal
from switchboard.scoring.transcript import Transcript
from switchboard.scoring.words import holds

CASES_MAX: Final = 5_000
TURNS_MAX: Final = 8

Difficulty = Literal["short", "long", "two_facts", "two_matters", "follow_up"]
Verdict = Literal["useful", "partial", "refused", "wrong", "honest", "made_up", "failed", "unchecked"]
"""Of an answerable turn: useful (all facts), partial (some), refused (says that it does not know, or asks back), wrong (none of
the facts, or a rejected claim), failed (no answer). Of one that is not answerable: honest, or made_up. `unchecked`: nothing is demanded."""
Alternatives = Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=300)]], Field(min_length=1)]

_CLOSEST: Final = re.compile(r"\bclosest (?:that|thing|answer)?\s*(?:that )?(?:i|we) (?:have|found|can)", re.IGNORECASE)
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_OFFERS_HELP: Final = re.compile(
    r"\b(?:would you like|do you want|shall|should|may|can) (?:me|i|we)\b[^?]{0,160}\b(?:ticket|colleague|person|hand)"
    r"|\bhand(?:ing)? (?:this|you|it|the conversation) over\b|\boutside (?:of )?what i can\b",
    re.IGNORECASE,
)


class BlindTurn(BaseModel):
    """One message, and what must be true of its answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    say: UserMessage
    facts: list[Alternatives] = Field(default_factory=list[Alternatives])
    """Groups; of each group one alternative must stand in the answer. `/…/` is a regular expression."""
    reject: list[str] = Field(default_factory=list)
    answerable: bool = True
    effects: list[str] = Field(default_factory=list)
    """Deeds that are allowed."""
    must_effects: list[str] = Field(default_factory=list)
    """Deeds that must be done."""


class BlindCase(BaseModel):
    """A message or a conversation of one customer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    writer: str
    user: str
    """`tenant/user`."""
    kind: Literal["single", "conversation"]
    area: str
    difficulty: Difficulty
    voice: str
    lang: str
    turns: list[BlindTurn] = Field(min_length=1, max_length=TURNS_MAX)
    source: str = ""
    """Where the writer took the facts from; not judged."""

    @property
    def may_change_data(self) -> bool:
        return any(turn.effects or turn.must_effects for turn in self.turns)


class TurnScore(BaseModel):
    """What became of one turn."""

    case: str
    n: int
    verdict: Verdict
    unasked: list[str] = Field(default_factory=list)
    missing: list[str] = Field(default_factory=list)
    groups: dict[str, str] = Field(default_factory=dict[str, str])
    say: str = ""
    text: str = ""
    tools: list[str] = Field(default_factory=list)
    latency_ms: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Share(BaseModel):
    """A proportion with its 95 % interval (Wilson)."""

    count: int
    of: int
    share: float
    interval: tuple[float, float]

    @classmethod
    def of_counts(cls, count: int, of: int) -> "Share":
        bounds: Interval = wilson(count, of)
        return cls(count=count, of=of, share=round(count / of, 4) if of else 0.0, interval=(bounds.low, bounds.high))


class Totals(BaseModel):
    """Of a group of turns."""

    useful: Share
    partial: Share
    refused: Share
    wrong: Share
    failed: Share
    honest: Share
    """Of the turns that nothing answers."""
    unasked_effects: int
    missing_effects: Share
    """Of the deeds that were plainly asked for or accepted."""


def load_blind(path: Path) -> list[BlindCase]:
    """The cases of a JSON-lines file. Raises `BadConfiguration` with the line that is wrong."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadConfiguration(f"The blind cases {path} cannot be read: {error.strerror}") from error
    cases: list[BlindCase] = []
    for number, line in enumerate(lines[:CASES_MAX], 1):
        try:
            cases.append(BlindCase.model_validate_json(line))
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BadConfiguration(f"{path}, line {number}: '{where}' is not valid: {first['msg']}.") from error
    twice = [name for name, count in Counter(case.id for case in cases).items() if count > 1]
    if twice:
        raise BadConfiguration(f"{path}: the id {twice[0]} stands there twice.")
    return cases


def score(case: BlindCase, n: int, turn: Transcript, deeds: frozenset[str]) -> TurnScore:
    """The verdict on turn `n` of a case. `deeds`: names of the tools that change something."""
    expected = case.turns[n]
    done = {tool.name for tool in turn.tools if tool.ok} & deeds
    difficulty: str = case.difficulty if case.kind == "single" else ("follow_up" if n else "opening")
    return TurnScore(
        case=case.id,
        n=n,
        verdict=verdict(expected, turn),
        unasked=sorted(done - {*expected.effects, *expected.must_effects}),
        missing=sorted({*expected.must_effects} - done),
        groups={
            "kind": case.kind,
            "area": case.area,
            "difficulty": difficulty,
            "voice": case.voice,
            "lang": case.lang,
            "writer": case.writer,
        },
        say=expected.say,
        text=turn.text,
        tools=[tool.name for tool in turn.tools],
        latency_ms=turn.duration_ms,
        prompt_tokens=turn.prompt_tokens,
        completion_tokens=turn.completion_tokens,
    )


def verdict(expected: BlindTurn, turn: Transcript) -> Verdict:
    """What an answer is worth to its customer."""
    if not turn.answered:
        return "failed"
    rejected = any(holds(turn.text, claim) for claim in expected.reject)
    admits = is_refusal(turn.text) or _CLOSEST.search(turn.text) is not None or _asks_back(turn)
    if not expected.answerable:
        return "honest" if (admits or _OFFERS_HELP.search(turn.text)) and not rejected else "made_up"
    if rejected:
        return "wrong"
    if not expected.facts:
        return "unchecked"
    answer = _without_refusals(turn.text)
    told = sum(any(holds(answer, one) for one in group) for group in expected.facts)
    if told == len(expected.facts):
        return "useful"
    if admits:
        return "refused"
    return "partial" if told else "wrong"


def totals(scores: Sequence[TurnScore], wanted_deeds: int) -> Totals:
    """Of these turns. `wanted_deeds`: how many deeds they had to do."""
    count = Counter(each.verdict for each in scores)
    answerable = sum(count[each] for each in ("useful", "partial", "refused", "wrong", "failed"))
    return Totals(
        useful=Share.of_counts(count["useful"], answerable),
        partial=Share.of_counts(count["partial"], answerable),
        refused=Share.of_counts(count["refused"], answerable),
        wrong=Share.of_counts(count["wrong"], answerable),
        failed=Share.of_counts(count["failed"], answerable),
        honest=Share.of_counts(count["honest"], count["honest"] + count["made_up"]),
        unasked_effects=sum(len(each.unasked) for each in scores),
        missing_effects=Share.of_counts(sum(len(each.missing) for each in scores), wanted_deeds),
    )


def by_group(scores: Iterable[TurnScore], cases: Iterable[BlindCase], group: str) -> dict[str, Totals]:
    """The totals of each value of a group (`kind`, `area`, `difficulty`, `voice`, `lang`, `writer`)."""
    parts: dict[str, list[TurnScore]] = {}
    for each in scores:
        parts.setdefault(each.groups[group], []).append(each)
    turns = {case.id: case.turns for case in cases}
    return {
        name: totals(part, sum(len(turns[each.case][each.n].must_effects) for each in part))
        for name, part in sorted(parts.items())
    }


def deeds_of(cases: Iterable[BlindCase]) -> frozenset[str]:
    """Every deed that any case names."""
    return frozenset(deed for case in cases for turn in case.turns for deed in (*turn.effects, *turn.must_effects))


def _without_refusals(text: str) -> str:
    """The answer without its "I don't know" and its offers of help: their words are no facts."""
    told = (each for each in _SENTENCE.split(text) if each)
    return " ".join(
        each for each in told if not is_refusal(each) and not (each.endswith("?") and _OFFERS_HELP.search(each))
    )


def _asks_back(turn: Transcript) -> bool:
    """An answer that leans on nothing and ends with a question."""
    return turn.text.strip().endswith("?") and not turn.citations and not any(tool.ok for tool in turn.tools)
