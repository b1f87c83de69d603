"""What must stand in the history of the customers behind the demo keys: the cases that everybody tries first."""

from typing import Final

from switchboard.demo.model import DemoCharge
from switchboard.demo.tariff import ADD_ONS_PENCE, EUROPE_DAY_PASS_PENCE, PICTURE_MESSAGE_PENCE


def _roaming(country: str, days: int, line_id: str) -> DemoCharge:
    detail = f"{days} Europe day passes at £2.30"
    return DemoCharge("roaming", f"Roaming in {country}", days * EUROPE_DAY_PASS_PENCE, detail, line_id)


def _pictures(count: int, line_id: str) -> DemoCharge:
    return DemoCharge("usage", "Picture messages", count * PICTURE_MESSAGE_PENCE, f"{count} at £0.20", line_id)


def _add_on(name: str, line_id: str) -> DemoCharge:
    return DemoCharge("add_on", name, ADD_ONS_PENCE[name], "", line_id)


EXTRA_CHARGES: Final[dict[tuple[str, str], tuple[DemoCharge, ...]]] = {
    # Ada: £47.20 in October, £61.40 in November.
    ("C-10001", "2026-10"): (_pictures(6, "L-10001-1"),),
    ("C-10001", "2026-11"): (
        _roaming("Spain", 4, "L-10001-1"),
        _add_on("Data Boost 10 GB", "L-10001-1"),
        _pictures(1, "L-10001-1"),
    ),
    # Cleo: £58.50 in October, £72.90 in November.
    ("C-10151", "2026-11"): (_roaming("France", 3, "L-10151-1"), _add_on("Device Care", "L-10151-1")),
}
"""Besides plans, prorations and fees that follow from the contract; nothing random is added to these customers."""

PAID_TWICE: Final = {("C-10001", "2026-10"), ("C-10151", "2026-10")}
"""The direct debit ran, and the same amount was paid by card two days later."""

NEVER_PAID: Final = {("C-10002", "2026-10")}
"""The direct debit failed and nothing came since."""
