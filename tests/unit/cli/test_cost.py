"""`switchboard cost` without a running system: from the ledger on disk."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from switchboard.cli.main import app
from switchboard.ledger.archive import Archive
from switchboard.ledger.record import Record

AT = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()


@pytest.fixture
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SWITCHBOARD_DATA_DIR", raising=False)
    monkeypatch.setenv("COLUMNS", "140")
    archive = Archive(tmp_path / "data" / "ledger")
    for n, (tenant, agent, picousd) in enumerate(
        (("aurora", "billing", 1_500_000), ("aurora", "tech", 2_500_000), ("borealis", "billing", 10**12))
    ):
        record = Record(
            id=f"r{n}.1", at=AT + 86_400 * n, request_id=f"r{n}", attempt=1, tenant=tenant, user="u", agent=agent,
            feature="chat", alias="fast", deployment="openai", model="m", outcome="ok", prompt_tokens=10,
            completion_tokens=5, cost_picousd=picousd,
        )  # fmt: skip
        archive.add([record, record])
    return tmp_path


def run(state_dir: Path, *options: str) -> str:
    days = ["--since", "2026-11-01", "--until", "2026-11-30"]
    result = CliRunner().invoke(app, ["cost", *options, *days, "--state-dir", str(state_dir)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_tenants_cost_is_told_by_agent_as_json(state_dir: Path):
    found = json.loads(run(state_dir, "--tenant", "aurora", "--by", "agent", "--json"))
    assert [(row["key"], row["cost_usd"], row["calls"]) for row in found["rows"]] == [
        ("tech", "0.0000025", 1),
        ("billing", "0.0000015", 1),
    ]
    assert found["total"]["cost_usd"] == "0.000004" and found["total"]["cost_microusd"] == 4


def test_days_are_told_in_their_order_as_a_table(state_dir: Path):
    shown = run(state_dir, "--by", "day")
    assert shown.index("2026-11-20") < shown.index("2026-11-21") < shown.index("2026-11-22") < shown.index("total")
    assert "1.000004" in shown


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--since", "yesterday"], "is no day"),
        (["--since", "2026-11-02", "--until", "2026-11-01"], "give the earlier day first"),
    ],
)
def test_wrong_days_are_told_in_a_sentence(state_dir: Path, options: list[str], said: str):
    result = CliRunner().invoke(app, ["cost", *options, "--state-dir", str(state_dir)])
    assert result.exit_code == 1
    assert said in result.output


def test_where_there_is_no_ledger_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SWITCHBOARD_DATA_DIR", raising=False)
    result = CliRunner().invoke(app, ["cost", "--state-dir", str(tmp_path)])
    assert result.exit_code == 1 and "There is no ledger here" in result.output
