"""Fair shares of the turns that one process answers at once: one tenant, or one user, must not take all of them."""

from collections import Counter
from dataclasses import dataclass

from switchboard.contracts.errors import LimitExceeded
from switchboard.contracts.turns import Principal

RETRY_AFTER_S = 2
USER = "You are asking too many things at once. Please wait for an answer and try again."
TENANT = "Too many people of your company are asking at once. Please try again in a moment."


@dataclass(frozen=True, slots=True)
class Share:
    """The most that is under way at once."""

    tenant_max: int
    user_max: int


class FairShares:
    """Counts what is under way in this process."""

    def __init__(self, share: Share) -> None:
        self._share = share
        self._tenants: Counter[str] = Counter()
        self._users: Counter[tuple[str, str]] = Counter()

    def take(self, principal: Principal) -> None:
        """One more; give it back once. Raises `LimitExceeded`: then there is nothing to give back."""
        user = (principal.tenant, principal.user)
        if self._users[user] >= self._share.user_max:
            raise LimitExceeded(USER, retry_after_s=RETRY_AFTER_S)
        if self._tenants[principal.tenant] >= self._share.tenant_max:
            raise LimitExceeded(TENANT, retry_after_s=RETRY_AFTER_S)
        self._users[user] += 1
        self._tenants[principal.tenant] += 1

    def give_back(self, principal: Principal) -> None:
        """One less."""
        # A Counter keeps what is zero; subtracting drops it, and with it everybody who ever asked.
        self._users -= Counter([(principal.tenant, principal.user)])
        self._tenants -= Counter([principal.tenant])
