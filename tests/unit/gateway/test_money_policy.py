"""`tiers`, `contracts` and `budgets` of `gateway.yaml`, and how their refusals are told."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from services.gateway.calls.answers.errors import response_of
from services.gateway.money.limits.demand import Refusal, error_of
from services.gateway.policy.file import load_policy, parse_policy
from switchboard.contracts.errors import BadConfiguration
from tests.unit.gateway.test_local_limits import demand

FILE = Path(__file__).parents[3] / "services" / "gateway" / "gateway.yaml"
LEAST = """
version: 1
deployments:
  e: {provider: embedded}
aliases:
  fast: [e]
"""
NOW = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)


def test_the_tiers_are_those_that_are_sold():
    for policy in (load_policy(FILE), parse_policy(LEAST, "least.yaml")):
        sold = {name: (t.requests_per_minute, t.tokens_per_minute, t.streams) for name, t in policy.tiers.items()}
        assert sold["free"] == (10, 10_000, 1)
        assert sold["developer"] == (60, 100_000, 5)
        assert sold["professional"] == (300, 500_000, 20)


def test_a_contract_stands_above_the_tier_of_a_key():
    policy = parse_policy(LEAST + "contracts:\n  acme: {requests_per_minute: 7, user: {streams: 2}}\n", "p.yaml")
    allowed = policy.rules.limits.allowed("acme", "free")
    assert (allowed.tenant.requests_per_minute, allowed.user.streams) == (7, 2)
    assert policy.rules.limits.allowed("other", "free").tenant.requests_per_minute == 10


@pytest.mark.parametrize(
    ("text", "line", "where"),
    [
        ("tiers:\n  gold: {streams: 1}\n", 8, "tiers.gold"),
        ("tiers:\n  free: {requests_per_minute: -3}\n", 8, "tiers.free.requests_per_minute"),
        ("contracts:\n  acme: {requests: 3}\n", 8, "contracts.acme.requests"),
        ("budgets:\n  turn: {tokens: many}\n", 8, "budgets.turn.tokens"),
        ("budgets:\n  tenants:\n    acme: {day_usd: 5}\n", 7, "budgets.downgrade_to"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, where: str):
    with pytest.raises(BadConfiguration) as refused:
        parse_policy(LEAST + text, "p.yaml")
    assert f"line {line}, at '{where}'" in refused.value.message


def told(refusal: Refusal, **changes: int) -> tuple[int, dict[str, str], dict[str, object]]:
    response = response_of(error_of(refusal, demand(**changes), NOW))
    return response.status_code, dict(response.headers), orjson.loads(response.body)


def test_a_passed_limit_is_told_as_429_with_what_was_exceeded():
    status, headers, body = told(Refusal("user", "requests", 10, 10, 12_400))
    assert status == 429 and headers["retry-after"] == "13" and "x-should-retry" not in headers
    assert body["exceeded"] == {
        "whose": "user",
        "what": "requests",
        "limit": 10,
        "used": 10,
        "unit": "requests a minute",
    }
    assert body["message"] == "The user's limit of 10 requests a minute is reached. Please try again in 13 s."
    assert body["error"]["type"] == "rate_limit_error"  # type: ignore[index]


def test_a_call_that_can_never_fit_is_told_so_and_not_repeated():
    _, headers, body = told(Refusal("tenant", "tokens", 10_000, 0, 60_000), tokens=20_000)
    assert "20000 tokens" in str(body["message"]) and headers["x-should-retry"] == "false"


@pytest.mark.parametrize(("period", "seconds"), [("day", 3_601), ("month", 9 * 86_400 + 3_601)])
def test_a_spent_budget_says_when_the_next_one_begins(period: str, seconds: int):
    _, headers, body = told(Refusal("tenant", period, 5 * 10**12, 5 * 10**12, -1))
    assert headers["retry-after"] == str(seconds) and headers["x-should-retry"] == "false"
    assert "5.00 US dollars" in str(body["message"])


def test_a_passed_hard_budget_names_itself_and_no_time():
    _, headers, body = told(Refusal("turn", "picousd", 10**12, 9 * 10**11, -1))
    assert "retry-after" not in headers and headers["x-should-retry"] == "false"
    assert str(body["message"]).startswith("This turn may use 1.00 US dollars, and 0.90 are used")
    assert Decimal(str(body["exceeded"]["used"])) == Decimal("0.9")  # type: ignore[index]
