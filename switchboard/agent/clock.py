"""What day it is for an agent: what prompts, articles and tools reckon with. Deadlines and leases keep to the real time."""

from collections.abc import Callable
from datetime import UTC, date, datetime

Clock = Callable[[], datetime]
"""Tells the moment, in UTC."""


def real_clock() -> datetime:
    """The moment as it is."""
    return datetime.now(UTC)


def clock_on(day: date) -> Clock:
    """A clock that tells the real time of day on another, fixed `day`."""
    return lambda: datetime.combine(day, real_clock().timetz())
