"""Runs golden cases against a system: those that only read side by side, those that change data after them, in order."""

import asyncio
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import httpx

from switchboard.contracts.errors import BadConfiguration, Unavailable
from switchboard.contracts.money import usd_of
from switchboard.evaluation import machine
from switchboard.evaluation.golden.cases import Case
from switchboard.evaluation.golden.conversation import GoldenConversation
from switchboard.evaluation.golden.results import CaseResult, Results, case_result, figures_of, latency_of, tokens_of
from switchboard.models.embedder import Embedder
from switchboard.scoring.evaluators import scores_of
from switchboard.scoring.evaluators.score import Score
from switchboard.scoring.transcript import Transcript

CONCURRENCY = 4
REGISTERED_S_MAX = 30.0
POLL_S = 0.3


class Judge(Protocol):
    """Scores a turn by a model. May be called concurrently; raises `Unavailable` when the model does not answer."""

    async def scores(self, turn: Transcript) -> list[Score]: ...


@dataclass(frozen=True, slots=True)
class SystemUnderTest:
    """The system that is judged: its API, and the key of each user as `tenant/user`."""

    api_url: str
    keys: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs cases. `judge` is asked besides the offline evaluators; `on_result` hears each result as it comes."""

    target: SystemUnderTest
    embedder: Embedder
    judge: Judge | None = None
    concurrency: int = CONCURRENCY
    on_result: Callable[[CaseResult], None] = field(default=lambda _: None)

    async def run(self, suite: str, cases: Sequence[Case]) -> Results:
        """Raises `BadConfiguration` where a case's user has no key, `Unavailable` where the system is not there."""
        for case in cases:
            if case.user not in self.target.keys:
                raise BadConfiguration(f"The golden case {case.id} asks as {case.user}, for whom there is no key.")
        started_at, started_s = datetime.now(UTC), time.perf_counter()
        limits = httpx.Limits(max_connections=self.concurrency + 2)
        async with httpx.AsyncClient(base_url=self.target.api_url, limits=limits, trust_env=False) as client:
            await self._agents_are_there(client, cases)
            turn_of = asyncio.Semaphore(self.concurrency)

            async def bounded(case: Case) -> CaseResult:
                async with turn_of:
                    return await self._case(client, case)

            reading = [case for case in cases if not case.changes_data]
            done = dict(zip((c.id for c in reading), await asyncio.gather(*map(bounded, reading)), strict=True))
            for case in cases:
                if case.changes_data:
                    done[case.id] = await self._case(client, case)
        results = [done[case.id] for case in cases]
        transcripts = [each.transcript for each in results if each.transcript is not None]
        return Results(
            suite=suite,
            api=self.target.api_url,
            started_at=started_at,
            seconds=round(time.perf_counter() - started_s, 1),
            commit=machine.commit(),
            machine=f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
            metrics=figures_of(results),
            latency_ms=latency_of(transcripts),
            tokens_a_turn=tokens_of((turn.prompt_tokens, turn.completion_tokens) for turn in transcripts),
            cost_usd=usd_of(sum(turn.cost_picousd for turn in transcripts)),
            cases=results,
        )

    async def _case(self, client: httpx.AsyncClient, case: Case) -> CaseResult:
        conversation = GoldenConversation(client, self.target.keys[case.user], case.user.partition("/")[2])
        for message in case.before:
            await conversation.ask(message)
        turn = await conversation.ask(case.say)
        scores = await scores_of(turn, case, self.embedder)
        if self.judge is not None and turn.answered and turn.agents:
            scores += await self.judge.scores(turn)
        result = case_result(case.id, case.tags, scores, turn)
        self.on_result(result)
        return result

    async def _agents_are_there(self, client: httpx.AsyncClient, cases: Sequence[Case]) -> None:
        """Agents register right after they are ready; a question before that would go to nobody."""
        wanted = {agent for case in cases for agent in case.route or []}
        if not cases:
            return
        headers = {"authorization": f"Bearer {self.target.keys[cases[0].user]}"}
        until_s = time.monotonic() + REGISTERED_S_MAX
        missing = wanted
        while time.monotonic() < until_s:
            try:
                answer = await client.get("/v1/agents", headers=headers)
            except httpx.TransportError as error:
                raise Unavailable("The system does not answer: is it running?") from error
            if answer.status_code == 200:
                missing = wanted - {agent["id"] for agent in answer.json()["agents"]}
                if not missing:
                    return
            await asyncio.sleep(POLL_S)
        raise Unavailable(f"The system has no agent {', '.join(sorted(missing)) or 'yet'}.")
