"""Money is whole numbers: nothing is rounded before it is shown."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.money.prices import cost_of, listed_price
from services.gateway.policy.models import PricePerMillion
from services.gateway.providers.port import Spent
from switchboard.contracts.money import microusd_of, picousd_of, usd_text

TOKENS = st.integers(0, 2_000_000)
CENTS = st.decimals(min_value=0, max_value=1_000, places=6, allow_nan=False, allow_infinity=False)


@given(prompt=CENTS, completion=CENTS, cached=CENTS, served=st.lists(st.tuples(TOKENS, TOKENS, TOKENS), max_size=50))
def test_the_sum_of_all_costs_is_the_cost_of_all_tokens(
    prompt: Decimal, completion: Decimal, cached: Decimal, served: list[tuple[int, int, int]]
):
    price = PricePerMillion(input=prompt, output=completion, cached_input=cached).per_token
    spent = [Spent(a, b, min(a, c)) for a, b, c in served]
    whole = Spent(
        *(
            sum(each)
            for each in zip(*((s.prompt_tokens, s.completion_tokens, s.cached_tokens) for s in spent), strict=True)
        )
    )
    assert sum(cost_of(price, each) for each in spent) == cost_of(price, whole)


@given(st.integers(-(10**18), 10**18))
def test_a_sum_is_shown_exactly_and_read_back(picousd: int):
    assert picousd_of(Decimal(usd_text(picousd))) == picousd


def test_micro_dollars_are_rounded_halves_to_even():
    assert [microusd_of(picousd) for picousd in (499_999, 500_000, 500_001, 1_500_000)] == [0, 0, 1, 2]


def test_listed_prices_are_per_token_and_unknown_models_cost_nothing():
    price = listed_price("openai", "gpt-4o-mini")
    assert (price.prompt, price.completion, price.cached) == (150_000, 600_000, 75_000)
    assert cost_of(listed_price("openai", "of-our-own"), Spent(1_000, 1_000)) == 0
    assert cost_of(listed_price("embedded", "gpt-4o-mini"), Spent(1_000, 1_000)) == 0
