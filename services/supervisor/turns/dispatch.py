"""Asking one specialist: service invocation, its stream checked event by event, its failures told as ours.

An event is parsed by the contract, so that nothing malformed and no unknown type passes (0.8 µs for a piece of text: less
than a check by hand), and stays in the bytes that the specialist encoded.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from pydantic import ValidationError

from switchboard.contracts import paths, sse
from switchboard.contracts.cards import AgentCard, AgentRegistration
from switchboard.contracts.errors import (
    CallerError,
    DeadlineExceeded,
    SwitchboardError,
    TooLarge,
    Unavailable,
    error_of_code,
)
from switchboard.contracts.events import (
    AgentStarted,
    ApprovalRequired,
    Citation,
    MessageDelta,
    RouteDecided,
    ToolCalled,
    ToolReturned,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnReset,
    TurnStarted,
    turn_event_adapter,
)
from switchboard.contracts.turns import TurnRequest
from switchboard.sidecar.ports import Invoker, Response

AGAIN_S_MAX, AGAIN_PAUSE_S = 6.0, 0.2
"""How long a stream that broke before its first word is asked for again: the turn's effects are exactly-once."""
SILENCE_S_MAX = 10.0
"""A specialist says every few seconds that it is there; after so much silence it is dead, or its process stopped."""
SOURCE_S_MAX = 10.0
DRAIN_S_MAX = 0.1

SpecialistEvent = AgentStarted | ToolCalled | ToolReturned | ApprovalRequired | MessageDelta | Citation | TurnCompleted

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AgentEvent:
    """What a specialist said, and its JSON as it encoded it."""

    event: SpecialistEvent
    data: bytes


GRACE_S = 1.0
"""An invocation may last this much longer than its turn: who waits ends it at the deadline, and knows that it was too slow."""


class Specialists:
    """The specialists behind the sidecar. May be called concurrently."""

    def __init__(self, invoker: Invoker) -> None:
        self._invoker = invoker

    async def ask(self, agent: AgentRegistration, request: TurnRequest) -> AsyncGenerator[AgentEvent]:
        """The specialist's events; the last is `turn.completed`. Close it to cancel the specialist's work.

        Raises what its `turn.failed` or its refusal says, `Unavailable` when it does not answer, breaks off or says
        what is no event, and `DeadlineExceeded` when the deadline is over before it begins.
        """
        told: set[bytes] = set()
        give_up_s = float("inf")
        while True:
            try:
                async with aclosing(self._events(agent, request, again=bool(told))) as events:
                    async for event in events:
                        if isinstance(event.event, MessageDelta | Citation | TurnCompleted):
                            give_up_s = 0.0
                        elif (name := _name_of(event)) in told:
                            continue  # it was told by the replica before
                        else:
                            told.add(name)
                        yield event
                return
            except _BrokenOff as error:
                told.add(b"")
                now_s = time.monotonic()
                give_up_s = min(give_up_s, now_s + AGAIN_S_MAX)
                if now_s >= give_up_s:
                    raise no_answer(agent.card.name) from error
                await asyncio.sleep(AGAIN_PAUSE_S)

    async def source(self, agent: AgentRegistration, uri: str, *, tenant: str) -> tuple[int, bytes]:
        """The document behind a citation: status and JSON body as the agent gave them, 404 where `tenant` may not see it.

        Raises `Unavailable`.
        """
        wanted = {"uri": uri, "tenant": tenant}
        opened = self._invoker.open(agent.app_id, paths.AGENT_SOURCES, json=wanted, timeout_s=SOURCE_S_MAX)
        try:
            async with opened as response:
                return response.status, await response.body()
        except Unavailable as error:
            raise no_answer(agent.card.name) from error

    async def _events(
        self, agent: AgentRegistration, request: TurnRequest, *, again: bool
    ) -> AsyncGenerator[AgentEvent]:
        """One stream. Raises `_BrokenOff` where it ends early; asked for `again`, also where nobody answers."""
        left_s = (request.deadline - datetime.now(UTC)).total_seconds()
        if left_s <= 0:
            raise too_slow(agent.card.name)
        body = request.model_dump(mode="json")
        opened = self._invoker.open(agent.app_id, paths.AGENT_TURNS, json=body, timeout_s=left_s + GRACE_S)
        try:
            async with opened as response:
                if response.status != 200:
                    raise _Answered(await _refusal(agent.card, response))
                async with aclosing(_read(agent.card, response)) as events:
                    async for event in events:
                        yield event
        except ValueError as error:
            logger.error("agent %s said what is no event: %s", agent.card.id, _reason(error))
            raise no_answer(agent.card.name) from error
        except _Answered as answered:
            raise answered.error from None
        except Unavailable as error:
            if again:
                raise _BrokenOff from error
            raise no_answer(agent.card.name) from error


async def _read(card: AgentCard, response: Response) -> AsyncGenerator[AgentEvent]:
    """The events of an open stream. Raises `_Answered`, `_BrokenOff`, and `ValueError` for what is no event."""
    parser, chunks = sse.Parser(), response.chunks()
    try:
        while True:
            async with asyncio.timeout(SILENCE_S_MAX):
                chunk = await anext(chunks, None)
            if chunk is None:
                break
            for raw in parser.feed(chunk):
                if not raw.data:
                    continue
                event = checked(raw, card.id)
                if isinstance(event, TurnFailed):
                    logger.warning("agent %s failed: %s: %s", card.id, event.code, event.message)
                    raise _Answered(error_of_code(event.code, event.message, event.retry_after_s))
                yield event
                if isinstance(event.event, TurnCompleted):
                    await _drain(chunks)
                    return
    except TimeoutError as error:
        logger.warning("agent %s is silent for %g s: it counts as dead", card.id, SILENCE_S_MAX)
        raise _BrokenOff from error
    except Unavailable as error:
        raise _BrokenOff from error
    raise _BrokenOff


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    """Reads the body to its end, which follows the last event at once: only then is the connection used again."""
    with suppress(TimeoutError, Unavailable):
        async with asyncio.timeout(DRAIN_S_MAX):
            async for _ in chunks:
                pass


def checked(raw: sse.Event, agent_id: str) -> AgentEvent | TurnFailed:
    """What came, proved to be an event that a specialist may send, under the id of the one that was asked.

    Raises `ValueError` for what is none (`ValidationError` of pydantic is one).
    """
    event = turn_event_adapter.validate_json(raw.data)
    if isinstance(event, TurnStarted | RouteDecided | TurnReset | TurnCancelled) or raw.event not in (
        b"",
        event.type.encode(),
    ):
        raise ValueError(f"{event.type} as {raw.event!r}")
    if isinstance(event, TurnFailed):
        return event
    if isinstance(event, TurnCompleted) or event.agent == agent_id:
        return AgentEvent(event, raw.data)
    named = event.model_copy(update={"agent": agent_id})
    return AgentEvent(named, named.model_dump_json().encode())


def _name_of(event: AgentEvent) -> bytes:
    """The same for what a second replica tells again: a tool call has the same id wherever it is made."""
    call: str = getattr(event.event, "call_id", "")
    return f"{event.event.type} {call}".encode()


class _BrokenOff(Exception):
    """The stream ended without the turn's end."""


class _Answered(Exception):
    """Carries what the specialist itself answered through the handlers of what happens on the way."""

    def __init__(self, error: SwitchboardError) -> None:
        self.error = error


def no_answer(name: str) -> Unavailable:
    return Unavailable(f"{name} does not answer at the moment. Please try again shortly.")


def too_slow(name: str) -> DeadlineExceeded:
    return DeadlineExceeded(f"{name} did not answer in time. Please try again.")


def _reason(error: ValueError) -> str:
    """Without the words that were said: they may be a customer's."""
    if isinstance(error, ValidationError):
        return error.errors(include_input=False)[0]["msg"]
    return type(error).__name__ if isinstance(error, orjson.JSONDecodeError) else str(error)


async def _refusal(card: AgentCard, response: Response) -> SwitchboardError:
    """What an answer other than 200 means for the user, who did nothing wrong but perhaps wrote too much."""
    try:
        problem = orjson.loads(await response.body())
        error = error_of_code(str(problem["code"]), str(problem["message"]))
    except (orjson.JSONDecodeError, KeyError, TypeError):
        error = no_answer(card.name)
    logger.warning("agent %s refused a turn with %d: %s", card.id, response.status, error.code)
    if isinstance(error, CallerError) and not isinstance(error, TooLarge):
        return no_answer(card.name)  # our request was not what that agent takes: it is no fault of the user
    return error
