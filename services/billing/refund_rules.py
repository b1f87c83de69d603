"""Which refunds are given, and which a colleague must approve (docs: the article on refunds; numbers: the policy)."""

from collections.abc import Sequence
from datetime import date, timedelta

from services.billing.book import Payment, Refund, RefundRefused, RefundStatus
from services.billing.money import pounds
from services.billing.months import day_name
from services.billing.policy import (
    REFUND_AUTOMATIC_MAX_PENCE,
    REFUND_AUTOMATIC_WINDOW_DAYS,
    REFUND_REQUEST_MAX_DAYS,
)


def decide(payment: Payment, refunds: Sequence[Refund], today: date) -> tuple[int, RefundStatus]:
    """Pence to refund and whether at once or after approval. `refunds` are the account's. Raises `RefundRefused`."""
    if not payment.settled:
        raise RefundRefused(
            f"The payment {payment.id} of {pounds(payment.amount_pence)} on {day_name(payment.paid_on)} failed, "
            "so no money was taken and there is nothing to refund."
        )
    amount_pence = payment.amount_pence - payment.refunded_pence
    if amount_pence <= 0:
        given = next(
            (refund for refund in refunds if refund.payment_id == payment.id and refund.status != "refused"), None
        )
        by = f": see {given.id} of {day_name(given.requested_on)}" if given else ""
        raise RefundRefused(f"A refund of the payment {payment.id} has already been requested or paid{by}.")
    if (today - payment.paid_on).days > REFUND_REQUEST_MAX_DAYS:
        raise RefundRefused(
            f"The payment {payment.id} was made on {day_name(payment.paid_on)}; "
            f"payments can be refunded for {REFUND_REQUEST_MAX_DAYS} days."
        )
    since = today - timedelta(days=REFUND_AUTOMATIC_WINDOW_DAYS)
    recent_pence = sum(r.amount_pence for r in refunds if r.status in ("accepted", "paid") and r.requested_on >= since)
    automatic = recent_pence + amount_pence <= REFUND_AUTOMATIC_MAX_PENCE
    return amount_pence, "accepted" if automatic else "pending_approval"
