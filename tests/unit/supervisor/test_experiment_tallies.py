"""The tallies of an experiment: nobody's is lost, and no tenant sees another's."""

import asyncio

from services.supervisor.feedback.experiment_tallies import ExperimentTallies
from switchboard.experiments.assignment import Experiment, VariantRule
from switchboard.sidecar.inmemory import InMemoryStateStore

WORDS = Experiment(name="words", variants=[VariantRule(name="control"), VariantRule(name="brief")])


async def test_a_tenant_sees_its_own_tallies_and_no_others() -> None:
    tallies = ExperimentTallies(InMemoryStateStore())
    await tallies.add_scores("words=brief", "aurora", {"groundedness": 1.0})
    await tallies.add_rating("words=control", "borealis", "up")
    assert [(each.variant, each.tenant) for each in (await tallies.scores(WORDS, "aurora")).tallies] == [
        ("brief", "aurora")
    ]
    assert (await tallies.scores(WORDS, "stranger")).tallies == []


async def test_scores_at_once_all_count() -> None:
    state = InMemoryStateStore()
    replicas = [ExperimentTallies(state) for _ in range(3)]
    await asyncio.gather(*(each.add_scores("words=brief", "aurora", {"safety": 1.0}) for each in replicas * 2))
    (tally,) = (await replicas[0].scores(WORDS, "aurora")).tallies
    assert tally.metrics["safety"].n == 6


async def test_a_store_that_is_away_costs_a_score_and_raises_nothing() -> None:
    state = InMemoryStateStore()
    tallies = ExperimentTallies(state)
    state.down = True
    await tallies.add_rating("words=brief", "aurora", "up")
    state.down = False
    assert (await tallies.scores(WORDS, "aurora")).tallies == []
