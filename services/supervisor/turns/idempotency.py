"""Idempotency keys: which turn a client's key stands for. The first write wins, for a day."""

from dataclasses import dataclass

from switchboard.contracts.errors import Conflict
from switchboard.contracts.turns import Principal
from switchboard.sidecar import keys
from switchboard.sidecar.ports import StateStore

KEPT_S = 24 * 3600
CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class Claim:
    """Which turn a key stands for, and the digest of the request it came with."""

    turn_id: str
    digest: str


class IdempotencyKeys:
    """May be called concurrently, in any number of replicas. Raises what the state port raises."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    async def find(self, principal: Principal, key: str) -> Claim | None:
        """The claim on `key`, if there is one."""
        item = await self._state.get(keys.idempotency(principal.tenant, principal.user, key))
        return Claim(item.value["turn_id"], item.value["digest"]) if item else None

    async def claim(self, principal: Principal, key: str, claim: Claim) -> Claim:
        """Makes `key` stand for a turn that is recorded, or returns the claim that stood before."""
        value = {"turn_id": claim.turn_id, "digest": claim.digest}
        try:
            await self._state.create(keys.idempotency(principal.tenant, principal.user, key), value, ttl_s=KEPT_S)
            return claim
        except Conflict:
            earlier = await self.find(principal, key)
            if earlier is None:
                raise
            return earlier
