"""The tallies of experiments in the state store: one record a variant and tenant, and an index of them."""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping

from switchboard.contracts.errors import Conflict, SwitchboardError
from switchboard.experiments.assignment import Experiment
from switchboard.experiments.tally import ExperimentScores, Tally
from switchboard.sidecar import keys
from switchboard.sidecar.ports import StateStore

ATTEMPTS_MAX = 6
JITTER_S_MAX = 0.03
ENTRIES_MAX = 2_000
"""Variants times tenants of one experiment; what comes after them is not counted, and logged."""
READ_AT_ONCE = 100

logger = logging.getLogger(__name__)


class Scoreboard:
    """May be called concurrently, in any number of replicas. A score that is lost is logged, never raised."""

    def __init__(self, state: StateStore) -> None:
        self._state = state
        self._indexed: set[tuple[str, str, str]] = set()

    async def add_scores(self, label: str, tenant: str, values: Mapping[str, float]) -> None:
        await self._change(label, tenant, lambda tally: tally.with_scores(values))

    async def add_rating(self, label: str, tenant: str, rating: str, before: str = "") -> None:
        await self._change(label, tenant, lambda tally: tally.with_rating(rating, before))

    async def scores(self, experiment: Experiment, tenant: str) -> ExperimentScores:
        """Everything that was counted of one tenant so far. Raises `Unavailable`."""
        item = await self._state.get(keys.experiment_index(experiment.name))
        entries: list[list[str]] = item.value if item else []
        wanted = [keys.experiment(experiment.name, variant, of) for variant, of in entries if of == tenant]
        tallies: list[Tally] = []
        for start in range(0, len(wanted), READ_AT_ONCE):
            found = await self._state.get_many(wanted[start : start + READ_AT_ONCE])
            tallies += [Tally.model_validate(each.value) for each in found if each is not None]
        return ExperimentScores(
            name=experiment.name,
            active=experiment.active,
            variants=[each.name for each in experiment.variants],
            tallies=tallies,
        )

    async def _change(self, label: str, tenant: str, change: Callable[[Tally], Tally]) -> None:
        experiment, _, variant = label.partition("=")
        key = keys.experiment(experiment, variant, tenant)
        try:
            await self._index(experiment, variant, tenant)
            for attempt in range(1, ATTEMPTS_MAX + 1):
                item = await self._state.get(key)
                try:
                    if item is None:
                        made = change(Tally(experiment=experiment, variant=variant, tenant=tenant))
                        await self._state.create(key, made.model_dump(mode="json"))
                    else:
                        changed = change(Tally.model_validate(item.value))
                        await self._state.replace(key, changed.model_dump(mode="json"), etag=item.etag)
                    return
                except Conflict:
                    await asyncio.sleep(random.random() * JITTER_S_MAX * attempt)
            logger.warning("a score of %s for %s is lost: too many writers", label, tenant)
        except SwitchboardError as error:
            logger.warning("a score of %s for %s is lost: %s", label, tenant, error.code)

    async def _index(self, experiment: str, variant: str, tenant: str) -> None:
        if (experiment, variant, tenant) in self._indexed:
            return
        key = keys.experiment_index(experiment)
        for attempt in range(1, ATTEMPTS_MAX + 1):
            item = await self._state.get(key)
            entries: list[list[str]] = item.value if item else []
            if [variant, tenant] not in entries and len(entries) >= ENTRIES_MAX:
                logger.error("experiment %s has %d entries; %s is not counted", experiment, ENTRIES_MAX, tenant)
                return
            try:
                if item is None:
                    await self._state.create(key, [[variant, tenant]])
                elif [variant, tenant] not in entries:
                    await self._state.replace(key, [*entries, [variant, tenant]], etag=item.etag)
                self._indexed.add((experiment, variant, tenant))
                return
            except Conflict:
                await asyncio.sleep(random.random() * JITTER_S_MAX * attempt)
        raise Conflict
