"""The chat over a WebSocket: the same requests and the same events, one JSON object a frame.

A request may carry an `idempotency_key`; `{"resume": "<turn_id>", "after": <n>}` goes on behind event `n` of a turn. Each
event carries its `id`, `<turn_id>:<n>`.

The key comes in the `Authorization` header, or (browsers cannot set one) in a first frame
`{"authorization": "Bearer <key>"}`; never in the URL, where it would be logged. One turn at a time. When the key is revoked
or expires, the connection ends.
"""

import asyncio
import time
from contextlib import suppress
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from services.supervisor.turns.accept import Ask
from services.supervisor.turns.event_log import EventLog
from services.supervisor.turns.fair_share import FairShares
from services.supervisor.turns.idempotency import CHARACTERS_MAX
from services.supervisor.turns.life import Turns
from services.supervisor.turns.logs import TurnLogs
from switchboard.contracts.errors import InvalidRequest, SwitchboardError, TooLarge, Unauthenticated
from switchboard.contracts.events import TurnFailed
from switchboard.contracts.turns import ChatRequest
from switchboard.identity import CHECK_S, ApiKeys, Session
from switchboard.serving.bounds import FRAME_BYTES_MAX
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


async def serve(socket: WebSocket, keys: ApiKeys, turns: Turns, logs: TurnLogs, sockets: FairShares) -> None:
    """One connection, from its first frame to its last. Raises nothing."""
    await socket.accept()
    with suppress(WebSocketDisconnect, RuntimeError):  # RuntimeError: it was closed while we were sending
        try:
            session = await _sign_in(socket, keys)
            sockets.take(session.principal)
        except SwitchboardError as error:
            await _refuse(socket, error)
            return
        except TimeoutError:
            await _refuse(socket, Unauthenticated())
            return
        try:
            await _converse(socket, session, turns, logs)
        finally:
            sockets.give_back(session.principal)


async def _converse(socket: WebSocket, session: Session, turns: Turns, logs: TurnLogs) -> None:
    """Requests and their answers, until the client goes, is idle too long, or its key ends."""
    while True:
        try:
            frame = await _next_frame(socket, session)
            await _answer(socket, session, turns, logs, _request(frame))
        except _SignedOut:
            await _refuse(socket, Unauthenticated())
            return
        except TimeoutError:
            await socket.close(GOING_AWAY)
            return
        except TooLarge as error:
            await _tell(socket, error)
            await socket.close(TOO_BIG)
            return
        except SwitchboardError as error:
            await _tell(socket, error)


class _SignedOut(Exception):
    """The key that signed in stands for nobody any more."""


async def _sign_in(socket: WebSocket, keys: ApiKeys) -> Session:
    header = socket.headers.get("authorization")
    if header is not None:
        return keys.session(header)
    frame = await asyncio.wait_for(_frame(socket), SIGN_IN_S_MAX)
    try:
        signed = orjson.loads(frame)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(NOT_JSON) from error
    if not isinstance(signed, dict) or not isinstance(signed.get("authorization"), str):
        raise Unauthenticated('Send {"authorization": "Bearer <key>"} as the first frame.')
    return keys.session(signed["authorization"])


async def _next_frame(socket: WebSocket, session: Session) -> bytes:
    """Raises `_SignedOut`, and `TimeoutError` when nothing comes for `IDLE_S_MAX`."""
    coming, until = asyncio.ensure_future(_frame(socket)), time.monotonic() + IDLE_S_MAX
    try:
        while not coming.done() and session.is_live and time.monotonic() < until:
            await asyncio.wait({coming}, timeout=CHECK_S)
        if not session.is_live:
            raise _SignedOut
        if not coming.done():
            raise TimeoutError
        return coming.result()
    finally:
        coming.cancel()


async def _frame(socket: WebSocket) -> bytes:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000))
    frame = (message.get("text") or "").encode() or message.get("bytes") or b""
    if len(frame) > FRAME_BYTES_MAX:
        raise TooLarge(f"A frame may have at most {FRAME_BYTES_MAX // 1024} KiB.")
    return frame


def _request(frame: bytes) -> ChatFrame | ResumeFrame:
    try:
        return (ResumeFrame if _resumes(frame) else ChatFrame).model_validate_json(frame)
    except ValidationError as error:
        refused = error_of_validation(error)
        if isinstance(refused, TooLarge):
            raise InvalidRequest(refused.message) from error  # the message is too long, not the frame: stay connected
        raise refused from error


async def _answer(
    socket: WebSocket, session: Session, turns: Turns, logs: TurnLogs, asked: ChatFrame | ResumeFrame
) -> None:
    if isinstance(asked, ResumeFrame):
        await _send(socket, session, await logs.follow(session.principal, asked.resume, asked.after), asked.after)
    else:
        request = ChatRequest.model_validate(asked.model_dump(exclude={"idempotency_key"}))
        await _send(socket, session, await turns.start(Ask(session.principal, request, asked.idempotency_key)))


def _resumes(frame: bytes) -> bool:
    try:
        asked = orjson.loads(frame)
    except orjson.JSONDecodeError:
        return False
    return isinstance(asked, dict) and "resume" in asked


async def _send(socket: WebSocket, session: Session, log: EventLog, after: int = 0) -> None:
    async for frames in log.read(after, silence_s=CHECK_S):
        if not session.is_live:
            raise _SignedOut
        for frame in frames:
            # Every event is a JSON object that begins with its type: the id goes before it, and nothing is encoded again.
            id_ = f'"id":"{log.turn_id}:{frame.seq}",' if frame.seq else ""
            await socket.send_text("{" + id_ + frame.data.decode()[1:])


async def _refuse(socket: WebSocket, error: SwitchboardError) -> None:
    await _tell(socket, error)
    await socket.close(POLICY_VIOLATION)


async def _tell(socket: WebSocket, error: SwitchboardError) -> None:
    """A request that was not accepted is told as the failure of a turn that has no id."""
    event = TurnFailed(code=error.code, message=error.message, trace_id=current_trace_id())
    await socket.send_text(event.model_dump_json())
