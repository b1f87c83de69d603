"""The caches through two gateway replicas, a real Redis and a simulated provider in processes of their own."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI

from switchboard.system.ports import free_port
from tests.integration.runtime import bench
from tests.integration.test_gateway import process

POLICY = """
version: 1
providers:
  sim: {kind: simulated, base_url: "http://127.0.0.1:%d/v1"}
deployments:
  one: {provider: sim, model: sim-one}
  minilm: {provider: embedded, model: all-MiniLM-L6-v2-onnx-int8}
aliases:
  fast: {deployments: [one], fallback: {answer_cache: 0.88}}
  embedding: [minilm]
retry: {attempts: 1}
breaker: {failures: 1000}
callers: {anonymous_tier: internal}
cache:
  semantic: {partitions: [{tenant: outage, threshold: 1.0}]}
"""
QUESTION, SAME = "How do I change my delivery address?", "how can I change my delivery address"
SYSTEM = {"role": "system", "content": "You help."}


@dataclass(frozen=True)
class Site:
    gateways: tuple[str, str]
    provider: str

    def served(self) -> int:
        return httpx.get(f"{self.provider}/simulated/served").json()["requests"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("caches")
    with bench(folder) as servers, ExitStack() as stack:
        redis_port, port = servers.redis(), free_port()
        policy = folder / "gateway.yaml"
        policy.write_text(POLICY % port)
        provider = stack.enter_context(process(["-m", "tools.simulated_provider", "--port", str(port)], port))
        environment = {
            "SWITCHBOARD_GATEWAY_FILE": str(policy),
            "SWITCHBOARD_REDIS_HOST": f"127.0.0.1:{redis_port}",
            "SWITCHBOARD_DATA_DIR": str(folder / "data"),
        }
        gateways = [
            stack.enter_context(process(["-m", "switchboard.serve", "services/gateway"], free_port(), **environment))
            for _ in range(2)
        ]
        yield Site((gateways[0], gateways[1]), provider)


def ask(url: str, text: str, tenant: str, *more: dict[str, Any], **headers: str) -> httpx.Response:
    said = {"x-switchboard-tenant": tenant, "x-switchboard-user": "ada", **headers}
    messages = [SYSTEM, {"role": "user", "content": text}, *more]
    body = {"model": "fast", "messages": messages}
    return httpx.post(f"{url}/v1/chat/completions", json=body, headers=said, timeout=60)


def state(response: httpx.Response) -> str:
    return response.headers["x-switchboard-cache"].partition(";")[0]


def until_state(wanted: str, url: str, text: str, tenant: str, **headers: str) -> httpx.Response:
    """Answers are kept after the last byte, in the background: asks until the cache knows."""
    deadline = time.monotonic() + 30
    while state(response := ask(url, text, tenant, **headers)) != wanted:
        assert time.monotonic() < deadline, response.headers["x-switchboard-cache"]
        time.sleep(0.1)
    return response


def test_what_one_replica_learned_the_other_answers_exactly_and_by_meaning(site: Site):
    first = ask(site.gateways[0], QUESTION, "shared")
    assert state(first) == "miss"
    exact = until_state("exact", site.gateways[1], QUESTION, "shared")
    served = site.served()
    meant = until_state("semantic", site.gateways[1], SAME, "shared")
    told = [each.json()["choices"][0]["message"]["content"] for each in (first, exact, meant)]
    assert told[0] == told[1] == told[2]
    assert exact.json()["usage"]["cost_usd"] == 0.0 and exact.json()["usage"]["cache"] == "exact"
    assert exact.json()["id"] != first.json()["id"]
    assert site.served() == served


def test_a_tenant_never_gets_another_tenants_answer(site: Site):
    ask(site.gateways[0], QUESTION, "mine")
    until_state("exact", site.gateways[0], QUESTION, "mine")
    assert state(ask(site.gateways[1], QUESTION, "yours")) == "miss"


def test_a_new_version_of_the_knowledge_forgets_what_was_meant(site: Site):
    knowledge = {"x-switchboard-knowledge": "v1"}
    ask(site.gateways[0], QUESTION, "reader", **knowledge)
    until_state("semantic", site.gateways[0], SAME, "reader", **knowledge)
    newer = ask(
        site.gateways[0], "How could I change my delivery address?", "reader", **{"x-switchboard-knowledge": "v2"}
    )
    assert state(newer) == "miss"


def test_a_hit_replays_as_a_valid_stream(site: Site):
    ask(site.gateways[0], QUESTION, "streams")
    whole = until_state("exact", site.gateways[0], QUESTION, "streams").json()
    with OpenAI(
        base_url=f"{site.gateways[0]}/v1", api_key="none", default_headers={"x-switchboard-tenant": "streams"}
    ) as client:
        chunks = list(
            client.chat.completions.create(
                model="fast",
                messages=[SYSTEM, {"role": "user", "content": QUESTION}],  # pyright: ignore[reportArgumentType]
                stream=True,
                stream_options={"include_usage": True},
            )
        )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole["choices"][0]["message"]["content"]
    assert chunks[-2].choices[0].finish_reason == "stop"
    usage = chunks[-1].usage
    assert usage is not None and usage.completion_tokens == whole["usage"]["completion_tokens"]
    assert usage.model_dump()["cache"] == "exact" and usage.model_dump()["cost_picousd"] == 0
    raw = httpx.post(
        f"{site.gateways[0]}/v1/chat/completions",
        json={"model": "fast", "messages": [SYSTEM, {"role": "user", "content": QUESTION}], "stream": True},
        headers={"x-switchboard-tenant": "streams"},
    )
    assert raw.text.endswith("data: [DONE]\n\n")


def test_a_number_that_differs_is_asked_anew(site: Site):
    ask(site.gateways[0], "Can I return it after 20 days?", "numbers")
    until_state("exact", site.gateways[0], "Can I return it after 20 days?", "numbers")
    refused = ask(site.gateways[0], "Can I return it after 30 days?", "numbers")
    assert state(refused) == "miss" and "guard=numbers" in refused.headers["x-switchboard-cache"]


def test_embeddings_are_kept(site: Site):
    def embed() -> httpx.Response:
        body = {"model": "embedding", "input": ["a text that is embedded twice"]}
        headers = {"x-switchboard-tenant": "vectors"}
        return httpx.post(f"{site.gateways[0]}/v1/embeddings", json=body, headers=headers, timeout=60)

    first = embed().json()
    deadline = time.monotonic() + 30
    while "exact" not in (again := embed()).headers.get("x-switchboard-cache", ""):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert again.json()["data"] == first["data"]


def test_when_no_model_answers_a_near_answer_is_given_under_a_banner(site: Site):
    ask(site.gateways[0], QUESTION, "outage")
    until_state("exact", site.gateways[0], QUESTION, "outage")
    assert state(ask(site.gateways[1], SAME, "outage")) == "miss"  # this partition's own threshold
    httpx.put(f"{site.provider}/simulated/faults", json={"faults": [{"kind": "status", "status": 503}]})
    try:
        near = ask(site.gateways[1], "Please tell me how I could change my delivery address", "outage")
        other = ask(site.gateways[1], "Which colours are there?", "outage")
    finally:
        httpx.put(f"{site.provider}/simulated/faults", json={"faults": []})
    assert near.status_code == 200 and "AI is temporarily limited" in near.json()["choices"][0]["message"]["content"]
    assert other.status_code == 503
