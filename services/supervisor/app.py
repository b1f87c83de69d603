"""The public API of Switchboard: routes only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Path, Query, Request, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import ValidationError

from services.supervisor.api import problems, sse, websocket
from services.supervisor.api.bodies import (
    AgentList,
    AgentView,
    ChatAnswer,
    ConversationPage,
    HandoverView,
    JobAccepted,
    JobView,
    PrincipalView,
    Readiness,
    TurnView,
)
from services.supervisor.api.documentation import (
    CHAT_RESPONSES,
    DESCRIPTION,
    JOB_RESPONSES,
    PROBLEMS,
    STREAM_RESPONSES,
    chat_body,
)
from services.supervisor.api.edge import Edge
from services.supervisor.bootstrap import Supervisor, build
from services.supervisor.feedback.ratings import FeedbackList, FeedbackRequest, FeedbackView
from services.supervisor.memory.privacy import ConsentRequest, Forgotten, MemoryView
from services.supervisor.settings import Settings
from services.supervisor.turns.life import IDEMPOTENCY_KEY_CHARACTERS_MAX, Ask
from switchboard.contracts import topics
from switchboard.contracts.cards import AgentRegistration
from switchboard.contracts.errors import Forbidden, InvalidRequest, NotFound
from switchboard.contracts.events import TurnFailed
from switchboard.contracts.turns import AgentId, ChatRequest, Principal, TurnRequest, TurnResult
from switchboard.experiments.tally import ExperimentScores
from switchboard.identity import ApiKeys
from switchboard.sidecar.subscriptions import subscribe
from switchboard.telemetry import FRAMEWORK_OFF, setup

PAGE_TURNS_DEFAULT = 50
PAGE_TURNS_MAX = 100
URI_CHARACTERS_MAX = 1_000
OFFSET_MAX = 100_000_000

_bearer = HTTPBearer(auto_error=False, description="An API key; it stands for tenant, user, tier and roles.")


def _principal(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Principal:
    keys: ApiKeys = request.app.state.keys
    return keys.authenticate(request.headers.get("authorization"))


Caller = Annotated[Principal, Depends(_principal)]
"""Who is asking, by the key of the request. Raises `Unauthenticated`."""


def create_app(supervisor: Supervisor) -> FastAPI:
    """The ASGI app of a supervisor; its lifespan opens and closes it."""
    settings = supervisor.settings
    telemetry = setup(
        "supervisor",
        endpoint=settings.otlp_endpoint,
        connection_string=settings.applicationinsights_connection_string,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await supervisor.open()
        yield
        await supervisor.close()
        telemetry.flush()

    app = FastAPI(
        title="Switchboard",
        version="0.1.0",
        description=DESCRIPTION,
        lifespan=lifespan,
        redoc_url=None,
        telemetry=FRAMEWORK_OFF,
    )
    app.state.keys = supervisor.keys
    problems.install(app)
    app.add_middleware(Edge)
    if settings.console_url:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=[settings.console_url.rstrip("/")],
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["authorization", "content-type", "idempotency-key", "last-event-id", "traceparent"],
            expose_headers=["x-trace-id", "location", "retry-after"],
        )
    telemetry.instrument(app, public=True)

    subscribe(app, topics.RESULTS, supervisor.jobs.take_result, model=TurnResult, app_token=settings.app_api_token)
    subscribe(
        app,
        topics.DEAD,
        supervisor.jobs.take_dead,
        model=TurnRequest,
        dead_letter_topic=None,
        app_token=settings.app_api_token,
    )
    subscribe(
        app,
        topics.REGISTRY,
        supervisor.registry_changed,
        model=AgentRegistration,
        dead_letter_topic=None,
        app_token=settings.app_api_token,
    )

    @app.post("/v1/chat", responses=CHAT_RESPONSES, openapi_extra=chat_body(), tags=["chat"])
    async def chat(request: Request) -> Response:
        """Asks a question. Answers as JSON, or as a stream of events with `Accept: text/event-stream`."""
        ask = await _ask(request, supervisor)
        live = await supervisor.turns.start(ask)
        if _wants_stream(request):
            return sse.stream(live, sse.last_event_number(request.headers.get("last-event-id"), live.turn_id))
        ended = await live.end()
        if isinstance(ended, TurnFailed):
            raise problems.error_of_code(ended.code, ended.message, ended.retry_after_s)
        return _json(ChatAnswer(**dict(ended), route=live.route))

    @app.get("/v1/turns/{turn_id}/events", responses=STREAM_RESPONSES, tags=["chat"])
    async def events(turn_id: str, request: Request, caller: Caller) -> Response:
        """The events of a turn again, after the one that `Last-Event-ID` names; live while it runs."""
        live = await supervisor.turns.follow(caller, turn_id)
        return sse.stream(live, sse.last_event_number(request.headers.get("last-event-id"), turn_id))

    @app.websocket("/v1/chat/ws")
    async def chat_socket(socket: WebSocket) -> None:
        await websocket.serve(socket, supervisor.keys, supervisor.turns)

    @app.post("/v1/jobs", status_code=202, responses=JOB_RESPONSES, openapi_extra=chat_body(), tags=["jobs"])
    async def start_job(request: Request) -> Response:
        """Asks a question without waiting: 202, and the answer later at `Location`."""
        turn = await supervisor.jobs.accept(await _ask(request, supervisor))
        location = f"/v1/jobs/{turn.turn_id}"
        body = JobAccepted(
            turn_id=turn.turn_id, conversation_id=turn.conversation_id, status=turn.status, location=location
        )
        return _json(body, 202, {"location": location})

    @app.get("/v1/jobs/{turn_id}", response_model=JobView, responses=PROBLEMS, tags=["jobs"])
    async def job(turn_id: str, caller: Caller) -> Response:
        """How far a job is, and its answer once it is there."""
        return _json(JobView.of_job(await supervisor.jobs.job(caller, turn_id)))

    @app.get("/v1/conversations/{conversation_id}", response_model=ConversationPage, responses=PROBLEMS, tags=["chat"])
    async def conversation(
        conversation_id: str,
        caller: Caller,
        after: Annotated[int, Query(ge=0, le=10**9)] = 0,
        limit: Annotated[int, Query(ge=1, le=PAGE_TURNS_MAX)] = PAGE_TURNS_DEFAULT,
    ) -> Response:
        """Turns of one of your conversations, oldest first, a page at a time."""
        found = await supervisor.conversations.conversation(caller, conversation_id)
        turns = await supervisor.conversations.page(found, after, limit)
        reached = after + limit
        return _json(
            ConversationPage(
                conversation_id=found.conversation_id,
                turn_count=found.turn_count,
                agent=found.agent,
                handover=HandoverView.of(found.handover),
                created_at=found.created_at,
                updated_at=found.updated_at,
                turns=[TurnView.of(turn) for turn in turns],
                next_after=reached if reached < found.turn_count else None,
            )
        )

    @app.delete("/v1/conversations/{conversation_id}", status_code=204, responses=PROBLEMS, tags=["memory"])
    async def delete_conversation(conversation_id: str, caller: Caller) -> None:
        """Deletes one of your conversations, with all its turns."""
        await supervisor.conversations.delete(caller, conversation_id)

    @app.get("/v1/memory", responses=PROBLEMS, tags=["memory"])
    async def memory(caller: Caller) -> MemoryView:
        """What is remembered of you across conversations."""
        return MemoryView.of(await supervisor.memories.read(caller))

    @app.put("/v1/memory/consent", responses=PROBLEMS, tags=["memory"])
    async def consent(body: ConsentRequest, caller: Caller) -> MemoryView:
        """Agrees to being remembered, or stops it; stopping also forgets what was remembered."""
        return MemoryView.of(await supervisor.memories.consent(caller, body.consent))

    @app.delete("/v1/memory", responses=PROBLEMS, tags=["memory"])
    async def forget(caller: Caller, conversations: bool = False) -> Forgotten:
        """Forgets what is remembered of you, and your agreement to it; `conversations=true` deletes those too."""
        return await supervisor.memories.forget(caller, transcripts=conversations)

    @app.post(
        "/v1/conversations/{conversation_id}/handover", response_model=HandoverView, responses=PROBLEMS, tags=["chat"]
    )
    async def hand_over(conversation_id: str, caller: Caller) -> Response:
        """Gives a conversation to a person: your own, or with the role operator any of your company."""
        return _json(HandoverView.of(await supervisor.handovers.hand_over(caller, conversation_id)))

    @app.delete("/v1/conversations/{conversation_id}/handover", status_code=204, responses=PROBLEMS, tags=["chat"])
    async def hand_back(conversation_id: str, caller: Caller) -> None:
        """Gives it back to the agents. Needs the role operator."""
        await supervisor.handovers.hand_back(caller, conversation_id)

    @app.get("/v1/agents", responses=PROBLEMS, tags=["agents"])
    async def agents(_: Caller) -> AgentList:
        """The agents that are live now."""
        return AgentList(agents=[AgentView.of(each.card) for each in supervisor.router.agents])

    @app.get("/v1/sources", responses=PROBLEMS, tags=["agents"])
    async def source(caller: Caller, uri: Annotated[str, Query(max_length=URI_CHARACTERS_MAX)]) -> Response:
        """The document behind a citation's `uri` (`kb://<agent>/<document>#<start>-<end>@<version>`), and where the
        passage is."""
        agent_id = uri.removeprefix("kb://").partition("/")[0] if uri.startswith("kb://") else ""
        return await source_of(caller, agent_id, uri)

    @app.get("/v1/sources/{agent_id}/{document}", responses=PROBLEMS, tags=["agents"])
    async def source_document(
        caller: Caller,
        agent_id: AgentId,
        document: Annotated[str, Path(pattern=r"^[a-z0-9-]{1,80}$")],
        version: Annotated[str, Query(pattern=r"^([0-9a-f]{4,64})?$")] = "",
        start: Annotated[int | None, Query(ge=0, le=OFFSET_MAX)] = None,
        end: Annotated[int | None, Query(ge=0, le=OFFSET_MAX)] = None,
    ) -> Response:
        """The same by a citation's `document`, `version`, `start` and `end`; without a version the live document."""
        span = f"{start}-{end}" if start is not None and end is not None else ""
        fragment = f"{span}@{version}" if version else span
        uri = f"kb://{agent_id}/{document}#{fragment}" if fragment else f"kb://{agent_id}/{document}"
        return await source_of(caller, agent_id, uri)

    async def source_of(caller: Principal, agent_id: str, uri: str) -> Response:
        agent = next((each for each in supervisor.router.agents if each.card.id == agent_id), None)
        if agent is None:
            raise NotFound("There is no such source.")
        status, body = await supervisor.specialists.source(agent, uri, tenant=caller.tenant)
        if status != 200:
            raise NotFound("There is no such source.")
        return Response(body, media_type="application/json")

    @app.post("/v1/feedback", responses=PROBLEMS, tags=["feedback"])
    async def give_feedback(caller: Caller, given: FeedbackRequest) -> FeedbackView:
        """Rates one of your own turns, thumbs up or down, with a comment if you like; again, and the last one counts."""
        return await supervisor.feedback.give(caller, given)

    @app.get("/v1/feedback", responses=PROBLEMS, tags=["feedback"])
    async def feedback(caller: Caller) -> FeedbackList:
        """The newest rated turns of your tenant, without anybody's words. For operators."""
        _operator(caller)
        return await supervisor.feedback.newest(caller.tenant)

    @app.get("/v1/experiments/{name}", responses=PROBLEMS, tags=["feedback"])
    async def experiment(caller: Caller, name: str) -> ExperimentScores:
        """What an experiment's variants scored so far with your tenant. For operators."""
        _operator(caller)
        found = supervisor.experiments.named(name)
        if found is None:
            raise NotFound("There is no such experiment.")
        return await supervisor.scoreboard.scores(found, caller.tenant)

    @app.get("/v1/me", responses=PROBLEMS, tags=["agents"])
    async def me(caller: Caller) -> PrincipalView:
        """Who your key stands for."""
        return PrincipalView(tenant=caller.tenant, user=caller.user, tier=caller.tier, roles=sorted(caller.roles))

    @app.get("/healthz", tags=["health"])
    async def healthz() -> dict[str, str]:
        """This process is alive."""
        return {"status": "ok"}

    @app.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}}, tags=["health"])
    async def readyz() -> Response:
        """Everything this service needs answers: sidecar, state store, pub/sub, gateway."""
        checks = await supervisor.readiness.checks()
        ready = all(checks.values())
        return _json(Readiness(status="ready" if ready else "not_ready", checks=checks), 200 if ready else 503)

    return app


async def _ask(request: Request, supervisor: Supervisor) -> Ask:
    """The validated request of a known caller: read once, validated once."""
    principal = supervisor.keys.authenticate(request.headers.get("authorization"))
    key = request.headers.get("idempotency-key")
    if key is not None and not 1 <= len(key) <= IDEMPOTENCY_KEY_CHARACTERS_MAX:
        raise InvalidRequest(f"An Idempotency-Key has 1 to {IDEMPOTENCY_KEY_CHARACTERS_MAX} characters.")
    try:
        return Ask(principal, ChatRequest.model_validate_json(await request.body()), key)
    except ValidationError as error:
        raise problems.error_of_validation(error) from None


def _operator(caller: Principal) -> None:
    """Raises `Forbidden`."""
    if "operator" not in caller.roles:
        raise Forbidden("This is for operators.")


def _wants_stream(request: Request) -> bool:
    return "text/event-stream" in request.headers.get("accept", "")


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(body.model_dump_json(), status, headers, media_type="application/json")


def __getattr__(name: str) -> FastAPI:
    """`app` is made when the server asks for it: importing this module for tests or documentation wires nothing."""
    if name != "app":
        raise AttributeError(name)
    made = create_app(build(Settings()))
    globals()["app"] = made
    return made
