"""The ticket desk in the specialist's own SQLite database."""

import sqlite3
from datetime import date

from services.tech.desk import PROBLEM_CHARACTERS_MAX, TICKETS_LISTED_MAX, Account, Category, Ticket, TicketDesk
from switchboard.agent.clock import Clock
from switchboard.agent.database import Database

FIRST_NUMBER = 100_001


class SqliteTicketDesk(TicketDesk):
    """Tickets as rows of `tickets`; a new one gets the next number."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @property
    def _today(self) -> date:
        return self._clock().date()

    async def open(self, account: Account, problem: str, category: Category, *, request_key: str) -> Ticket:
        def work(connection: sqlite3.Connection) -> Ticket:
            connection.execute("BEGIN IMMEDIATE")
            before = connection.execute("SELECT * FROM tickets WHERE request_key = ?", (request_key,)).fetchone()
            if before is not None:
                return _ticket(before)
            (number,) = connection.execute(
                "SELECT coalesce(max(number) + 1, ?) FROM tickets", (FIRST_NUMBER,)
            ).fetchone()
            today = self._today.isoformat()
            connection.execute(
                "INSERT INTO tickets VALUES (?, ?, ?, NULL, ?, ?, 'open', ?, ?, '', ?)",
                (
                    number, account.tenant, account.customer_id, category, problem[:PROBLEM_CHARACTERS_MAX],
                    today, today, request_key,
                ),
            )  # fmt: skip
            return _ticket(connection.execute("SELECT * FROM tickets WHERE number = ?", (number,)).fetchone())

        return await self._database.run(work)

    async def list(self, account: Account) -> list[Ticket]:
        return await self._database.run(
            lambda connection: [
                _ticket(row)
                for row in connection.execute(
                    "SELECT * FROM tickets WHERE tenant = ? AND customer_id = ? ORDER BY opened_on DESC, number DESC LIMIT ?",
                    (account.tenant, account.customer_id, TICKETS_LISTED_MAX),
                )
            ]
        )

    async def get(self, account: Account, ticket_id: str) -> Ticket | None:
        def work(connection: sqlite3.Connection) -> Ticket | None:
            row = connection.execute(
                "SELECT * FROM tickets WHERE number = ? AND tenant = ? AND customer_id = ?",
                (int(ticket_id.removeprefix("TCK-")), account.tenant, account.customer_id),
            ).fetchone()
            return None if row is None else _ticket(row)

        return await self._database.run(work)


def _ticket(row: sqlite3.Row) -> Ticket:
    return Ticket(
        id=f"TCK-{row['number']:06d}",
        category=row["category"],
        subject=row["subject"],
        status=row["status"],
        opened_on=date.fromisoformat(row["opened_on"]),
        updated_on=date.fromisoformat(row["updated_on"]),
        note=row["note"],
    )
