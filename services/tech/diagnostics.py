"""Line and device diagnostics: the port behind which a company puts its own network tools."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from services.tech.desk import Account


@dataclass(frozen=True, slots=True)
class LineTest:
    """What a test of one broadband line says. Speeds are Mbit/s."""

    line_id: str
    router: str
    firmware: str
    led: str
    """Colour and state of the broadband light, as in `blinking red`."""
    led_meaning: str
    online: bool
    sync_down_mbps: float
    sync_up_mbps: float
    plan_down_mbps: int
    packet_loss_percent: float
    latency_ms: float
    reboots_24h: int
    last_outage_at: datetime | None
    incident_id: str | None
    tested_at: datetime


@dataclass(frozen=True, slots=True)
class OwnedDevice:
    """A phone, router or other device on one of the customer's lines."""

    name: str
    serial: str
    since: date
    line_kind: str
    line_number: str
    plan: str


@dataclass(frozen=True, slots=True)
class Outage:
    """A known fault of the network in one town."""

    id: str
    town: str
    description: str
    started_at: datetime
    expected_fix_at: datetime


class Diagnostics(Protocol):
    """Looks at lines, devices and the network.

    Lives as long as the agent; every method may be called concurrently. A system that does not answer raises
    `Unavailable`.
    """

    async def test_lines(self, account: Account) -> list[LineTest]:
        """One test a broadband line of the account; empty where it has none."""
        ...

    async def devices(self, account: Account) -> list[OwnedDevice]: ...

    async def town(self, account: Account) -> str | None:
        """Where the account's broadband is; `None` for an account that is not known."""
        ...

    async def outages(self, tenant: str, town: str) -> list[Outage]:
        """Known faults in the town, compared without regard to case."""
        ...

    async def towns(self, tenant: str) -> list[str]:
        """Every town the tenant has customers in, sorted."""
        ...
