"""What tokens cost, in picodollars a token: the price of a deployment in `gateway.yaml`, else that of genai-prices' list."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache

from services.gateway.policy.catalog import ModelCatalog, Target
from services.gateway.providers.port import Spent
from switchboard.contracts.errors import NotFound
from switchboard.contracts.money import PICOUSD_PER_MICROUSD
from switchboard.ledger.record import Price

LISTS = {"azure_openai": "azure", "openai": "openai"}
"""Kinds of providers → their names in genai-prices. Whatever else has no price but the one in the file."""
FREE = Price()


def price_of(target: Target, model: str) -> Price:
    """`model`: as the provider named it in its answer. Nothing for models of which no price is known."""
    given = target.deployment.price
    if given is not None:
        return given.per_token
    found = listed_price(target.kind, model)
    return listed_price(target.kind, target.model) if found == FREE and model != target.model else found


def cost_of(price: Price, spent: Spent) -> int:
    """Picodollars, exact. Cached tokens are part of the prompt's."""
    cached = min(spent.cached_tokens, spent.prompt_tokens)
    fresh = spent.prompt_tokens - cached
    return fresh * price.prompt + cached * price.cached + spent.completion_tokens * price.completion


def listed_price(kind: str, model: str) -> Price:
    """Of a model that the file gives no price: genai-prices' for today, or nothing for one it does not know."""
    return _listed(LISTS[kind], model, f"{datetime.now(UTC):%Y-%m-%d}") if kind in LISTS else FREE


class Estimates:
    """What a call may cost, before it is made: by the policy in force."""

    def __init__(self, catalog: Callable[[], ModelCatalog]) -> None:
        self._catalog = catalog

    def estimate(self, alias: str, prompt_tokens: int, completion_tokens: int) -> int:
        """In picodollars, at the dearest deployment that may serve `alias`; 0 for a name nobody serves. Never raises."""
        try:
            targets = self._catalog().targets(alias)
        except NotFound:
            return 0
        spent = Spent(prompt_tokens=prompt_tokens, completion_tokens=completion_tokens)
        return max(cost_of(price_of(target, target.model), spent) for target in targets)


@lru_cache(maxsize=1_024)
def _listed(provider: str, model: str, day: str) -> Price:
    # Imported late: it takes 0.3 s, and the embedded models need no price.
    from genai_prices import Usage, calc_price

    at = datetime.fromisoformat(day).replace(tzinfo=UTC)

    def picousd(usage: Mapping[str, int]) -> int:
        price = calc_price(Usage(**usage), model_ref=model, provider_id=provider, genai_request_timestamp=at)
        return round(price.total_price * 1_000_000 * PICOUSD_PER_MICROUSD)

    try:
        prompt = picousd({"input_tokens": 1})
        return Price(
            prompt=prompt,
            completion=picousd({"input_tokens": 1, "output_tokens": 1}) - prompt,
            cached=picousd({"input_tokens": 1, "cache_read_tokens": 1}),
        )
    except LookupError:
        return FREE
