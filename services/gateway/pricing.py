"""What a call cost, in US dollars: by the deployment's price, else the list of genai-prices (bundled, not downloaded)."""

from decimal import Decimal
from functools import lru_cache

from services.gateway.policy.models import Price
from services.gateway.providers.port import Spent

LISTED = {"azure_openai": "azure", "openai": "openai"}
"""Kinds of providers, by the list's names."""
MILLION = Decimal(1_000_000)
FREE = Decimal(0)


def cost_usd(kind: str, model: str, spent: Spent, price: Price | None = None) -> float:
    """`exact_usd` for people and JSON."""
    return float(exact_usd(kind, model, spent, price))


def exact_usd(kind: str, model: str, spent: Spent, price: Price | None = None) -> Decimal:
    """Not rounded. 0 for embedded models and for models that nobody told a price of."""
    if price is not None:
        cached = price.input if price.cached_input is None else price.cached_input
        fresh = spent.prompt_tokens - spent.cached_tokens
        return (fresh * price.input + spent.cached_tokens * cached + spent.completion_tokens * price.output) / MILLION
    provider = LISTED.get(kind)
    if provider is None or not _is_known(provider, model):
        return FREE
    return _listed(provider, model, spent)


@lru_cache(maxsize=256)
def _is_known(provider: str, model: str) -> bool:
    try:
        _listed(provider, model, Spent(prompt_tokens=1, completion_tokens=1))
    except LookupError:
        return False
    return True


@lru_cache(maxsize=1024)
def _listed(provider: str, model: str, spent: Spent) -> Decimal:
    from genai_prices import Usage, calc_price

    usage = Usage(
        input_tokens=spent.prompt_tokens,
        output_tokens=spent.completion_tokens,
        cache_read_tokens=spent.cached_tokens or None,
    )
    return Decimal(calc_price(usage, model_ref=model, provider_id=provider).total_price)
