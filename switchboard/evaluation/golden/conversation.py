"""Asks a running system over its public API, and keeps what it said as transcripts."""

import asyncio
import secrets
import time
from collections.abc import Sequence

import httpx
from pydantic import ValidationError

from switchboard.contracts.errors import Problem, SwitchboardError, Unavailable
from switchboard.contracts.events import TURN_ENDS, MessageDelta, TurnEvent, turn_event_adapter
from switchboard.contracts.turns import HistoryMessage
from switchboard.scoring.transcript import Transcript, transcript_of

TURN_S_MAX = 120.0
ATTEMPTS_MAX = 4
"""Of one message that is refused for a limit or an outage."""
WAIT_S_MAX = 15.0
RETRIED = frozenset({429, 503})
FRESH = {"cache-control": "no-cache"}
"""An answer out of a cache would say nothing of the system that is judged."""


class GoldenConversation:
    """One user's conversation; messages are asked one after the other."""

    def __init__(self, client: httpx.AsyncClient, key: str, user: str) -> None:
        self._client = client
        self._headers = {"authorization": f"Bearer {key}", "accept": "text/event-stream", **FRESH}
        self._user = user
        self._id: str | None = None
        self._said: list[HistoryMessage] = []

    async def ask(self, message: str) -> Transcript:
        """The turn's transcript; a refusal of the request is one too, with its code. Raises `Unavailable`."""
        body = {"message": message} | ({"conversation_id": self._id} if self._id else {})
        headers = self._headers | {"idempotency-key": secrets.token_hex(12)}
        events, first_word_ms, refused, retry_after_s = await self._turn(body, headers)
        for attempt in range(1, ATTEMPTS_MAX):
            if refused is None or refused.status not in RETRIED:
                break
            await asyncio.sleep(min(WAIT_S_MAX, retry_after_s or attempt))
            events, first_word_ms, refused, retry_after_s = await self._turn(body, headers)
        made = transcript_of(message, events, history=self._said)
        made.user, made.first_word_ms = self._user, first_word_ms
        if refused is not None:
            made.code, made.failure, made.trace_id = refused.code, refused.message, refused.trace_id
        elif not events or not isinstance(events[-1], TURN_ENDS):
            made.code, made.failure = "broken", "The stream ended before the turn did."
        self._id = made.conversation_id or self._id
        self._said = [
            *self._said,
            HistoryMessage(role="user", text=message),
            HistoryMessage(role="assistant", text=made.text),
        ]
        return made

    async def _turn(
        self, body: dict[str, str], headers: dict[str, str]
    ) -> tuple[Sequence[TurnEvent], float | None, Problem | None, float]:
        """Events, time to the first word in ms, why it was refused, and when to try again in seconds."""
        events: list[TurnEvent] = []
        started_s, first_word_ms = time.perf_counter(), None
        try:
            async with self._client.stream(
                "POST", "/v1/chat", json=body, headers=headers, timeout=TURN_S_MAX
            ) as response:
                if response.status_code != 200:
                    retry_after = response.headers.get("retry-after", "")
                    return [], None, _refusal(response.status_code, await response.aread()), _seconds(retry_after)
                async for line in response.aiter_lines():
                    event = _event(line)
                    if event is None:
                        continue
                    if isinstance(event, MessageDelta) and first_word_ms is None:
                        first_word_ms = round((time.perf_counter() - started_s) * 1000, 2)
                    events.append(event)
                    if isinstance(event, TURN_ENDS):
                        break
        except httpx.ConnectError as error:
            raise Unavailable("The system does not answer: is it running?") from error
        except httpx.TransportError:
            return events, first_word_ms, None, 0.0
        return events, first_word_ms, None, 0.0


def _event(line: str) -> TurnEvent | None:
    """The event of an SSE line; None for other lines, and for events that this version does not know."""
    if not line.startswith("data:"):
        return None
    try:
        return turn_event_adapter.validate_json(line[5:])
    except ValidationError:
        return None


def _refusal(status: int, body: bytes) -> Problem:
    try:
        return Problem.model_validate_json(body)
    except ValidationError:
        message = f"The system answered with status {status}."
        return Problem(title="Refused", status=status, code=SwitchboardError.code, message=message, trace_id="")


def _seconds(retry_after: str) -> float:
    return float(retry_after) if retry_after.isdigit() else 0.0
