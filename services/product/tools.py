"""What the product agent can do: search, compare, look up, advise. It sees what the customer's brand sells."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from services.product.advice import Need, advise
from services.product.catalogue import Catalogue, Product
from services.product.comparison import compare, table
from services.product.money import pounds, price_text
from services.product.names import closest, is_vague, mentioned
from services.product.pointing import ahead_of, asks_which, pointed_at, without_pointing
from services.product.properties import property_sentence
from services.product.search import RESULTS_MAX, attribute_in, price_limit_pence, search
from services.product.seeding import PRODUCT_NAMES, catalogue_database
from services.product.sqlite_catalogue import SqliteCatalogue
from switchboard.agent import AgentSettings, ToolContext, tool
from switchboard.contracts.tools import ToolOutcome
from switchboard.text.words import terms

COMPARED_MAX = 4
BARE_WORDS_MAX = 4
"""With so few words a product that was named before is asked for as a whole."""

Category = Literal[
    "phone", "tablet", "watch", "router", "mesh", "mobile router", "tv", "accessory", "mobile plan", "broadband plan"
]


class ProductTools:
    """Tools over a `Catalogue`."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    @classmethod
    def open(cls, settings: AgentSettings) -> "ProductTools":
        """The tools over the agent's own database in `settings.data_dir`, made where it is new."""
        path = Path(settings.data_dir) / "product.sqlite"
        return cls(SqliteCatalogue(catalogue_database(path, settings.demo_seed, settings.demo_today)))

    @tool(
        description="Finds devices on sale by need, category and highest price, where no product is named. Not for plans."
    )
    async def search_products(
        self,
        ctx: ToolContext,
        query: Annotated[
            str,
            Field(
                description="What the customer looks for, in their words.",
                max_length=300,
                examples=["phone with a big battery"],
            ),
        ] = "",
        category: Annotated[Category | None, Field(description="Only this category.")] = None,
        price_max: Annotated[float | None, Field(description="Highest price in pounds.", gt=0, le=10_000)] = None,
    ) -> ToolOutcome:
        """Searches the catalogue for products on sale by words, category and highest price.

        Examples: "Which phones do you sell under £300?"; "Do you have a tablet with a pen?";
        "What is your cheapest phone?"; "I am looking for a waterproof phone"; "Which routers do you have?"
        """
        products = await self._catalogue.products(ctx.principal.tenant)
        pence = round(price_max * 100) if price_max is not None else None
        against = next(iter(mentioned(ctx.message, products)), None)
        if against is not None and (ahead := ahead_of(ctx.message, against, products)):
            return _listed(ahead[:RESULTS_MAX], ctx.message)
        # The whole message knows words that a model may have left out of the query.
        found = search(products, query or ctx.message, category=category, price_max_pence=pence)
        if not found and query:
            found = search(products, ctx.message, category=category, price_max_pence=pence)
        if not found:
            return ToolOutcome()
        return _listed(found, ctx.message or query)

    @tool(description="Compares two to four named products or plans: prices, specifications, differences.")
    async def compare_products(
        self,
        ctx: ToolContext,
        products: Annotated[
            list[str],
            Field(
                description="Names of the two to four products or plans to compare.",
                min_length=1,
                max_length=COMPARED_MAX,
                examples=PRODUCT_NAMES,
                json_schema_extra={"x-ask": "Which two products would you like me to compare?"},
            ),
        ],
    ) -> ToolOutcome:
        """Compares two to four products or plans side by side: price, specifications, the differences between them.

        Examples: "Compare the Kestrel 12 and the Lumen X5"; "What is the difference between Aurora Hub 2 and Aurora Hub 3 Pro?";
        "Which is better, the Fjord One or the Kestrel 11?"; "Kestrel 12 versus Kestrel 12 Pro"
        """
        sold = await self._catalogue.products(ctx.principal.tenant)
        found = [(name, closest(name, sold)) for name in products]
        chosen = {product.id: product for _, product in found if product}
        if len(chosen) < 2:
            chosen |= {product.id: product for product in mentioned(ctx.message, sold)[:COMPARED_MAX]}
        unknown = [name for name, product in found if product is None]
        compared = list(chosen.values())[:COMPARED_MAX]
        if not compared:
            # "Compare two phones": no product was named at all, which is not the same as one that we do not have.
            vague = all(is_vague(name) for name in products)
            return ToolOutcome(
                facts=["Which products would you like me to compare? Please give me their names."] if vague else []
            )
        if len(compared) == 1 and (ahead := ahead_of(ctx.message, compared[0], sold)):
            return _listed(ahead[:RESULTS_MAX], ctx.message)  # 'lighter than the X' asks for others
        if len(compared) == 1:
            asked = attribute_in(ctx.message, compared[0]) if not unknown else None
            if asked is not None:
                return ToolOutcome(facts=[property_sentence(compared[0], asked)])
            missing = (
                f"I cannot find {' or '.join(unknown)} in our catalogue"
                if unknown
                else "I know only one product of those"
            )
            facts = [
                f"{missing}, so there is nothing to compare the {compared[0].name} with.",
                _product_line(compared[0], None),
            ]
            return ToolOutcome(facts=facts, data={"products": [_product_data(compared[0])], "unknown": unknown})
        facts = compare(compared)
        if unknown:
            facts.append(f"I cannot find {' or '.join(unknown)} in our catalogue.")
        return ToolOutcome(facts=facts, data=table(compared) | {"unknown": unknown})

    @tool(description="One named product or plan: one of its specifications, or all, and its price.")
    async def product_spec(
        self,
        ctx: ToolContext,
        product: Annotated[
            str | None,
            Field(
                description="The product's name; leave it out when none was named.",
                max_length=80,
                examples=PRODUCT_NAMES,
            ),
        ] = None,
        attribute: Annotated[
            str | None,
            Field(
                description="One specification, such as battery, weight or price; leave it out for all of them.",
                max_length=60,
            ),
        ] = None,
    ) -> ToolOutcome:
        """Tells one specification of a product, or all of them: battery, storage, weight, display, ports, price and so on.

        Examples: "How much memory does the Kestrel 12 have?"; "Does the Lumen X5 have wireless charging?";
        "What is the battery of the Fjord One?"; "How many Ethernet ports has the Aurora Hub 2?"; "What does the Tarn Flip 2 cost?"
        """
        sold = await self._catalogue.products(ctx.principal.tenant)
        if product and attribute is None and closest(product, sold) is None and attribute_in(product):
            # "And how heavy is it?": what was taken for the name is the property.
            product, attribute = None, product
        found = self._meant(ctx, product, sold)
        named_last = asks_which(ctx.message) and not mentioned(ctx.message, sold)
        several = (_named_before(ctx, sold) if named_last else []) or _each_named(product or "", sold)
        wanted = (
            attribute_in(attribute or "") or attribute_in(without_pointing(ctx.message)) or attribute_in(ctx.message)
        )
        if wanted and len(several) > 1 and all(each.specification(wanted) or wanted == "price" for each in several):
            facts = [property_sentence(each, wanted) for each in several]
            return ToolOutcome(facts=facts, data={"products": [_product_data(each) for each in several]})
        if found is None:
            return ToolOutcome()
        name = (
            (attribute_in(attribute, found) if attribute else None)
            or attribute_in(without_pointing(ctx.message), found)
            or attribute_in(ctx.message, found)
        )
        if name is None and attribute and not mentioned(attribute, sold):
            return ToolOutcome(facts=[f"Our catalogue does not say anything about {attribute} for the {found.name}."])
        data = {"product": _product_data(found)}
        if name is None and not mentioned(ctx.message, sold) and len(terms(ctx.message)) > BARE_WORDS_MAX:
            return ToolOutcome()  # it asks something of the product that no specification says
        if name is None:
            specifications = "; ".join(f"{spec.name} {spec.text()}" for spec in found.specifications)
            return ToolOutcome(facts=[_product_line(found, None), f"Its specifications: {specifications}."], data=data)
        return ToolOutcome(facts=[property_sentence(found, name)], data=data)

    @tool(
        description="Which mobile or broadband plan fits: by data, budget, speed, roaming, and what the customer uses now."
    )
    async def plan_advice(
        self,
        ctx: ToolContext,
        data_gb: Annotated[
            float | None, Field(description="Data needed a month in GB.", gt=0, le=10_000, examples=[30])
        ] = None,
        budget: Annotated[
            float | None, Field(description="Most to pay a month, in pounds.", gt=0, le=1_000, examples=[20])
        ] = None,
        kind: Annotated[Literal["mobile", "broadband"] | None, Field(description="Mobile or broadband.")] = None,
        download_mbps: Annotated[
            int | None, Field(description="Broadband download speed needed in Mbit/s.", gt=0, le=10_000)
        ] = None,
    ) -> ToolOutcome:
        """Advises which mobile or broadband plan (tariff) fits: by data, budget, speed, roaming, and what the customer uses now.

        Examples: "Which plan is right for me?"; "I need 30 GB a month"; "What is the best plan for under £20?";
        "Should I change my tariff?"; "Which broadband plan do you recommend?"; "Do you have a plan with unlimited data?"
        """
        message = ctx.message.lower()
        data_gb, budget = _amounts(message, data_gb, budget)
        if kind is None:
            broadband = download_mbps is not None or re.search(
                r"\b(broadband|fibre|internet at home|home internet|mbit|mbps)\b", message
            )
            kind = "broadband" if broadband else "mobile"
        need = Need(
            kind=kind,
            data_gb=data_gb,
            unlimited=kind == "mobile" and "unlimited" in message,
            budget_pence=round(budget * 100) if budget is not None else None,
            europe_roaming=kind == "mobile" and bool(re.search(r"\b(roaming|abroad|europe|holiday|travel)\b", message)),
            download_mbps=download_mbps,
        )
        lines = await self._catalogue.lines(ctx.principal.tenant, ctx.principal.user)
        current = next((line for line in lines if line.kind == kind), None)
        plans = await self._catalogue.plans(ctx.principal.tenant)
        if not any(plan.kind == kind for plan in plans):
            return ToolOutcome()
        facts, best = advise(plans, need, current)
        return ToolOutcome(
            facts=facts, data={"plan": best.name, "price": f"{pounds(best.price_pence)} a month"} if best else {}
        )

    def _meant(self, ctx: ToolContext, name: str | None, sold: list[Product]) -> Product | None:
        """The product named in the call; else in the message; else, for "and its battery?", latest in the conversation.

        A name that the catalogue does not have is never replaced by another product; "the lighter one" is, of those that were
        named last, the one that its values make so.
        """
        if not mentioned(ctx.message, sold) and (pointed := pointed_at(ctx.message, _named_before(ctx, sold))):
            return pointed
        if name:
            whole = mentioned(name, sold)
            return whole[0] if whole else closest(name, sold)
        for text in (ctx.message, *(message.text for message in reversed(ctx.history))):
            if found := mentioned(text, sold):
                return found[0]
            if text is ctx.message and not re.search(r"\b(it|its|that|this|they)\b", text.lower()):
                return None
        return None


def _each_named(names: str, sold: list[Product]) -> list[Product]:
    """The products in 'the X5 or the X5 Plus'."""
    found = (
        closest(name, sold) for name in re.split(r"\b(?:or|and|vs|versus)\b|[,/]", names)[:COMPARED_MAX] if name.strip()
    )
    return list({each.id: each for each in found if each is not None}.values())


def _named_before(ctx: ToolContext, sold: list[Product]) -> list[Product]:
    """The products that were named together last."""
    named = (mentioned(message.text, sold) for message in reversed(ctx.history))
    return next((each for each in named if len(each) > 1), [])


def _amounts(message: str, data_gb: float | None, budget: float | None) -> tuple[float | None, float | None]:
    """Reads "30 GB" and "under £20" from the message: an amount with its unit is never the other one."""
    gigabytes = re.search(r"(\d+(?:\.\d+)?)\s*(?:gb|gig|gigabytes?|gigs)\b", message)
    pence = (
        price_limit_pence(message)
        if not re.search(r"(?:under|below|up to|less than)\s*\d+\s*(?:gb|gig)", message)
        else None
    )
    stated = re.search(r"£\s*(\d+(?:\.\d\d)?)", message)
    if gigabytes:
        data_gb = float(gigabytes[1])
    elif data_gb is not None and stated and float(stated[1]) == data_gb:
        data_gb = None
    if pence is not None:
        budget = pence / 100
    elif stated:
        budget = float(stated[1])
    elif budget is not None and gigabytes and float(gigabytes[1]) == budget:
        budget = None
    return data_gb, budget


def _listed(found: list[Product], asked: str) -> ToolOutcome:
    facts = ["This is what I found:" if len(found) > 1 else "I found one:"]
    facts += [_product_line(product, attribute_in(asked, product)) for product in found]
    return ToolOutcome(facts=facts, data={"products": [_product_data(product) for product in found]})


def _product_line(product: Product, wanted: str | None) -> str:
    price = price_text(product.price_pence, monthly=product.monthly)
    spec = product.specification(wanted) if wanted else None
    extra = f" {spec.name[:1].upper()}{spec.name[1:]}: {spec.text()}." if spec else ""
    return f"{product.name} ({price}): {product.summary}{extra}"


def _product_data(product: Product) -> dict[str, object]:
    return {
        "id": product.id,
        "name": product.name,
        "category": product.category,
        "price": price_text(product.price_pence, monthly=product.monthly),
        "specifications": {spec.name: spec.text() for spec in product.specifications},
    }
