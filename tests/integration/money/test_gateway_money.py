"""Limits and money through two gateway replicas, a real Redis, and simulated providers in processes of their own."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from services.gateway.money.prices import cost_of
from services.gateway.providers.port import Spent
from switchboard.ledger.archive import Archive
from switchboard.ledger.record import Price, Record
from switchboard.system.ports import free_port
from tests.integration.runtime import Bench, bench
from tests.integration.test_gateway import process

POLICY = """
version: 1
providers:
  a: {kind: simulated, base_url: "http://127.0.0.1:%(a)d/v1"}
  b: {kind: simulated, base_url: "http://127.0.0.1:%(b)d/v1"}
deployments:
  one: {provider: a, model: sim-one, price: {input: 0.15, output: 0.6, cached_input: 0.075}}
  two: {provider: b, model: sim-two, price: {input: 2.5, output: 10, cached_input: 1.25}}
  small: {provider: b, model: sim-small, price: {input: 0.1, output: 0.4}}
aliases:
  fast: [one, two]
  cheap: [small]
retry: {wait_s_first: 0.01, wait_s_max: 0.05, budget_percent: 100}
breaker: {failures: 1000}
timeouts: {first_token_s: 1.0, between_tokens_s: 1.0, total_s: 20, drain_s: 0.3}
max_tokens_default: 100
cache:
  exact: {ttl_s: 3600}
contracts:
  load: {}
  turns: {}
  rich: {}
  strict: {}
budgets:
  downgrade_to: cheap
  tenants:
    rich: {day_usd: 0.0001}
    strict: {month_usd: 0.0001, at_limit: refuse}
  turn: {calls: 2}
"""
PRICES = {
    "one": Price(prompt=150_000, completion=600_000, cached=75_000),
    "two": Price(prompt=2_500_000, completion=10_000_000, cached=1_250_000),
}
PROFILE = {
    "cached_share": 0.25,
    "answer_tokens": {"median": 20, "sigma": 0.4, "max": 60},
    "tokens_per_s": {"median": 200},
}


@dataclass(frozen=True)
class Site:
    """Two replicas over two providers; all are URLs."""

    gateways: tuple[str, str]
    providers: tuple[str, str]
    redis_port: int
    data_dir: Path
    policy: Path


@contextmanager
def replica(site_policy: Path, redis_port: int, data_dir: Path) -> Iterator[str]:
    environment = {
        "SWITCHBOARD_GATEWAY_FILE": str(site_policy),
        "SWITCHBOARD_REDIS_HOST": f"127.0.0.1:{redis_port}",
        "SWITCHBOARD_DATA_DIR": str(data_dir),
    }
    with process(["-m", "switchboard.serve", "services/gateway"], port := free_port(), **environment) as url:
        assert url.endswith(str(port))
        yield url


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with bench(folder) as servers, ExitStack() as stack:
        yield started(servers, folder, stack)


def started(servers: Bench, folder: Path, stack: ExitStack) -> Site:
    redis_port, a, b = servers.redis(), free_port(), free_port()
    policy = folder / "gateway.yaml"
    policy.write_text(POLICY % {"a": a, "b": b})
    simulated = ["-m", "tools.simulated_provider", "--profile", json.dumps(PROFILE), "--port"]
    providers = [stack.enter_context(process([*simulated, str(port)], port)) for port in (a, b)]
    gateways = [stack.enter_context(replica(policy, redis_port, folder / "data")) for _ in range(2)]
    return Site((gateways[0], gateways[1]), (providers[0], providers[1]), redis_port, folder / "data", policy)


def headers(tenant: str, **said: str) -> dict[str, str]:
    return {f"x-switchboard-{name}": value for name, value in {"tenant": tenant, "user": "ada", **said}.items()}


def body(text: str = "hello", **more: Any) -> dict[str, Any]:
    return {"model": "fast", "messages": [{"role": "user", "content": text}], **more}


def served(url: str) -> dict[str, Any]:
    return httpx.get(f"{url}/simulated/served?requests=1").json()


def archived(site: Site, tenant: str) -> list[Record]:
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    return list(Archive(site.data_dir / "ledger").records(since=today, until=today, tenant=tenant))


def archived_when(site: Site, tenant: str, count: int, within_s: float = 30.0) -> list[Record]:
    """The archive's records of `tenant` when there are so many; the archiver takes a second or two."""
    deadline = time.monotonic() + within_s
    while len(found := archived(site, tenant)) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} records are archived"
        time.sleep(0.2)
    return found


CALLS = 90
FAULTS = [
    {"kind": "status", "status": 503, "share": 0.15},
    {"kind": "status", "status": 429, "retry_after_s": 0.05, "share": 0.1},
    {"kind": "hang", "share": 0.05},
    {"kind": "cut", "after_tokens": 5, "share": 0.2},
    {"kind": "malformed", "after_tokens": 3, "share": 0.1},
]


async def some_traffic(site: Site, count: int) -> None:
    """Whole answers, streams, streams that are given up, and repeated questions, over both replicas."""
    places = asyncio.Semaphore(12)

    async def ask(client: httpx.AsyncClient, n: int) -> None:
        url = f"{site.gateways[n % 2]}/v1/chat/completions"
        said = headers("load", agent=("billing", "tech")[n % 2], feature="chat", tier="internal")
        async with places:
            if n % 3 == 0:
                await client.post(url, json=body(f"question {n % 9}", temperature=0), headers=said)
                return
            asked = body(f"question {n}", stream=True)
            async with client.stream("POST", url, json=asked, headers=said) as response:
                async for _ in response.aiter_bytes():
                    if n % 3 == 2:
                        break

    async with httpx.AsyncClient(timeout=60) as client:
        await asyncio.gather(*(ask(client, n) for n in range(count)))


def told_of(site: Site) -> dict[str, dict[str, Any]]:
    """What the two providers say they served, by attempt: only what cost something."""
    found: dict[str, dict[str, Any]] = {}
    for url in site.providers:
        for name, request in served(url)["by_request"].items():
            if request["prompt_tokens"] or request["completion_tokens"]:
                found[name] = request
    return found


def differing(
    told: dict[str, dict[str, Any]], before: dict[str, dict[str, Any]], records: dict[str, Record]
) -> list[str]:
    """Attempts of which a provider says something else than the ledger."""
    found: list[str] = []
    for name in (told.keys() - before.keys()) | records.keys():
        request = told.get(name, {"prompt_tokens": 0, "completion_tokens": 0, "cached_tokens": 0})
        served = (request["prompt_tokens"], request["completion_tokens"], request["cached_tokens"])
        record = records.get(name)
        if record is None:
            found.append(f"{name} is not in the ledger: {request}")
        elif (
            served != (record.prompt_tokens, record.completion_tokens, record.cached_tokens)
            or record.cost_picousd != cost_of(PRICES.get(record.deployment, Price()), Spent(*served))
        ):  # fmt: skip
            found.append(f"{record} is {request}")
    if (calls := len({record.request_id for record in records.values()})) < CALLS:
        found.append(f"{calls} of {CALLS} calls are in the ledger")
    return found


def test_the_ledger_is_what_the_providers_served_attempt_by_attempt_and_to_the_picodollar(site: Site):
    before = told_of(site)
    httpx.put(f"{site.providers[0]}/simulated/faults", json={"faults": FAULTS})
    try:
        asyncio.run(some_traffic(site, CALLS))
    finally:
        httpx.put(f"{site.providers[0]}/simulated/faults", json={"faults": []})
    deadline = time.monotonic() + 40
    # Streams that were given up are read on for a while, and the archiver takes its time.
    while differences := differing(told_of(site), before, records := {r.id: r for r in archived(site, "load")}):
        assert time.monotonic() < deadline, differences
        time.sleep(0.3)
    assert not any(record.estimated for record in records.values())
    assert all(record.trace_id for record in records.values())
    outcomes = {record.outcome for record in records.values()}
    assert {"ok", "failed", "cut", "cancelled", "cached"} <= outcomes
    assert len({record.request_id for record in records.values()}) == CALLS
    assert {record.deployment for record in records.values()} >= {"one", "two"}  # there was failover

    whole = sum(record.cost_picousd for record in records.values())
    for url in site.gateways:  # each replica tells the sums of both
        for by in ("feature", "agent", "model", "day", "outcome"):
            report = httpx.get(f"{url}/admin/cost", params={"tenant": "load", "by": by}).json()
            assert Decimal(report["total"]["cost_usd"]) * 10**12 == whole
            assert sum(Decimal(row["cost_usd"]) for row in report["rows"]) * 10**12 == whole
            assert report["total"]["calls"] == len(records)
        assert {row["key"] for row in report["rows"]} == outcomes


def command(site: Site, folder: Path, *options: str) -> str:
    """What `switchboard cost` prints beside the second replica."""
    run = {
        "api_url": "", "console_url": "", "otlp_url": "", "keys": [], "processes": [], "redis_host": "",
        "gateway_url": site.gateways[1], "state_dir": str(folder), "pid": os.getpid(),
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(run))
    line = [sys.executable, "-m", "switchboard.cli.main", "cost", *options, "--state-dir", str(folder)]
    return subprocess.run(line, capture_output=True, check=True, text=True).stdout


def test_the_command_tells_what_the_gateway_tells(site: Site, tmp_path: Path):
    httpx.post(f"{site.gateways[0]}/v1/chat/completions", json=body(), headers=headers("cli", agent="billing"))
    printed = command(site, tmp_path, "--tenant", "cli", "--by", "agent", "--json")
    told = httpx.get(f"{site.gateways[0]}/admin/cost", params={"tenant": "cli", "by": "agent"}).json()
    assert json.loads(printed) == told
    assert told["rows"][0]["key"] == "billing" and told["total"]["cost_microusd"] > 0


def test_one_command_stops_a_tenant_in_all_replicas_and_another_lets_it_go_on(site: Site, tmp_path: Path):
    said = headers("capped")
    assert "may spend 0.00 US dollars a day" in command(site, tmp_path, "--tenant", "capped", "--cap", "0")
    for url in site.gateways:
        refused = httpx.post(f"{url}/v1/chat/completions", json=body(), headers=said)
        assert refused.status_code == 429 and refused.json()["exceeded"]["what"] == "cap"
    assert "not capped any more" in command(site, tmp_path, "--tenant", "capped", "--uncap")
    assert httpx.post(f"{site.gateways[0]}/v1/chat/completions", json=body(), headers=said).status_code == 200


def test_a_free_tenants_eleventh_request_is_refused_over_both_replicas(site: Site):
    said = headers("free-tenant", tier="free")
    answers = [
        httpx.post(f"{site.gateways[n % 2]}/v1/chat/completions", json=body(f"q {n}"), headers=said) for n in range(11)
    ]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    refused = answers[-1]
    assert 30 <= int(refused.headers["retry-after"]) <= 61
    told = refused.json()["error"]
    assert told["exceeded"] == {
        "whose": "tenant",
        "what": "requests",
        "limit": 10,
        "used": 10,
        "unit": "requests a minute",
    }
    assert told["type"] == "rate_limit_error" and "10 requests a minute" in told["message"]


def test_the_openai_client_raises_its_rate_limit_error(site: Site):
    client = openai.OpenAI(
        base_url=f"{site.gateways[0]}/v1", api_key="-", max_retries=0, default_headers=headers("tokens", tier="free")
    )
    with pytest.raises(openai.RateLimitError) as refused:
        client.chat.completions.create(model="fast", messages=[{"role": "user", "content": "x"}], max_tokens=20_000)
    assert refused.value.body["exceeded"]["what"] == "tokens"  # type: ignore[index]


def test_a_free_tenant_streams_one_answer_at_a_time(site: Site):
    said = headers("streams", tier="free")
    url_one, url_two = (f"{url}/v1/chat/completions" for url in site.gateways)
    slow = body("slow", stream=True)
    httpx.put(f"{site.providers[0]}/simulated/faults", json={"faults": [{"kind": "drip", "delay_ms": 250}]})
    try:
        with httpx.stream("POST", url_one, json=slow, headers=said, timeout=30) as running:
            lines = running.iter_lines()
            next(lines)
            refused = httpx.post(url_two, json=slow, headers=said)
            assert refused.status_code == 429 and refused.json()["exceeded"]["what"] == "streams"
            assert refused.headers["retry-after"] == "1"
            for _ in lines:
                pass
    finally:
        httpx.put(f"{site.providers[0]}/simulated/faults", json={"faults": []})
    assert httpx.post(url_two, json=slow, headers=said, timeout=30).status_code == 200


def test_a_stream_that_is_given_up_gives_its_tokens_back(site: Site):
    said = headers("given-up", tier="free")
    url = f"{site.gateways[0]}/v1/chat/completions"
    with httpx.stream("POST", url, json=body("x", stream=True, max_tokens=9_000), headers=said) as running:
        next(running.iter_bytes())
    deadline = time.monotonic() + 20
    while (again := httpx.post(url, json=body("y", max_tokens=9_000), headers=said)).status_code == 429:
        assert time.monotonic() < deadline, again.text
        time.sleep(0.2)
    assert again.status_code == 200


def test_the_call_that_would_pass_a_turns_budget_is_not_made(site: Site):
    said = headers("turns", conversation="c", turn="c.1")
    url = f"{site.gateways[0]}/v1/chat/completions"
    for n in range(2):
        assert httpx.post(url, json=body(f"step {n}"), headers=said).status_code == 200
    requests_before = sum(served(url)["requests"] for url in site.providers)
    refused = httpx.post(url, json=body("step 3"), headers=said)
    assert refused.status_code == 429 and refused.headers["x-should-retry"] == "false"
    assert refused.json()["exceeded"] == {
        "whose": "turn",
        "what": "calls",
        "limit": 2,
        "used": 2,
        "unit": "model calls",
    }
    assert sum(served(url)["requests"] for url in site.providers) == requests_before
    assert httpx.post(url, json=body("step 1"), headers={**said, "x-switchboard-turn": "c.2"}).status_code == 200


def test_a_spent_budget_downgrades_or_refuses_and_tells_its_events(site: Site):
    url = f"{site.gateways[0]}/v1/chat/completions"
    routes: dict[str, list[str]] = {}
    for tenant in ("rich", "strict"):
        said = headers(tenant)
        long = body("word " * 2_000)
        first = httpx.post(url, json=long, headers=said)
        assert first.status_code == 200 and "alias=fast" in first.headers["x-switchboard-route"]
        routes[tenant] = []
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            after = httpx.post(url, json=body("short"), headers=said)
            if after.status_code != 200 or "alias=cheap" in after.headers["x-switchboard-route"]:
                break
        routes[tenant] = [str(after.status_code), after.headers.get("x-switchboard-route", ""), after.text]
    assert routes["rich"][0] == "200" and "deployment=small" in routes["rich"][1]
    assert routes["strict"][0] == "429" and '"what":"month"' in routes["strict"][2]
    told = httpx.get(f"{site.gateways[1]}/admin/budgets", params={"tenant": "rich"}).json()
    assert [event["percent"] for event in told["events"]] == [100, 80, 50]
    assert told["tenants"][0]["day_limit_usd"] == "0.0001" and told["tenants"][0]["at_limit"] == "downgrade"


def test_a_new_policy_holds_without_a_restart(site: Site):
    url = f"{site.gateways[0]}/v1/chat/completions"
    said = headers("changed", tier="free")
    assert httpx.post(url, json=body(max_tokens=9_000), headers=said).status_code == 200
    assert httpx.post(url, json=body(max_tokens=50_000), headers=said).status_code == 429
    text = site.policy.read_text()
    site.policy.write_text(text.replace("contracts:\n", "contracts:\n  changed: {tokens_per_minute: 1_000_000}\n"))
    deadline = time.monotonic() + 20
    try:
        while httpx.post(url, json=body(max_tokens=50_000), headers=said).status_code == 429:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    finally:
        site.policy.write_text(text)


def test_a_replica_that_is_killed_after_its_answer_has_lost_no_record(site: Site, tmp_path: Path):
    environment = {
        **os.environ,
        "SWITCHBOARD_GATEWAY_FILE": str(site.policy),
        "SWITCHBOARD_REDIS_HOST": f"127.0.0.1:{site.redis_port}",
        "SWITCHBOARD_DATA_DIR": str(tmp_path),
        "APP_PORT": str(port := free_port()),
    }
    doomed = subprocess.Popen([sys.executable, "-m", "switchboard.serve", "services/gateway"], env=environment)
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 90
        while True:
            try:
                if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                    break
            except httpx.HTTPError:
                assert time.monotonic() < deadline
            time.sleep(0.1)
        usage: list[dict[str, Any]] = []
        for n in range(5):
            answer = httpx.post(f"{url}/v1/chat/completions", json=body(f"q {n}"), headers=headers("killed"))
            usage.append(answer.json()["usage"])
        doomed.send_signal(signal.SIGKILL)
    finally:
        doomed.kill()
        doomed.wait()
    deadline = time.monotonic() + 20
    while True:
        told = httpx.get(f"{site.gateways[0]}/admin/cost", params={"tenant": "killed"}).json()["total"]
        if told["calls"] >= 5 or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    assert told["calls"] == 5
    assert told["completion_tokens"] == sum(each["completion_tokens"] for each in usage)
    assert float(told["cost_usd"]) == pytest.approx(sum(each["cost_usd"] for each in usage), abs=1e-12)
