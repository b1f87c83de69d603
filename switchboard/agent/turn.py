"""A specialist's turn, from the request to its last event."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from opentelemetry.trace import Span, Status, StatusCode

from switchboard.agent.answer import AnswerWriter, GroundedWriter, ModelText, check_of
from switchboard.agent.clock import Clock
from switchboard.agent.effects import Effects
from switchboard.agent.from_articles import is_from_articles
from switchboard.agent.grounding.meaning import support_score
from switchboard.agent.grounding.trace import SCORE, SCORE_SPAN, record_grounding
from switchboard.agent.pending import PendingOffers, told_offer
from switchboard.agent.prompt import PromptMessage, prompt_of
from switchboard.agent.tool import Tool
from switchboard.agent.tool_calls import Emit, ToolCalls
from switchboard.contracts.cards import AgentCard
from switchboard.contracts.errors import DeadlineExceeded, OurError, SwitchboardError, Unavailable
from switchboard.contracts.events import (
    CLOSEST,
    AgentStarted,
    TurnCompleted,
    TurnEvent,
    TurnFailed,
    Usage,
)
from switchboard.contracts.turns import TurnRequest, TurnResult
from switchboard.experiments.sampling import sampled
from switchboard.models.caller import Caller
from switchboard.models.embedder import Embedder
from switchboard.scoring.evaluators.refusal import is_refusal
from switchboard.telemetry import agent_span, current_trace_id, record_usage, tracer, turn_attributes
from switchboard.text.sentences import first_sentence_end

logger = logging.getLogger(__name__)

EVENTS_WAITING_MAX = 64
"""A reader that is slower than the model holds the model back."""
SCORING_MAX = 32
"""Answers that are scored at a time; what comes above it is not scored."""
REPAIR_S = 20.0
"""For writing an answer again; then what is right of the draft is told."""
MODEL_SAID_NOTHING = "The language model gave no answer. Please try again shortly."


class Loop(Protocol):
    """The model's part of a turn: `switchboard.agent.loop.ModelLoop`, or a fake."""

    async def is_embedded(self, model: str | None = None) -> bool:
        """Whether the model that is asked is the gateway's own, which says only what it was told."""
        ...

    def run(
        self, prompt: Sequence[PromptMessage], calls: ToolCalls, caller: Caller, *, embedded: bool
    ) -> AsyncGenerator[ModelText | Usage]:
        """Text as it comes and the usage of each model call; raises what `ModelLoop.run` raises."""
        ...


class TurnRunner:
    """Answers turns. One for a process; turns run concurrently and share nothing that changes."""

    def __init__(
        self,
        card: AgentCard,
        tools: Mapping[str, Tool],
        loop: Loop,
        effects: Effects,
        pending: PendingOffers,
        *,
        clock: Clock,
        embedder: Callable[[Caller], Embedder] | None = None,
        score_share: float = 1.0,
    ) -> None:
        """`embedder` gives the one that scores answers of real models by meaning, `score_share` of them; without it none is scored."""
        self._card = card
        self._tools = tools
        self._loop = loop
        self._effects = effects
        self._pending = pending
        self._clock = clock
        self._embedder = embedder
        self._score_share = score_share
        self._scoring: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Ends the scoring that is under way."""
        for task in self._scoring:
            task.cancel()
        await asyncio.gather(*self._scoring, return_exceptions=True)

    async def events(self, request: TurnRequest, *, waited_for: bool = True) -> AsyncGenerator[TurnEvent]:
        """The turn's events as they happen; the last is `turn.completed` or `turn.failed`. Raises nothing.

        Closing the iterator early cancels the turn. Effects under way still finish and are recorded. A turn that
        nobody waits for (`waited_for`) uses the gateway's batch lane.
        """
        async with aclosing(self.batches(request, waited_for=waited_for)) as batches:
            async for batch in batches:
                for event in batch:
                    yield event

    async def batches(self, request: TurnRequest, *, waited_for: bool = True) -> AsyncGenerator[list[TurnEvent]]:
        """`events`, those together that happened together: one write to the network carries them all."""
        queue: asyncio.Queue[TurnEvent] = asyncio.Queue(EVENTS_WAITING_MAX)
        # A task of its own: tools emit events while the model loop waits for them.
        task = asyncio.create_task(self._run(request, queue.put, waited_for))
        try:
            while True:
                batch = [await queue.get()]
                while not queue.empty():
                    batch.append(queue.get_nowait())
                yield batch
                if batch[-1].type in ("turn.completed", "turn.failed"):
                    return
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def result(self, request: TurnRequest) -> TurnResult:
        """The turn without its stream, for the asynchronous path."""
        base = {
            "turn_id": request.turn_id,
            "conversation_id": request.conversation_id,
            "tenant": request.principal.tenant,
            "agent": self._card.id,
        }
        async with aclosing(self.events(request, waited_for=False)) as events:
            async for event in events:
                if isinstance(event, TurnCompleted):
                    answer = event.model_dump(include={"text", "citations", "usage", "confidence", "from_articles"})
                    return TurnResult.model_validate({**base, "status": "completed", **answer})
                if isinstance(event, TurnFailed):
                    failure = {"code": event.code, "message": event.message}
                    return TurnResult.model_validate({**base, "status": "failed", **failure})
        raise OurError

    async def _run(self, request: TurnRequest, emit: Emit, waited_for: bool) -> None:
        """One turn inside its spans; every way out emits the last event."""
        started_s = time.perf_counter()
        principal = request.principal
        ids = turn_attributes(
            principal.tenant,
            request.conversation_id,
            request.turn_id,
            user=principal.user,
            experiment=request.variant.label if request.variant else "",
        )
        caller = Caller.of_turn(
            principal,
            feature="chat" if waited_for else "jobs",
            agent=self._card.id,
            conversation=request.conversation_id,
            turn=request.turn_id,
            lane="interactive" if waited_for else "batch",
        )
        with ids, agent_span(self._card.id, self._card.name) as span:
            try:
                seconds = self._seconds_left(request)
                if seconds <= 0:
                    raise DeadlineExceeded
                async with asyncio.timeout(seconds):
                    completed = await self._answer(request, caller, emit, span)
                completed.duration_ms = round((time.perf_counter() - started_s) * 1000, 2)
                await emit(completed)
            except TimeoutError:
                await self._fail(request, emit, span, DeadlineExceeded())
            except SwitchboardError as error:
                await self._fail(request, emit, span, error)
            except Exception:
                logger.exception("Turn %s failed.", request.turn_id)
                await self._fail(request, emit, span, OurError())

    async def _answer(self, request: TurnRequest, caller: Caller, emit: Emit, span: Span) -> TurnCompleted:
        """The life of a turn."""
        card = self._card
        await emit(AgentStarted(agent=card.id, name=card.name))
        offered = await self._pending.read(request)
        calls = ToolCalls(card, self._tools, self._effects, request, emit, caller.lane)
        today = self._clock().date()
        prompt = prompt_of(card, request, offered, today)

        # The embedded model extracts: it says nothing that was not found.
        answer: AnswerWriter | GroundedWriter
        embedded = await self._loop.is_embedded(calls.model)
        if embedded:
            answer = AnswerWriter(card, calls, emit)
        else:
            answer = GroundedWriter(card, calls, emit, check_of(request, offered, prompt, calls, today))
        await self._write(answer, prompt, calls, caller, embedded=embedded)
        await answer.end()
        if isinstance(answer, GroundedWriter):
            if answer.has_faults:
                await self._repair(answer, prompt, calls, caller)
            record_grounding(span, answer.findings)
            self._score(answer, caller, request.turn_id)
        if not answer.text:
            raise Unavailable(MODEL_SAID_NOTHING)

        told = told_offer(answer.text, calls.offers, verbatim=embedded)
        if calls.offer_unanswered is not None:
            told = told_offer(answer.text, [calls.offer_unanswered], verbatim=True) or told
        await self._pending.write(request, told, was=offered, called=calls.called)
        usage = answer.usage
        record_usage(
            span,
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            cost_picousd=usage.cost_picousd,
        )
        return TurnCompleted(
            text=answer.text,
            answered=_is_answered(answer.text, calls),
            agents=[card.id],
            citations=calls.passages.cited,
            usage=usage,
            confidence="closest" if CLOSEST in answer.text else "",
            from_articles=is_from_articles(answer.text, request, calls, offered),
            trace_id=current_trace_id(),
            turn_id=request.turn_id,
            conversation_id=request.conversation_id,
        )

    def _score(self, answer: GroundedWriter, caller: Caller, turn_id: str) -> None:
        """Scores a told answer by meaning, while its reader has it already."""
        if self._embedder is None or len(self._scoring) >= SCORING_MAX or not sampled(turn_id, self._score_share):
            return
        embedder = self._embedder(replace(caller, feature="grounding", lane="batch"))
        task = asyncio.create_task(_score(answer.text, answer.evidence_text, embedder))
        self._scoring.add(task)
        task.add_done_callback(self._scoring.discard)

    async def _write(
        self, answer: AnswerWriter, prompt: Sequence[PromptMessage], calls: ToolCalls, caller: Caller, *, embedded: bool
    ) -> None:
        async with aclosing(self._loop.run(prompt, calls, caller, embedded=embedded)) as pieces:
            async for piece in pieces:
                await answer.add(piece)

    async def _repair(
        self, answer: GroundedWriter, prompt: Sequence[PromptMessage], calls: ToolCalls, caller: Caller
    ) -> None:
        """Asks the model once more, with what is wrong named. If it does not answer, what is right of its draft is told."""
        correction = answer.correction
        answer.repair()
        try:
            async with asyncio.timeout(REPAIR_S):
                await self._write(answer, [*prompt, *correction], calls, caller, embedded=False)
        except (TimeoutError, SwitchboardError) as error:
            logger.warning("An answer of %s was not written again: %s", caller.turn, error)
        await answer.settle()

    async def _fail(self, request: TurnRequest, emit: Emit, span: Span, error: SwitchboardError) -> None:
        span.set_status(Status(StatusCode.ERROR, error.code))
        await emit(
            TurnFailed(
                code=error.code,
                message=error.message,
                retry_after_s=error.retry_after_s,
                trace_id=current_trace_id(),
                turn_id=request.turn_id,
                conversation_id=request.conversation_id,
            )
        )

    def _seconds_left(self, request: TurnRequest) -> float:
        left_s = (request.deadline.astimezone(UTC) - datetime.now(UTC)).total_seconds()
        return max(0.0, min(left_s, self._card.limits.seconds))


async def _score(text: str, evidence: str, embedder: Embedder) -> None:
    with tracer(__name__).start_as_current_span(SCORE_SPAN) as span:
        try:
            score = await support_score(text, evidence, embedder)
        except SwitchboardError as error:
            logger.info("An answer was not scored: %s", error)
            return
        if score is not None:
            span.set_attribute(SCORE, score)


def _is_answered(text: str, calls: ToolCalls) -> bool:
    """Whether an answer says more than that it does not know; what a tool found is an answer, 'there is no such ticket' too."""
    first = text[: first_sentence_end(text)]
    return (
        bool(calls.passages.cited)
        or not is_refusal(first)
        or any(fact in text for each in calls.returned for fact in each.outcome.facts)
    )
