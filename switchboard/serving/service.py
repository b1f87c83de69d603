"""What every service of ours has: a lifespan, errors as HTTP, tracing and a liveness probe."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypedDict, Unpack

from fastapi import FastAPI
from starlette.responses import Response

from switchboard.contracts import paths
from switchboard.contracts.errors import SwitchboardError
from switchboard.serving import problems
from switchboard.serving.bounds import BODY_BYTES_MAX, BoundedBody
from switchboard.serving.browser_headers import BrowserHeaders
from switchboard.telemetry import IsOurs, Telemetry


class Documented(TypedDict, total=False):
    """How an API presents itself; FastAPI's own parameters."""

    title: str
    version: str
    description: str
    redoc_url: str | None


def create_service(
    opened: Callable[[], AbstractAsyncContextManager[None]],
    telemetry: Telemetry | None,
    *,
    error_response: Callable[[SwitchboardError], Response] = problems.problem_response,
    is_ours: IsOurs | None = None,
    untraced: Sequence[str] = (),
    body_bytes_max: int = BODY_BYTES_MAX,
    unbounded: tuple[str, ...] = (),
    **documented: Unpack[Documented],
) -> FastAPI:
    """An app without routes, `/healthz` apart. `opened` is entered at its start and left at its end.

    `error_response` tells callers of an error. `is_ours` and `untraced` are `Telemetry.instrument`'s.
    Bodies are bounded, except those of events and under paths that begin with one of `unbounded`, which do it themselves.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        try:
            async with opened():
                yield
        finally:
            if telemetry is not None:
                await asyncio.to_thread(telemetry.flush)

    app = FastAPI(lifespan=lifespan, **documented)
    problems.install(app, error_response)
    app.add_middleware(BoundedBody, bytes_max=body_bytes_max, unbounded=(f"/{paths.EVENTS}", *unbounded))
    app.add_middleware(BrowserHeaders)
    app.add_api_route(
        f"/{paths.HEALTH}", _healthz, tags=["health"], summary="Healthz", operation_id="healthz_healthz_get"
    )
    if telemetry is not None:
        telemetry.instrument(app, is_ours=is_ours, untraced=untraced)
    return app


async def _healthz() -> dict[str, str]:
    """This process is alive."""
    return {"status": "ok"}
