"""Names of the gateway's keys in Redis: the only place that builds them.

Those of limits and money share the hash tag `{gateway}`, so that a clustered Redis keeps them on one node and one script may use several.
Tenants and users are quoted: a name with a separator in it is never another's key.
"""

from functools import lru_cache
from urllib.parse import quote

PREFIX = "switchboard:{gateway}:"
LEDGER = f"{PREFIX}ledger"
TENANTS = f"{PREFIX}tenants"
BUDGET_EVENTS = f"{PREFIX}budget-events"
ARCHIVER = f"{PREFIX}archiver"
_BREAKER = "switchboard:gateway:breaker"


@lru_cache(maxsize=16_384)
def _quoted(part: str) -> str:
    return quote(part, safe="")


def _key(kind: str, tenant: str, name: str) -> str:
    return f"{PREFIX}{kind}:{_quoted(tenant)}:{_quoted(name)}"


def tenant_window(tenant: str, plan: str) -> str:
    return _key("window", tenant, plan)


def user_window(tenant: str, user: str) -> str:
    return _key("user-window", tenant, user)


def tenant_streams(tenant: str, plan: str) -> str:
    return _key("streams", tenant, plan)


def user_streams(tenant: str, user: str) -> str:
    return _key("user-streams", tenant, user)


def turn(tenant: str, turn_id: str) -> str:
    return _key("turn", tenant, turn_id)


def conversation(tenant: str, conversation_id: str) -> str:
    return _key("conversation", tenant, conversation_id)


def under_way(scope: str) -> str:
    """Calls of a turn's or a conversation's key that are not settled yet."""
    return f"{scope}:under-way"


def spent(tenant: str, period: str) -> str:
    """Money of a day (`2026-11-21`) or a month (`2026-11`)."""
    return _key("spent", tenant, period)


def cap(tenant: str) -> str:
    """What an operator lets a tenant spend in a day."""
    return _key("cap", tenant, "day")


def sums(tenant: str, day: str) -> str:
    """Calls, tokens and money of a tenant's day by feature, agent, model and so on."""
    return _key("sums", tenant, day)


def done(kind: str, minute: int) -> str:
    """What was settled or recorded already, of the calls that began in a minute: nothing is counted twice."""
    return f"{PREFIX}done:{kind}:{minute}"


def cache(partition: str) -> str:
    """The base of a cache's partition, which has a slot of its own; `caching/redis_entries.py` says what hangs on it."""
    return f"switchboard:cache:{{{partition}}}"


def circuit_part(deployment: str, part: str) -> str:
    """Of a circuit breaker; each deployment has a slot of its own."""
    return f"{_BREAKER}:{{{deployment}}}:{part}"


def circuit(deployment: str) -> list[str]:
    """All parts, in the order that `breaker_failed.lua` takes them."""
    return [circuit_part(deployment, part) for part in ("failures", "tripped", "open", "probe")]
