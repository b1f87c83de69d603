"""What a specialist says reaches the client in the specialist's own bytes, once it is proved to be an event."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import orjson
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from services.supervisor.turns.dispatch import checked
from switchboard.contracts import sse
from switchboard.contracts.events import MessageDelta, TurnCompleted
from tests.unit.supervisor.conftest import System

DELTA = b'{"agent":"billing", "text":"\\u00a3 3",  "type":"message.delta"}'
"""As no encoder of ours would write it."""
STARTED = b'{"type":"agent.started","agent":"billing","name":"Billing","since":"a later version"}'
ENDED = TurnCompleted(text="£ 3", agents=["billing"]).model_dump_json().encode()


def event(name: bytes, data: bytes) -> sse.Event:
    return next(sse.Parser().feed(sse.encode(data, event=name)))


async def answer_to(system: System, *raw: bytes) -> httpx.Response:
    """What the client gets when the billing agent answers with these bytes."""
    app = FastAPI()

    @app.post("/agent/turns")
    async def turns() -> StreamingResponse:
        async def stream() -> AsyncIterator[bytes]:
            for each in raw:
                yield each

        return StreamingResponse(stream(), media_type=sse.MEDIA_TYPE)

    system.sidecar.detach("billing-app")
    await system.sidecar.attach("billing-app", app)
    return await system.ask("Show my last invoice", headers={"Accept": "text/event-stream"})


async def test_what_nobody_changes_is_forwarded_as_it_was_encoded(system: System) -> None:
    answer = await answer_to(
        system,
        sse.encode(STARTED, event=b"agent.started", id=b"x:1"),
        sse.encode(DELTA, event=b"message.delta", id=b"x:2"),
        sse.encode(ENDED, event=b"turn.completed", id=b"x:3"),
    )
    events = list(sse.Parser().feed(answer.content))
    assert [each.data for each in events[2:4]] == [STARTED, DELTA]
    turn_id = orjson.loads(events[0].data)["turn_id"]
    assert [each.id.decode() for each in events] == [f"{turn_id}:{n}" for n in range(1, 6)]
    assert orjson.loads(events[-1].data)["text"] == "£ 3"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (b"message.delta", b'{"type":"message.delta","agent":"billing","text":'),
        (b"message.delta", b'{"type":"message.delta","agent":"billing","text":7}'),
        (b"message.delta", b'{"type":"message.delta","agent":"billing"}'),
        (b"message.delta", STARTED),
        (b"message.delta", b"[]"),
        (b"agent.started", DELTA),
        (b"prompt.leaked", b'{"type":"prompt.leaked","agent":"billing","text":"secret"}'),
        (b"tool.result", b'{"type":"tool.result","agent":"billing"}'),
        (b"route.decided", b'{"type":"route.decided","agents":["tech"],"by":"model"}'),
        (b"turn.started", b'{"type":"turn.started","turn_id":"a","conversation_id":"b","trace_id":"c"}'),
    ],
)
async def test_what_is_no_event_of_a_specialist_reaches_nobody(system: System, name: bytes, data: bytes) -> None:
    answer = await answer_to(system, sse.encode(data, event=name), sse.encode(ENDED, event=b"turn.completed"))

    assert data not in answer.content
    last = orjson.loads(list(sse.Parser().feed(answer.content))[-1].data)
    assert (last["type"], last["code"]) == ("turn.failed", "unavailable")


async def test_an_agent_that_holds_its_stream_open_after_its_answer_holds_nothing_up(system: System) -> None:
    app = FastAPI()

    @app.post("/agent/turns")
    async def turns() -> StreamingResponse:
        async def stream() -> AsyncIterator[bytes]:
            yield sse.encode(ENDED, event=b"turn.completed")
            await asyncio.Event().wait()

        return StreamingResponse(stream(), media_type=sse.MEDIA_TYPE)

    system.sidecar.detach("billing-app")
    await system.sidecar.attach("billing-app", app)
    assert (await system.ask("Show my last invoice")).json()["text"] == "£ 3"


def test_an_agent_speaks_under_its_own_name_only() -> None:
    found = checked(event(b"message.delta", b'{"type":"message.delta","agent":"tech","text":"hi"}'), "billing")
    assert found.event == MessageDelta(agent="billing", text="hi")
    assert orjson.loads(found.data) == {"type": "message.delta", "agent": "billing", "text": "hi"}


def test_an_event_line_that_is_left_out_is_no_fault() -> None:
    assert checked(event(b"", DELTA), "billing").data == DELTA
