"""The check of one turn's answer: sentence by sentence told, held back, written again or left out.

    feed … end                 what the model says first. From a sentence with a fault on all is held back until its end: a
                               tool that runs later may show what was claimed too early.
    repair, feed … settle      what it writes instead, once. A sentence with a fault is left out now, and an honest one stands
                               in its place. `settle` without `repair` does the same to what was held back.

What was told stays told, and the history holds what was told.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from switchboard.agent.grounding.check import Fault, faults_of
from switchboard.agent.grounding.disclosure import Secrets
from switchboard.agent.grounding.evidence import Evidence
from switchboard.agent.grounding.marks import with_citation, with_plain_marks
from switchboard.agent.grounding.sentence_stream import SentenceStream
from switchboard.agent.grounding.support import Told
from switchboard.agent.grounding.wording import ASK_A_PERSON, in_place_of, of_nothing
from switchboard.contracts.tools import Passage
from switchboard.text.languages import Language, language_of

_LETTER = re.compile(r"[^\W\d_]")


@dataclass(slots=True)
class Findings:
    """What the check of a turn saw, for its trace."""

    sentences: int = 0
    faults: list[Fault] = field(default_factory=list[Fault])
    """Of the model's first answer, when it had ended."""
    repaired: bool = False
    """The model was asked once more."""
    left_out: int = 0
    """Sentences that were not told at all."""


class AnswerCheck:
    """One for a turn. `feed`, `end` and `settle` give what may be told now."""

    def __init__(self, evidence: Evidence, secrets: Secrets, language: Language) -> None:
        self.findings = Findings()
        self.evidence = evidence
        self._secrets = secrets
        self._language: Language = language
        self._stream = SentenceStream()
        self._told = Told()
        self._withheld: list[str] = []
        self._draft = Told()
        """The numbers of what was told and of what is held back."""
        self._repairing = False
        self._rewritten = False
        self._has_told = False
        self._ends_in_space = True
        self._stand_in = ""
        self._stood_in: set[str] = set()

    @property
    def withheld(self) -> str:
        """What is held back, as the model wrote it; empty when all was told."""
        return "".join(self._withheld)

    def feed(self, text: str, passages: Sequence[Passage]) -> str:
        """The model's next words."""
        return "".join(self._next(sentence, passages) for sentence in self._stream.feed(text))

    def pause(self, passages: Sequence[Passage]) -> str:
        """The model has called a tool, or has ended: its sentence is over."""
        return "".join(self._next(sentence, passages) for sentence in self._stream.flush())

    def end(self, passages: Sequence[Passage]) -> str:
        """The model's first answer has ended. If what has come to light since supports all that is held back, it is told;
        else `findings.faults` says what does not follow, and `withheld` is to be written again or to be settled."""
        given = self.pause(passages)
        if not self._withheld:
            return given
        draft = self._told.copy()
        self.findings.faults = [fault for each in self._withheld for fault in self._faults_of(each, draft)]
        if self.findings.faults:
            return given
        held, self._withheld = self._withheld, []
        return given + "".join(self._tell(each, draft, passages) for each in held)

    def repair(self) -> None:
        """What is fed from now on is written instead of what is held back."""
        self._repairing = self.findings.repaired = True

    def settle(self, passages: Sequence[Passage], offer: str) -> str:
        """The end of an answer with faults. Where nothing was written instead, what of the draft has none is told; where
        nothing at all is left, an honest sentence. `offer` is a question to end with, or empty."""
        given = self.pause(passages)
        if not self._rewritten:
            self._repairing = True
            given += "".join(self._next(each, passages) for each in self._withheld)
        self._withheld = []
        if not self._has_told:
            return of_nothing(self.findings.faults, self._language, offer)
        if self._stand_in:
            given += f"{self._lead()}{offer or ASK_A_PERSON[self._language]}"
        return given

    def _next(self, sentence: str, passages: Sequence[Passage]) -> str:
        self.findings.sentences += _LETTER.search(sentence) is not None
        if self._withheld and not self._repairing:
            self._withheld.append(sentence)
            return ""
        self._rewritten = self._rewritten or self._repairing
        draft = self._told.copy()
        faults = self._faults_of(sentence, draft)
        if not faults:
            return self._tell(sentence, draft, passages)
        if not self._repairing:
            self._withheld.append(sentence)
            return ""
        self._leave_out(sentence, faults)
        return ""

    def _faults_of(self, sentence: str, told: Told) -> list[Fault]:
        return faults_of(sentence, self.evidence, told, language_of(sentence, self._language), self._secrets)

    def _tell(self, sentence: str, told: Told, passages: Sequence[Passage]) -> str:
        self._told = told
        if _LETTER.search(sentence) is None and self._repairing and not self._has_told:
            return ""  # the rest of a list or of JSON, whose words were left out
        self._has_told = self._has_told or _LETTER.search(sentence) is not None
        lead = self._lead()
        known = {passage.n for passage in passages}
        told_text = with_citation(with_plain_marks(sentence, known), passages)
        self._ends_in_space = told_text[-1:].isspace()
        return lead + told_text

    def _lead(self) -> str:
        """What stands in for the sentences that were left out last."""
        lead, self._stand_in = self._stand_in, ""
        return lead if self._ends_in_space or not lead else f" {lead}"

    def _leave_out(self, sentence: str, faults: list[Fault]) -> None:
        self.findings.left_out += 1
        honest = in_place_of(faults, self._language)
        if honest and honest not in self._stood_in:
            self._stood_in.add(honest)
            self._stand_in += f"{honest}{sentence[len(sentence.rstrip()) :] or ' '}"
