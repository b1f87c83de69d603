"""Puts the console together: the page and its files, the traces, the receiver of spans, the browser's rules."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles

from services.console import otlp
from services.console.api import receiver, routes
from services.console.api.requests import STATIC
from services.console.bootstrap import Console
from switchboard.serving.service import create_service


def create_app(console: Console) -> FastAPI:
    """The ASGI app of a console; its lifespan opens and closes it. It receives spans and makes none."""
    app = create_service(
        lambda: _opened(console), None, title="Switchboard console", body_bytes_max=otlp.BODY_BYTES_MAX
    )
    app.state.console = console
    app.middleware("http")(_secure(console.settings.api_url))
    for each in (routes, receiver):
        app.include_router(each.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


@asynccontextmanager
async def _opened(console: Console) -> AsyncGenerator[None]:
    await console.open()
    try:
        yield
    finally:
        await console.close()


def _secure(api_url: str) -> Callable[[Request, Callable[[Request], Awaitable[Response]]], Awaitable[Response]]:
    policy = (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' {api_url}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )

    async def add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        if not request.url.path.startswith(("/docs", "/openapi")):
            response.headers["content-security-policy"] = policy
        response.headers["referrer-policy"] = "no-referrer"
        if request.url.path == "/" or request.url.path.startswith("/static/"):
            response.headers["cache-control"] = "no-cache"  # the page's files are few and revalidated by ETag
        return response

    return add_headers
