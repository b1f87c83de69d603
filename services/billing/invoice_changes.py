"""What changed between two invoices, line by line. The differences sum to the difference of the totals."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.billing.book import Charge, Invoice
from services.billing.money import pounds, signed_pounds


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that costs more or less than on the earlier invoice; `None` where it was not on an invoice."""

    label: str
    before_pence: int | None
    now_pence: int | None
    detail: str = ""

    @property
    def amount_pence(self) -> int:
        return (self.now_pence or 0) - (self.before_pence or 0)

    def sentence_part(self) -> str:
        """`Roaming in Spain +£9.20 (4 Europe day passes at £2.30)`."""
        reasons: list[str] = []
        if self.before_pence is None:
            reasons.append(self.detail or "new")
        elif self.now_pence is None:
            reasons.append(f"no longer on the invoice, was {pounds(self.before_pence)}")
        else:
            reasons.append(f"{pounds(self.now_pence)} instead of {pounds(self.before_pence)}")
            if self.detail:
                reasons.append(self.detail)
        return f"{self.label} {signed_pounds(self.amount_pence)} ({'; '.join(reasons)})"


def compare(now: Invoice, before: Invoice) -> list[Difference]:
    """The differences that are not zero, the largest first."""
    new, old = _by_key(now.charges), _by_key(before.charges)
    differences: list[Difference] = []
    for key in [*new, *(key for key in old if key not in new)]:
        charges = new.get(key)
        # The same plan on the same line stays comparable when its detail (a phone number) says nothing of the amount.
        detail = "; ".join(c.detail for c in charges if c.detail and c.kind != "plan") if charges else ""
        differences.append(
            Difference(
                label=key[0],
                before_pence=_sum(old[key]) if key in old else None,
                now_pence=_sum(charges) if charges else None,
                detail=detail,
            )
        )
    return sorted((d for d in differences if d.amount_pence), key=lambda d: (-abs(d.amount_pence), d.label))


def _by_key(charges: Iterable[Charge]) -> dict[tuple[str, str | None], list[Charge]]:
    groups: dict[tuple[str, str | None], list[Charge]] = {}
    for charge in charges:
        groups.setdefault((charge.label, charge.line_id), []).append(charge)
    return groups


def _sum(charges: Iterable[Charge]) -> int:
    return sum(charge.amount_pence for charge in charges)
