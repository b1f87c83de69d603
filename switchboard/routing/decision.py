"""The decision on one message in its conversation: by its words where they say it all, else by the classifier."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from switchboard.contracts.events import RouteBy
from switchboard.contracts.turns import HistoryMessage
from switchboard.routing.classifier import Classification, is_agent
from switchboard.routing.glossary import in_english
from switchboard.routing.model import CONTINUATION, PERSON, RoutingModel
from switchboard.routing.multi_intent import RoutedPart, several
from switchboard.routing.phrases import (
    PART_WORDS_MIN,
    PARTS_MAX,
    TEXT_CHARACTERS_MAX,
    SmallTalk,
    asks_for_person,
    ends_in_question,
    is_bare_yes_or_no,
    is_detail,
    is_yes_or_no,
    leans_on_context,
    parts_of,
    plain,
    small_talk,
)

STANDS_ALONE_MIN = 0.95
"""Familiarity from which on a message is understood by itself, whatever was spoken of before."""
UNDERSTOOD_MIN = 0.45
"""Familiarity below which a message after an agent's question is its answer."""
PROBABLE_MIN = 0.5
CLARIFY_BEST_MAX, CLARIFY_SHARE_MIN = 0.55, 0.6
"""The user is asked which of two agents is meant when the best has a probability below the first of these, and the second
best has at least this share of it."""
PERSON_MIN = 0.45
ELSEWHERE_MIN = 0.5
"""Probability from which on a message is for nobody."""

UNLIKELY_MAX = 0.2
"""A model is not asked about a message for nobody when the best agent is no likelier than this."""

CLARIFY_FAMILIARITY_MIN = 0.65
"""Below it a message is too unlike everything known for such a question: the likeliest agent gets it."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a message is read against."""

    agent: str | None = None
    """Who answered last."""
    history: Sequence[HistoryMessage] = ()
    refusals: int = 0
    """Messages in a row, up to now, that were refused as out of scope."""
    handed_over: bool = False
    """A person has the conversation."""

    @property
    def asked(self) -> HistoryMessage | None:
        """The last answer, when it ended in a question."""
        last = self.history[-1] if self.history else None
        return last if last is not None and last.role == "assistant" and ends_in_question(last.text) else None

    @property
    def asked_before(self) -> str:
        """The user's message that the supervisor's own question was about."""
        return next((each.text for each in reversed(self.history) if each.role == "user"), "")


@dataclass(frozen=True, slots=True)
class Route:
    """Who answers, and why. `parts` is empty unless agents do."""

    by: RouteBy
    why: str
    """A sentence for a person."""
    parts: tuple[RoutedPart, ...] = ()
    candidates: tuple[str, ...] = ()
    """Agents to ask about, for "clarify"."""
    talk: SmallTalk | None = None
    """Which small talk; None there for a yes or a no that nothing was asked for."""
    classification: Classification | None = None
    """None where the words alone decided."""
    unsure: bool = False
    """A model that can judge may be asked."""
    judged: bool = False
    """A model was, and `by` and `parts` are its own."""
    first: "Route | None" = None
    """What the classifier had said."""

    @property
    def shares(self) -> dict[str, float]:
        """Probability of each agent, the likeliest first; empty where the words alone decided."""
        return (
            {} if self.classification is None else {a: p for a, p in self.classification.agents.items() if is_agent(a)}
        )

    @property
    def classifier_by(self) -> RouteBy:
        return (self.first or self).by

    @property
    def classifier_parts(self) -> tuple[RoutedPart, ...]:
        return (self.first or self).parts


async def decide(model: RoutingModel, message: str, context: Context) -> Route:
    """The route of a message. There must be an agent."""
    text = _readable(model, message[:TEXT_CHARACTERS_MAX])
    by_words = _by_words(model, message, text, context)
    if by_words is not None:
        return by_words
    # An agent gets its part as it was written; only the classifier reads it put right.
    parts = parts_of(message[:TEXT_CHARACTERS_MAX])
    classification, *of_parts = await model.classify(
        [text, *(_readable(model, part) for part in parts if len(parts) > 1)]
    )
    return replace(
        _by_classification(model, message, text, context, classification, of_parts, parts),
        classification=classification,
    )


def _readable(model: RoutingModel, text: str) -> str:
    """English as it is spelled, for the embedding model: word by word where it was not."""
    return model.speller.corrected(in_english(text))


def thresholds(model: RoutingModel) -> dict[str, float]:
    """What a decision compares with, by name: those of the fit, and those that are the same for all."""
    of_fit = model.classifier.calibration if model.classifier else None
    return {
        **({"familiarity at least": of_fit.familiarity_min, "temperature": of_fit.temperature} if of_fit else {}),
        "stands alone from": STANDS_ALONE_MIN,
        "clarify below": CLARIFY_BEST_MAX,
        "with a second of at least this share": CLARIFY_SHARE_MIN,
        "clarify from familiarity": CLARIFY_FAMILIARITY_MIN,
        "nobody from": ELSEWHERE_MIN,
        "person from": PERSON_MIN,
    }


def _by_words(model: RoutingModel, message: str, text: str, context: Context) -> Route | None:
    asked = context.asked
    current = context.agent if context.agent in model.cards else None
    if asks_for_person(message) or asks_for_person(text):
        return Route("person", "The words ask for a human.")
    if (
        asked is not None
        and asked.agent is not None
        and current is not None
        and (is_yes_or_no(message) or is_yes_or_no(text))
    ):
        return _whole("follow_up", current, message, f"A yes or no to the question of {current}.")
    talk = small_talk(message) or small_talk(text)
    if talk is not None:
        return Route("small_talk", f"Nothing but small talk ({talk}).", talk=talk)
    if asked is not None and asked.agent is None and (named := _named(message, model)) is not None:
        return _whole("follow_up", named, context.asked_before or message, f"The answer to which agent: {named}.")
    if asked is not None and asked.agent is not None and current is not None and is_detail(message):
        return _whole("follow_up", current, message, f"A detail that {current} asked for.")
    if is_bare_yes_or_no(text):
        return Route("small_talk", "A yes or no to nothing.")
    return None


def _by_classification(
    model: RoutingModel,
    message: str,
    text: str,
    context: Context,
    classification: Classification,
    of_parts: Sequence[Classification],
    parts: Sequence[str],
) -> Route:
    assert model.classifier is not None
    current = context.agent if context.agent in model.cards else None
    asked = context.asked
    ranked = [agent for agent in classification.agents if is_agent(agent)]
    best = ranked[0]
    probability = classification.agents[best]
    continues = classification.agents[CONTINUATION]
    top = max(classification.elsewhere, *classification.agents.values())

    if classification.agents[PERSON] == top and top >= PERSON_MIN:
        return Route("person", f"Asks for a human with probability {classification.agents[PERSON]:.2f}.")
    if of_parts and (split := several(parts, of_parts, classification)):
        return Route("classifier", "Several parts, each surely for another agent.", split)
    if current is not None and classification.familiarity < STANDS_ALONE_MIN:
        if leans_on_context(text):
            return _whole("follow_up", current, message, f"It leans on what {current} said before.")
        if (
            asked is not None
            and asked.agent is not None
            and (classification.familiarity < UNDERSTOOD_MIN or best == current)
        ):
            return _whole("follow_up", current, message, f"It answers the question of {current}.")
    if current is not None and continues == top:
        why = f"It goes on with what {current} said, with probability {continues:.2f}."
        return _whole("follow_up", current, message, why)
    nobodys = 1 - sum(classification.agents[agent] for agent in ranked)
    if nobodys > probability and nobodys >= ELSEWHERE_MIN:
        return Route("out_of_scope", f"For nobody with probability {nobodys:.2f}.", unsure=probability > UNLIKELY_MAX)
    bar = model.classifier.calibration.familiarity_min
    if classification.familiarity < bar:
        return Route(
            "out_of_scope",
            f"Unlike everything on the cards: {classification.familiarity:.2f}, below {bar:.2f}.",
            unsure=True,
        )
    second = classification.agents[ranked[1]] if len(ranked) > 1 else 0.0
    close = probability < CLARIFY_BEST_MAX and second >= CLARIFY_SHARE_MIN * probability
    close = close and classification.familiarity >= CLARIFY_FAMILIARITY_MIN
    if close and current in ranked[:2]:
        return _whole("follow_up", current, message, f"Two agents are close; {current} spoke last.")
    if close:
        why = f"{best} and {ranked[1]} are close: {probability:.2f} and {classification.agents[ranked[1]]:.2f}."
        return Route("clarify", why, candidates=(best, ranked[1]), unsure=True)
    why = f"{best} with probability {probability:.2f}, by its skill {classification.skill}."
    return replace(_whole("classifier", best, message, why), unsure=probability < PROBABLE_MIN)


def _whole(by: RouteBy, agent: str, message: str, why: str) -> Route:
    return Route(by, why, (RoutedPart(agent, message),))


def _named(message: str, model: RoutingModel) -> str | None:
    """The one agent whose name or id a short message holds."""
    words = f" {plain(message)} "
    if len(words.split()) > PARTS_MAX + PART_WORDS_MIN:
        return None
    found = [card.id for card in model.cards.values() if f" {plain(card.name)} " in words or f" {card.id} " in words]
    return found[0] if len(found) == 1 else None
