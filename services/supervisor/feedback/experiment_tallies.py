"""The tallies of experiments in the state store: one record a variant and tenant."""

import logging
from collections.abc import Callable, Mapping

from switchboard.contracts.errors import SwitchboardError
from switchboard.experiments.assignment import Experiment
from switchboard.experiments.tally import ExperimentScores, Tally
from switchboard.sidecar import keys
from switchboard.sidecar.change import change
from switchboard.sidecar.ports import StateStore

logger = logging.getLogger(__name__)


class ExperimentTallies:
    """May be called concurrently, in any number of replicas. A score that is lost is logged, never raised."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    async def add_scores(self, label: str, tenant: str, values: Mapping[str, float]) -> None:
        await self._change(label, tenant, lambda tally: tally.with_scores(values))

    async def add_rating(self, label: str, tenant: str, rating: str, before: str = "") -> None:
        await self._change(label, tenant, lambda tally: tally.with_rating(rating, before))

    async def scores(self, experiment: Experiment, tenant: str) -> ExperimentScores:
        """What was counted so far of the tenant's turns; no other tenant's tally is read. Raises `Unavailable`."""
        variants = [each.name for each in experiment.variants]
        found = await self._state.get_many([keys.experiment(experiment.name, each, tenant) for each in variants])
        return ExperimentScores(
            name=experiment.name,
            active=experiment.active,
            variants=variants,
            tallies=[Tally.model_validate(each.value) for each in found if each is not None],
        )

    async def _change(self, label: str, tenant: str, fn: Callable[[Tally], Tally]) -> None:
        """`label` is `<experiment>=<variant>`, as it stands on the turn."""
        experiment, _, variant = label.partition("=")
        new = Tally(experiment=experiment, variant=variant, tenant=tenant)
        key = keys.experiment(experiment, variant, tenant)
        try:
            await change(self._state, key, lambda tally: fn(tally or new), Tally)
        except SwitchboardError as error:
            logger.warning("a score of %s for %s is lost: %s", label, tenant, error.code)
