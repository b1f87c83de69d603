"""A question and its answer at once: as JSON, as a stream of events, over a WebSocket; and the events again."""

from fastapi import APIRouter, Request, Response, WebSocket

from services.supervisor.api import streams, websocket
from services.supervisor.api.bodies import ChatAnswer
from services.supervisor.api.documentation import CHAT_RESPONSES, STREAM_RESPONSES, chat_body
from services.supervisor.api.requests import (
    SignedIn,
    Wired,
    ask_of,
    json_response,
    session_of,
    supervisor_of,
    wants_stream,
)
from switchboard.contracts import headers
from switchboard.contracts.errors import error_of_code
from switchboard.contracts.events import TurnFailed

router = APIRouter(prefix="/v1", tags=["chat"])


@router.post("/chat", responses=CHAT_RESPONSES, openapi_extra=chat_body())
async def chat(request: Request) -> Response:
    """Asks a question. Answers as JSON, or as a stream of events with `Accept: text/event-stream`."""
    session = session_of(request)
    log = await supervisor_of(request).turns.start(await ask_of(request, session.principal))
    if wants_stream(request):
        return streams.stream(
            log, session, streams.last_event_number(request.headers.get(headers.LAST_EVENT_ID), log.turn_id)
        )
    ended = await log.end()
    if isinstance(ended, TurnFailed):
        raise error_of_code(ended.code, ended.message, ended.retry_after_s)
    return json_response(ChatAnswer(**dict(ended), route=log.route))


@router.get("/turns/{turn_id}/events", responses=STREAM_RESPONSES)
async def events(turn_id: str, request: Request, session: SignedIn, supervisor: Wired) -> Response:
    """The events of a turn again, after the one that `Last-Event-ID` names; live while it runs."""
    log = await supervisor.logs.follow(session.principal, turn_id)
    return streams.stream(log, session, streams.last_event_number(request.headers.get(headers.LAST_EVENT_ID), turn_id))


@router.websocket("/chat/ws")
async def chat_socket(socket: WebSocket) -> None:
    supervisor = socket.app.state.supervisor
    await websocket.serve(socket, supervisor.keys, supervisor.turns, supervisor.sockets)
