"""An ASGI app on a free port of this process, for tests whose client speaks real HTTP."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

READY_S = 30.0


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncGenerator[str]:
    """Serves `app`, without its lifespan, in the running event loop, and gives its base URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listening]))
    try:
        async with asyncio.timeout(READY_S):
            while not server.started:  # noqa: ASYNC110 - uvicorn has only this flag
                await asyncio.sleep(0.005)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        listening.close()
