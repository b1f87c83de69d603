"""What a look into a cache of answers found, on the span in hand: the same attributes in the gateway and the supervisor."""

from opentelemetry import trace

STATE, REASON, GUARD = "switchboard.cache.state", "switchboard.cache.reason", "switchboard.cache.guard"
SCORE, SAVED = "switchboard.cache.score", "switchboard.cache.saved_tokens"
SAVED_PICOUSD = "switchboard.cache.saved_picousd"
FALSE_HIT = "switchboard.cache.false_hit"
"""On the span of a thumb: down, for an answer that came from the cache."""


def record_look(
    state: str, reason: str, *, guard: str = "", score: float = 0.0, saved_tokens: int = 0, saved_picousd: int = 0
) -> dict[str, str | int | float]:
    """`state`: exact, semantic, offline, miss or off. Gives the attributes, for a log."""
    facts: dict[str, str | int | float] = {
        STATE: state,
        REASON: reason,
        GUARD: guard,
        SCORE: round(score, 4),
        SAVED: saved_tokens,
    }
    if saved_picousd:
        facts[SAVED_PICOUSD] = saved_picousd
    trace.get_current_span().set_attributes(facts)
    return facts
