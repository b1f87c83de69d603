"""The chat API as the terminal uses it: one turn as an iterator of events, taken up again when the line breaks."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx
from httpx_sse import EventSource
from pydantic import ValidationError

from switchboard.contracts.errors import Problem as ProblemBody
from switchboard.contracts.events import TURN_ENDS, TurnEvent, turn_event_adapter

TURN_S_MAX = 300.0
CONNECT_S_MAX = 3.0
RESUMES_MAX = 3
RESUME_DELAY_S = 0.5


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request was not taken."""

    code: str
    message: str
    trace_id: str


class TurnRefused(Exception):
    def __init__(self, problem: Refused) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Lost(Exception):
    """Nobody answers, or the line broke and could not be taken up again."""


class ChatApi:
    """Use it as a context manager; it holds one connection."""

    def __init__(self, url: str, key: str) -> None:
        self._client = httpx.Client(
            base_url=url,
            headers={"authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(TURN_S_MAX, connect=CONNECT_S_MAX),
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def events(self, message: str, conversation: str | None, idempotency_key: str) -> Iterator[TurnEvent]:
        """The turn's events, ending with the last one. Raises `TurnRefused` and `Lost`."""
        body = {"message": message} | ({"conversation_id": conversation} if conversation else {})
        headers = {"accept": "text/event-stream", "idempotency-key": idempotency_key}
        for attempt in range(RESUMES_MAX + 1):
            try:
                with self._client.stream("POST", "/v1/chat", json=body, headers=headers) as response:
                    if response.status_code != 200:
                        raise TurnRefused(_refusal(response))
                    for sse in EventSource(response).iter_sse():
                        event = turn_event_adapter.validate_json(sse.data)
                        headers["last-event-id"] = sse.id
                        yield event
                        if isinstance(event, TURN_ENDS):
                            return
            except httpx.ConnectError as error:
                if "last-event-id" not in headers:
                    raise Lost from error
            except httpx.TransportError as error:
                if attempt == RESUMES_MAX:
                    raise Lost from error
            time.sleep(RESUME_DELAY_S * 2**attempt)
        raise Lost


def _refusal(response: httpx.Response) -> Refused:
    trace_id = response.headers.get("x-trace-id", "")
    try:
        problem = ProblemBody.model_validate_json(response.read())
    except ValidationError:
        return Refused("internal", f"The system answered with status {response.status_code}.", trace_id)
    return Refused(problem.code, problem.message, problem.trace_id or trace_id)
