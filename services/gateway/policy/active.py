"""The active policy: read at start, read again when its file changes, kept when the new one is wrong."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.gateway.policy.catalog import ModelCatalog
from services.gateway.policy.file import load_policy
from services.gateway.policy.models import Policy
from services.gateway.policy.planner import Planner
from services.gateway.providers.port import Provider, Times
from services.gateway.providers.registry import Providers
from services.gateway.resilience.breaker import Breakers
from services.gateway.resilience.bulkheads import Bulkheads
from services.gateway.resilience.health import Health
from switchboard.contracts.errors import BadConfiguration

logger = logging.getLogger(__name__)

POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class ActivePolicy:
    """One policy and what follows from it. A call keeps the one it began with."""

    policy: Policy
    catalog: ModelCatalog
    planner: Planner
    providers: dict[str, Provider]
    times: Times


@dataclass(frozen=True, slots=True)
class PolicyRefusal:
    """Why the file is not in force."""

    message: str
    at: str


class PolicyWatcher:
    """Holds the `ActivePolicy`, and follows the file. `open` raises `BadConfiguration` for a first policy that is wrong; later ones are refused."""

    def __init__(
        self, file: Path, providers: Providers, health: Health, breakers: Breakers, bulkheads: Bulkheads, times: Times
    ) -> None:
        """`times` are those of the settings: the policy's own come before them."""
        self._file = file
        self._providers = providers
        self._health = health
        self._breakers = breakers
        self._bulkheads = bulkheads
        self._times = times
        self._seen: tuple[int, int] = (0, 0)
        self._active: ActivePolicy | None = None
        self._watching: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self.refusal: PolicyRefusal | None = None
        self.since = ""

    @property
    def active(self) -> ActivePolicy:
        assert self._active is not None, "the gateway is not open"
        return self._active

    async def open(self) -> None:
        self._seen = self._stamp()
        await self._follow(await asyncio.to_thread(load_policy, self._file))
        self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._providers.close()

    async def reload(self) -> PolicyRefusal | None:
        """Reads the file now. The refusal where it is wrong; the old policy is then still in force."""
        async with self._lock:
            self._seen = self._stamp()
            try:
                await self._follow(await asyncio.to_thread(load_policy, self._file))
            except BadConfiguration as error:
                self.refusal = PolicyRefusal(error.message, _now())
                logger.error("The policy is not followed, the old one stays in force. %s", error.message)
            else:
                self.refusal = None
                logger.info("The policy of %s is in force.", self._file.name)
        return self.refusal

    async def _follow(self, policy: Policy) -> None:
        providers = await self._providers.follow(policy)
        catalog = ModelCatalog(policy, self._providers.models, providers.keys())
        self._breakers.rule = policy.breaker
        self._bulkheads.follow(policy.bulkheads)
        planner = Planner(catalog, self._health, self._breakers)
        self._active = ActivePolicy(policy, catalog, planner, providers, _times(policy, self._times))
        self.since = _now()

    async def _watch(self) -> None:
        before = self._seen
        while True:
            await asyncio.sleep(POLL_S)
            stamp = self._stamp()
            # Twice the same: a file that is being written at this moment is not read half.
            if stamp != self._seen and stamp == before:
                await self.reload()
            before = stamp

    def _stamp(self) -> tuple[int, int]:
        try:
            stat = self._file.stat()
        except OSError:
            return (0, 0)
        return (stat.st_mtime_ns, stat.st_size)


def _times(policy: Policy, settings: Times) -> Times:
    timeouts = policy.timeouts
    total_s = timeouts.total_s or settings.total_s
    return Times(
        connect_s=timeouts.connect_s or settings.connect_s,
        first_token_s=min(timeouts.first_token_s or settings.first_token_s, total_s),
        answer_s=min(timeouts.answer_s or total_s / 2, total_s),
        between_tokens_s=timeouts.between_tokens_s or settings.between_tokens_s,
        total_s=total_s,
        drain_s=settings.drain_s if timeouts.drain_s is None else timeouts.drain_s,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
