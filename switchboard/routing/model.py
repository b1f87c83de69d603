"""What the router has learned from the cards of the agents that are here now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from anyio import to_thread

from switchboard.contracts.cards import AgentCard
from switchboard.models.embedder import Embedder, Vectors
from switchboard.models.heap import give_back_memory
from switchboard.routing.classifier import ELSEWHERE, Classification, Classifier, Example
from switchboard.routing.reference_texts import COMMON_WORDS, CONTINUATIONS, OUT_OF_SCOPE, PERSON_REQUESTS
from switchboard.text.spelling import IsWord, Speller

PERSON = ":person"
"""The class of requests for a human. It stands where an agent's id stands, and no card can have it."""
CONTINUATION = ":continuation"
"""The class of messages that lean on the one before, likewise."""
OUT_OF_SCOPE_COSINE_MAX = 0.6
"""A text for nobody that is nearer than this to an example of a card is left out: the agent answers it."""


@dataclass(frozen=True, slots=True)
class RoutingModel:
    """Immutable. `classifier` is None where there is no agent."""

    cards: Mapping[str, AgentCard]
    embedder: Embedder
    speller: Speller
    classifier: Classifier | None = None

    @classmethod
    async def learned(cls, cards: Mapping[str, AgentCard], embedder: Embedder, is_word: IsWord) -> "RoutingModel":
        """Learns from the cards' examples. Only texts that the embedder has not seen cost more than milliseconds."""
        examples = [example for agent_id in sorted(cards) for example in examples_of(cards[agent_id])]
        speller = Speller.learned([*(each.text for each in examples), *PERSON_REQUESTS, *COMMON_WORDS], is_word)
        own = await embedder.embed([each.text for each in examples])
        nobodys = await embedder.embed(OUT_OF_SCOPE)
        shared = await embedder.embed([*PERSON_REQUESTS, *CONTINUATIONS])
        if not examples:
            return cls(cards, embedder, speller)
        apart = (nobodys @ own.T).max(axis=1) <= OUT_OF_SCOPE_COSINE_MAX
        examples += [Example(text, PERSON, PERSON) for text in PERSON_REQUESTS]
        examples += [Example(text, CONTINUATION, CONTINUATION) for text in CONTINUATIONS]
        examples += [
            Example(text, ELSEWHERE, ELSEWHERE) for text, kept in zip(OUT_OF_SCOPE, apart, strict=True) if kept
        ]
        vectors = np.concatenate([own, shared, nobodys[apart]])
        return cls(cards, embedder, speller, await to_thread.run_sync(_fitted, examples, vectors))

    @property
    def examples(self) -> int:
        """How many texts of cards it has learned from."""
        return sum(len(examples_of(card)) for card in self.cards.values())

    async def classify(self, texts: Sequence[str]) -> list[Classification]:
        """One classification a text; there must be an agent."""
        assert self.classifier is not None
        vectors: Vectors = await self.embedder.embed(texts)
        return self.classifier.classify(texts, vectors)


def _fitted(examples: Sequence[Example], vectors: Vectors) -> Classifier:
    classifier = Classifier.learned(examples, vectors)
    give_back_memory()
    return classifier


def examples_of(card: AgentCard) -> list[Example]:
    """The texts of a card that show what its agent is asked."""
    return [Example(text, card.id, skill.id) for skill in card.skills for text in (*skill.examples, skill.description)]
