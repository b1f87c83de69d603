"""The receiver of every process's spans: OTLP over HTTP, protobuf and JSON, gzip or not."""

import asyncio
import secrets

from fastapi import APIRouter, Request, Response

from services.console import otlp
from services.console.api.requests import Wired
from services.console.bootstrap import Console
from switchboard.contracts import headers
from switchboard.contracts.errors import LimitExceeded, SwitchboardError, TooLarge, Unauthenticated

router = APIRouter()


@router.post("/v1/traces", include_in_schema=False)
async def receive(console: Wired, request: Request) -> Response:
    """Errors are told in the protocol's own shape."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    answer_type = otlp.JSON if content_type == otlp.JSON else otlp.PROTOBUF
    if content_type not in (otlp.JSON, otlp.PROTOBUF):
        return Response(status_code=415)
    try:
        _check_exporter(console, request)
        if console.exports.locked():
            raise LimitExceeded(retry_after_s=1)
        async with console.exports:
            body = await _body(request)
            encoding = request.headers.get("content-encoding", "").lower()
            rejected = await asyncio.to_thread(_store, console, body, content_type, encoding)
    except SwitchboardError as error:
        fields = {headers.RETRY_AFTER: str(error.retry_after_s)} if error.retry_after_s else None
        return Response(otlp.failure(error.message, answer_type), error.status, fields, answer_type)
    return Response(otlp.success(rejected, answer_type), media_type=answer_type)


def _check_exporter(console: Console, request: Request) -> None:
    """Raises `Unauthenticated` for who is no process of this system."""
    token = console.settings.otlp_token
    if token is None:
        return  # only in a demo: a console without a token is not built elsewhere
    given = request.headers.get(headers.OTLP_TOKEN, "")
    if not secrets.compare_digest(given.encode(), token.get_secret_value().encode()):
        raise Unauthenticated("Spans are taken from this system's own processes only.")


def _store(console: Console, body: bytes, content_type: str, encoding: str) -> int:
    export = otlp.decode(body, content_type=content_type, encoding=encoding)
    console.store.insert(export.spans)
    return export.rejected


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > otlp.BODY_BYTES_MAX:
            raise TooLarge("The export is too large.")
    return bytes(body)
