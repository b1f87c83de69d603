"""What is remembered of a conversation beyond its last turns: a rolling summary in three levels, and the things named.

Turns that leave the history become notes (a line each); six notes become a segment; of more than five segments the
oldest go into the conversation's summary. Every level is bounded, so the whole is, and folding a turn costs the same
at turn 1000 as at turn 10.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, Field

from switchboard.contracts.turns import ENTITIES_MAX, SUMMARY_CHARACTERS_MAX, Entity, Remembered
from switchboard.memory.entities import entities_in, newest_first
from switchboard.memory.summary import Summarizer, extract

SEGMENT_TURNS = 6
SEGMENTS_MAX = 5
ASKED_CHARACTERS_MAX, ANSWERED_CHARACTERS_MAX = 80, 120
SEGMENT_CHARACTERS_MAX = 180
WHOLE_CHARACTERS_MAX = 500


@dataclass(frozen=True, slots=True)
class AnsweredTurn:
    """A turn that was answered: its number, both sides' words, and when."""

    n: int
    message: str
    text: str
    at: datetime


class Segment(BaseModel):
    """Turns `first` to `last` in short."""

    first: int
    last: int
    text: str


class ConversationMemory(BaseModel):
    """A conversation's long memory. `upto` is the last turn in it; turns are folded in their order, each once."""

    upto: int = 0
    notes: list[str] = Field(default_factory=list[str])
    noted_from: int = 1
    """The turn of the first note."""
    segments: list[Segment] = Field(default_factory=list[Segment])
    summary: str = ""
    """Of what came before the segments."""
    entities: list[Entity] = Field(default_factory=list[Entity])

    def text(self) -> str:
        """All levels, oldest first; at most `SUMMARY_CHARACTERS_MAX` characters, of which the newest stay."""
        parts: list[str] = []
        left = SUMMARY_CHARACTERS_MAX
        for part in reversed([self.summary, *(segment.text for segment in self.segments), *self.notes]):
            if not part or len(part) + 1 > left:
                continue
            parts.append(part)
            left -= len(part) + 1
        return "\n".join(reversed(parts))

    def remembered(self) -> Remembered | None:
        """What an agent is told of it; None where there is nothing."""
        text = self.text()
        if not text and not self.entities:
            return None
        return Remembered(summary=text, entities=self.entities[:ENTITIES_MAX])

    def forgotten(self, upto: int) -> "ConversationMemory":
        """Nothing of it, and what stands there up to turn `upto` is never folded again."""
        return ConversationMemory(upto=max(upto, self.upto), noted_from=max(upto, self.upto) + 1)


async def folded(
    known: ConversationMemory, turns: Sequence[AnsweredTurn], summarizer: Summarizer
) -> ConversationMemory:
    """`known` after `turns` (in their order) were folded into it; those that are in it already change nothing."""
    after = known.model_copy(deep=True)
    for turn in turns:
        if turn.n <= after.upto:
            continue
        if not after.notes:
            after.noted_from = turn.n
        after.upto = turn.n
        after.notes.append(note_of(turn))
        named = entities_in(f"{turn.message}\n{turn.text}", turn.at.date())
        after.entities = newest_first(after.entities, named, ENTITIES_MAX)
        if len(after.notes) >= SEGMENT_TURNS:
            text = await summarizer.summarize(after.notes, SEGMENT_CHARACTERS_MAX)
            after.segments.append(Segment(first=after.noted_from, last=turn.n, text=text))
            after.notes = []
        if len(after.segments) > SEGMENTS_MAX:
            oldest = after.segments.pop(0)
            after.summary = await summarizer.summarize([after.summary, oldest.text], WHOLE_CHARACTERS_MAX)
    return after


def note_of(turn: AnsweredTurn) -> str:
    """One line of a turn: what was asked, and the most telling of the answer."""
    asked = extract([turn.message], ASKED_CHARACTERS_MAX) or " ".join(turn.message.split())[:ASKED_CHARACTERS_MAX]
    answered = extract([turn.text], ANSWERED_CHARACTERS_MAX) or " ".join(turn.text.split())[:ANSWERED_CHARACTERS_MAX]
    return f"Asked: {asked} Told: {answered}" if answered else f"Asked: {asked}"
