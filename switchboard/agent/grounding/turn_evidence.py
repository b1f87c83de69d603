"""What the answer of a turn may rest on, gathered from the turn: clock, user, history, pending offer, and tools as they run."""

from collections.abc import Iterable
from datetime import date

import orjson

from switchboard.agent.grounding.deeds import told_deeds
from switchboard.agent.grounding.evidence import Evidence
from switchboard.contracts.tools import Offer, ToolOutcome
from switchboard.contracts.turns import TurnRequest
from switchboard.text.languages import Language, language_of


def evidence_before(request: TurnRequest, offered: Offer | None, instructions: Iterable[str], today: date) -> Evidence:
    """What is known before the model says a word. The facts of the instructions may be told, their wording may not."""
    evidence = Evidence(today)
    for text in instructions:
        evidence.add_free(evidence.add_facts(text))
    if request.remembered is not None:
        evidence.add_data(request.remembered.model_dump(mode="json", exclude_defaults=True))
    for message in request.history:
        evidence.add_free(evidence.add_text(message.text))
        if message.role == "assistant":
            evidence.done += told_deeds(message.text)
    if offered is not None:
        evidence.add_free(evidence.add_text(offered.question))
        evidence.add_data(offered.arguments)
    evidence.add_free(evidence.add_text(request.message))
    return evidence


def add_outcome(evidence: Evidence, tool: str, outcome: ToolOutcome, *, changed: bool) -> None:
    """What a tool has returned. `changed` for one that changes something: it has done so."""
    evidence.add_sentences(outcome.facts)
    for passage in outcome.passages:
        evidence.add_text(f"{passage.title}\n{passage.text}")
        evidence.add_items(passage.text)
    for offer in (outcome.offer, outcome.offer_unanswered):
        if offer is not None:
            evidence.add_text(offer.question)
            evidence.add_data(offer.arguments)
    if outcome.data:
        evidence.add_data(outcome.data)
    if changed:
        evidence.add_done(tool, [*outcome.facts, *([orjson.dumps(outcome.data).decode()] if outcome.data else [])])


def customers_language(request: TurnRequest) -> Language:
    """Of the message, or where it is too short to tell, of what the user said before."""
    before = next((message.text for message in reversed(request.history) if message.role == "user"), "")
    return language_of(request.message, language_of(before))
