"""The chat over a WebSocket: the same requests and the same events, one JSON object a frame.

A request may carry an `idempotency_key`; `{"resume": "<turn_id>", "after": <n>}` goes on behind event `n` of a turn. Each
event carries its `id`, `<turn_id>:<n>`.

The key comes in the `Authorization` header, or (browsers cannot set one) in a first frame
`{"authorization": "Bearer <key>"}`; never in the URL, where it would be logged. One turn at a time.
"""

import asyncio
from contextlib import suppress
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from services.supervisor.api.edge import BODY_BYTES_MAX
from services.supervisor.turns.accept import Ask
from services.supervisor.turns.event_log import EventLog
from services.supervisor.turns.idempotency import CHARACTERS_MAX
from services.supervisor.turns.life import Turns
from services.supervisor.turns.logs import TurnLogs
from switchboard.contracts.errors import InvalidRequest, SwitchboardError, TooLarge, Unauthenticated
from switchboard.contracts.events import TurnFailed
from switchboard.contracts.turns import ChatRequest, Principal
from switchboard.identity import ApiKeys
from switchboard.serving.problems import NOT_JSON, error_of_validation
from switchboard.telemetry import current_trace_id

SIGN_IN_S_MAX = 10.0
IDLE_S_MAX = 300.0
GOING_AWAY, POLICY_VIOLATION, TOO_BIG = 1001, 1008, 1009


class ChatFrame(ChatRequest):
    """A question as a frame: the body of `POST /v1/chat`, and its key, which has no header here."""

    idempotency_key: Annotated[str, StringConstraints(min_length=1, max_length=CHARACTERS_MAX)] | None = None


class ResumeFrame(BaseModel):
    """Asks for the events of a turn again, behind event `after`."""

    model_config = ConfigDict(extra="forbid")

    resume: Annotated[str, StringConstraints(min_length=1, max_length=CHARACTERS_MAX)]
    after: int = Field(default=0, ge=0, lt=10**9)


async def serve(socket: WebSocket, keys: ApiKeys, turns: Turns, logs: TurnLogs) -> None:
    """One connection, from its first frame to its last. Raises nothing."""
    await socket.accept()
    with suppress(WebSocketDisconnect, RuntimeError):  # RuntimeError: it was closed while we were sending
        try:
            principal = await _sign_in(socket, keys)
        except SwitchboardError as error:
            await _tell(socket, error)
            await socket.close(POLICY_VIOLATION)
            return
        except TimeoutError:
            await _tell(socket, Unauthenticated())
            await socket.close(POLICY_VIOLATION)
            return
        while True:
            try:
                frame = await asyncio.wait_for(_frame(socket), IDLE_S_MAX)
                asked = _request(frame)
                if isinstance(asked, ResumeFrame):
                    await _send(socket, await logs.follow(principal, asked.resume, asked.after), asked.after)
                else:
                    request = ChatRequest.model_validate(asked.model_dump(exclude={"idempotency_key"}))
                    await _send(socket, await turns.start(Ask(principal, request, asked.idempotency_key)))
            except TimeoutError:
                await socket.close(GOING_AWAY)
                return
            except TooLarge as error:
                await _tell(socket, error)
                await socket.close(TOO_BIG)
                return
            except SwitchboardError as error:
                await _tell(socket, error)


async def _sign_in(socket: WebSocket, keys: ApiKeys) -> Principal:
    header = socket.headers.get("authorization")
    if header is not None:
        return keys.authenticate(header)
    frame = await asyncio.wait_for(_frame(socket), SIGN_IN_S_MAX)
    try:
        signed = orjson.loads(frame)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(NOT_JSON) from error
    if not isinstance(signed, dict) or not isinstance(signed.get("authorization"), str):
        raise Unauthenticated('Send {"authorization": "Bearer <key>"} as the first frame.')
    return keys.authenticate(signed["authorization"])


async def _frame(socket: WebSocket) -> bytes:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000))
    frame = (message.get("text") or "").encode() or message.get("bytes") or b""
    if len(frame) > BODY_BYTES_MAX:
        raise TooLarge(f"A frame may have at most {BODY_BYTES_MAX // 1024} KiB.")
    return frame


def _request(frame: bytes) -> ChatFrame | ResumeFrame:
    try:
        return (ResumeFrame if _resumes(frame) else ChatFrame).model_validate_json(frame)
    except ValidationError as error:
        refused = error_of_validation(error)
        if isinstance(refused, TooLarge):
            raise InvalidRequest(refused.message) from error  # the message is too long, not the frame: stay connected
        raise refused from error


def _resumes(frame: bytes) -> bool:
    try:
        asked = orjson.loads(frame)
    except orjson.JSONDecodeError:
        return False
    return isinstance(asked, dict) and "resume" in asked


async def _send(socket: WebSocket, log: EventLog, after: int = 0) -> None:
    async for frames in log.read(after):
        for frame in frames:
            # Every event is a JSON object that begins with its type: the id goes before it, and nothing is encoded again.
            id_ = f'"id":"{log.turn_id}:{frame.seq}",' if frame.seq else ""
            await socket.send_text("{" + id_ + frame.data.decode()[1:])


async def _tell(socket: WebSocket, error: SwitchboardError) -> None:
    """A request that was not accepted is told as the failure of a turn that has no id."""
    event = TurnFailed(code=error.code, message=error.message, trace_id=current_trace_id())
    await socket.send_text(event.model_dump_json())
