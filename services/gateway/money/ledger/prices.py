"""What tokens cost: prices of `gateway.yaml`, else the bundled list of genai-prices, in picodollars a token."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from services.gateway.providers.port import Spent
from switchboard.contracts.money import PICOUSD_PER_MICROUSD
from switchboard.ledger.record import Price

LISTS = {"azure_openai": "azure", "azure.ai.openai": "azure", "openai": "openai"}
"""Kinds of providers → their names in genai-prices. Whatever else has no price but the one in the file."""
FREE = Price()


def price_per_million(prompt: Decimal, completion: Decimal, cached: Decimal | None) -> Price:
    """From US dollars a million tokens: that is micro-dollars a token."""
    return Price(
        prompt=_picousd(prompt),
        completion=_picousd(completion),
        cached=_picousd(prompt if cached is None else cached),
    )


def cost_of(price: Price, spent: Spent) -> int:
    """Picodollars, exact. Cached tokens are part of the prompt's."""
    cached = min(spent.cached_tokens, spent.prompt_tokens)
    fresh = spent.prompt_tokens - cached
    return fresh * price.prompt + cached * price.cached + spent.completion_tokens * price.completion


def listed_price(kind: str, model: str) -> Price:
    """Of a model that the file gives no price: genai-prices' for today, or nothing for one it does not know."""
    return _listed(LISTS[kind], model, f"{datetime.now(UTC):%Y-%m-%d}") if kind in LISTS else FREE


@lru_cache(maxsize=1_024)
def _listed(provider: str, model: str, day: str) -> Price:
    # Imported late: it takes 0.3 s, and the embedded models need no price.
    from genai_prices import Usage, calc_price

    at = datetime.fromisoformat(day).replace(tzinfo=UTC)

    def picousd(usage: Mapping[str, int]) -> int:
        price = calc_price(Usage(**usage), model_ref=model, provider_id=provider, genai_request_timestamp=at)
        return _picousd(price.total_price * 1_000_000)

    try:
        prompt = picousd({"input_tokens": 1})
        return Price(
            prompt=prompt,
            completion=picousd({"input_tokens": 1, "output_tokens": 1}) - prompt,
            cached=picousd({"input_tokens": 1, "cache_read_tokens": 1}),
        )
    except LookupError:
        return FREE


def _picousd(microusd: Decimal) -> int:
    return round(microusd * PICOUSD_PER_MICROUSD)
