"""The decision on one message in its conversation: by its words where they say it all, else by the classifier."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from switchboard.contracts.events import RouteBy
from switchboard.contracts.turns import HistoryMessage
from switchboard.routing.calibration import Calibration
from switchboard.routing.classifier import RESERVED_PREFIX, Classification, is_agent
from switchboard.routing.model import COMPLAINT, CONTINUATION, PERSON, SMALL_TALK, RoutingModel
from switchboard.routing.multi_intent import ANNOUNCED, PART_WORDS_MIN, UNANNOUNCED, RoutedPart, several
from switchboard.routing.phrases import (
    NAME_WORDS_MAX,
    TEXT_CHARACTERS_MAX,
    SmallTalk,
    announces_several,
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
from switchboard.text.glossary import in_english
from switchboard.text.words import content_stems

STANDS_ALONE_MIN = 0.95
"""Familiarity from which on a message is understood by itself, whatever was spoken of before."""
UNDERSTOOD_MIN = 0.45
"""Familiarity below which a message after an agent's question is its answer."""
PROBABLE_MIN = 0.5
CLARIFY_BEST_MAX, CLARIFY_SHARE_MIN = 0.55, 0.6
"""The user is asked which of two agents is meant when the best has a probability below the first of these, and the second
best has at least this share of it."""
PERSON_MIN = 0.45
NOBODYS_MIN = 0.5
"""Probability from which on a message is no agent's, whatever else it is."""

UNLIKELY_MAX = 0.2
"""A model is not asked about a message for nobody when the best agent is no likelier than this."""

CLARIFY_FAMILIARITY_MIN = 0.65
"""Below it a message is too unlike everything known for such a question: the likeliest agent gets it."""
CLARIFY_SAID_MAX = 4
"""Words with meaning: of a message that says more, the likeliest agent makes more than a question back would."""
REPLY_WORDS_MAX = 3
"""A message this short after an agent's question is its answer, unless it is surely another agent's."""
ELSEWHERE_AFTER_MIN = 0.3
"""Probability of being for nobody from which on a message is, though an agent spoke before it."""
LEAVES_MIN = 0.8
"""Probability from which on a message leaves the agent that spoke last, though it is not understood by itself."""
OTHERS_MIN = 0.8
"""Probability from which on a short message is surely another agent's."""


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
    text = readable(model, message)
    by_words = _by_words(model, message, text, context)
    if by_words is not None:
        return by_words
    # An agent gets its part as it was written; only the classifier reads it put right.
    parts = parts_of(message[:TEXT_CHARACTERS_MAX])
    whole, *of_parts = await model.classify([text, *(readable(model, part) for part in parts if len(parts) > 1)])
    assert model.classifier is not None
    classification = whole
    if telling := [each for part, each in zip(parts, of_parts, strict=False) if len(part.split()) >= PART_WORDS_MIN]:
        classification = whole.with_parts(telling, model.classifier.calibration)
    sure = ANNOUNCED if announces_several(message) else UNANNOUNCED
    split = several(parts, of_parts, whole, sure) if of_parts else ()
    return replace(
        _by_classification(model, message, text, context, classification, split), classification=classification
    )


def readable(model: RoutingModel, text: str) -> str:
    """English as it is spelled, for the embedding model: word by word where it was not."""
    return model.speller.corrected(in_english(text[:TEXT_CHARACTERS_MAX]))


def thresholds(model: RoutingModel) -> dict[str, float]:
    """What a decision compares with, by name: those of the fit, and those that are the same for all."""
    of_fit = model.classifier.calibration if model.classifier else None
    return {
        **(
            {
                "familiarity at least": of_fit.familiarity_min,
                "nobody from": of_fit.elsewhere_min,
                "temperature": of_fit.temperature,
            }
            if of_fit
            else {}
        ),
        "stands alone from": STANDS_ALONE_MIN,
        "clarify below": CLARIFY_BEST_MAX,
        "with a second of at least this share": CLARIFY_SHARE_MIN,
        "clarify from familiarity": CLARIFY_FAMILIARITY_MIN,
        "no agent's from": NOBODYS_MIN,
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
    split: tuple[RoutedPart, ...],
) -> Route:
    assert model.classifier is not None
    current = context.agent if context.agent in model.cards else None
    if classification.agents[PERSON] == _top(classification) and classification.agents[PERSON] >= PERSON_MIN:
        return Route("person", f"Asks for a human with probability {classification.agents[PERSON]:.2f}.")
    if split:
        return Route("classifier", "Several parts, each surely for another agent.", split)
    if current is not None and (why := _goes_on(current, text, context, classification)):
        return _whole("follow_up", current, message, why)
    return _nobodys(model.classifier.calibration, classification, current) or _an_agents(
        message, text, current, classification
    )


def _goes_on(current: str, text: str, context: Context, classification: Classification) -> str:
    """Why a message goes on with what the agent `current` said; empty where it does not."""
    words = len(text.split())
    if classification.elsewhere >= NOBODYS_MIN and words > REPLY_WORDS_MAX:
        return ""
    best = next(agent for agent in classification.agents if is_agent(agent))
    asked = context.asked is not None and context.asked.agent is not None
    if classification.familiarity < STANDS_ALONE_MIN:
        if leans_on_context(text):
            return f"It leans on what {current} said before."
        short = words <= REPLY_WORDS_MAX and not ends_in_question(text)
        likely = best == current or (short and classification.agents[best] < OTHERS_MIN)
        if asked and (classification.familiarity < UNDERSTOOD_MIN or likely):
            return f"It answers the question of {current}."
    for kind, does in ((CONTINUATION, "goes on with"), (COMPLAINT, "complains of")):
        if classification.agents[kind] == _top(classification) and classification.agents[kind] >= UNLIKELY_MAX:
            return f"It {does} what {current} said, with probability {classification.agents[kind]:.2f}."
    return ""


def _nobodys(calibration: Calibration, classification: Classification, current: str | None) -> Route | None:
    """Small talk, or out of scope; None for a message that is some agent's, or may go on with what `current` said."""
    probability = max(share for name, share in classification.agents.items() if is_agent(name))
    nobodys, elsewhere = classification.nobodys, classification.elsewhere
    talk = {name: classification.agents[name] for name in SMALL_TALK}
    if current is None:
        talk[CONTINUATION] = classification.agents[CONTINUATION]
    chatting = sum(talk.values())
    bar = calibration.elsewhere_min if current is None else max(calibration.elsewhere_min, ELSEWHERE_AFTER_MIN)
    alone = current is None and nobodys > probability and nobodys >= NOBODYS_MIN
    if max(talk.values()) > elsewhere and (alone or chatting >= NOBODYS_MIN):
        kind = max(talk, key=talk.__getitem__)
        why = f"Small talk with probability {chatting:.2f}, likeliest {kind.removeprefix(RESERVED_PREFIX)}."
        # What goes on with nothing was meant as a beginning: the abilities are told.
        return Route("small_talk", why, talk=SMALL_TALK.get(kind, "abilities"))
    if alone or elsewhere >= bar:
        why = f"No agent's with probability {nobodys:.2f}, for nobody with {elsewhere:.2f}."
        return Route("out_of_scope", why, unsure=probability > UNLIKELY_MAX)
    if current is None and classification.familiarity < calibration.familiarity_min:
        why = f"Unlike everything known: {classification.familiarity:.2f}, below {calibration.familiarity_min:.2f}."
        return Route("out_of_scope", why, unsure=True)
    return None


def _an_agents(message: str, text: str, current: str | None, classification: Classification) -> Route:
    """The likeliest agent, or the question which of two is meant."""
    best, *others = [agent for agent in classification.agents if is_agent(agent)]
    probability = classification.agents[best]
    second = classification.agents[others[0]] if others else 0.0
    known = classification.familiarity >= STANDS_ALONE_MIN and probability >= PROBABLE_MIN
    if current is not None and best != current and probability < LEAVES_MIN and not known:
        return _whole(
            "follow_up", current, message, f"{best} is not sure enough ({probability:.2f}) to leave {current}."
        )
    close = (
        probability < CLARIFY_BEST_MAX
        and second >= CLARIFY_SHARE_MIN * probability
        and classification.familiarity >= CLARIFY_FAMILIARITY_MIN
    )
    if close and current in (best, others[0]):
        return _whole("follow_up", current, message, f"Two agents are close; {current} spoke last.")
    if close and len(content_stems(text)) <= CLARIFY_SAID_MAX:
        why = f"{best} and {others[0]} are close: {probability:.2f} and {second:.2f}."
        return Route("clarify", why, candidates=(best, others[0]), unsure=True)
    why = f"{best} with probability {probability:.2f}, by its skill {classification.skill}."
    return replace(_whole("classifier", best, message, why), unsure=probability < PROBABLE_MIN)


def _top(classification: Classification) -> float:
    return max(classification.elsewhere, *classification.agents.values())


def _whole(by: RouteBy, agent: str, message: str, why: str) -> Route:
    return Route(by, why, (RoutedPart(agent, message),))


def _named(message: str, model: RoutingModel) -> str | None:
    """The one agent whose name or id a short message holds."""
    words = f" {plain(message)} "
    if len(words.split()) > NAME_WORDS_MAX:
        return None
    found = [card.id for card in model.cards.values() if f" {plain(card.name)} " in words or f" {card.id} " in words]
    return found[0] if len(found) == 1 else None
