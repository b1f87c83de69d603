"""Judges by a model: `azure-ai-evaluation`'s groundedness and relevance, asked through our own gateway.

The gateway keeps the key, the budget and the trace, so a judge needs no provider setting of its own. The package is an
extra (`pip install switchboard[evaluation]`), and slow to import: it is, only when a judge is made.
"""

import asyncio
from typing import Any

from switchboard.contracts.errors import BadConfiguration, Unavailable
from switchboard.models.caller import Caller
from switchboard.models.gateway import NO_KEY, GatewayClient
from switchboard.scoring.evaluators.score import Metric, Score
from switchboard.scoring.transcript import Transcript

ALIAS_DEFAULT = "quality"
AT_ONCE_MAX = 4
SECONDS_MAX = 90.0
BEST, WORST = 5.0, 1.0
PASS_MIN = 3.0
"""Of 5, as the package's own threshold."""


async def can_judge(gateway_url: str, alias: str, *, key: str = NO_KEY) -> bool:
    """Whether the gateway has a real model behind the alias. Raises `Unavailable` when it does not answer."""
    return await GatewayClient(f"{gateway_url.rstrip('/')}/v1", api_key=key).is_language_model(alias)


class AzureJudges:
    """Scores groundedness and relevance, 1 to 5 by the model, 0 to 1 as scores. May be called concurrently."""

    def __init__(self, gateway_url: str, alias: str = ALIAS_DEFAULT, *, key: str = NO_KEY) -> None:
        """`key` is one of the gateway's. Raises `BadConfiguration` where the package is not installed."""
        try:
            from azure.ai.evaluation import GroundednessEvaluator, OpenAIModelConfiguration, RelevanceEvaluator
        except ImportError as error:
            raise BadConfiguration(
                "A model is to judge, but azure-ai-evaluation is not installed: "
                "install the extra with 'pip install switchboard[evaluation]'."
            ) from error
        model = OpenAIModelConfiguration(
            type="openai",
            model=alias,
            base_url=f"{gateway_url.rstrip('/')}/v1",
            api_key=key,
            extra_headers=Caller.internal(feature="evaluation", lane="batch").headers,
        )
        self._groundedness: Any = GroundednessEvaluator(model)
        self._relevance: Any = RelevanceEvaluator(model)
        self._at_once = asyncio.Semaphore(AT_ONCE_MAX)

    async def scores(self, turn: Transcript) -> list[Score]:
        """What the model thinks; without a score where it gave none. Raises `Unavailable`."""
        query = "\n".join([*(f"{each.role}: {each.text}" for each in turn.history[-6:]), turn.message])
        asked = [self._asked("judge_relevance", "relevance", self._relevance, query=query, response=turn.text)]
        evidence = "\n".join(turn.evidence)
        if turn.tools or turn.citations:
            values = {"query": turn.message, "context": evidence, "response": turn.text}
            asked.append(self._asked("judge_groundedness", "groundedness", self._groundedness, **values))
        return [score for score in await asyncio.gather(*asked) if score is not None]

    async def _asked(self, metric: Metric, name: str, evaluator: Any, **values: str) -> Score | None:
        """The package's evaluators run a loop of their own, so each call gets a thread."""
        async with self._at_once:
            try:
                async with asyncio.timeout(SECONDS_MAX):
                    found: dict[str, Any] = await asyncio.to_thread(lambda: evaluator(**values))
            except Exception as error:
                # The package raises kinds of its own and the OpenAI client's: for a run they all mean the same.
                raise Unavailable("The judge model does not answer: run without it with --judge off.") from error
        return score_of(metric, name, found)


def score_of(metric: Metric, name: str, found: dict[str, Any]) -> Score | None:
    """The package's result as a score; None where the model skipped the turn or gave no number."""
    given = found.get(name)
    if not isinstance(given, int | float) or given != given or not WORST <= given <= BEST:
        return None
    passed = given >= PASS_MIN
    reason = "" if passed else str(found.get(f"{name}_reason", ""))
    return Score(metric=metric, value=round((given - WORST) / (BEST - WORST), 4), passed=passed, reason=reason)
