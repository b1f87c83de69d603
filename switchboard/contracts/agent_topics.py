"""What an agent is asked about, in customers' words: it tells the router at start, beside its card."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

TEXTS_MAX = 3_000
"""Of one agent."""
TEXT_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class TopicText:
    """A question, an utterance or a heading, and the topic that it shows: a section of an article, or a tool."""

    topic: str
    text: str


@dataclass(frozen=True)
class AgentTopics:
    """All of an agent's texts, in order; of one that has nothing to tell there are none."""

    texts: tuple[TopicText, ...] = ()
    model_id: str = ""
    """Which embedding model made `vectors`; empty where there are none."""
    vectors: bytes = b""
    """A row of int8 a text, as `switchboard.models.int8_vectors` packs them."""

    @cached_property
    def digest(self) -> str:
        """Of the texts and the vectors' model; empty where there are no texts."""
        if not self.texts:
            return ""
        told = "\n".join(f"{each.topic}\t{each.text}" for each in self.texts)
        return hashlib.sha256(f"{self.model_id}\n{told}".encode()).hexdigest()[:32]

    @classmethod
    def bounded(cls, texts: Sequence[TopicText]) -> "AgentTopics":
        """Within both bounds, each text once: long ones are cut, and of too many every topic keeps its first ones."""
        place: dict[str, int] = {}
        ranked: list[tuple[int, int, TopicText]] = []
        for number, each in enumerate(dict.fromkeys(map(_cut, texts))):
            if not each.text:
                continue
            place[each.topic] = place.get(each.topic, -1) + 1
            ranked.append((place[each.topic], number, each))
        kept = sorted(ranked, key=lambda one: one[:2])[:TEXTS_MAX]
        return cls(tuple(each for _, _, each in sorted(kept, key=lambda one: one[1])))


def _cut(given: TopicText) -> TopicText:
    return TopicText(given.topic[:TEXT_CHARACTERS_MAX], " ".join(given.text.split())[:TEXT_CHARACTERS_MAX].rstrip())
