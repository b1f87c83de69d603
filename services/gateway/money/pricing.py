"""Which price holds for a deployment: its own in `gateway.yaml`, else that of the list of genai-prices."""

from collections.abc import Callable

from services.gateway.money.ledger.prices import FREE, cost_of, listed_price
from services.gateway.policy import Router, Target
from services.gateway.providers.port import Spent
from switchboard.contracts.errors import NotFound
from switchboard.contracts.money import usd_of
from switchboard.ledger.record import Price


def price_of(target: Target, model: str) -> Price:
    """`model`: as the provider named it in its answer. Nothing for models that nobody told a price of."""
    given = target.deployment.price
    if given is not None:
        return given.per_token
    found = listed_price(target.kind, model)
    return listed_price(target.kind, target.model) if found == FREE and model != target.model else found


def cost_usd(target: Target, model: str, spent: Spent) -> float:
    """For people and JSON."""
    return usd_of(cost_of(price_of(target, model), spent))


class Estimates:
    """What a call may cost, before it is made: by the policy in force."""

    def __init__(self, router: Callable[[], Router]) -> None:
        self._router = router

    def estimate(self, alias: str, prompt_tokens: int, completion_tokens: int) -> int:
        """In picodollars, at the dearest deployment that may serve `alias`; 0 for a name nobody serves. Never raises."""
        try:
            targets = self._router().targets(alias)
        except NotFound:
            return 0
        spent = Spent(prompt_tokens=prompt_tokens, completion_tokens=completion_tokens)
        return max(cost_of(price_of(target, target.model), spent) for target in targets)
