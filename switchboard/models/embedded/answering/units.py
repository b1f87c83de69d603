"""A passage as a tool returned it, read as sentences and lists with their headings."""

import re
from dataclasses import dataclass

from switchboard.text.sentences import sentences

STEPS_MAX = 10
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.*?)\s*#*$")
_ITEM = re.compile(r"^\s*(?:(\d{1,2})[.)]|[-*•])\s+(.*)$")
_ROW = re.compile(r"^\s*\|")


@dataclass(frozen=True, slots=True)
class NumberedPassage:
    """A passage as a tool returned it."""

    n: int
    title: str
    text: str
    score: float | None = None
    """How near the search found it to its query, a cosine; None where it does not say."""


@dataclass(frozen=True, slots=True)
class PassageUnit:
    """A sentence or a list with its steps."""

    source: int
    """Index of the passage."""
    section: int
    heading: str
    text: str
    steps: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        return "\n".join([self.text, *self.steps]) if self.steps else self.text


def units_of(index: int, source: NumberedPassage) -> list[PassageUnit]:
    """A passage's sentences, and its lists whole, in order."""
    units: list[PassageUnit] = []
    heading, section = "", 0
    paragraph: list[str] = []
    steps: list[str] = []

    def end_paragraph() -> None:
        for sentence in sentences(" ".join(paragraph)):
            units.append(PassageUnit(index, section, heading, sentence))
        paragraph.clear()

    def end_list() -> None:
        if steps:
            lead = units.pop() if units and units[-1].section == section and not units[-1].steps else None
            text = lead.text if lead is not None else heading or source.title
            units.append(PassageUnit(index, section, heading, text, tuple(steps[:STEPS_MAX])))
        steps.clear()

    for line in source.text.splitlines():
        title, item = _HEADING.match(line), _ITEM.match(line)
        if title is not None:
            end_paragraph()
            end_list()
            section, heading = section + 1, title.group(1)
        elif item is not None:
            end_paragraph()
            steps.append(f"{item.group(1)}. {item.group(2).strip()}" if item.group(1) else f"- {item.group(2).strip()}")
        elif not line.strip():
            end_paragraph()
        elif steps and line.startswith(("  ", "\t")):
            steps[-1] = f"{steps[-1]} {line.strip()}"
        elif not _ROW.match(line):
            end_list()
            paragraph.append(line.strip())
    end_paragraph()
    end_list()
    return units
