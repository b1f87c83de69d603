"""Evidence and checks for the tests of this folder."""

from datetime import date

from switchboard.agent.grounding.check import Fault, faults_of
from switchboard.agent.grounding.evidence import Evidence
from switchboard.agent.grounding.support import Told
from switchboard.text.languages import Language

TODAY = date(2026, 11, 15)


def evidence_of(*facts: str, data: object = None, rules: str = "", done: tuple[str, ...] = ()) -> Evidence:
    """What a tool told, JSON, a passage, and the facts of a tool that changed something."""
    evidence = Evidence(TODAY)
    evidence.add_sentences([*facts, *done])
    if data is not None:
        evidence.add_data(data)
    if rules:
        evidence.add_text(rules)
    if done:
        evidence.add_done("act", done)
    return evidence


def faults(sentence: str, evidence: Evidence, language: Language = "en") -> list[Fault]:
    """Of one sentence, with nothing told before it."""
    return faults_of(sentence, evidence, Told(), language)
