"""What each customer rents: lines, the plans they had on them, devices, add-ons, discounts."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final

from switchboard.demo.catalogue import PRODUCT_BY_ID, PRODUCTS
from switchboard.demo.model import DemoCustomer, DemoDevice, DemoLine, DemoUsage, LineKind
from switchboard.demo.people import customer_random
from switchboard.demo.tariff import ADD_ONS_PENCE, PLAN_BY_ID, ROUTERS, DemoPlan, plans_of

INSTALMENTS: Final = 24


@dataclass(frozen=True, slots=True)
class PlanPeriod:
    """The plan of a line from `start` on, until the next one starts."""

    plan: DemoPlan
    start: date


@dataclass(frozen=True, slots=True)
class Instalments:
    """A device paid in 24 monthly parts, the first in the invoice that covers `start`."""

    name: str
    line_id: str
    price_pence: int
    start: date

    def amount_pence(self, number: int) -> int:
        """Of the `number`-th of 24; the first carries the remainder."""
        share, rest = divmod(self.price_pence, INSTALMENTS)
        return share + (rest if number == 1 else 0)


@dataclass(frozen=True, slots=True)
class AddOn:
    name: str
    start: date
    end: date | None
    line_id: str | None

    @property
    def price_pence(self) -> int:
        return ADD_ONS_PENCE[self.name]


@dataclass(frozen=True, slots=True)
class Contract:
    """All that one customer rents; the input of their invoices."""

    customer: DemoCustomer
    lines: tuple[DemoLine, ...]
    plan_periods: dict[str, tuple[PlanPeriod, ...]]
    devices: tuple[DemoDevice, ...]
    instalments: tuple[Instalments, ...]
    add_ons: tuple[AddOn, ...]
    paper_bill: bool
    loyalty_discount: bool

    def lines_of(self, kind: LineKind) -> list[DemoLine]:
        return [line for line in self.lines if line.kind == kind]


NAMED_PLANS: Final[dict[str, tuple[tuple[tuple[str, date | None], ...], ...]]] = {
    "C-10001": ((("aurora-plus-60", None),), (("aurora-fibre-80", None),)),
    "C-10002": ((("aurora-go-20", None), ("aurora-plus-60", date(2026, 10, 27))),),
    "C-10151": ((("borealis-steady-25", None),), (("borealis-home-100", None),)),
}
"""Lines of the named customers: for each its plans and the day of the change."""


def contract_of(customer: DemoCustomer, number: int, seed: int, today: date) -> Contract:
    """The contract of the `number`-th customer (0…299), which also gives the phone numbers."""
    random = customer_random(seed, customer.id, "contract")
    named = customer.id in NAMED_PLANS
    histories = _named_histories(customer) if named else _histories(customer, random, today)
    lines: list[DemoLine] = []
    periods: dict[str, tuple[PlanPeriod, ...]] = {}
    mobiles = 0
    for index, history in enumerate(histories, start=1):
        current = history[-1]
        line_id = f"L-{customer.id[2:]}-{index}"
        if current.plan.kind == "mobile":
            # At most three mobile lines each: 900 of the 1,000 numbers of Ofcom's drama range.
            phone = f"07700 900{(number * 3 + mobiles) * 7 % 1000:03d}"
            mobiles += 1
        else:
            phone = f"01632 960{number * 3 % 1000:03d}"
        lines.append(
            DemoLine(
                line_id,
                customer.id,
                current.plan.kind,
                phone,
                current.plan.id,
                history[0].start,
                _contract_end(current, today),
            )
        )
        periods[line_id] = tuple(history)
    devices, instalments = _devices(customer, lines, random, today, named=named)
    return Contract(
        customer=customer,
        lines=tuple(lines),
        plan_periods=periods,
        devices=tuple(devices),
        instalments=tuple(instalments),
        add_ons=tuple(_add_ons(customer, lines, random, today, named=named)),
        paper_bill=not named and random.random() < 0.05,
        loyalty_discount=customer.id == "C-10001" or (not named and random.random() < 0.3),
    )


def _named_histories(customer: DemoCustomer) -> list[list[PlanPeriod]]:
    return [
        [PlanPeriod(PLAN_BY_ID[plan_id], start or customer.since) for plan_id, start in history]
        for history in NAMED_PLANS[customer.id]
    ]


def _histories(customer: DemoCustomer, random: Random, today: date) -> list[list[PlanPeriod]]:
    kinds: list[LineKind] = []
    if random.random() < 0.9:
        kinds.append("mobile")
        if random.random() < 0.28:
            kinds.append("mobile")
    if not kinds or random.random() < 0.6:
        kinds.append("broadband")
    histories: list[list[PlanPeriod]] = []
    for kind in kinds:
        plans = plans_of(customer.tenant, kind)
        plan = random.choice(plans)
        history = [PlanPeriod(plan, customer.since)]
        earliest = max(customer.since + timedelta(days=60), today - timedelta(days=700))
        if random.random() < 0.25 and earliest < today - timedelta(days=10):
            other = random.choice([candidate for candidate in plans if candidate is not plan])
            span = (today - timedelta(days=10) - earliest).days
            history.append(PlanPeriod(other, earliest + timedelta(days=random.randint(0, span))))
        histories.append(history)
    return histories


def _contract_end(period: PlanPeriod, today: date) -> date:
    """End of the minimum term; a term that ran out goes on month by month and keeps its old end."""
    months = period.start.year * 12 + period.start.month - 1 + period.plan.contract_months
    return date(months // 12, months % 12 + 1, min(period.start.day, 28))


def _devices(
    customer: DemoCustomer, lines: list[DemoLine], random: Random, today: date, *, named: bool
) -> tuple[list[DemoDevice], list[Instalments]]:
    devices: list[DemoDevice] = []
    instalments: list[Instalments] = []
    phones = [product for product in PRODUCTS if product.category == "phone"]
    for index, line in enumerate(lines, start=1):
        device_id = f"D-{customer.id[2:]}-{index}"
        if line.kind == "broadband":
            router = ROUTERS[customer.tenant][PLAN_BY_ID[line.plan_id].network]
            product = next(product for product in PRODUCTS if product.name == router)
            serial = f"{router.split()[0][:2].upper()}{random.randint(10**8, 10**9 - 1)}"
            devices.append(DemoDevice(device_id, customer.id, line.id, product.id, product.name, serial, line.since))
            continue
        phone = PRODUCT_BY_ID["kestrel-11"] if customer.id == "C-10001" else random.choice(phones)
        bought = max(customer.since, today - timedelta(days=random.randint(20, 900)))
        serial = "".join(str(random.randint(0, 9)) for _ in range(15))
        devices.append(DemoDevice(device_id, customer.id, line.id, phone.id, phone.name, serial, bought))
        if not named and random.random() < 0.5:
            instalments.append(Instalments(phone.name, line.id, phone.price_pence, bought))
    return devices, instalments


def _add_ons(customer: DemoCustomer, lines: list[DemoLine], random: Random, today: date, *, named: bool) -> list[AddOn]:
    if named:
        # Cleo has had the TV Pack for long; what is new in November stands in `named.py`.
        return [AddOn("TV Pack", customer.since, None, "L-10151-2")] if customer.id == "C-10151" else []
    add_ons: list[AddOn] = []
    for line in lines:
        names = (
            ("Data Boost 10 GB", "International Minutes 100", "Device Care")
            if line.kind == "mobile"
            else ("Whole Home Wi-Fi", "Static IP address", "TV Pack")
        )
        for name in names:
            if random.random() < 0.15:
                start = max(customer.since, today - timedelta(days=random.randint(15, 760)))
                end = start + timedelta(days=random.randint(60, 400)) if random.random() < 0.4 else None
                add_ons.append(AddOn(name, start, end, line.id))
    return add_ons


def usage_of(contract: Contract, months: list[str], seed: int) -> list[DemoUsage]:
    """What each mobile line used in each of `months`."""
    random = customer_random(seed, contract.customer.id, "usage")
    rows: list[DemoUsage] = []
    for line in contract.lines_of("mobile"):
        allowance = PLAN_BY_ID[line.plan_id].data_gb or 80
        typical = allowance * random.uniform(0.15, 0.95)
        minutes = random.randint(20, 900)
        for month in months:
            data_gb = round(min(typical * random.uniform(0.7, 1.2), allowance), 1)
            rows.append(DemoUsage(line.customer_id, line.id, month, data_gb, int(minutes * random.uniform(0.6, 1.3))))
    return rows
