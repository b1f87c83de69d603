"""The ticket desk: the port behind which a company puts its own help desk."""

from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

Category = Literal["broadband", "mobile", "device", "tv"]
Status = Literal["open", "in_progress", "resolved"]

PROBLEM_CHARACTERS_MAX = 300
TICKETS_LISTED_MAX = 20


@dataclass(frozen=True, slots=True)
class Account:
    """Whose tickets and lines: one customer of one tenant."""

    tenant: str
    customer_id: str


@dataclass(frozen=True, slots=True)
class Ticket:
    id: str
    """`TCK-` and six digits."""
    category: Category
    subject: str
    status: Status
    opened_on: date
    updated_on: date
    note: str
    """The last thing a colleague wrote, for the customer to read; empty when nobody has yet."""


class TicketDesk(Protocol):
    """Opens and reads tickets.

    Lives as long as the agent; every method may be called concurrently. A desk that does not answer raises
    `Unavailable`.
    """

    async def open(self, account: Account, problem: str, category: Category, *, request_key: str) -> Ticket:
        """Opens a ticket. The same `request_key` again returns the ticket that it opened the first time."""
        ...

    async def list(self, account: Account) -> list[Ticket]:
        """The account's newest tickets, newest first, at most `TICKETS_LISTED_MAX`."""
        ...

    async def get(self, account: Account, ticket_id: str) -> Ticket | None:
        """The ticket, or `None` where this account has none by that id."""
        ...
