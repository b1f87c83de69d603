"""The sentences of the billing tools: finished, friendly, with every number in them."""

from collections.abc import Sequence
from datetime import date

from services.billing.book import Charge, Invoice, Payment, Refund
from services.billing.invoice_changes import compare
from services.billing.money import pounds
from services.billing.months import day_name, month_name
from services.billing.policy import REFUND_APPROVAL_WORKING_DAYS, REFUND_PAID_WITHIN_WORKING_DAYS

METHOD_NAMES = {"direct_debit": "direct debit", "card": "card"}


def invoice_headline(invoice: Invoice) -> str:
    name = month_name(invoice.month)
    return f"Your {name} invoice {invoice.id} is {pounds(invoice.total_pence)}, due on {day_name(invoice.due_on)}."


def invoice_charges(invoice: Invoice) -> str:
    period = f"{day_name(invoice.period_start)} to {day_name(invoice.period_end)}"
    return f"It covers {period}: {'; '.join(charge_text(charge) for charge in invoice.charges)}."


def charge_text(charge: Charge) -> str:
    detail = f" ({charge.detail})" if charge.detail else ""
    return f"{charge.label}{detail} {pounds(charge.amount_pence)}"


def invoice_state(invoice: Invoice, today: date) -> str:
    """Paid, open, overdue or paid too much; one sentence."""
    if invoice.credit_pence:
        return f"It is paid, and {pounds(invoice.credit_pence)} more than it asked for was paid."
    if not invoice.open_pence:
        return "It is paid in full."
    open_text = (
        "It is not paid yet" if not invoice.paid_pence else f"{pounds(invoice.open_pence)} of it is not paid yet"
    )
    overdue_days = (today - invoice.due_on).days
    if overdue_days > 0:
        return f"{open_text}, and it is overdue by {overdue_days} {'day' if overdue_days == 1 else 'days'}."
    return f"{open_text}; it is due in {-overdue_days} days." if overdue_days < 0 else f"{open_text}; it is due today."


def explanation(now: Invoice, before: Invoice | None) -> list[str]:
    """Why an invoice is what it is, against the one before it."""
    facts = [invoice_headline(now)]
    if before is None:
        return [*facts, "There is no invoice before it to compare it with.", invoice_charges(now)]
    difference_pence = now.total_pence - before.total_pence
    earlier = f"{month_name(before.month)} ({pounds(before.total_pence)})"
    differences = compare(now, before)
    if difference_pence:
        word = "more" if difference_pence > 0 else "less"
        facts.append(f"That is {pounds(abs(difference_pence))} {word} than {earlier}.")
    else:
        facts.append(f"That is the same amount as {earlier}.")
    if differences:
        opening = "The difference" if difference_pence else "What changed cancels out"
        facts.append(f"{opening}: {', '.join(difference.sentence_part() for difference in differences)}.")
    facts.extend(_plan_changes(now))
    return facts


def _plan_changes(invoice: Invoice) -> list[str]:
    prorated = [charge for charge in invoice.charges if charge.kind == "proration"]
    by_line: dict[str | None, list[Charge]] = {}
    for charge in prorated:
        by_line.setdefault(charge.line_id, []).append(charge)
    return [
        f"You changed from {charges[0].label} to {charges[1].label} within the period, so each plan is charged by the day: "
        f"{charges[0].label} {pounds(charges[0].amount_pence)} ({charges[0].detail}), "
        f"{charges[1].label} {pounds(charges[1].amount_pence)} ({charges[1].detail})."
        for charges in by_line.values()
        if len(charges) == 2
    ]


def payment_text(payment: Payment) -> str:
    """`28 October 2026: £47.20 by direct debit for the October 2026 invoice (PAY-106482)`."""
    state = "" if payment.settled else ", which failed, so no money was taken"
    if payment.settled and payment.refunded_pence:
        state = f", {pounds(payment.refunded_pence)} of it refunded or being refunded"
    return (
        f"{day_name(payment.paid_on)}: {pounds(payment.amount_pence)} by {METHOD_NAMES[payment.method]} "
        f"for the {month_name(payment.invoice_month)} invoice ({payment.id}{state})"
    )


def refund_text(refund: Refund) -> str:
    amount, payment = pounds(refund.amount_pence), refund.payment_id
    days = f"within {REFUND_PAID_WITHIN_WORKING_DAYS} working days"
    if refund.status == "accepted":
        return f"The refund {refund.id} of {amount} for {payment} is accepted and will be with you {days}."
    if refund.status == "pending_approval":
        return (
            f"The refund {refund.id} of {amount} for {payment} waits for a colleague's approval: "
            f"you will hear from us within {REFUND_APPROVAL_WORKING_DAYS} working days."
        )
    if refund.status == "paid":
        return f"The refund {refund.id} of {amount} for {payment}, requested on {day_name(refund.requested_on)}, has been paid."
    return f"The refund {refund.id} of {amount} for {payment} was refused."


def duplicates_of(payments: Sequence[Payment], window_days: int) -> list[tuple[Payment, Payment]]:
    """Pairs (first, duplicate): settled, the same invoice and amount, at most `window_days` apart; newest first."""
    settled = sorted((p for p in payments if p.settled), key=lambda p: (p.paid_on, p.id))
    pairs: list[tuple[Payment, Payment]] = []
    first_by_invoice: dict[tuple[str, int], Payment] = {}
    for payment in settled:
        first = first_by_invoice.setdefault((payment.invoice_id, payment.amount_pence), payment)
        if first is not payment and (payment.paid_on - first.paid_on).days <= window_days:
            pairs.append((first, payment))
    return pairs[::-1]
