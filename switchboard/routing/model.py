"""What the router has learned from the cards and topics of the agents that are here now."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from anyio import to_thread

from switchboard.contracts.agent_topics import AgentTopics
from switchboard.contracts.cards import AgentCard
from switchboard.models.embedder import DIMENSIONS, Embedder, Vectors
from switchboard.models.heap import trim_heap
from switchboard.models.int8_vectors import unpacked
from switchboard.routing import reference_texts
from switchboard.routing.classifier import ELSEWHERE, RESERVED_PREFIX, Classification, Classifier, Example
from switchboard.routing.kernel_ridge import spread
from switchboard.routing.phrases import SmallTalk
from switchboard.routing.reference_texts import COMMON_WORDS
from switchboard.text.glossary import in_english
from switchboard.text.spelling import IsWord, Speller

PERSON = f"{RESERVED_PREFIX}{reference_texts.PERSON}"
"""The class of requests for a human. It stands where an agent's id stands, and no card can have it."""
CONTINUATION = f"{RESERVED_PREFIX}{reference_texts.CONTINUATION}"
"""The class of messages that lean on the one before, likewise."""
SMALL_TALK: Mapping[str, SmallTalk] = {f"{RESERVED_PREFIX}{kind}": kind for kind in get_args(SmallTalk)}
"""The classes of small talk, and the kind that each is."""
COMPLAINT = f"{RESERVED_PREFIX}complaint"
OUT_OF_SCOPE_COSINE_MAX = 0.6
"""A text for nobody that is nearer than this to an example of a card is left out: the agent answers it."""
TOPIC_TEXTS_MAX = 2_560
"""Of all agents together that are learned, spread over their topics: a fit of a second, and more teach little."""
CLAIMED_COSINE_MIN = 0.65
"""A topic's text this near to an example of another agent's card, and nearer than to its own card's, is the other's."""
TOPIC_CLASSES_MAX = 512
"""With more topics than this those of an agent are learned as one class: a decision's time grows with the classes."""


@dataclass(frozen=True, slots=True)
class RoutingModel:
    """Immutable. `classifier` is None where there is no agent."""

    cards: Mapping[str, AgentCard]
    embedder: Embedder
    speller: Speller
    classifier: Classifier | None = None
    examples: int = 0
    """How many texts of agents it has learned from."""

    @classmethod
    async def learned(
        cls,
        cards: Mapping[str, AgentCard],
        embedder: Embedder,
        is_word: IsWord,
        topics: Mapping[str, AgentTopics] | None = None,
    ) -> "RoutingModel":
        """Learns from the cards' examples and the agents' topics, by agent id.

        Only texts that neither come with vectors nor were seen by the embedder cost more than milliseconds.
        """
        of_cards = [example for agent_id in sorted(cards) for example in examples_of(cards[agent_id])]
        told = {agent_id: topics[agent_id] for agent_id in sorted(cards) if topics and agent_id in topics}
        chosen = await to_thread.run_sync(_chosen, told)
        known = reference_texts.background(len(of_cards) + len(chosen))
        spelled = [*(each.text for each in of_cards), *known[reference_texts.PERSON], *COMMON_WORDS]
        speller = Speller.learned(spelled, is_word)
        nobodys = [Example(text, ELSEWHERE, ELSEWHERE) for text in known.pop(reference_texts.OUT_OF_SCOPE)]
        reserved = [(f"{RESERVED_PREFIX}{kind}", text) for kind, texts in known.items() for text in texts]
        shared = [Example(text, kind, kind) for kind, text in reserved]
        cards_vectors = await _embedded(of_cards, embedder)
        chosen, topics_vectors = _unclaimed(chosen, await _vectors_of(chosen, embedder), of_cards, cards_vectors)
        own_vectors = [cards_vectors, topics_vectors]
        nobodys_vectors = await _embedded(nobodys, embedder)
        shared_vectors = await _embedded(shared, embedder)
        own = [*of_cards, *(each.example for each in chosen)]
        if not own:
            return cls(cards, embedder, speller)
        apart = np.flatnonzero((nobodys_vectors @ np.concatenate(own_vectors).T).max(axis=1) <= OUT_OF_SCOPE_COSINE_MAX)
        examples = [*own, *shared, *(nobodys[place] for place in apart)]
        vectors = np.concatenate([*own_vectors, shared_vectors, nobodys_vectors[apart]])
        classifier = await to_thread.run_sync(_fitted, examples, vectors)
        return cls(cards, embedder, speller, classifier, len(own))

    async def classify(self, texts: Sequence[str]) -> list[Classification]:
        """One classification a text; there must be an agent."""
        assert self.classifier is not None
        vectors: Vectors = await self.embedder.embed(texts)
        return self.classifier.classify(texts, vectors)


def examples_of(card: AgentCard) -> list[Example]:
    """The texts of a card that show what its agent is asked."""
    return [Example(text, card.id, skill.id) for skill in card.skills for text in (*skill.examples, skill.description)]


def _fitted(examples: Sequence[Example], vectors: Vectors) -> Classifier:
    classifier = Classifier.learned(examples, vectors)
    trim_heap()
    return classifier


async def _embedded(examples: Sequence[Example], embedder: Embedder) -> Vectors:
    return await embedder.embed([each.text for each in examples])


@dataclass(frozen=True, slots=True)
class _TopicExample:
    example: Example
    topics: AgentTopics
    place: int
    """Of the text in `topics`."""


def _chosen(topics: Mapping[str, AgentTopics]) -> list[_TopicExample]:
    """At most `TOPIC_TEXTS_MAX`. Of each topic the first text, then others in an order that no writer had in mind."""
    heads: set[tuple[str, str]] = set()
    found: list[tuple[int, str, int]] = []
    """By rank within its topic: agent, and place among its texts."""
    for agent_id, told in topics.items():
        for place, each in enumerate(told.texts):
            head = (agent_id, each.topic)
            found.append((zlib.crc32(each.text.encode()) if head in heads else -1, agent_id, place))
            heads.add(head)
    found.sort()
    numbers = {head: number for number, head in enumerate(sorted(heads))}
    classes = np.array([numbers[agent, topics[agent].texts[place].topic] for _, agent, place in found], dtype=np.intp)
    result: list[_TopicExample] = []
    places: list[int] = spread(classes, TOPIC_TEXTS_MAX).tolist()
    for _, agent_id, place in (found[each] for each in places):
        each = topics[agent_id].texts[place]
        skill = each.topic if len(heads) <= TOPIC_CLASSES_MAX else "topics"
        # The classifier reads a message put into English, and so it learns them.
        example = Example(in_english(each.text), agent_id, skill, group=each.topic)
        result.append(_TopicExample(example, topics[agent_id], place))
    return result


def _unclaimed(
    chosen: Sequence[_TopicExample], vectors: Vectors, of_cards: Sequence[Example], cards_vectors: Vectors
) -> tuple[list[_TopicExample], Vectors]:
    """Without the texts that another agent's card claims: what is on a card was put there to be routed by."""
    if not chosen:
        return [], vectors
    cosines = vectors @ cards_vectors.T
    owner = np.array([each.agent for each in of_cards])
    own = np.array([each.example.agent for each in chosen])[:, None] == owner
    others = np.where(own, -1.0, cosines).max(axis=1)
    kept = np.flatnonzero((others < CLAIMED_COSINE_MIN) | (others <= np.where(own, cosines, -1.0).max(axis=1)))
    return [chosen[place] for place in kept.tolist()], vectors[kept]


async def _vectors_of(chosen: Sequence[_TopicExample], embedder: Embedder) -> Vectors:
    """Those that the agents sent where they are this embedder's, of this very text; the others are made here."""
    sent = {
        id(each.topics): each.topics
        for each in chosen
        if each.topics.model_id == embedder.model_id and len(each.topics.vectors) == len(each.topics.texts) * DIMENSIONS
    }
    rows = {key: unpacked(topics.vectors) for key, topics in sent.items()}
    missing = [each for each in chosen if id(each.topics) not in rows or each.example.text != _text_of(each)]
    made = await _embedded([each.example for each in missing], embedder)
    by_text = dict(zip((each.example.text for each in missing), made, strict=True))
    vectors = [
        by_text[each.example.text] if each.example.text in by_text else rows[id(each.topics)][each.place]
        for each in chosen
    ]
    return np.array(vectors, dtype=np.float32).reshape(len(chosen), DIMENSIONS)


def _text_of(each: _TopicExample) -> str:
    return each.topics.texts[each.place].text
