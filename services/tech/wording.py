"""How the tech agent words what its systems say: finished sentences with every number in them."""

from services.tech.desk import Ticket
from services.tech.diagnostics import LineTest, Outage, OwnedDevice
from services.tech.policy import MINIMUM_SPEED_PERCENT

LOSS_HIGH_PERCENT = 2.0

STATUS_WORDS = {"open": "open", "in_progress": "being worked on", "resolved": "resolved"}


def test_facts(test: LineTest, outage: Outage | None) -> list[str]:
    """What a line test says, most important first."""
    led = f"The broadband light of your {test.router} is {test.led}, which means {test.led_meaning}."
    if not test.online:
        since = f" since {test.last_outage_at:%-d %B %Y, %H:%M}" if test.last_outage_at else ""
        facts = [led, f"The line test of {test.tested_at:%-d %B %Y, %H:%M} says that your broadband is offline{since}."]
        if test.sync_down_mbps > 0:
            facts.append(f"The line itself is up at {test.sync_down_mbps:g} Mbit/s, but no data gets through.")
    else:
        share = round(100 * test.sync_down_mbps / test.plan_down_mbps)
        facts = [
            led,
            f"Your line runs at {test.sync_down_mbps:g} Mbit/s down and {test.sync_up_mbps:g} Mbit/s up, "
            f"{share} % of the {test.plan_down_mbps} Mbit/s of your plan.",
            f"Packet loss is {test.packet_loss_percent:g} % and the delay {test.latency_ms:g} ms.",
        ]
    if test.reboots_24h:
        facts.append(f"The router restarted {_times(test.reboots_24h)} in the last 24 hours.")
    if outage is not None:
        facts.append(outage_fact(outage))
    elif fault_of(test) is not None:
        facts.append("There is no known outage in your area, so the fault is on your line or in your router.")
    else:
        facts.append("The test found no fault.")
    return facts


def fault_of(test: LineTest) -> str | None:
    """The fault that a test shows, as a ticket would name it; `None` for a healthy line."""
    if not test.online:
        if test.led == "blinking green":
            return None
        return f"Broadband is offline; the light of the {test.router} is {test.led} ({test.led_meaning})"
    share = 100 * test.sync_down_mbps / test.plan_down_mbps
    if share < MINIMUM_SPEED_PERCENT:
        return f"Slow line: {test.sync_down_mbps:g} of {test.plan_down_mbps} Mbit/s on the {test.router}"
    if test.packet_loss_percent >= LOSS_HIGH_PERCENT:
        return f"Packet loss of {test.packet_loss_percent:g} % on the line of the {test.router}"
    return None


def outage_fact(outage: Outage) -> str:
    return (
        f"There is a known outage in {outage.town} ({outage.id}): {outage.description.rstrip('.')}, since "
        f"{outage.started_at:%-d %B, %H:%M}; we expect it to be fixed by {outage.expected_fix_at:%-d %B, %H:%M}."
    )


def device_fact(device: OwnedDevice) -> str:
    return (
        f"{device.name}, serial number {device.serial}, on your {device.line_kind} line {device.line_number} "
        f"({device.plan}) since {device.since:%-d %B %Y}."
    )


def ticket_fact(ticket: Ticket) -> str:
    """One line about a ticket, its colleague's note included."""
    note = f" The last note says: {ticket.note}" if ticket.note else ""
    return (
        f"Ticket {ticket.id} ({ticket.subject.rstrip('.')}) is {STATUS_WORDS[ticket.status]}; it was opened on "
        f"{ticket.opened_on:%-d %B %Y} and last updated on {ticket.updated_on:%-d %B %Y}.{note}"
    )


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
