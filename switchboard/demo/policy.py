"""The numbers and rules of the demo company: what its data, its tools and its knowledge articles agree on.

Amounts are pence and include VAT; whoever writes an article takes them from here.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

SEED: Final = 20260101
TODAY: Final = date(2026, 11, 15)

BRANDS: Final = {"aurora": "Aurora Mobile", "borealis": "Borealis Telecom"}

# --- invoices and payments -------------------------------------------------------------------------------------
MONTHS_OF_INVOICES: Final = 24
INVOICE_DAY: Final = 14
"""An invoice is issued on the 14th and covers the 14th of the month before up to the 13th."""
PAYMENT_TERM_DAYS: Final = 14
"""An invoice is due 14 days after it was issued: on the 28th. Direct debits are taken on that day."""
LATE_FEE_GRACE_DAYS: Final = 7
"""The late fee is charged, on the next invoice, when an invoice is still unpaid 7 days after its due date."""
SUSPENSION_DAYS: Final = 30
"""Outgoing calls and data are paused when an invoice is more than 30 days overdue."""

# --- one-off fees ----------------------------------------------------------------------------------------------
LATE_FEE_PENCE: Final = 500
FAILED_DIRECT_DEBIT_FEE_PENCE: Final = 300
PAPER_BILL_FEE_PENCE: Final = 250
SIM_REPLACEMENT_FEE_PENCE: Final = 500
BROADBAND_SETUP_FEE_PENCE: Final = 1500
MISSED_APPOINTMENT_FEE_PENCE: Final = 2500
ENGINEER_VISIT_FEE_PENCE: Final = 6000
"""Only when the fault is in the customer's own equipment or wiring; otherwise a visit is free."""
UNRETURNED_ROUTER_FEE_PENCE: Final = 5000
EARLY_EXIT_PERCENT: Final = 60
"""Leaving within the contract costs 60 % of the plan's price for each month that is left."""

# --- usage and roaming -----------------------------------------------------------------------------------------
EUROPE_DAY_PASS_PENCE: Final = 230
WORLD_DAY_PASS_PENCE: Final = 600
ROAMING_DATA_LIMIT_GB: Final = 25
"""How much of the plan's data may be used in a month with Europe day passes."""
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

# --- refunds ---------------------------------------------------------------------------------------------------
REFUND_AUTOMATIC_MAX_PENCE: Final = 5000
"""Refunds up to £50 in total within 30 days are accepted at once; above that a colleague approves."""
REFUND_AUTOMATIC_WINDOW_DAYS: Final = 30
REFUND_REQUEST_MAX_DAYS: Final = 180
"""A payment can be refunded for 180 days after it was made."""
REFUND_PAID_WITHIN_WORKING_DAYS: Final = 5
REFUND_APPROVAL_WORKING_DAYS: Final = 2
DUPLICATE_WINDOW_DAYS: Final = 10
"""Two settled payments of the same amount for the same invoice within 10 days: the later one is a duplicate."""
RETURN_DAYS: Final = 14
"""Products can be returned within 14 days of delivery; the plan's cooling-off period is the same."""
WARRANTY_MONTHS: Final = 24

# --- broadband faults ------------------------------------------------------------------------------------------
OUTAGE_CREDIT_PENCE_PER_DAY: Final = 980
"""Automatic compensation for each whole day of a total loss of service, from the third working day on."""
OUTAGE_CREDIT_AFTER_WORKING_DAYS: Final = 2
MINIMUM_SPEED_PERCENT: Final = 60
"""Below 60 % of the plan's speed for 30 days the customer may leave without a fee."""
ENGINEER_WITHIN_WORKING_DAYS: Final = 2
SUPPORT_PHONE: Final = {"aurora": "0800 496 0101", "borealis": "0800 496 0202"}
"""Ofcom's drama range: these numbers are nobody's."""

LED_MEANINGS: Final = {
    "solid green": "online and working",
    "blinking green": "starting up or updating its firmware (do not switch it off)",
    "blinking amber": "synchronising with the line",
    "solid amber": "the line is up, but the router cannot log in to the network",
    "blinking red": "loss of signal: no signal arrives on the line",
    "solid red": "a hardware fault in the router",
    "blinking blue": "waiting for a device to pair (WPS)",
    "off": "no power, or the lights were switched off in the settings",
}
"""State of the broadband light on every router we hand out, and what it means."""


@dataclass(frozen=True, slots=True)
class Plan:
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
    Plan("aurora-lite-5", "aurora", "mobile", "Aurora Lite 5", 900, 12, 5, network="5G"),
    Plan("aurora-go-20", "aurora", "mobile", "Aurora Go 20", 1400, 24, 20, network="5G"),
    Plan("aurora-plus-60", "aurora", "mobile", "Aurora Plus 60", 1900, 24, 60, network="5G"),
    Plan("aurora-max", "aurora", "mobile", "Aurora Max Unlimited", 2900, 24, None, True, "5G"),
    Plan("aurora-flex-30", "aurora", "mobile", "Aurora Flex 30", 1800, 1, 30, network="5G"),
    Plan("aurora-fibre-40", "aurora", "broadband", "Aurora Fibre 40", 2600, 18, None, False, "FTTC", 40, 10),
    Plan("aurora-fibre-80", "aurora", "broadband", "Aurora Fibre 80", 3000, 18, None, False, "FTTC", 80, 20),
    Plan("aurora-full-500", "aurora", "broadband", "Aurora Full Fibre 500", 3800, 24, None, False, "FTTP", 500, 75),
    Plan("borealis-start-6", "borealis", "mobile", "Borealis Start 6", 950, 12, 6, network="4G"),
    Plan("borealis-steady-25", "borealis", "mobile", "Borealis Steady 25", 1550, 24, 25, network="5G"),
    Plan("borealis-roam-50", "borealis", "mobile", "Borealis Roam 50", 2200, 24, 50, True, "5G"),
    Plan("borealis-endless", "borealis", "mobile", "Borealis Endless", 3000, 24, None, True, "5G"),
    Plan("borealis-monthly-15", "borealis", "mobile", "Borealis Monthly 15", 1500, 1, 15, network="5G"),
    Plan("borealis-home-36", "borealis", "broadband", "Borealis Home 36", 2500, 18, None, False, "FTTC", 36, 9),
    Plan("borealis-home-100", "borealis", "broadband", "Borealis Home 100", 3100, 24, None, False, "FTTP", 100, 30),
    Plan(
        "borealis-home-giga", "borealis", "broadband", "Borealis Home Gigabit", 4400, 24, None, False, "FTTP", 900, 110
    ),
)

PLAN_BY_ID: Final = {plan.id: plan for plan in PLANS}


def plans_of(tenant: str, kind: Literal["mobile", "broadband"] | None = None) -> list[Plan]:
    """The plans a brand sells, cheapest first."""
    chosen = [plan for plan in PLANS if plan.tenant == tenant and kind in (None, plan.kind)]
    return sorted(chosen, key=lambda plan: plan.price_pence)


ROUTERS: Final = {
    "aurora": {"FTTC": "Aurora Hub 2", "FTTP": "Aurora Hub 3 Pro"},
    "borealis": {"FTTC": "Borealis Box One", "FTTP": "Borealis Box Fibre"},
}
"""The router that comes with a broadband plan, by brand and network; all four are in the catalogue."""
