"""A question and its answer at once: as JSON, as a stream of events, over a WebSocket; and the events again."""

from fastapi import APIRouter, Request, Response, WebSocket

from services.supervisor.api import streams, websocket
from services.supervisor.api.bodies import ChatAnswer, TurnView
from services.supervisor.api.documentation import CHAT_RESPONSES, PROBLEMS, STREAM_RESPONSES, chat_body
from services.supervisor.api.requests import (
    Caller,
    SignedIn,
    Wired,
    ask_of,
    json_response,
    session_of,
    supervisor_of,
    wants_stream,
)
from switchboard.contracts import headers
from switchboard.contracts.errors import Cancelled, error_of_code
from switchboard.contracts.events import TurnCancelled, TurnFailed

router = APIRouter(prefix="/v1", tags=["chat"])


@router.post("/chat", responses=CHAT_RESPONSES, openapi_extra=chat_body())
async def chat(request: Request) -> Response:
    """Asks a question. Answers as JSON, or as a stream of events with `Accept: text/event-stream`."""
    supervisor, session = supervisor_of(request), session_of(request)
    ask = await ask_of(request, session.principal)
    last_event = request.headers.get(headers.LAST_EVENT_ID)
    log = await supervisor.turns.start(ask, streams.last_event_number(last_event))
    told = {headers.IDEMPOTENCY_KEY: ask.idempotency_key or log.turn_id}
    if wants_stream(request):
        leaving = supervisor.cancellation.leaving(ask, log.turn_id)
        return streams.stream(log, session, streams.last_event_number(last_event, log.turn_id), told, leaving)
    ended = await log.end()
    if isinstance(ended, TurnCancelled):
        raise Cancelled
    if isinstance(ended, TurnFailed):
        raise error_of_code(ended.code, ended.message, ended.retry_after_s)
    return json_response(ChatAnswer(**dict(ended), route=log.route), fields=told)


@router.get("/turns/{turn_id}/events", responses=STREAM_RESPONSES)
async def events(turn_id: str, request: Request, session: SignedIn, supervisor: Wired) -> Response:
    """The events of a turn again, after the one that `Last-Event-ID` names; live while it runs."""
    after = streams.last_event_number(request.headers.get(headers.LAST_EVENT_ID), turn_id)
    return streams.stream(await supervisor.logs.follow(session.principal, turn_id, after), session, after)


@router.delete("/turns/{turn_id}", response_model=TurnView, responses=PROBLEMS)
async def cancel(turn_id: str, caller: Caller, supervisor: Wired) -> Response:
    """Cancels a turn of yours. Answers how it ended: cancelled, or as it had ended before."""
    return json_response(TurnView.of(await supervisor.cancellation.cancel(caller, turn_id)))


@router.websocket("/chat/ws")
async def chat_socket(socket: WebSocket) -> None:
    supervisor = socket.app.state.supervisor
    await websocket.serve(socket, supervisor.keys, supervisor.turns, supervisor.logs, supervisor.sockets)
