"""The catalogue: the port behind which a company puts its own product data. Prices are pence."""

from dataclasses import dataclass
from typing import Final, Literal, Protocol

PRODUCTS_MAX: Final = 2_000
LINES_MAX: Final = 20

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Specification:
    """One typed property: `battery`, 5000, `mAh`. `better` says which way a number is an advantage."""

    name: str
    value: Value
    unit: str = ""
    better: Literal["more", "less", ""] = ""

    def text(self) -> str:
        """`5000 mAh`, `yes`, `IP68`."""
        if isinstance(self.value, bool):
            return "yes" if self.value else "no"
        value = f"{self.value:,}" if isinstance(self.value, int) else str(self.value)
        return f"{value} {self.unit}" if self.unit and not isinstance(self.value, str) else value


@dataclass(frozen=True, slots=True)
class Product:
    id: str
    name: str
    category: str
    brand: str
    price_pence: int
    monthly: bool
    """The price is a month's, not one-off."""
    summary: str
    specifications: tuple[Specification, ...]

    def specification(self, name: str) -> Specification | None:
        return next((each for each in self.specifications if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Plan:
    """A tariff; `data_gb` is `None` where it is unlimited, speeds are 0 for mobile plans."""

    name: str
    kind: Literal["mobile", "broadband"]
    price_pence: int
    contract_months: int
    data_gb: int | None
    europe_roaming_included: bool
    network: str
    download_mbps: int
    upload_mbps: int


@dataclass(frozen=True, slots=True)
class LineUse:
    """One line of a customer: its plan, and what it used a month on average over the last six months."""

    number: str
    kind: Literal["mobile", "broadband"]
    plan_name: str
    price_pence: int
    data_gb_mean: float | None
    """`None` where nothing is known: broadband lines are not measured."""


class Catalogue(Protocol):
    """Reads products and plans of one brand, and the use of one customer's lines.

    Lives as long as the agent; every method may be called concurrently. One that does not answer raises
    `Unavailable`. What another brand sells and what another customer uses is never returned.
    """

    async def products(self, tenant: str) -> list[Product]:
        """All that the brand sells, plans among them, at most `PRODUCTS_MAX`."""
        ...

    async def plans(self, tenant: str) -> list[Plan]:
        """The brand's plans, cheapest first."""
        ...

    async def lines(self, tenant: str, customer_id: str) -> list[LineUse]:
        """The customer's lines, at most `LINES_MAX`."""
        ...
