"""What is wrong with a sentence of a model's answer."""

from dataclasses import dataclass
from typing import Literal

from switchboard.agent.grounding.bindings import swapped
from switchboard.agent.grounding.deeds import DeedEvidence, undone_deeds, ungranted
from switchboard.agent.grounding.disclosure import Secrets
from switchboard.agent.grounding.evidence import Evidence
from switchboard.agent.grounding.facts import Kind, facts_in, plain_text
from switchboard.agent.grounding.names import unknown_names
from switchboard.agent.grounding.records import misplaced
from switchboard.agent.grounding.support import Told, unsupported
from switchboard.text.languages import Language

NO_SECRETS = Secrets((), ())
FaultKind = Kind | Literal["name", "deed", "concession", "disclosure"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that a sentence says and nothing supports; `said` in the sentence's own words."""

    kind: FaultKind
    said: str


def faults_of(
    sentence: str, evidence: Evidence, told: Told, language: Language, secrets: Secrets = NO_SECRETS
) -> list[Fault]:
    """What in the sentence does not follow from the evidence; what does is added to `told`."""
    disclosed = secrets.told_in(sentence, evidence.text)
    if disclosed is not None:
        return [Fault("disclosure", disclosed)]
    facts = facts_in(sentence, language)
    wrong = unsupported(plain_text(sentence, language), facts, evidence, told)
    wrong += misplaced(sentence, facts, evidence, language)
    if not wrong:
        wrong = swapped(sentence, evidence.items, frozenset(evidence.free), language)
    faults = [Fault(fact.kind, fact.text.strip()) for fact in wrong]
    faults += [Fault("name", name) for name in unknown_names(sentence, evidence.text, language)]
    deeds = DeedEvidence(tuple(evidence.done), tuple(evidence.told), evidence.text)
    faults += [Fault("deed", said) for said in undone_deeds(sentence, deeds)]
    faults += [Fault("concession", said) for said in ungranted(sentence, evidence.text)]
    return faults
