import pytest

from tests.unit.models.conftest import INVOICES, LIBRARY, PARCELS, WEATHER, Ask

OFFER = {"question": "Shall I renew it for you?", "tool": "renew_loan", "arguments": {"loan_id": "LN-7777"}}


@pytest.mark.parametrize(
    ("tools", "message", "name", "arguments"),
    [
        (LIBRARY, "what books have I borrowed?", "list_loans", {}),
        (LIBRARY, "Please renew ln-4321", "renew_loan", {"loan_id": "LN-4321"}),
        (LIBRARY, "How do I renew a book?", "search_knowledge", {"query": "How do I renew a book?"}),
        (
            LIBRARY,
            "When does the library open on Sundays?",
            "search_knowledge",
            {"query": "When does the library open on Sundays?"},
        ),
        (
            WEATHER,
            "what's the weather like in London tomorrow?",
            "get_forecast",
            {"city": "London", "day": "2026-11-16"},
        ),
        (WEATHER, "Forecast for Rome in fahrenheit please", "get_forecast", {"city": "Rome", "unit": "fahrenheit"}),
        (PARCELS, "where is my package PX001122", "track_parcel", {"parcel": "PX001122"}),
        (
            PARCELS,
            "Book a pick-up of a large parcel on 20 November",
            "book_pickup",
            {"size": "large", "day": "2026-11-20"},
        ),
        (INVOICES, "show the September invoice", "get_invoice", {"month": "2026-09"}),
        (INVOICES, "my invoice of last month", "get_invoice", {"month": "2026-10"}),
        (INVOICES, "Why is my bill higher than last month?", "explain_invoice", {}),
        (INVOICES, "Why is November higher than October on my bill?", "explain_invoice", {"month": "2026-11"}),
        (INVOICES, "what is the difference between Plus and Max?", "compare_plans", {"plans": ["Plus", "Max"]}),
    ],
)
async def test_a_request_picks_its_tool_and_fills_its_arguments(ask: Ask, tools, message, name, arguments):
    reply = await ask(tools, message)
    assert [(call.name, call.arguments) for call in reply.calls] == [(name, arguments)]
    assert reply.finish_reason == "tool_calls"


async def test_two_requests_in_one_message_become_two_calls(ask: Ask):
    reply = await ask(PARCELS + WEATHER, "Track PX123456 and what will the weather be in Oslo?")
    assert [call.name for call in reply.calls] == ["track_parcel", "get_forecast"]
    assert reply.calls[1].arguments["city"] == "Oslo"


async def test_two_values_of_one_argument_become_two_calls(ask: Ask):
    reply = await ask(INVOICES, "show me my invoices for September and October")
    assert [call.arguments for call in reply.calls] == [{"month": "2026-09"}, {"month": "2026-10"}]


async def test_one_call_at_most_where_parallel_calls_are_off(ask: Ask):
    reply = await ask(INVOICES, "show me my invoices for September and October", parallel_tool_calls=False)
    assert len(reply.calls) == 1


async def test_a_question_about_a_deed_does_not_do_it(ask: Ask):
    for message in (
        "How can I book a pick-up?",
        "What happens if I book a pick-up?",
        "Did I book a pick-up for a small parcel?",
    ):
        reply = await ask(PARCELS, message)
        assert "book_pickup" not in [call.name for call in reply.calls]


async def test_a_missing_detail_is_asked_for_and_the_reply_continues(ask: Ask):
    first = await ask(LIBRARY, "Please renew my book")
    assert first.text == "Which loan is it? Its number looks like LN-1234."
    second = await ask(LIBRARY, "Please renew my book", first.text, "it's ln-1111")
    assert [(call.name, call.arguments) for call in second.calls] == [("renew_loan", {"loan_id": "LN-1111"})]


async def test_several_missing_details_are_asked_one_by_one(ask: Ask):
    first = await ask(PARCELS, "Book a pick-up please")
    assert first.text == "Is it a small or a large parcel?"
    second = await ask(PARCELS, "Book a pick-up please", first.text, "a small one")
    assert second.text == "On which day should we come?"
    third = await ask(PARCELS, "Book a pick-up please", first.text, "a small one", second.text, "tomorrow")
    assert [call.arguments for call in third.calls] == [{"size": "small", "day": "2026-11-16"}]


async def test_a_reply_that_does_not_fit_is_asked_again(ask: Ask):
    asked = (await ask(LIBRARY, "Please renew my book")).text
    assert (await ask(LIBRARY, "Please renew my book", asked, "the red one")).text == asked


async def test_another_question_instead_of_the_detail_is_answered(ask: Ask):
    asked = (await ask(LIBRARY, "Please renew my book")).text
    reply = await ask(LIBRARY, "Please renew my book", asked, "Which books do I have on loan?")
    assert [call.name for call in reply.calls] == ["list_loans"]


async def test_a_missing_question_is_built_from_the_description(ask: Ask):
    assert (await ask(PARCELS, "Where is my parcel?")).text == "Which number of the parcel do you mean?"


@pytest.mark.parametrize(
    "yes", ["yes please", "Yes", "ok", "sure, go ahead", "please do", "Yes, thank you!", "yes do it"]
)
async def test_yes_to_an_offer_calls_its_tool(ask: Ask, yes: str):
    reply = await ask(LIBRARY, "Is my book due?", "It is. Shall I renew it for you?", yes, offer=OFFER)
    assert [(call.name, call.arguments) for call in reply.calls] == [("renew_loan", {"loan_id": "LN-7777"})]


@pytest.mark.parametrize("no", ["no thanks", "No", "not now", "no, leave it"])
async def test_no_to_an_offer_closes_politely(ask: Ask, no: str):
    reply = await ask(LIBRARY, "Is my book due?", "It is. Shall I renew it for you?", no, offer=OFFER)
    assert not reply.calls
    assert reply.text.startswith("All right")


async def test_no_followed_by_another_request_does_that(ask: Ask):
    reply = await ask(LIBRARY, "Is it due?", "It is. Shall I renew it?", "no, but show my loans", offer=OFFER)
    assert [call.name for call in reply.calls] == ["list_loans"]


async def test_yes_without_any_offer_asks_what_to_do(ask: Ask):
    reply = await ask(LIBRARY, "yes please")
    assert not reply.calls
    assert reply.text.startswith("What would you like me to do?")


async def test_the_deed_of_the_offer_in_own_words_uses_its_arguments(ask: Ask):
    reply = await ask(LIBRARY, "Is it due?", "It is. Shall I renew it?", "please renew this book", offer=OFFER)
    assert [call.arguments for call in reply.calls] == [{"loan_id": "LN-7777"}]


async def test_a_follow_up_repeats_the_request_with_the_new_detail(ask: Ask):
    reply = await ask(INVOICES, "show the September invoice", "It is £40.", "and October?")
    assert [(call.name, call.arguments) for call in reply.calls] == [("get_invoice", {"month": "2026-10"})]
    reply = await ask(WEATHER, "Will it rain in Paris tomorrow?", "No.", "what about London?")
    assert reply.calls[0].arguments["city"] == "London"


async def test_what_no_tool_does_is_declined_with_what_can_be_done(ask: Ask):
    reply = await ask(WEATHER, "Please write a poem about love")
    assert not reply.calls
    assert "weather forecast" in reply.text


async def test_greetings_and_thanks_call_nothing(ask: Ask):
    assert "list" in (await ask(LIBRARY, "Hello!")).text
    assert (await ask(LIBRARY, "Show my loans", "None.", "thanks a lot")).text.startswith("You're welcome")


async def test_the_same_request_gives_the_same_reply(ask: Ask):
    assert await ask(LIBRARY, "Please renew LN-1234") == await ask(LIBRARY, "Please renew LN-1234")


async def test_plugin_prefixes_of_tool_names_are_kept_in_calls(ask: Ask):
    prefixed = [
        {"type": "function", "function": {**t["function"], "name": f"lib-{t['function']['name']}"}} for t in LIBRARY
    ]
    reply = await ask(prefixed, "When is the library open?")
    assert [call.name for call in reply.calls] == ["lib-search_knowledge"]
