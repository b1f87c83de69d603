"""Conversations that nobody uses go down the tiers by themselves, and are read and continued from there, over HTTP."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from switchboard.testing.system import System

ADA = {"Authorization": "Bearer demo-aurora-ada"}
SECONDS_OF_A_DAY = 86_400


@pytest.fixture(scope="module")
def moving() -> Iterator[System]:
    """A system in which a conversation is warm after two seconds without use, and cold after four."""
    environment = {
        "SWITCHBOARD_HOT_DAYS": str(2 / SECONDS_OF_A_DAY),
        "SWITCHBOARD_WARM_DAYS": str(4 / SECONDS_OF_A_DAY),
        "SWITCHBOARD_MOVE_EVERY_S": "0.5",
    }
    with System(apps=["gateway", "supervisor", "billing"], environment=environment) as running:
        yield running


def test_a_conversation_is_moved_to_files_and_answers_from_there(moving: System) -> None:
    with httpx.Client(base_url=moving.url("supervisor"), headers=ADA, timeout=60) as api:
        first = api.post("/v1/chat", json={"message": "Show me my invoice for October 2026"})
        assert first.status_code == 200, first.text
        conversation_id = first.json()["conversation_id"]
        data = moving.state_dir / "data"
        deadline = time.monotonic() + 60
        while not files_of(data, conversation_id) and time.monotonic() < deadline:
            time.sleep(0.2)
        kinds = {path.relative_to(data / "cold").parts[0] for path in files_of(data, conversation_id)}
        assert kinds == {"conversation", "turns"}
        while rows_of(data, conversation_id) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert rows_of(data, conversation_id) == 0, "it is cold, and no more warm"

        page = api.get(f"/v1/conversations/{conversation_id}").json()
        assert [turn["text"] for turn in page["turns"]] == [first.json()["text"]]
        follow_up = api.post("/v1/chat", json={"message": "and last month's?", "conversation_id": conversation_id})
        assert "September 2026" in follow_up.json()["text"]
        page = api.get(f"/v1/conversations/{conversation_id}").json()
        assert [turn["turn_id"] for turn in page["turns"]] == [f"{conversation_id}.{n}" for n in (1, 2)]

        assert api.delete(f"/v1/conversations/{conversation_id}").status_code == 204
        assert api.get(f"/v1/conversations/{conversation_id}").status_code == 404
        assert files_of(data, conversation_id) == [] and rows_of(data, conversation_id) == 0


def files_of(data: Path, conversation_id: str) -> list[Path]:
    return [path for path in (data / "cold").rglob("*.gz") if conversation_id in str(path)]


def rows_of(data: Path, conversation_id: str) -> int:
    with sqlite3.connect(data / "warm.sqlite", timeout=10) as warm:
        return warm.execute("SELECT count(*) FROM state WHERE key LIKE ?", (f"%{conversation_id}%",)).fetchone()[0]
