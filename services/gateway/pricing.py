"""What a call cost, in US dollars, by the price list of genai-prices (bundled; nothing is downloaded)."""

from functools import lru_cache

from services.gateway.providers.port import Spent

PROVIDERS = {"azure.ai.openai": "azure", "openai": "openai"}


def cost_usd(provider: str, model: str, spent: Spent) -> float:
    """0 for embedded models and for models the list does not know."""
    if provider not in PROVIDERS or not _is_known(provider, model):
        return 0.0
    return _price(provider, model, spent)


@lru_cache(maxsize=256)
def _is_known(provider: str, model: str) -> bool:
    try:
        _price(provider, model, Spent(prompt_tokens=1, completion_tokens=1))
    except LookupError:
        return False
    return True


def _price(provider: str, model: str, spent: Spent) -> float:
    from genai_prices import Usage, calc_price

    usage = Usage(
        input_tokens=spent.prompt_tokens,
        output_tokens=spent.completion_tokens,
        cache_read_tokens=spent.cached_tokens or None,
    )
    return float(calc_price(usage, model_ref=model, provider_id=PROVIDERS[provider]).total_price)
