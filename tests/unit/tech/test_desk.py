"""The ticket desk and the diagnostics over SQLite, filled with the demo company."""

import asyncio
from pathlib import Path

import pytest

from services.tech.desk import Account
from services.tech.seeding import tech_database
from services.tech.sqlite_desk import SqliteTicketDesk
from services.tech.sqlite_diagnostics import SqliteDiagnostics
from switchboard.agent.clock import clock_on
from switchboard.agent.database import Database
from switchboard.demo.company import SEED, TODAY, company

ADA = Account("aurora", "C-10001")
BEN = Account("aurora", "C-10002")
CLEO = Account("borealis", "C-10151")


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return tech_database(tmp_path / "tech.sqlite", SEED, TODAY)


@pytest.fixture
def desk(database: Database) -> SqliteTicketDesk:
    return SqliteTicketDesk(database, clock_on(TODAY))


async def test_a_ticket_is_opened_and_read_by_its_owner(desk: SqliteTicketDesk) -> None:
    ticket = await desk.open(ADA, "The router blinks red", "broadband", request_key="c.1|a")
    assert await desk.get(ADA, ticket.id) == ticket
    assert (await desk.list(ADA))[0] == ticket
    assert ticket.status == "open"
    assert ticket.opened_on == TODAY


async def test_nobody_else_sees_a_ticket(desk: SqliteTicketDesk) -> None:
    ticket = await desk.open(ADA, "The router blinks red", "broadband", request_key="c.1|a")
    for other in (BEN, CLEO, Account("borealis", "C-10001")):
        assert await desk.get(other, ticket.id) is None
        assert ticket.id not in {each.id for each in await desk.list(other)}


async def test_the_same_request_opens_one_ticket(desk: SqliteTicketDesk) -> None:
    tickets = await asyncio.gather(*(desk.open(ADA, "No internet", "broadband", request_key="c.1|a") for _ in range(6)))
    assert len({ticket.id for ticket in tickets}) == 1


async def test_different_requests_at_once_get_different_numbers(desk: SqliteTicketDesk) -> None:
    tickets = await asyncio.gather(
        *(desk.open(ADA, "No internet", "broadband", request_key=f"c.{n}|a") for n in range(6))
    )
    assert len({ticket.id for ticket in tickets}) == 6


async def test_tickets_outlive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "tech.sqlite"
    ticket = await SqliteTicketDesk(tech_database(path, SEED, TODAY), clock_on(TODAY)).open(
        ADA, "Slow", "broadband", request_key="k"
    )
    again = SqliteTicketDesk(tech_database(path, SEED, TODAY), clock_on(TODAY))
    assert await again.get(ADA, ticket.id) == ticket


async def test_the_line_test_is_the_customers_own(database: Database) -> None:
    diagnostics = SqliteDiagnostics(database)
    (test,) = await diagnostics.test_lines(ADA)
    expected = company().line_status("C-10001")
    assert expected is not None
    assert (test.router, test.led, test.online) == (expected.router, "blinking red", False)
    assert await diagnostics.test_lines(Account("borealis", "C-10001")) == []


async def test_an_outage_is_found_by_its_town_in_any_case(database: Database) -> None:
    diagnostics = SqliteDiagnostics(database)
    incident = company().incidents[0]
    found = await diagnostics.outages(incident.tenant, incident.town.upper())
    assert [outage.id for outage in found] == [incident.id]
    other = "borealis" if incident.tenant == "aurora" else "aurora"
    assert incident.id not in {outage.id for outage in await diagnostics.outages(other, incident.town)}
