"""Asking one specialist: service invocation, its stream read as TurnEvents, its failures told as ours."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime

import orjson
from pydantic import ValidationError

from services.supervisor.api.problems import error_of_code
from switchboard.contracts import paths, sse
from switchboard.contracts.cards import AgentCard, AgentRegistration
from switchboard.contracts.errors import (
    CallerError,
    DeadlineExceeded,
    SwitchboardError,
    TooLarge,
    Unavailable,
)
from switchboard.contracts.events import TurnCompleted, TurnEvent, TurnFailed, turn_event_adapter
from switchboard.contracts.turns import TurnRequest
from switchboard.sidecar.ports import Invoker, Response

ATTEMPTS_MAX = 2
"""A stream that broke before its first event is asked for again once: the turn's effects are exactly-once."""

logger = logging.getLogger(__name__)


class Specialists:
    """The specialists behind the sidecar. May be called concurrently."""

    def __init__(self, invoker: Invoker) -> None:
        self._invoker = invoker

    async def ask(self, agent: AgentRegistration, request: TurnRequest) -> AsyncGenerator[TurnEvent]:
        """The specialist's events; the last is `turn.completed`. Close it to cancel the specialist's work.

        Raises what its `turn.failed` or its refusal says, `Unavailable` when it does not answer or breaks off,
        and `DeadlineExceeded` when the deadline is over before it begins.
        """
        for attempt in range(1, ATTEMPTS_MAX + 1):
            begun = False
            try:
                async with aclosing(self._events(agent, request)) as events:
                    async for event in events:
                        begun = True
                        yield event
                return
            except _Broken as error:
                if begun or attempt == ATTEMPTS_MAX:
                    raise silent(agent.card.name) from error

    async def _events(self, agent: AgentRegistration, request: TurnRequest) -> AsyncGenerator[TurnEvent]:
        left_s = (request.deadline - datetime.now(UTC)).total_seconds()
        if left_s <= 0:
            raise too_slow(agent.card.name)
        body = request.model_dump(mode="json")
        try:
            opened = self._invoker.open(agent.app_id, paths.AGENT_TURNS, json=body, timeout_s=left_s)
            async with opened as response:
                if response.status != 200:
                    raise await _refusal(agent.card, response)
                ended = False
                try:
                    async for data in _data(response):
                        event = turn_event_adapter.validate_json(data)
                        if isinstance(event, TurnFailed):
                            raise _failure(agent.card, event)
                        ended = isinstance(event, TurnCompleted)
                        yield event
                        if ended:
                            return
                except (Unavailable, sse.EventTooLong) as error:
                    raise _Broken from error
                if not ended:
                    raise _Broken
        except ValidationError as error:
            logger.error(
                "agent %s said what is no event: %s", agent.card.id, error.errors(include_input=False)[0]["msg"]
            )
            raise silent(agent.card.name) from error
        except _Told as told:
            raise told.error from None
        except Unavailable as error:
            raise silent(agent.card.name) from error

    async def source(self, agent: AgentRegistration, uri: str, *, tenant: str) -> tuple[int, bytes]:
        """The document behind a citation: status and JSON body as the agent gave them, 404 where `tenant` may not see it.

        Raises `Unavailable`.
        """
        wanted = {"uri": uri, "tenant": tenant}
        try:
            async with self._invoker.open(agent.app_id, paths.AGENT_SOURCES, json=wanted, timeout_s=10.0) as response:
                return response.status, await response.body()
        except Unavailable as error:
            raise silent(agent.card.name) from error


async def _data(response: Response) -> AsyncGenerator[bytes]:
    parser = sse.Parser()
    async for chunk in response.chunks():
        for event in parser.feed(chunk):
            if event.data:
                yield event.data


class _Broken(Exception):
    """The stream ended without the turn's end."""


class _Told(Exception):
    """Carries what the specialist itself said through the handlers of what happens on the way."""

    def __init__(self, error: SwitchboardError) -> None:
        self.error = error


def silent(name: str) -> Unavailable:
    return Unavailable(f"{name} does not answer at the moment. Please try again shortly.")


def too_slow(name: str) -> DeadlineExceeded:
    return DeadlineExceeded(f"{name} did not answer in time. Please try again.")


def _failure(card: AgentCard, event: TurnFailed) -> _Told:
    logger.warning("agent %s failed: %s: %s", card.id, event.code, event.message)
    return _Told(error_of_code(event.code, event.message, event.retry_after_s))


async def _refusal(card: AgentCard, response: Response) -> _Told:
    """What an answer other than 200 means for the user, who did nothing wrong but perhaps wrote too much."""
    try:
        told = orjson.loads(await response.body())
        error = error_of_code(str(told["code"]), str(told["message"]))
    except (orjson.JSONDecodeError, KeyError, TypeError):
        error = silent(card.name)
    logger.warning("agent %s refused a turn with %d: %s", card.id, response.status, error.code)
    if isinstance(error, CallerError) and not isinstance(error, TooLarge):
        error = silent(card.name)  # our request was not what that agent takes: it is no fault of the user
    return _Told(error)
