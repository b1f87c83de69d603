"""The written answers, each with the evidence that it had."""

import hashlib
import re
from datetime import date
from pathlib import Path
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict

from switchboard.contracts.tools import Passage, ToolOutcome
from switchboard.text.languages import Language

SEEN = Path(__file__).parents[1] / "words" / "grounding.jsonl"
"""Both halves of it were looked at: it is for learning."""
SPLIT = (Path(__file__).with_name("facts.jsonl"), Path(__file__).with_name("deeds.jsonl"))
"""Half of each is held back."""
Part = Literal["learn", "held"]
_QUESTION = re.compile(r"([^\n?.]{3,100}\?)\s")


class GroundingCase(BaseModel):
    """An answer of a natural model to what a customer says. `fault` names what is wrong with a bad one."""

    model_config = ConfigDict(extra="forbid")
    id: str
    say: str
    user: str
    today: date
    evidence: list[str]
    """What its tools returned: JSON, passages ("heading", empty line, text; or a question and its answer), sentences."""
    searched: bool
    effects_done: list[str]
    """ "<tool> <id of what was made>" """
    answer: str
    label: Literal["good", "bad"]
    fault: str
    lang: Language = "en"
    swapped: bool = False
    """The wrong value stands elsewhere in the evidence, for another thing."""
    instructions: str = ""
    """Hidden ones, where the answer recites some."""
    part: Part = "learn"

    @property
    def outcome(self) -> ToolOutcome:
        """The evidence as one tool returns it."""
        facts: list[str] = []
        passages: list[Passage] = []
        data: list[object] = []
        for text in self.evidence:
            title, body = _titled(text)
            if text.startswith("{"):
                data.append(orjson.loads(text))
            elif body:
                n = len(passages) + 1
                passages.append(Passage(n=n, title=title, uri=f"kb://cases/{self.id}#{n}-{n + 1}", text=body))
            else:
                facts.append(text)
        return ToolOutcome(facts=facts, passages=passages, data={"results": data} if data else {})

    @property
    def deeds(self) -> dict[str, ToolOutcome]:
        """What was done before the answer, by the tool that did it."""
        told = [fact for fact in self.evidence if not fact.startswith("{") and not _titled(fact)[1]]
        parted = (each.partition(" ") for each in self.effects_done)
        return {tool: ToolOutcome(facts=[*filter(None, [made]), *told]) for tool, _, made in parted}


def load_cases() -> list[GroundingCase]:
    """All of them, in their order."""
    split = [case.model_copy(update={"part": part_of(case.id)}) for file in SPLIT for case in _read(file)]
    return [*_read(SEEN), *split]


def part_of(case_id: str) -> Part:
    """Cases with an odd first byte of the id's SHA-256 are held back: only their totals may be looked at."""
    return "held" if hashlib.sha256(case_id.encode()).digest()[0] % 2 else "learn"


def _titled(text: str) -> tuple[str, str]:
    """Heading and text of a passage; a sentence has no text."""
    title, gap, body = text.partition("\n\n")
    question = _QUESTION.match(text)
    if question is not None and (not gap or question.end() < len(title)):
        return question[1], text[question.end() :]
    return title, body


def _read(file: Path) -> list[GroundingCase]:
    return [GroundingCase.model_validate_json(line) for line in file.read_text(encoding="utf-8").splitlines() if line]
