"""What the billing agent can do. Every tool sees the books of the signed-in customer only."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from services.billing.book import Account, BillingBook, Invoice, RefundRefused
from services.billing.money import pounds
from services.billing.months import MONTH_PATTERN, day_name, mentioned_months, month_name, parse_month, spelled_out
from services.billing.policy import DUPLICATE_WINDOW_DAYS
from services.billing.seeding import billing_database
from services.billing.sentences import (
    METHOD_NAMES,
    charge_text,
    duplicates_of,
    explanation,
    invoice_charges,
    invoice_headline,
    invoice_state,
    payment_text,
    refund_text,
)
from services.billing.sqlite_book import SqliteBillingBook
from switchboard.agent import AgentSettings, ToolContext, tool
from switchboard.agent.clock import Clock
from switchboard.contracts.tools import Offer, ToolOutcome

NO_ACCOUNT = "There is no billing account behind your sign-in, so I see no invoices or payments."

Month = Annotated[
    str | None,
    Field(
        description="The invoice month; leave it out for the latest invoice.",
        pattern=MONTH_PATTERN,
        examples=["2026-10", "October", "October 2026", "last month"],
    ),
    BeforeValidator(spelled_out),  # after the field: it then reads first, and the schema stays as it is
]


class BillingTools:
    """Tools over a `BillingBook`; the clock decides what is overdue."""

    def __init__(self, book: BillingBook, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    @property
    def _today(self) -> date:
        return self._clock().date()

    @classmethod
    def open(cls, settings: AgentSettings) -> "BillingTools":
        """The tools over the agent's own database in `settings.data_dir`, made where it is new."""
        database = billing_database(Path(settings.data_dir) / "billing.sqlite", settings.demo_seed, settings.demo_today)
        return cls(SqliteBillingBook(database, settings.clock), settings.clock)

    @tool(
        description="One invoice: total, due date, whether it is paid, every line. For what a bill is, and when it is due."
    )
    async def get_invoice(self, ctx: ToolContext, month: Month = None) -> ToolOutcome:
        """Looks up one invoice (bill) of the customer: amount, due date, whether it is paid, and every line on it.

        Examples: "How much is my latest bill?"; "Show me my invoice for October"; "When is my bill due?";
        "What am I being charged for this month?"
        """
        invoices = await self._book.invoices(_account(ctx))
        invoice = self._chosen(invoices, month)
        if invoice is None:
            return self._no_invoice(invoices, month)
        facts = [invoice_headline(invoice), invoice_charges(invoice), invoice_state(invoice, self._today)]
        return ToolOutcome(facts=facts, data={"invoice": self._head(invoice)})

    @tool(
        description="Compares an invoice with the one before, line by line. For a bill that is higher, lower or surprising."
    )
    async def explain_invoice(self, ctx: ToolContext, month: Month = None) -> ToolOutcome:
        """Explains why an invoice (bill) is higher, lower or different than the one of the month before, line by line.

        Examples: "Why is my bill higher than last month?"; "Why did my invoice go up?"; "Explain my bill";
        "What changed on my November invoice?"; "Why is this month more expensive?"; "My bill is too high"
        """
        invoices = await self._book.invoices(_account(ctx))
        wanted, earlier = self._compared(ctx.message, month)
        invoice = self._chosen(invoices, wanted)
        if invoice is None:
            return self._no_invoice(invoices, wanted)
        before = next((i for i in invoices if i.month < invoice.month and earlier in (None, i.month)), None)
        data: dict[str, Any] = {"invoice": self._whole(invoice)}
        if before is not None:
            data["before"] = self._whole(before)
        return ToolOutcome(facts=explanation(invoice, before), data=data)

    @tool(
        description="The newest invoices as a list: total, due date, whether paid. For an overview, or several months."
    )
    async def list_invoices(
        self,
        ctx: ToolContext,
        count: Annotated[int, Field(description="How many of the newest invoices.", ge=1, le=24, examples=[6])] = 6,
    ) -> ToolOutcome:
        """Lists the customer's newest invoices with amount, due date and whether each is paid.

        Examples: "List my invoices"; "Show me my bills of the last six months"; "What did I pay this year?";
        "Can I see my billing history?"
        """
        invoices = (await self._book.invoices(_account(ctx)))[:count]
        if not invoices:
            return ToolOutcome(facts=[NO_ACCOUNT])
        facts = [f"Your newest {len(invoices)} invoices:" if len(invoices) > 1 else "Your newest invoice:"]
        for invoice in invoices:
            state = invoice_state(invoice, self._today).removeprefix("It is ").rstrip(".")
            facts.append(f"{month_name(invoice.month)}: {pounds(invoice.total_pence)}, {state} ({invoice.id}).")
        return ToolOutcome(facts=facts, data={"invoices": [self._whole(invoice) for invoice in invoices]})

    @tool(
        description="Payments that arrived: date, method, PAY number. For whether or when a payment arrived, and its number."
    )
    async def list_payments(self, ctx: ToolContext, month: Month = None) -> ToolOutcome:
        """Lists payments the customer made, with the PAY number of each: the newest, or those for one invoice month.

        Examples: "Did you get my payment?"; "Show my payments"; "When did I pay the October bill?";
        "Has my bill been paid?"; "What is the number of my last payment?"
        """
        payments = await self._book.payments(_account(ctx))
        if not payments:
            return ToolOutcome(facts=["I can see no payments on your account."])
        chosen, opening = payments[:6], "Your newest payments:"
        if month is not None:
            wanted = parse_month(month, self._today)
            chosen = [payment for payment in payments if payment.invoice_month == wanted]
            opening = f"Payments for your {month_name(wanted)} invoice:"
            if not chosen:
                return ToolOutcome(facts=[f"No payment for your {month_name(wanted)} invoice has arrived yet."])
        data = {
            "payments": [
                {"id": p.id, "paid_on": p.paid_on.isoformat(), "amount": pounds(p.amount_pence), "settled": p.settled}
                for p in chosen
            ]
        }
        return ToolOutcome(facts=[opening, *(f"{payment_text(payment)}." for payment in chosen)], data=data)

    @tool(description="Finds an invoice that was paid twice, and which payment is the duplicate.")
    async def find_duplicate_payments(self, ctx: ToolContext) -> ToolOutcome:
        """Finds payments that were taken twice for the same invoice, and offers to request their refund.

        Examples: "I was charged twice"; "You took the money two times"; "There is a duplicate payment";
        "I paid my bill twice by mistake"; "My account was debited twice"
        """
        account = _account(ctx)
        payments = await self._book.payments(account)
        if not payments:
            return ToolOutcome(facts=["I can see no payments on your account, so nothing was paid twice."])
        pairs = duplicates_of(payments, DUPLICATE_WINDOW_DAYS)
        waiting = [(first, second) for first, second in pairs if second.refunded_pence < second.amount_pence]
        if not pairs:
            return ToolOutcome(facts=["I checked all your payments: none was taken twice."])
        if not waiting:
            refunds = await self._book.refunds(account)
            first, second = pairs[0]
            facts = [f"Your {month_name(first.invoice_month)} invoice was paid twice, with {first.id} and {second.id}."]
            facts += [refund_text(refund) for refund in refunds if refund.payment_id == second.id]
            return ToolOutcome(facts=facts)
        facts = [
            f"Your {month_name(first.invoice_month)} invoice of {pounds(first.amount_pence)} was paid twice: "
            f"{first.id} by {METHOD_NAMES[first.method]} on {day_name(first.paid_on)} and "
            f"{second.id} by {METHOD_NAMES[second.method]} on {day_name(second.paid_on)}. "
            f"{second.id} is the duplicate."
            for first, second in waiting[:3]
        ]
        duplicate = waiting[0][1]
        left_pence = duplicate.amount_pence - duplicate.refunded_pence
        return ToolOutcome(
            facts=facts,
            offer=Offer(
                question=f"Would you like me to request a refund of {pounds(left_pence)} "
                f"for the duplicate payment {duplicate.id}?",
                tool="request_refund",
                arguments={"payment_id": duplicate.id, "reason": "The invoice was paid twice."},
            ),
            data={"duplicates": [{"first": first.id, "duplicate": second.id} for first, second in waiting]},
        )

    @tool(description="What is owed in all today: open and overdue invoices, and credit.")
    async def get_balance(self, ctx: ToolContext) -> ToolOutcome:
        """Tells what the customer owes: open and overdue invoices, and credit from payments above an invoice.

        Examples: "What is my balance?"; "How much do I owe?"; "Is anything overdue?"; "Do I have an unpaid bill?";
        "Do I have credit on my account?"
        """
        invoices = await self._book.invoices(_account(ctx))
        if not invoices:
            return ToolOutcome(facts=[NO_ACCOUNT])
        open_invoices = [invoice for invoice in reversed(invoices) if invoice.open_pence]
        owed_pence = sum(invoice.open_pence for invoice in open_invoices)
        credit_pence = sum(invoice.credit_pence for invoice in invoices)
        if not open_invoices:
            facts = ["You owe nothing: all your invoices are paid."]
        else:
            facts = [f"{pounds(owed_pence)} is open on your account."]
        for invoice in open_invoices:
            overdue_days = (self._today - invoice.due_on).days
            when = f"overdue by {overdue_days} days, it was due" if overdue_days > 0 else "due"
            name = month_name(invoice.month)
            facts.append(f"{name}: {pounds(invoice.open_pence)}, {when} on {day_name(invoice.due_on)} ({invoice.id}).")
        if credit_pence:
            facts.append(
                f"{pounds(credit_pence)} more than your invoices asked for was paid, which stands to your credit."
            )
        return ToolOutcome(
            facts=facts,
            data={
                "open": pounds(owed_pence),
                "credit": pounds(credit_pence),
                "balance": pounds(owed_pence - credit_pence),
            },
        )

    @tool(description="Whether direct debit or card pays, and when the next payment is taken.")
    async def payment_method(self, ctx: ToolContext) -> ToolOutcome:
        """Tells how the customer pays (direct debit or card), and when the next payment is taken.

        Examples: "Am I paying by direct debit?"; "When will the money be taken?"; "How do I pay my bill?";
        "What is my payment method?"
        """
        account = _account(ctx)
        method = await self._book.payment_method(account)
        if method is None:
            return ToolOutcome(facts=[NO_ACCOUNT])
        facts = [f"You pay by {METHOD_NAMES[method]}."]
        waiting = [i for i in await self._book.invoices(account) if i.open_pence and i.due_on >= self._today]
        for invoice in waiting[:1]:
            amount, name = pounds(invoice.open_pence), month_name(invoice.month)
            if method == "direct_debit":
                facts.append(f"{amount} for your {name} invoice is collected on {day_name(invoice.due_on)}.")
            else:
                facts.append(f"Please pay {amount} for your {name} invoice by {day_name(invoice.due_on)}.")
        return ToolOutcome(facts=facts, data={"payment_method": method})

    @tool(description="Requests the refund of one payment, by its PAY number.")
    async def request_refund(
        self,
        ctx: ToolContext,
        payment_id: Annotated[
            str,
            Field(
                description="The payment to refund, PAY- and six digits.",
                pattern=r"^[Pp][Aa][Yy]-\d{6}$",
                examples=["PAY-106722"],
                json_schema_extra={
                    "x-ask": "Which payment should be refunded? Please give me its number, "
                    "PAY- and six digits: 'show my payments' lists them.",
                    "x-found-by": "find_duplicate_payments",
                },
            ),
        ],
        reason: Annotated[
            str, Field(description="Why, in the customer's words.", max_length=300)
        ] = "Asked for in chat.",
    ) -> ToolOutcome:
        """Requests the refund of one payment the customer made. Changes the account: needs the payment's PAY number.

        Examples: "I want a refund"; "Refund PAY-106722"; "Please give me my money back";
        "Can you refund this payment?"
        """
        payment_id = payment_id.upper()
        try:
            refund = await self._book.request_refund(_account(ctx), payment_id, reason, request_key=_request_key(ctx))
        except RefundRefused as refused:
            return ToolOutcome(facts=[refused.message], data={"status": "refused", "payment_id": payment_id})
        data = {
            "refund_id": refund.id,
            "status": refund.status,
            "amount": pounds(refund.amount_pence),
            "payment_id": payment_id,
        }
        return ToolOutcome(facts=["Your refund is requested.", refund_text(refund)], data=data)

    @tool(description="How far a refund is: one by its REF number, else the newest.")
    async def refund_status(
        self,
        ctx: ToolContext,
        refund_id: Annotated[
            str | None,
            Field(
                description="The refund, REF- and six digits.", pattern=r"^[Rr][Ee][Ff]-\d{6}$", examples=["REF-500061"]
            ),
        ] = None,
    ) -> ToolOutcome:
        """Tells how far a refund is: one by its REF number, or the customer's newest ones.

        Examples: "Where is my refund?"; "What is the status of my refund?"; "Has REF-500061 been paid?";
        "When do I get my money back?"
        """
        refunds = await self._book.refunds(_account(ctx))
        if refund_id is not None:
            refunds = [refund for refund in refunds if refund.id == refund_id.upper()]
            if not refunds:
                return ToolOutcome(facts=[f"I cannot find a refund {refund_id} on your account."])
        if not refunds:
            return ToolOutcome(facts=["No refund has been requested on your account."])
        data = {"refunds": [{"id": r.id, "status": r.status, "amount": pounds(r.amount_pence)} for r in refunds[:5]]}
        return ToolOutcome(facts=[refund_text(refund) for refund in refunds[:5]], data=data)

    def _head(self, invoice: Invoice) -> dict[str, Any]:
        """Amounts as they are written: who reads the data need not turn pence into pounds."""
        return {
            "id": invoice.id,
            "month": invoice.month,
            "due_on": invoice.due_on.isoformat(),
            "total": pounds(invoice.total_pence),
            "open": pounds(invoice.open_pence),
            "state": invoice_state(invoice, self._today),
        }

    def _whole(self, invoice: Invoice) -> dict[str, Any]:
        return {**self._head(invoice), "charges": [charge_text(charge) for charge in invoice.charges]}

    def _chosen(self, invoices: list[Invoice], month: str | None) -> Invoice | None:
        if month is None:
            return invoices[0] if invoices else None
        wanted = parse_month(month, self._today)
        return next((invoice for invoice in invoices if invoice.month == wanted), None)

    def _compared(self, message: str, month: str | None) -> tuple[str | None, str | None]:
        """Which month to explain, and against which: in "higher than in October" October is the one to compare with."""
        named = mentioned_months(message, self._today)
        against = next((each for each, is_compared in named if is_compared), None)
        if month is None or against is None or parse_month(month, self._today) != against:
            return month, None
        return next((each for each, is_compared in named if not is_compared), None), against

    def _no_invoice(self, invoices: list[Invoice], month: str | None) -> ToolOutcome:
        if not invoices or month is None:
            return ToolOutcome(facts=[NO_ACCOUNT])
        wanted, oldest, newest = parse_month(month, self._today), invoices[-1].month, invoices[0].month
        return ToolOutcome(
            facts=[
                f"I can see no invoice for {month_name(wanted)}; "
                f"I can see those from {month_name(oldest)} to {month_name(newest)}."
            ]
        )


def _account(ctx: ToolContext) -> Account:
    return Account(ctx.principal.tenant, ctx.principal.user)


def _request_key(ctx: ToolContext) -> str:
    """The same for a redelivered turn, different for every other wish of any customer."""
    return f"{ctx.principal.tenant}|{ctx.principal.user}|{ctx.turn_id}|{ctx.call_id}"
