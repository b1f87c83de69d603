"""Line tests, area incidents and tickets: what the tech agent's data starts from."""

from datetime import date, datetime, timedelta
from random import Random
from typing import Final, Literal

from switchboard.demo.contracts import Contract
from switchboard.demo.model import DemoLine, DemoTicket, Incident, LineStatus, TicketStatus
from switchboard.demo.people import BRANDS, TOWNS, customer_random
from switchboard.demo.tariff import PLAN_BY_ID

FIRMWARE: Final = {
    "Aurora Hub 2": "2.14.3",
    "Aurora Hub 3 Pro": "3.4.0",
    "Borealis Box One": "1.9.8",
    "Borealis Box Fibre": "4.2.1",
}
RED_BLINKING: Final = {"C-10001", "C-10151"}
"""Named customers whose router has lost the signal, with no area incident to explain it."""

Condition = Literal["well", "no_signal", "no_login", "slow", "lossy", "hardware", "updating"]

_SUBJECTS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "broadband": (
        ("Broadband drops in the evening", "We moved you to a quieter channel and watched the line for three days: no more drops."),
        ("Slow downloads", "The line test is within the speed of your plan. A restart of the router helped."),
        ("No connection after a power cut", "The router was replaced; the old one may be recycled."),
        ("Wi-Fi does not reach the upper floor", "We suggested a mesh point near the stairs."),
    ),
    "mobile": (
        ("No signal at home", "A mast near you was repaired."),
        ("Voicemail does not answer", "Voicemail was set up again for your number."),
        ("Cannot send picture messages", "We sent the settings to your phone again."),
    ),
}  # fmt: skip


def incidents_of(seed: int, today: date) -> list[Incident]:
    """Two towns per brand with trouble today; never a town of a named customer."""
    incidents: list[Incident] = []
    calm = {"Bristol", "Leeds", "Cardiff"}
    towns = [town for town, _ in TOWNS if town not in calm]
    midnight = datetime(today.year, today.month, today.day)
    descriptions = (
        "A street cabinet lost its power; broadband is down.",
        "A fibre cable was cut by building work; broadband is down.",
    )
    for tenant in BRANDS:
        random = Random(f"{seed}|{tenant}|incidents")
        for town, description in zip(random.sample(towns, 2), descriptions, strict=True):
            started = midnight + timedelta(hours=random.randint(1, 6), minutes=random.choice((5, 20, 40)))
            number = len(incidents) + 1
            fixed = started + timedelta(hours=random.randint(12, 20))
            incidents.append(Incident(f"INC-{today:%Y%m%d}-{number}", tenant, town, description, started, fixed))
    return incidents


def line_status_of(contract: Contract, incidents: list[Incident], seed: int, today: date) -> LineStatus | None:
    lines = contract.lines_of("broadband")
    if not lines:
        return None
    line, customer = lines[0], contract.customer
    random = customer_random(seed, customer.id, "line")
    incident = next((i for i in incidents if (i.tenant, i.town) == (customer.tenant, customer.town)), None)
    conditions: tuple[Condition, ...] = ("no_signal", "no_login", "slow", "lossy", "hardware", "updating")
    condition: Condition = random.choice(conditions) if random.random() < 0.2 else "well"
    if incident or customer.id in RED_BLINKING:
        condition = "no_signal"
    return _status(contract, line, condition, incident.id if incident else None, random, today)


def _status(
    contract: Contract, line: DemoLine, condition: Condition, incident_id: str | None, random: Random, today: date
) -> LineStatus:
    plan = PLAN_BY_ID[line.plan_id]
    router = next(device for device in contract.devices if device.line_id == line.id)
    now = datetime(today.year, today.month, today.day, 9, 30)
    led = {
        "well": "solid green", "no_signal": "blinking red", "no_login": "solid amber", "slow": "solid green",
        "lossy": "solid green", "hardware": "solid red", "updating": "blinking green",
    }[condition]  # fmt: skip
    share = {"well": 0.94, "slow": 0.41, "lossy": 0.82, "no_login": 0.9}.get(condition, 0.0) * random.uniform(
        0.96, 1.04
    )
    outage = {
        "no_signal": now - timedelta(hours=random.randint(2, 9), minutes=random.randint(0, 59)),
        "no_login": now - timedelta(hours=3),
        "hardware": now - timedelta(hours=20),
    }.get(condition, now - timedelta(days=random.randint(9, 200)) if random.random() < 0.6 else None)
    online = condition in ("well", "slow", "lossy")
    return LineStatus(
        customer_id=line.customer_id,
        line_id=line.id,
        router=router.name,
        router_serial=router.serial,
        firmware=FIRMWARE[router.name],
        led=led,
        online=online,
        sync_down_mbps=round(plan.download_mbps * share, 1),
        sync_up_mbps=round(plan.upload_mbps * share, 1),
        plan_down_mbps=plan.download_mbps,
        packet_loss_percent=round(random.uniform(3, 9), 1) if condition == "lossy" else (0.0 if online else 100.0),
        latency_ms=round(random.uniform(45, 90) if condition == "lossy" else random.uniform(6, 18), 1)
        if online
        else 0.0,
        reboots_24h=random.randint(1, 4) if condition in ("no_signal", "hardware") else 0,
        last_outage_at=outage,
        incident_id=incident_id,
        tested_at=now,
    )


def tickets_of(contracts: list[Contract], seed: int, today: date) -> list[DemoTicket]:
    """Old tickets, numbered in the order they were opened; the named customers start with one that is resolved."""
    drafts: list[tuple[date, Contract, DemoLine, str, str, TicketStatus]] = []
    for contract in contracts:
        random = customer_random(seed, contract.customer.id, "tickets")
        named = contract.customer.id in RED_BLINKING
        if not named and random.random() > 0.25:
            continue
        line = contract.lines[-1] if named else random.choice(contract.lines)
        subject, note = random.choice(_SUBJECTS[line.kind])
        opened = today - timedelta(days=random.randint(25, 400))
        status: TicketStatus = "resolved"
        if not named and random.random() < 0.2:
            opened = today - timedelta(days=random.randint(1, 9))
            status = random.choice(("open", "in_progress"))
            note = "A colleague is looking at it and will write within two working days."
        drafts.append((opened, contract, line, subject, note, status))
    drafts.sort(key=lambda draft: (draft[0], draft[1].customer.id))
    return [
        DemoTicket(
            id=f"TCK-{100_001 + number}",
            tenant=contract.customer.tenant,
            customer_id=contract.customer.id,
            line_id=line.id,
            category=line.kind,
            subject=subject,
            status=status,
            opened_on=opened,
            updated_on=min(opened + timedelta(days=4), today) if status == "resolved" else opened,
            note=note,
        )
        for number, (opened, contract, line, subject, note, status) in enumerate(drafts)
    ]
