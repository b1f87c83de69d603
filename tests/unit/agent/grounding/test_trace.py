"""What the check of an answer saw is on the agent's span, without a word of it."""

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from switchboard.agent.grounding.answer_check import AnswerCheck
from switchboard.agent.grounding.disclosure import Secrets
from switchboard.agent.grounding.trace import FAULT_KINDS, FAULTS, LEFT_OUT, OUTCOME, SENTENCES, record_grounding
from tests.unit.agent.grounding.evidence_of import evidence_of


def test_faults_are_counted_by_kind_and_their_words_are_not_kept() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    for answer, attributes in (
        ("Hello. It costs £3.", {SENTENCES: 2, FAULTS: 0, OUTCOME: "told"}),
        ("Hello. It costs £4.", {FAULTS: 1, FAULT_KINDS: ("money",), OUTCOME: "left_out", LEFT_OUT: 1}),
    ):
        check = AnswerCheck(evidence_of("A ticket costs £3."), Secrets((), ()), "en")
        check.feed(answer, ())
        check.end(())
        if check.withheld:
            check.settle((), "")
        with provider.get_tracer("tests").start_as_current_span("turn") as span:
            record_grounding(span, check.findings)
        exported = dict(exporter.get_finished_spans()[-1].attributes or {})
        assert exported.items() >= attributes.items()
        assert "£" not in str(exported)
