"""Judges by azure-ai-evaluation itself, against a server on loopback that answers as a model would."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response

from switchboard.contracts.errors import Unavailable
from switchboard.evaluation.judges import AzureJudges, can_judge
from switchboard.scoring.transcript import ToolUse, Transcript

pytestmark = pytest.mark.timeout(300)
"""The package imports pandas and nltk, which takes its time on a loaded machine."""

ASKED: list[dict[str, Any]] = []
HEADERS: list[dict[str, str]] = []
GRADE = {"score": 4}
TURN = Transcript(
    message="Why does my router blink red?",
    text="A blinking red light means loss of signal.",
    agents=["tech"],
    tools=[ToolUse(agent="tech", call_id="a", name="search_knowledge", ok=True, facts=["Red means loss of signal."])],
)


def gateway() -> FastAPI:
    app = FastAPI()

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"data": [{"id": "quality", "owned_by": "openai"}, {"id": "fast", "owned_by": "embedded"}]}

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        body = await request.json()
        ASKED.append(body)
        HEADERS.append(dict(request.headers))
        if GRADE["score"] == 0:
            return JSONResponse({"error": {"message": "no"}}, 400)
        said = json.dumps({"reason": "It says so.", "score": GRADE["score"], "status": "completed"})
        message = {"role": "assistant", "content": said}
        return JSONResponse(
            {
                "id": "x",
                "object": "chat.completion",
                "created": 1,
                "model": body["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
            }
        )

    return app


@pytest.fixture(scope="module")
def gateway_url() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(gateway(), host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def judges(gateway_url: str) -> AzureJudges:
    return AzureJudges(gateway_url)


@pytest.mark.parametrize(("grade", "value"), [(5, 1.0), (4, 0.75), (1, 0.0)])
@pytest.mark.filterwarnings("ignore")
async def test_the_packages_grades_become_scores(judges: AzureJudges, grade: int, value: float) -> None:
    GRADE["score"] = grade
    scores = {score.metric: score for score in await judges.scores(TURN)}
    assert set(scores) == {"judge_relevance", "judge_groundedness"}
    assert {score.value for score in scores.values()} == {value}
    assert {score.passed for score in scores.values()} == {value >= 0.5}
    asked = json.dumps(ASKED[-2:])
    assert "blink red" in asked
    assert "Red means loss of signal." in asked, "groundedness is held against what the tool found"
    assert ASKED[-1]["model"] == "quality"
    told = {name: HEADERS[-1].get(f"x-switchboard-{name}") for name in ("tenant", "tier", "feature", "lane")}
    assert told == {"tenant": "switchboard", "tier": "internal", "feature": "evaluation", "lane": "batch"}


@pytest.mark.filterwarnings("ignore")
async def test_a_judge_that_does_not_answer_ends_the_run_with_a_sentence(judges: AzureJudges) -> None:
    GRADE["score"] = 0
    with pytest.raises(Unavailable, match="run without it with --judge off"):
        await judges.scores(TURN)


async def test_only_a_real_model_can_judge(gateway_url: str) -> None:
    assert await can_judge(gateway_url, "quality")
    assert not await can_judge(gateway_url, "fast")
    assert not await can_judge(gateway_url, "unknown")
    with pytest.raises(Unavailable):
        await can_judge("http://127.0.0.1:9", "quality")
