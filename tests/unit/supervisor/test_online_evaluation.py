"""A share of the turns is evaluated after they ended: onto the trace, into the experiment's tally."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.supervisor.feedback.experiment_tallies import ExperimentTallies
from services.supervisor.feedback.online_evaluation import WAITING_MAX, OnlineEvaluation
from services.supervisor.turns.records import Turn, now
from switchboard.contracts.events import AgentStarted, MessageDelta, ToolCalled, ToolReturned, TurnCompleted, TurnEvent
from switchboard.contracts.turns import TurnRequest
from switchboard.sidecar.inmemory import InMemorySidecar
from switchboard.telemetry.context import TurnStamp
from tests.unit.supervisor.conftest import ADA, System, WordEmbedder, running

OPS = {"Authorization": "Bearer demo-aurora-ops"}
WAIT_S_MAX = 10.0
EXPERIMENTS = """
experiments:
  - name: words
    variants:
      - {name: only, weight: 1, agents: [billing], model: quality, instructions: Be brief.}
      - {name: nobody, weight: 0.000000001}
"""


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    provider.add_span_processor(TurnStamp())  # another test of this process may have set a provider without it
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield exporter
    exporter.shutdown()


@pytest.fixture
async def experimenting(tmp_path: Path) -> AsyncIterator[System]:
    path = tmp_path / "experiments.yaml"
    path.write_text(EXPERIMENTS)
    async with running(evaluation_share=1.0, experiments_file=path) as made:
        yield made


async def grounded(request: TurnRequest) -> AsyncIterator[TurnEvent]:
    yield AgentStarted(agent="billing", name="Billing")
    yield ToolCalled(agent="billing", call_id="a", name="get_invoice", arguments={})
    yield ToolReturned(
        agent="billing",
        call_id="a",
        name="get_invoice",
        ok=True,
        summary="",
        facts=["Your invoice is £61.40."],
        duration_ms=1,
    )
    yield MessageDelta(agent="billing", text="Your invoice is £61.40.")
    yield TurnCompleted(text="Your invoice is £61.40.", agents=["billing"])


async def named(spans: InMemorySpanExporter, name: str) -> ReadableSpan:
    """The finished span of that name, once it is there."""
    async with asyncio.timeout(WAIT_S_MAX):
        while True:
            for span in spans.get_finished_spans():
                if span.name == name:
                    return span
            await asyncio.sleep(0.02)


async def test_scores_land_on_the_turns_own_trace(experimenting: System, spans: InMemorySpanExporter) -> None:
    experimenting.specialists["billing"].script = grounded
    turn = (await experimenting.ask("Why is my invoice higher?")).json()
    span = await named(spans, "evaluation")
    own = await named(spans, "turn")
    assert span.context is not None and span.parent is not None and own.context is not None
    assert f"{span.context.trace_id:032x}" == turn["trace_id"]
    assert span.parent.span_id == own.context.span_id, "it hangs below the turn's span"
    attributes = dict(span.attributes or {})
    assert attributes["gen_ai.evaluation.groundedness.score.value"] == 1.0
    assert attributes["gen_ai.evaluation.safety.score.label"] == "pass"
    assert (attributes["turn.id"], attributes["user.id"]) == (turn["turn_id"], "C-10001")
    assert attributes["experiment.variant"] == "words=only"
    event = next(each for each in span.events if (each.attributes or {})["gen_ai.evaluation.name"] == "groundedness")
    assert event.name == "gen_ai.evaluation.result"


async def test_what_is_not_grounded_is_said_with_its_reason(experimenting: System, spans: InMemorySpanExporter) -> None:
    async def invents(request: TurnRequest) -> AsyncIterator[TurnEvent]:
        async for event in grounded(request):
            if isinstance(event, MessageDelta | TurnCompleted):
                event = event.model_copy(update={"text": "Your invoice is £99.99."})
            yield event

    experimenting.specialists["billing"].script = invents
    await experimenting.ask("Why is my invoice higher?")
    attributes = dict((await named(spans, "evaluation")).attributes or {})
    assert attributes["gen_ai.evaluation.groundedness.score.value"] == 0.0
    assert "£99.99" in str(attributes["gen_ai.evaluation.groundedness.explanation"])


async def test_a_thumb_lands_on_the_turns_trace_without_its_words(
    experimenting: System, spans: InMemorySpanExporter
) -> None:
    turn = (await experimenting.ask("Why is my invoice higher?")).json()
    body = {"turn_id": turn["turn_id"], "conversation_id": turn["conversation_id"], "rating": "down", "comment": "No"}
    assert (await experimenting.api.post("/v1/feedback", json=body, headers=ADA)).status_code == 200
    span = await named(spans, "feedback")
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == turn["trace_id"]
    attributes = dict(span.attributes or {})
    assert attributes["gen_ai.evaluation.name"] == "user_feedback"
    assert attributes["gen_ai.evaluation.score.label"] == "down"
    # Its words stand on the turn, and go with it: a trace outlives a deleted conversation.
    assert "gen_ai.evaluation.explanation" not in attributes


async def test_a_variant_reaches_the_agent_it_is_about_and_every_span(
    experimenting: System, spans: InMemorySpanExporter
) -> None:
    await experimenting.ask("Why is my invoice higher?")
    (request,) = experimenting.specialists["billing"].requests
    assert request.variant is not None
    assert (request.variant.label, request.variant.model) == ("words=only", "quality")
    await experimenting.ask("My router blinks red")
    (other,) = experimenting.specialists["tech"].requests
    assert other.variant is not None
    assert (other.variant.label, other.variant.model, other.variant.instructions) == ("words=only", None, "")
    await named(spans, "turn")
    inside = [span for span in spans.get_finished_spans() if (span.attributes or {}).get("turn.id")]
    assert inside
    assert {(span.attributes or {}).get("experiment.variant") for span in inside} == {"words=only"}


async def test_scores_and_thumbs_add_up_by_variant_and_tenant(experimenting: System) -> None:
    experimenting.specialists["billing"].script = grounded
    turns = [(await experimenting.ask("Why is my invoice higher?")).json() for _ in range(3)]
    for turn, rating in zip(turns, ("up", "down", "up"), strict=True):
        body = {"turn_id": turn["turn_id"], "conversation_id": turn["conversation_id"], "rating": rating}
        await experimenting.api.post("/v1/feedback", json=body, headers=ADA)
    tally: dict[str, Any] = {}
    async with asyncio.timeout(WAIT_S_MAX):
        while tally.get("metrics", {}).get("groundedness", {}).get("n") != 3:
            await asyncio.sleep(0.02)
            answer = await experimenting.api.get("/v1/experiments/words", headers=OPS)
            assert answer.status_code == 200, answer.text
            tally = next(iter(answer.json()["tallies"]), {})
    assert (tally["variant"], tally["tenant"], tally["up"], tally["down"]) == ("only", "aurora", 2, 1)
    assert tally["metrics"]["groundedness"] == {"n": 3, "sum": 3.0, "squares": 3.0}
    assert tally["metrics"]["duration_ms"]["n"] == 3


async def test_an_operator_sees_the_tallies_of_their_own_tenant_alone(experimenting: System) -> None:
    experiment_tallies = experimenting.supervisor.experiment_tallies
    for tenant in ("aurora", "borealis"):
        await experiment_tallies.add_scores("words=only", tenant, {"groundedness": 1.0})
    answer = await experimenting.api.get("/v1/experiments/words", headers=OPS)
    assert [tally["tenant"] for tally in answer.json()["tallies"]] == ["aurora"]


async def test_experiments_are_for_operators_and_known_by_name(experimenting: System) -> None:
    assert (await experimenting.api.get("/v1/experiments/words", headers=ADA)).status_code == 403
    missing = await experimenting.api.get("/v1/experiments/none", headers=OPS)
    assert (missing.status_code, missing.json()["message"]) == (404, "There is no such experiment.")


async def test_without_a_share_nothing_is_evaluated(system: System, spans: InMemorySpanExporter) -> None:
    await system.ask("Why is my invoice higher?")
    await named(spans, "turn")
    await system.supervisor.evaluation.close()
    assert all(span.name != "evaluation" for span in spans.get_finished_spans())


def ended(n: int) -> Turn:
    return Turn(
        turn_id=f"c.{n}",
        conversation_id="c",
        n=n,
        tenant="aurora",
        user="C-10001",
        status="completed",
        lease_until=now(),
        message="Why?",
        text="Because.",
        agents=["billing"],
        trace_id="0af7651916cd43dd8448eb211c80319c",
        span_id="b7ad6b7169203331",
        created_at=now(),
    )


async def test_more_turns_than_may_wait_are_left_out_and_counted() -> None:
    evaluation = OnlineEvaluation(WordEmbedder(), ExperimentTallies(InMemorySidecar().state), share=1.0)
    for n in range(WAITING_MAX + 5):
        evaluation.consider(ended(n))
    assert evaluation.left_out == 5
    await evaluation.close()


async def test_a_turn_that_cannot_be_evaluated_stops_no_other(
    spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation = OnlineEvaluation(WordEmbedder(), ExperimentTallies(InMemorySidecar().state), share=1.0)
    broken = ended(1).model_copy(update={"text": None})
    evaluation.consider(broken)
    evaluation.consider(ended(2))
    span = await named(spans, "evaluation")
    assert dict(span.attributes or {})["turn.id"] == "c.2"
    await evaluation.close()
