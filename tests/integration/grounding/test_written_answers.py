"""Written answers, good and bad, from a model in another process, through an agent: what the customer reads of them."""

import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from evals.grounding.__main__ import below_bars
from evals.grounding.cases import GroundingCase, load_cases
from evals.grounding.measure import GOOD, Share
from switchboard.agent import Agent, ToolContext, tool
from switchboard.contracts.tools import ToolOutcome
from switchboard.system.ports import free_port
from switchboard.testing.agent import AgentProbe
from tools.scripted_answers.__main__ import spoken

ROOT = Path(__file__).parents[3]
START_S = 30.0
CASES = {spoken(case.id): case for case in load_cases() if not case.instructions}
"""Those that recite instructions of their own need another card each: `evals.grounding` judges them in the process."""
MARK = re.compile(r"\s?\[\d+\]")


class CaseTools:
    """What the cases' models had: one tool that reads, two that change something."""

    @tool
    async def look_up(self, ctx: ToolContext, case: str) -> ToolOutcome:
        """Look it up. Examples: "What is it?" """
        return CASES[case].outcome

    @tool
    async def open_ticket(self, ctx: ToolContext, case: str) -> ToolOutcome:
        """Open a ticket. Examples: "Open it" """
        return CASES[case].deeds["open_ticket"]

    @tool
    async def request_refund(self, ctx: ToolContext, case: str) -> ToolOutcome:
        """Request a refund. Examples: "Refund it" """
        return CASES[case].deeds["request_refund"]


@pytest.fixture(scope="module")
def model_url() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "tools.scripted_answers", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT)
    give_up = time.monotonic() + START_S
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz").raise_for_status()
            break
        except httpx.HTTPError:
            assert process.poll() is None and time.monotonic() < give_up
            time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.fixture
async def probe(model_url: str, tmp_path: Path) -> AsyncIterator[AgentProbe]:
    agent = Agent(Path(__file__).parent, tools=lambda settings: CaseTools())
    today = next(iter(CASES.values())).today
    async with AgentProbe(agent, data_dir=tmp_path, today=today, model_url=model_url) as running:
        yield running


async def test_good_answers_arrive_and_what_is_wrong_in_bad_ones_does_not(probe: AgentProbe) -> None:
    found: dict[str, dict[str, Share]] = {"learn_through_an_agent": {}, "held_through_an_agent": {}}
    for name, case in CASES.items():
        answer = await probe.ask(f"[{name}] {case.say}", user=case.user)
        told = answer.completed.text
        assert told.strip()
        kind = case.fault or GOOD
        of_part = found[f"{case.part}_through_an_agent"]
        was = of_part.get(kind, Share(0, 0))
        unchanged = _bare(told) == _bare(case.answer)
        of_part[kind] = Share(was.right + (unchanged == (case.label == "good")), was.of + 1)
    assert below_bars(found) == []


def _bare(text: str) -> str:
    """Without marks of passages, which the agent adds."""
    return " ".join(MARK.sub("", text).split())


def test_each_case_has_the_tools_that_it_needs() -> None:
    def tools_of(case: GroundingCase) -> set[str]:
        return set(case.deeds)

    assert set().union(*map(tools_of, CASES.values())) <= {"open_ticket", "request_refund"}
