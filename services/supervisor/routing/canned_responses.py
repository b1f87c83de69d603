"""What the supervisor says itself: about itself, when it must ask, and when it cannot help. Made from the cards."""

from collections.abc import Iterable, Sequence

from switchboard.contracts.cards import AgentCard
from switchboard.routing.phrases import SmallTalk

SKILLS_NAMED_MAX = 4


def small_talk_reply(kind: SmallTalk, cards: Iterable[AgentCard]) -> str:
    match kind:
        case "greeting":
            return f"Hello! Here is what I can help with:\n\n{abilities(cards)}\n\nJust tell me what you would like to know."
        case "abilities":
            return f"I am the assistant of your provider. I can help with:\n\n{abilities(cards)}\n\nJust ask."
        case "thanks":
            return "You're welcome! If there is anything else, just ask."
        case "farewell":
            return "Goodbye, and thank you for getting in touch!"
        case "complaint":
            return (
                "I'm sorry that I have not been of help. Tell me in a sentence what you need, and I will try again; or write "
                '"a person, please", and a colleague takes over.'
            )


def nothing_asked() -> str:
    return "All right. If there is anything else I can help with, just ask."


def out_of_scope_reply(cards: Iterable[AgentCard]) -> str:
    return f"I'm sorry, that is outside of what I can help with. I can help with:\n\n{abilities(cards)}"


def handing_over(*, refused: bool = False) -> str:
    """What happens next, to somebody whose conversation goes to a person."""
    begin = "I'm sorry that I cannot help with this. " if refused else "Of course. "
    return (
        f"{begin}I am handing this conversation over to a colleague, who gets a summary, so that you need not repeat "
        "anything, and will answer you here. If you want to add something, just write it. Until then our assistants "
        "stay silent."
    )


def waiting_for_person() -> str:
    return "Your message is with my colleague now, who will answer you here. Our assistants stay silent until then."


def clarifying_question(candidates: Sequence[AgentCard]) -> str:
    named = " or ".join(f"**{card.name}** ({first_skill(card)})" for card in candidates)
    return f"I want to send this to the right place. Is it about {named}?"


def abilities(cards: Iterable[AgentCard]) -> str:
    """One line an agent: its name and what it does."""
    return "\n".join(f"- **{card.name}**: {_skills(card)}" for card in cards)


def first_skill(card: AgentCard) -> str:
    return _lowered(card.skills[0].description)


def _skills(card: AgentCard) -> str:
    return "; ".join(_lowered(skill.description) for skill in card.skills[:SKILLS_NAMED_MAX])


def _lowered(text: str) -> str:
    """A phrase to stand inside a sentence; an acronym keeps its capitals."""
    text = text.strip().rstrip(".")
    return text if text[:2].isupper() else text[:1].lower() + text[1:]
