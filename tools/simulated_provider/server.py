"""The simulated model as a server that speaks OpenAI's protocol.

`PUT /simulated/faults` and `PUT /simulated/profile` set what goes wrong and how it answers, `GET` shows it;
`GET /simulated/served` gives what was served (`?requests=1`: by request id, which is the header `x-client-request-id`),
`POST /simulated/requests/<id>/stop` ends a request and tells what it cost.
"""

import uuid
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from switchboard.contracts import paths, sse
from switchboard.contracts.headers import CLIENT_REQUEST_ID, RETRY_AFTER
from tools.simulated_provider.faults import FaultRules
from tools.simulated_provider.model import BrokenOff, Refused, SimulatedModel
from tools.simulated_provider.profile import Profile

Model = TypeVar("Model", bound=BaseModel)


class _Stream(Response):
    """The events, from the first one on; a connection that breaks off is closed without its end."""

    def __init__(self, first: bytes, rest: AsyncIterator[bytes]) -> None:
        super().__init__(media_type=sse.MEDIA_TYPE)
        self._first, self._rest = first, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", sse.MEDIA_TYPE.encode()), (b"cache-control", b"no-cache")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self._first, "more_body": True})
        try:
            async for block in self._rest:
                await send({"type": "http.response.body", "body": block, "more_body": True})
        except BrokenOff:
            _break_off(scope)
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Broken(Response):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _break_off(scope)


def _break_off(scope: Scope) -> None:
    raise BrokenOff  # uvicorn closes the connection; `main` keeps its traceback out of the log


def app_of(model: SimulatedModel) -> Starlette:
    """The server's app, around `model`."""

    async def chat(request: Request) -> Response:
        body = orjson.loads(await request.body())
        request_id = request.headers.get(CLIENT_REQUEST_ID) or uuid.uuid4().hex
        if not body.get("stream"):
            return await _whole(model.answer(body, request_id))
        events = model.events(body, request_id)
        try:
            return _Stream(await anext(events), events)
        except Refused as refused:
            return _refusal(refused)
        except BrokenOff:
            return _Broken()

    async def embeddings(request: Request) -> Response:
        body = orjson.loads(await request.body())
        return await _whole(model.embed(body, request.headers.get(CLIENT_REQUEST_ID) or uuid.uuid4().hex))

    async def faults(request: Request) -> Response:
        if request.method == "PUT":
            rules = await _read(request, FaultRules)
            if isinstance(rules, Response):
                return rules
            model.faults.replace(rules)
        return _json({"faults": model.faults.snapshot()})

    async def profile(request: Request) -> Response:
        if request.method == "PUT":
            read = await _read(request, Profile)
            if isinstance(read, Response):
                return read
            model.follow(read)
        return _json(model.profile.model_dump())

    async def served(request: Request) -> Response:
        return _json(model.served.snapshot(with_requests=request.query_params.get("requests") == "1"))

    async def stop(request: Request) -> Response:
        spent = model.served.stop(request.path_params["id"])
        tokens = {"prompt_tokens": spent.prompt_tokens, "completion_tokens": spent.completion_tokens}
        return _json({**tokens, "prompt_tokens_details": {"cached_tokens": spent.cached_tokens}})

    async def models(request: Request) -> Response:
        del request
        return _json({"object": "list", "data": []})

    async def health(request: Request) -> Response:
        del request
        return _json({"status": "ready"})

    return Starlette(
        routes=[
            Route(f"/{paths.CHAT_COMPLETIONS}", chat, methods=["POST"]),
            Route(f"/{paths.EMBEDDINGS}", embeddings, methods=["POST"]),
            Route(f"/{paths.MODELS}", models),
            Route("/healthz", health),
            Route("/readyz", health),
            Route("/simulated/faults", faults, methods=["GET", "PUT"]),
            Route("/simulated/profile", profile, methods=["GET", "PUT"]),
            Route("/simulated/served", served),
            Route("/simulated/requests/{id}/stop", stop, methods=["POST"]),
        ]
    )


async def _whole(answer: Any) -> Response:
    try:
        return Response(await answer, media_type="application/json")
    except Refused as refused:
        return _refusal(refused)
    except BrokenOff:
        return _Broken()


def _refusal(refused: Refused) -> Response:
    headers = {} if refused.retry_after_s is None else {RETRY_AFTER: f"{refused.retry_after_s:g}"}
    return Response(orjson.dumps(refused.body), refused.status, headers, "application/json")


async def _read(request: Request, kind: type[Model]) -> Model | Response:
    try:
        return kind.model_validate_json(await request.body())
    except ValidationError as error:
        return Response(orjson.dumps({"error": {"message": str(error)}}), 422, media_type="application/json")


def _json(body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
