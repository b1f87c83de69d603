"""The product tools against the demo company's catalogue."""

from collections.abc import Callable
from pathlib import Path

import pytest

from services.product.names import closest, mentioned
from services.product.tools import ProductTools
from switchboard.agent import AgentSettings, ToolContext
from switchboard.agent.tool import tools_of
from switchboard.contracts.cards import load_card
from switchboard.contracts.turns import HistoryMessage, Principal
from switchboard.demo.company import TODAY

PRODUCT = Path(__file__).parents[3] / "services" / "product"
Context = Callable[..., ToolContext]


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> ProductTools:
    return ProductTools.open(AgentSettings(data_dir=tmp_path_factory.mktemp("product"), demo_today=TODAY))


def said(
    message: str = "", *, user: str = "C-10001", tenant: str = "aurora", history: tuple[str, ...] = ()
) -> ToolContext:
    past = tuple(HistoryMessage(role="user", text=text) for text in history)
    return ToolContext(Principal(tenant=tenant, user=user), "conv.1", "call-1", "conv", message, past)


async def names_found(tools: ProductTools, query: str, **arguments: object) -> list[str]:
    outcome = await tools.search_products(said(query), query=query, **arguments)  # type: ignore[arg-type]
    return [product["name"] for product in outcome.data.get("products", [])]


async def test_a_comparison_has_prices_both_sides_and_what_they_share(tools) -> None:
    outcome = await tools.compare_products(said(), products=["Kestrel 12", "Lumen X5"])
    text = " ".join(outcome.facts)
    assert "Kestrel 12 costs £699.00 and Lumen X5 costs £329.00: Lumen X5 is £370.00 cheaper." in text
    assert "battery (5,500 mAh against 4,200 mAh)" in text and "weight (172 g against 196 g)" in text
    assert "The same in both: storage 128 GB" in text
    rows = {row["name"]: row["values"] for row in outcome.data["rows"]}
    assert rows["price"] == ["£699.00", "£329.00"] and rows["battery"] == [4200, 5500]


async def test_three_plans_are_compared_value_by_value(tools) -> None:
    outcome = await tools.compare_products(said(), products=["Aurora Lite 5", "aurora go 20", "Aurora Plus 60"])
    assert "Data: 5 GB (Aurora Lite 5), 20 GB (Aurora Go 20), 60 GB (Aurora Plus 60)." in outcome.facts


async def test_a_comparison_with_an_unknown_product_says_which_one_it_cannot_find(tools) -> None:
    outcome = await tools.compare_products(said(), products=["Kestrel 12", "iPhone 15"])
    assert "I cannot find iPhone 15 in our catalogue" in outcome.facts[0] and outcome.data["unknown"] == ["iPhone 15"]
    assert (await tools.compare_products(said(), products=["iPhone 15", "Nokia 3310"])).facts == []


async def test_a_comparison_of_nothing_named_asks_for_names(tools) -> None:
    assert "Which products" in (await tools.compare_products(said(), products=["two phones"])).facts[0]


async def test_another_brands_products_do_not_exist_here(tools) -> None:
    outcome = await tools.product_spec(said("What does Borealis Box One cost?"), product="Borealis Box One")
    assert outcome.facts == []
    there = await tools.product_spec(
        said(tenant="borealis", user="C-10151"), product="Borealis Box One", attribute="price"
    )
    assert there.facts == ["The Borealis Box One costs £59.00."]


@pytest.mark.parametrize(
    ("message", "product", "attribute", "fact"),
    [
        ("How much memory does the Kestrel 12 have?", "Kestrel 12", None, "The Kestrel 12 has 8 GB of memory."),
        ("Does the Lumen X5 have wireless charging?", "Lumen X5", None, "No, the Lumen X5 has no wireless charging."),
        ("What does the Tarn Flip 2 cost?", None, None, "The Tarn Flip 2 costs £849.00."),
        ("", "Kestral 12", "weight", "The Kestrel 12 weighs 172 g."),
        ("", "Aurora Hub 2", "Ethernet ports", "The Aurora Hub 2 has 4 Ethernet ports."),
        (
            "",
            "Kestrel 12",
            "headphone jack",
            "Our catalogue does not say anything about headphone jack for the Kestrel 12.",
        ),
        ("", "Kestrel Watch 3", "battery", "The battery of the Kestrel Watch 3 lasts 36 hours."),
    ],
)
async def test_a_specification_is_told_exactly(tools, message, product, attribute, fact) -> None:
    assert (await tools.product_spec(said(message), product=product, attribute=attribute)).facts == [fact]


async def test_it_means_the_product_spoken_of_last(tools) -> None:
    context = said("And how heavy is it?", history=("Compare phones", "Tell me about the Fjord One"))
    assert (await tools.product_spec(context)).facts == ["The Fjord One weighs 199 g."]
    assert (await tools.product_spec(context, product="heavy")).facts == ["The Fjord One weighs 199 g."]


async def test_an_unknown_product_gives_nothing_even_after_a_known_one_was_spoken_of(tools) -> None:
    context = said("How much memory does the iPhone 15 have?", history=("Tell me about the Fjord One",))
    for product in ("iPhone 15", None):
        outcome = await tools.product_spec(context, product=product)
        assert outcome.facts == [] and outcome.passages == [] and outcome.offer is None


async def test_search_knows_categories_prices_properties_and_superlatives(tools) -> None:
    assert await names_found(tools, "Which phones do you sell under £300?") == [
        "Lumen A3",
        "Lumen A3 4G",
        "Pebble Talk",
    ]
    assert (await names_found(tools, "What is your cheapest phone?"))[0] == "Pebble Talk"
    assert (await names_found(tools, "Which phone has the biggest battery?"))[0] == "Tarn Rugged 7"
    assert (await names_found(tools, "the lightest tablet"))[0] == "Kestrel Tab 8"
    assert await names_found(tools, "phone with wireless charging", price_max=600) == ["Kestrel 11"]
    assert await names_found(tools, "noise cancelling earphones") == ["Kestrel Buds Pro"]
    assert await names_found(tools, "a case for the Kestrel 12") == ["Kestrel 12 Case"]
    assert all("Mesh" in name for name in await names_found(tools, "I need better Wi-Fi upstairs"))


async def test_search_for_what_nobody_sells_finds_nothing(tools) -> None:
    for query in ("Do you sell toasters?", "flying carpets", ""):
        assert (await tools.search_products(said(query), query=query)).facts == []


async def test_advice_starts_from_what_the_customer_has_and_uses(tools) -> None:
    outcome = await tools.plan_advice(said("Which plan is right for me?"))
    assert outcome.facts[0].startswith("You have Aurora Plus 60 for £19.00 a month on 07700 900000, and used ")
    assert outcome.data == {"plan": "Aurora Plus 60", "price": "£19.00 a month"}


@pytest.mark.parametrize(
    ("message", "arguments", "plan"),
    [
        ("I need 30 GB a month", {"data_gb": 30}, "Aurora Flex 30"),
        ("I need 30 GB a month", {"budget": 30}, "Aurora Flex 30"),
        ("the best plan for under £15", {"data_gb": 15}, "Aurora Go 20"),
        ("a plan with unlimited data", {}, "Aurora Max Unlimited"),
        ("a plan with roaming in Europe", {}, "Aurora Max Unlimited"),
        ("broadband with 300 Mbit/s", {"download_mbps": 300}, "Aurora Full Fibre 500"),
        ("which broadband is cheapest?", {"kind": "broadband"}, "Aurora Fibre 40"),
    ],
)
async def test_advice_is_the_cheapest_plan_that_covers_the_need(tools, message, arguments, plan) -> None:
    outcome = await tools.plan_advice(said(message, user="ops-1"), **arguments)
    assert outcome.data["plan"] == plan


async def test_an_impossible_budget_is_said_so(tools) -> None:
    outcome = await tools.plan_advice(said("a plan for under £5"))
    assert outcome.data == {} and "No mobile plan that covers this costs £5.00 or less" in outcome.facts[-1]


async def test_names_forgive_slips_but_never_a_different_number(tools) -> None:
    sold = await tools._catalogue.products("aurora")
    for written, meant in (
        ("kestrel 12", "Kestrel 12"),
        ("the Lumen x5 phone", "Lumen X5"),
        ("Hub 3 Pro", "Aurora Hub 3 Pro"),
    ):
        found = closest(written, sold)
        assert found is not None and found.name == meant
    for unknown in ("Kestrel 13", "Lumen X6", "iPhone 15", "", "Galaxy"):
        assert closest(unknown, sold) is None
    assert [p.name for p in mentioned("Kestrel 12 Pro or the lumen x5?", sold)] == ["Kestrel 12 Pro", "Lumen X5"]


def test_the_card_lists_exactly_the_tools_there_are(tools) -> None:
    card = load_card(PRODUCT / "agent.yaml")
    assert set(card.tools) == {tool.name for tool in tools_of(tools)}
    assert sum(len(skill.examples) for skill in card.skills) >= 25


async def test_quantities_are_compared(tools: ProductTools) -> None:
    assert await names_found(tools, "name the three cheapest phones") == ["Pebble Talk", "Lumen A3 4G", "Lumen A3"]
    assert await names_found(tools, "a watch with more than 100 hours of battery") == ["Lumen Band"]
    assert await names_found(tools, "which phone is lighter than the Kestrel 12?") == ["Pebble Talk", "Fjord One Mini"]


@pytest.mark.parametrize(
    ("message", "fact"),
    [
        ("what does the lighter one cost?", "The Kestrel 12 costs £699.00."),
        ("and the storage of the cheaper?", "The Lumen X5 has 128 GB of storage."),
    ],
)
async def test_a_comparative_points_at_one_of_the_products_named_last(
    tools: ProductTools, message: str, fact: str
) -> None:
    ctx = said(message, history=("Compare the Kestrel 12 and the Lumen X5",))
    outcome = await tools.product_spec(ctx, product="Lumen X5" if "lighter" in message else "Kestrel 12")
    assert outcome.facts == [fact]


async def test_a_question_that_no_specification_answers_gets_no_list_of_them(tools: ProductTools) -> None:
    ctx = said("how many days may I keep it before I have to decide?", history=("Tell me about the Lumen X5",))
    assert (await tools.product_spec(ctx)).facts == []


async def test_which_of_those_named_last_is_told_of_each(tools: ProductTools) -> None:
    ctx = said("Which one charges faster?", history=("Compare the Kestrel 12 and the Lumen X5",))
    facts = (await tools.product_spec(ctx, product="Kestrel 12", attribute="charging")).facts
    assert [name for fact in facts for name in ("Kestrel 12", "Lumen X5") if name in fact] == ["Kestrel 12", "Lumen X5"]
