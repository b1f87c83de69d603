"""Which price holds for a deployment, and what a call may cost before it is made."""

from collections.abc import Callable, Mapping

from services.gateway.ledger.prices import FREE, cost_of, listed_price, price_per_million
from services.gateway.policy import Router, Target
from services.gateway.providers.port import Spent
from switchboard.contracts.errors import NotFound
from switchboard.ledger.record import Price


class Tariff:
    """`router` gives the policy in force; `kinds` is each provider instance's kind."""

    def __init__(self, router: Callable[[], Router], kinds: Callable[[], Mapping[str, str]]) -> None:
        self._router = router
        self._kinds = kinds
        self._known: tuple[Router | None, dict[tuple[str, str], Price]] = (None, {})

    def price_of(self, target: Target, model: str = "") -> Price:
        """`model`: as the provider named it in its answer, where that is more than `target` says."""
        router, prices = self._router(), self._known[1]
        if self._known[0] is not router:  # a new policy: new prices
            prices = {}
            self._known = (router, prices)
        name = (target.name or target.provider, model or target.model)
        price = prices.get(name)
        if price is None:
            price = self._found(target, name[1])
            if len(prices) < 1_000:
                prices[name] = price
        return price

    def cost(self, target: Target, model: str, spent: Spent) -> int:
        """Picodollars, exact."""
        return cost_of(self.price_of(target, model), spent)

    def estimate(self, alias: str, prompt_tokens: int, completion_tokens: int) -> int:
        """In picodollars, at the dearest deployment that may serve `alias`; 0 for a name nobody serves. Never raises."""
        try:
            targets = self._router().targets(alias)
        except NotFound:
            return 0
        spent = Spent(prompt_tokens=prompt_tokens, completion_tokens=completion_tokens)
        return max(cost_of(self.price_of(target), spent) for target in targets)

    def _found(self, target: Target, model: str) -> Price:
        given = target.deployment.price
        if given is not None:
            return price_per_million(given.input, given.output, given.cached_input)
        kind = self._kinds().get(target.provider, target.provider)
        found = listed_price(kind, model)
        return listed_price(kind, target.model) if found == FREE and model != target.model else found
