"""A passage as a tool returned it, read as sentences, lists and tables with their headings."""

import re
from dataclasses import dataclass

from switchboard.text.sentences import sentences

STEPS_MAX = 10
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.*?)\s*#*$")
_ITEM = re.compile(r"^\s*(?:(\d{1,2})[.)]|[-*•])\s+(.*)$")
_ROW = re.compile(r"^\s*\|(.*)$")
_RULE = re.compile(r"^[\s|:-]+$")


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
    """A sentence, a list with its steps, or a table with its rows."""

    source: int
    """Index of the passage."""
    section: int
    heading: str
    text: str
    steps: tuple[str, ...] = ()
    is_table: bool = False

    @property
    def meaning(self) -> str:
        """What is embedded: a list is found by what leads to it, a table by what stands in it."""
        return self.shown if self.is_table else self.text

    @property
    def shown(self) -> str:
        return "\n".join([self.text, *self.steps]) if self.steps else self.text


def units_of(index: int, source: NumberedPassage) -> list[PassageUnit]:
    """A passage's sentences, and its lists whole, in order."""
    units: list[PassageUnit] = []
    heading, section = "", 0
    paragraph: list[str] = []
    steps: list[str] = []
    rows: list[list[str]] = []

    def end_paragraph() -> None:
        for sentence in sentences(" ".join(paragraph)):
            units.append(PassageUnit(index, section, heading, sentence))
        paragraph.clear()

    def end_list() -> None:
        listed = steps or _read_table(rows)
        if listed:
            lead = units.pop() if units and units[-1].section == section and not units[-1].steps else None
            text = lead.text if lead is not None else heading or source.title
            units.append(PassageUnit(index, section, heading, text, tuple(listed[:STEPS_MAX]), bool(rows)))
        steps.clear()
        rows.clear()

    for line in source.text.splitlines():
        title, item, row = _HEADING.match(line), _ITEM.match(line), _ROW.match(line)
        if title is not None:
            end_paragraph()
            end_list()
            section, heading = section + 1, title.group(1)
        elif item is not None:
            end_paragraph()
            if rows:
                end_list()
            steps.append(f"{item.group(1)}. {item.group(2).strip()}" if item.group(1) else f"- {item.group(2).strip()}")
        elif row is not None:
            end_paragraph()
            if steps:
                end_list()
            if not _RULE.match(line):
                rows.append([cell.strip() for cell in row.group(1).rstrip(" |").split("|")])
        elif not line.strip():
            end_paragraph()
        elif steps and line.startswith(("  ", "\t")):
            steps[-1] = f"{steps[-1]} {line.strip()}"
        else:
            end_list()
            paragraph.append(line.strip())
    end_paragraph()
    end_list()
    return units


def _read_table(rows: list[list[str]]) -> list[str]:
    """Each row below the first as a line: 'Coverage – Hub 2: 90 m²; Hub 3: 130 m²'."""
    if len(rows) < 2:
        return []
    _, *names = rows[0]
    lines: list[str] = []
    for first, *cells in rows[1:]:
        told = [
            f"{name}: {cell}" if len(names) > 1 and name else cell for name, cell in zip(names, cells, strict=False)
        ]
        lines.append(f"- {first} – {'; '.join(told)}" if told else f"- {first}")
    return lines
