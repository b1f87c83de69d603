"""Runs the check of an agent's answers over written ones, without a model: what is told whole, what is stopped."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from evals.grounding.cases import GroundingCase
from switchboard.agent.grounding.answer_check import AnswerCheck
from switchboard.agent.grounding.disclosure import Secrets
from switchboard.agent.grounding.turn_evidence import add_outcome, customers_language, evidence_before
from switchboard.contracts.turns import Principal, TurnRequest
from switchboard.evaluation.statistics import Interval, wilson

GOOD = "good"
HARD_FACTS = ("amount", "number", "date", "id", "phone")
DEEDS = ("deed",)
INSTRUCTIONS = ("prompt",)
SWAPPED = "swapped"


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many were right: a good answer told whole, a bad one stopped."""

    right: int
    of: int

    @property
    def value(self) -> float:
        return self.right / self.of if self.of else 1.0

    @property
    def interval(self) -> Interval:
        return wilson(self.right, self.of)


def is_stopped(case: GroundingCase) -> bool:
    """Whether something of the answer is held back."""
    request = TurnRequest(
        turn_id="case.1",
        conversation_id="case",
        principal=Principal(tenant="cases", user=case.user),
        message=case.say,
        deadline=datetime.now(UTC),
    )
    evidence = evidence_before(request, None, [case.instructions], case.today)
    add_outcome(evidence, "look_up", case.outcome, changed=False)
    for tool, outcome in case.deeds.items():
        add_outcome(evidence, tool, outcome, changed=True)
    check = AnswerCheck(evidence, Secrets([case.instructions], ()), customers_language(request))
    passages = case.outcome.passages
    check.feed(case.answer, passages)
    check.end(passages)
    return bool(check.withheld)


def shares(cases: Iterable[GroundingCase]) -> Mapping[str, Mapping[str, Share]]:
    """By part, and by `good` or the fault's kind; a wrong value that stands elsewhere in the evidence counts as `swapped`
    as well."""
    found: dict[str, dict[str, Share]] = {"learn": {}, "held": {}}
    for case in cases:
        right = is_stopped(case) == (case.label == "bad")
        for kind in (case.fault or GOOD, *([SWAPPED] if case.swapped else [])):
            was = found[case.part].get(kind, Share(0, 0))
            found[case.part][kind] = Share(was.right + right, was.of + 1)
    return found


def pooled(by_kind: Mapping[str, Share], kinds: Iterable[str]) -> Share:
    """Of several kinds together."""
    chosen = [by_kind[kind] for kind in kinds if kind in by_kind]
    return Share(sum(each.right for each in chosen), sum(each.of for each in chosen))
