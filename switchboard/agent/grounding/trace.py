"""What the check of an answer saw, on the agent's span."""

from typing import Final

from opentelemetry.trace import Span

from switchboard.agent.grounding.answer_check import Findings

SENTENCES: Final = "switchboard.grounding.sentences"
FAULTS: Final = "switchboard.grounding.faults"
"""How many facts, deeds and the like of the model's first answer did not follow."""
FAULT_KINDS: Final = "switchboard.grounding.fault_kinds"
OUTCOME: Final = "switchboard.grounding.outcome"
"""`told`, `repaired` or `left_out`."""
LEFT_OUT: Final = "switchboard.grounding.left_out"
"""Sentences that were not told at all."""
SCORE: Final = "switchboard.grounding.score"
"""How far the evidence supports the answer by meaning, -1 to 1; on a span of its own, `SCORE_SPAN`."""
SCORE_SPAN: Final = "grounding score"


def record_grounding(span: Span, findings: Findings) -> None:
    """Sets the attributes; no words of the answer are among them."""
    span.set_attribute(SENTENCES, findings.sentences)
    span.set_attribute(FAULTS, len(findings.faults))
    outcome = "told" if not findings.faults else "left_out" if findings.left_out else "repaired"
    span.set_attribute(OUTCOME, outcome)
    if findings.faults:
        span.set_attribute(FAULT_KINDS, sorted({fault.kind for fault in findings.faults}))
        span.set_attribute(LEFT_OUT, findings.left_out)
