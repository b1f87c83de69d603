"""What the demo company charges: plans, fees, usage, add-ons and discounts, as its invoices are generated from.

Amounts are pence and include VAT. The rules that a specialist applies are in its own `services/<agent>/policy.py`; tests
hold both against the articles.
"""

from dataclasses import dataclass
from typing import Final, Literal

# --- one-off fees ----------------------------------------------------------------------------------------------
LATE_FEE_GRACE_DAYS: Final = 7
"""The late fee is charged, on the next invoice, when an invoice is still unpaid 7 days after its due date."""
LATE_FEE_PENCE: Final = 500
FAILED_DIRECT_DEBIT_FEE_PENCE: Final = 300
PAPER_BILL_FEE_PENCE: Final = 250
SIM_REPLACEMENT_FEE_PENCE: Final = 500
BROADBAND_SETUP_FEE_PENCE: Final = 1500

# --- usage and roaming -----------------------------------------------------------------------------------------
EUROPE_DAY_PASS_PENCE: Final = 230
WORLD_DAY_PASS_PENCE: Final = 600
EXTRA_DATA_PENCE_PER_GB: Final = 250
INTERNATIONAL_CALL_PENCE_PER_MINUTE: Final = 35
SERVICE_NUMBER_PENCE_PER_MINUTE: Final = 18
"""Calls to 084 and 087 numbers (our access charge)."""
PICTURE_MESSAGE_PENCE: Final = 20

# --- add-ons (a month) and discounts ---------------------------------------------------------------------------
ADD_ONS_PENCE: Final = {
    "Data Boost 10 GB": 600,
    "International Minutes 100": 500,
    "Device Care": 750,
    "Whole Home Wi-Fi": 600,
    "Static IP address": 400,
    "TV Pack": 1200,
}
LOYALTY_DISCOUNT_PENCE: Final = 300
"""A month, from the third year on, or where a customer was given it."""
WELCOME_DISCOUNT_PENCE: Final = 500
WELCOME_DISCOUNT_MONTHS: Final = 6
SECOND_MOBILE_DISCOUNT_PERCENT: Final = 10
"""Off the plan price of the second mobile line of a household."""

# --- credits ---------------------------------------------------------------------------------------------------
OUTAGE_CREDIT_PENCE_PER_DAY: Final = 980
"""Automatic compensation for each whole day of a total loss of service, from the third working day on."""


# --- plans -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class DemoPlan:
    """A tariff of one brand. `None` for data means unlimited; speeds are for broadband only."""

    id: str
    tenant: str
    kind: Literal["mobile", "broadband"]
    name: str
    price_pence: int
    contract_months: int
    data_gb: int | None = None
    europe_roaming_included: bool = False
    network: str = ""
    download_mbps: int = 0
    upload_mbps: int = 0


PLANS: Final = (
    DemoPlan("aurora-lite-5", "aurora", "mobile", "Aurora Lite 5", 900, 12, 5, network="5G"),
    DemoPlan("aurora-go-20", "aurora", "mobile", "Aurora Go 20", 1400, 24, 20, network="5G"),
    DemoPlan("aurora-plus-60", "aurora", "mobile", "Aurora Plus 60", 1900, 24, 60, network="5G"),
    DemoPlan("aurora-max", "aurora", "mobile", "Aurora Max Unlimited", 2900, 24, None, True, "5G"),
    DemoPlan("aurora-flex-30", "aurora", "mobile", "Aurora Flex 30", 1800, 1, 30, network="5G"),
    DemoPlan("aurora-fibre-40", "aurora", "broadband", "Aurora Fibre 40", 2600, 18, None, False, "FTTC", 40, 10),
    DemoPlan("aurora-fibre-80", "aurora", "broadband", "Aurora Fibre 80", 3000, 18, None, False, "FTTC", 80, 20),
    DemoPlan("aurora-full-500", "aurora", "broadband", "Aurora Full Fibre 500", 3800, 24, None, False, "FTTP", 500, 75),
    DemoPlan("borealis-start-6", "borealis", "mobile", "Borealis Start 6", 950, 12, 6, network="4G"),
    DemoPlan("borealis-steady-25", "borealis", "mobile", "Borealis Steady 25", 1550, 24, 25, network="5G"),
    DemoPlan("borealis-roam-50", "borealis", "mobile", "Borealis Roam 50", 2200, 24, 50, True, "5G"),
    DemoPlan("borealis-endless", "borealis", "mobile", "Borealis Endless", 3000, 24, None, True, "5G"),
    DemoPlan("borealis-monthly-15", "borealis", "mobile", "Borealis Monthly 15", 1500, 1, 15, network="5G"),
    DemoPlan("borealis-home-36", "borealis", "broadband", "Borealis Home 36", 2500, 18, None, False, "FTTC", 36, 9),
    DemoPlan("borealis-home-100", "borealis", "broadband", "Borealis Home 100", 3100, 24, None, False, "FTTP", 100, 30),
    DemoPlan(
        "borealis-home-giga", "borealis", "broadband", "Borealis Home Gigabit", 4400, 24, None, False, "FTTP", 900, 110
    ),
)

PLAN_BY_ID: Final = {plan.id: plan for plan in PLANS}


def plans_of(tenant: str, kind: Literal["mobile", "broadband"] | None = None) -> list[DemoPlan]:
    """The plans a brand sells, cheapest first."""
    chosen = [plan for plan in PLANS if plan.tenant == tenant and kind in (None, plan.kind)]
    return sorted(chosen, key=lambda plan: plan.price_pence)


ROUTERS: Final = {
    "aurora": {"FTTC": "Aurora Hub 2", "FTTP": "Aurora Hub 3 Pro"},
    "borealis": {"FTTC": "Borealis Box One", "FTTP": "Borealis Box Fibre"},
}
"""The router that comes with a broadband plan, by brand and network; all four are in the catalogue."""
