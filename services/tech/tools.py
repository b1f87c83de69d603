"""The tech agent's tools. Every one of them sees only the customer who is asking."""

import dataclasses
import re
from typing import Annotated, Any

from pydantic import Field

from services.tech.desk import PROBLEM_CHARACTERS_MAX, TICKETS_LISTED_MAX, Account, Category, TicketDesk
from services.tech.diagnostics import Diagnostics
from services.tech.policy import ENGINEER_WITHIN_WORKING_DAYS
from services.tech.seeding import tech_database
from services.tech.sqlite_desk import SqliteTicketDesk
from services.tech.sqlite_diagnostics import SqliteDiagnostics
from services.tech.wording import STATUS_WORDS, device_fact, fault_of, outage_fact, test_facts, ticket_fact
from switchboard.agent import AgentSettings, ToolContext, tool
from switchboard.contracts.tools import Offer, ToolOutcome

TICKET_QUESTION = "Would you like me to open a ticket for this?"
TICKET_QUESTION_AFTER_ADVICE = "If that does not solve it, would you like me to open a ticket for this?"

FAULT_WORDS = re.compile(
    r"\b(not|no|never|cannot|can't|won't|doesn't|don't|isn't|stopped|slow|slowly|drop\w*|los[et]\w*|los(s|ing)|fail\w*|red|amber|"
    r"blink\w*|flash\w*|broken|crash\w*|wrong|error|stuck|keeps?|bad|weak|poor|dead|down|offline|interrupt\w*|disconnect\w*|"
    r"buffer\w*|lag\w*|trouble|problem|issue|fault\w*)\b",
    re.IGNORECASE,
)
"""What a customer who has a fault says, and one who only asks how something is done does not."""

CATEGORY_WORDS: tuple[tuple[Category, re.Pattern[str]], ...] = (
    ("tv", re.compile(r"\b(tv|television|recording|channel)\b", re.IGNORECASE)),
    (
        "broadband",
        re.compile(r"\b(router|hub|box|broadband|wi-?fi|internet|fibre|line|mesh|packet|light)\b", re.IGNORECASE),
    ),
    ("device", re.compile(r"\b(screen|battery|charg\w*|camera|tablet|watch|earphones)\b", re.IGNORECASE)),
)


class TechTools:
    """Diagnostics and tickets, behind their two ports."""

    def __init__(self, desk: TicketDesk, diagnostics: Diagnostics) -> None:
        self._desk = desk
        self._diagnostics = diagnostics

    @classmethod
    def open(cls, settings: AgentSettings) -> "TechTools":
        """The tools over the embedded database, filled with the demo company when it is new."""
        database = tech_database(settings.data_dir / "tech.sqlite", settings.demo_seed, settings.demo_today)
        return cls(SqliteTicketDesk(database, settings.clock), SqliteDiagnostics(database))

    def knowledge_offer(self, ctx: ToolContext, query: str) -> Offer | None:
        """What to offer after an answer from the articles: a ticket, where the customer tells of a fault."""
        if not FAULT_WORDS.search(ctx.message):
            return None
        return Offer(
            question=TICKET_QUESTION_AFTER_ADVICE, tool="open_ticket", arguments={"problem": _subject(ctx.message)}
        )

    def unanswered_offer(self, ctx: ToolContext, query: str) -> Offer | None:
        """What to offer where the articles do not answer: a ticket."""
        return Offer(question=TICKET_QUESTION, tool="open_ticket", arguments={"problem": _subject(ctx.message)})

    @tool(description="Tests the customer's own line and router now: light, speed, packet loss, restarts, incident.")
    async def run_line_diagnostics(self, ctx: ToolContext) -> ToolOutcome:
        """Test the customer's own broadband line and router now: light, speed, packet loss, restarts, area incident.

        Examples: "Run a line test"; "Can you check my broadband line?"; "Is there a fault on my line?";
        "Test my connection please"; "What speed does my line really get?"; "Is something wrong with my internet connection?"
        """
        account = _account(ctx)
        tests = await self._diagnostics.test_lines(account)
        if not tests:
            return ToolOutcome(facts=["You have no broadband line with us, so there is no line to test."])
        facts: list[str] = []
        data: list[dict[str, Any]] = []
        offer: Offer | None = None
        town = await self._diagnostics.town(account)
        outages = await self._diagnostics.outages(account.tenant, town) if town else []
        for test in tests:
            outage = next((each for each in outages if each.id == test.incident_id), None)
            facts += test_facts(test, outage)
            fault = fault_of(test)
            if fault and outage is None and offer is None:
                offer = Offer(question=TICKET_QUESTION, tool="open_ticket", arguments={"problem": fault})
            data.append(dataclasses.asdict(test))
        return ToolOutcome(facts=facts, offer=offer, data={"tests": _plain(data)})

    @tool(description="The customer's own routers and phones, with serial numbers, lines and plans.")
    async def list_devices(self, ctx: ToolContext) -> ToolOutcome:
        """List the customer's own devices: routers and phones, their serial numbers, lines and plans.

        Examples: "Which devices do I have?"; "What router do I have?"; "What is my router's serial number?";
        "Which phone is on my account?"; "List my devices"
        """
        devices = await self._diagnostics.devices(_account(ctx))
        if not devices:
            return ToolOutcome(facts=["There is no device on your account."])
        heading = f"You have {len(devices)} device{'s' if len(devices) > 1 else ''} on your account."
        return ToolOutcome(
            facts=[heading, *(device_fact(device) for device in devices)],
            data={"devices": _plain([dataclasses.asdict(device) for device in devices])},
        )

    @tool(description="Opens a support ticket, so that a technician looks at a problem.")
    async def open_ticket(
        self,
        ctx: ToolContext,
        problem: Annotated[
            str,
            Field(
                description="What is wrong, in the customer's words",
                min_length=3,
                max_length=PROBLEM_CHARACTERS_MAX,
                json_schema_extra={"x-ask": "What should the ticket say is wrong?"},
            ),
        ],
    ) -> ToolOutcome:
        """Open a support ticket, so that a technician looks at the problem.

        Examples: "Open a ticket"; "Please open a ticket for this"; "Raise a ticket about my broadband";
        "I want to report a fault"; "Create a support ticket"; "Can a technician look at it?"; "Send an engineer"
        """
        ticket = await self._desk.open(
            _account(ctx), _subject(problem), _category(problem), request_key=f"{ctx.turn_id}|{ctx.call_id}"
        )
        return ToolOutcome(
            facts=[
                f"I opened ticket {ticket.id}: {ticket.subject.rstrip('.')}.",
                f"A technician answers within {ENGINEER_WITHIN_WORKING_DAYS} working days.",
            ],
            data={"ticket": _plain(dataclasses.asdict(ticket))},
        )

    @tool(
        description="The customer's tickets with their status, the newest first. For news of a ticket without a number."
    )
    async def list_tickets(self, ctx: ToolContext) -> ToolOutcome:
        """List the customer's own support tickets with their status, the newest first.

        Examples: "What is the status of my ticket?"; "Show my tickets"; "Do I have any open tickets?";
        "Has somebody looked at my ticket?"; "Is there any news about my fault report?"
        """
        tickets = await self._desk.list(_account(ctx))
        if not tickets:
            return ToolOutcome(facts=["You have no tickets."])
        pending = sum(ticket.status != "resolved" for ticket in tickets)
        count = f"{len(tickets)} ticket{'s' if len(tickets) > 1 else ''}"
        newest = "These are your newest" if len(tickets) == TICKETS_LISTED_MAX else "You have"
        heading = f"{newest} {count}, {pending} of them not resolved yet."
        return ToolOutcome(
            facts=[heading, *(ticket_fact(ticket) for ticket in tickets)],
            data={"tickets": _plain([dataclasses.asdict(ticket) for ticket in tickets])},
        )

    @tool(description="One ticket by its number: status, dates, last note.")
    async def get_ticket(
        self,
        ctx: ToolContext,
        ticket_id: Annotated[
            str,
            Field(
                description="The number of the ticket",
                pattern=r"^TCK-\d{6}$",
                examples=["TCK-100001"],
                json_schema_extra={"x-ask": "Which ticket do you mean? Its number looks like TCK-100001."},
            ),
        ],
    ) -> ToolOutcome:
        """Read one support ticket by its number: status, dates and the last note.

        Examples: "What happened to ticket TCK-100001?"; "Status of TCK-100002"; "Is TCK-100010 done?"
        """
        ticket = await self._desk.get(_account(ctx), ticket_id)
        if ticket is None:
            return ToolOutcome(facts=[f"There is no ticket {ticket_id} on your account."])
        return ToolOutcome(
            facts=[ticket_fact(ticket)],
            data={"ticket": _plain(dataclasses.asdict(ticket)), "status": STATUS_WORDS[ticket.status]},
        )

    @tool(description="Known outages in a town, or where the customer lives. Not a test of the customer's own line.")
    async def check_outage(
        self,
        ctx: ToolContext,
        area: Annotated[
            str | None,
            Field(description="A town; the customer's own when none is named", max_length=60, examples=["Leeds"]),
        ] = None,
    ) -> ToolOutcome:
        """Check for a known outage or network fault in a town, or in the customer's own area.

        Examples: "Is there an outage in my area?"; "Are you having network problems?"; "Is the network down in Leeds?";
        "When will the outage be fixed?"; "Is broadband down near me?"
        """
        account = _account(ctx)
        town = await self._town_named(account.tenant, area) if area else await self._diagnostics.town(account)
        if town is None:
            return ToolOutcome(
                facts=[f"We have no network of our own in {area}." if area else "I do not know your area."]
            )
        outages = await self._diagnostics.outages(account.tenant, town)
        facts = [outage_fact(outage) for outage in outages] or [f"There is no known outage in {town} at the moment."]
        return ToolOutcome(facts=facts, data={"outages": _plain([dataclasses.asdict(outage) for outage in outages])})

    async def _town_named(self, tenant: str, words: str) -> str | None:
        """The town among `words`, as in "the network in Leeds"."""
        said = f" {words.casefold()} "
        towns = await self._diagnostics.towns(tenant)
        return next((town for town in towns if re.search(rf"\b{re.escape(town.casefold())}\b", said)), None)


def _account(ctx: ToolContext) -> Account:
    return Account(tenant=ctx.principal.tenant, customer_id=ctx.principal.user)


def _subject(words: str) -> str:
    return " ".join(words.split())[:PROBLEM_CHARACTERS_MAX]


def _category(problem: str) -> Category:
    for category, words in CATEGORY_WORDS:
        if words.search(problem):
            return category
    return "mobile"


def _plain(rows: Any) -> Any:
    """Dates as ISO text, for JSON."""
    if isinstance(rows, list):
        return [_plain(row) for row in rows]
    if isinstance(rows, dict):
        return {key: _plain(value) for key, value in rows.items()}
    return rows.isoformat() if hasattr(rows, "isoformat") else rows
