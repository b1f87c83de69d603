"""A customer whose tier is small, on the whole system: told in words, never an error page; others are not touched."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from switchboard.testing.system import PROJECT, System

BEN, CLEO = "demo-aurora-ben", "demo-borealis-cleo"


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The system with tiers in force: the demo's contracts taken out."""
    file: Path = tmp_path_factory.mktemp("policy") / "gateway.yaml"
    policy = (PROJECT / "services" / "gateway" / "gateway.yaml").read_text()
    file.write_text(re.sub(r"(?m)^  (aurora|borealis): .*\n", "", policy))
    with System(environment={"SWITCHBOARD_GATEWAY_FILE": str(file)}) as system:
        yield system


def ask(system: System, key: str, message: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}", "accept": "application/json"}
    return httpx.post(f"{system.run.api_url}/v1/chat", json={"message": message}, headers=headers, timeout=60)


def test_a_free_customer_is_told_to_come_back_later_and_another_tenant_is_served(limited: System):
    for n in range(12):
        answer = ask(limited, BEN, f"How much do I owe for month {n}?")
        if answer.status_code != 200:
            break
    assert answer.status_code == 429, answer.text
    assert int(answer.headers["retry-after"]) > 0
    told = answer.json()
    assert told["code"] == "limit_exceeded" and told["message"].endswith(".")
    assert ask(limited, CLEO, "How much do I owe?").status_code == 200
