import pytest

from switchboard.contracts.errors import InvalidRequest
from tests.unit.models.conftest import INVOICES, LIBRARY, PARCELS, Ask, tool

SEARCH = ("search_knowledge", {"query": "q"})
PASSAGES = {
    "passages": [
        {
            "n": 1,
            "title": "Opening hours",
            "uri": "kb://a",
            "text": "The library opens at 9:00 on weekdays. On Sundays it is closed.",
        },
        {
            "n": 2,
            "title": "Lost books › What to do when a book is lost",
            "uri": "kb://b",
            "text": "A lost book costs £12.00.\n\nDo this when you lost a book:\n\n1. Report the loss online.\n2. Pay the fee.\n3. Wait for the receipt.",
        },
    ]
}


def found(query: str):
    return ("search_knowledge", {"query": query}, PASSAGES)


async def test_facts_become_the_answer_whole_and_in_order(ask: Ask):
    facts = ["Your invoice is £61.40.", "It is £14.20 more than in October.", "The reason is roaming."]
    reply = await ask(INVOICES, "Why is it higher?", results=[("explain_invoice", {}, {"facts": facts})])
    assert reply.text == " ".join(facts)
    assert reply.finish_reason == "stop"
    assert reply.prompt_tokens > 20 and reply.completion_tokens > 10


async def test_of_very_many_facts_the_first_three_are_always_told(ask: Ask):
    facts = [f"Fact number {n} is here." for n in range(30)]
    reply = await ask(INVOICES, "Tell me fact number 27", results=[("get_invoice", {}, {"facts": facts})])
    assert all(fact in reply.text for fact in facts[:3])
    assert "Fact number 27 is here." in reply.text
    assert len(reply.text) < 600


async def test_the_offer_closes_the_answer(ask: Ask):
    outcome = {
        "facts": ["It is due."],
        "offer": {"question": "Shall I renew it?", "tool": "renew_loan", "arguments": {}},
    }
    reply = await ask(LIBRARY, "Is my book due?", results=[("list_loans", {}, outcome)])
    assert reply.text == "It is due.\n\nShall I renew it?"


async def test_a_passage_answers_with_its_number(ask: Ask):
    question = "When does the library open on Sundays?"
    reply = await ask(LIBRARY, question, results=[found(question)])
    assert "On Sundays it is closed. [1]" in reply.text
    assert "[2]" not in reply.text


async def test_steps_stay_together_and_in_order(ask: Ask):
    question = "I lost a book, what should I do?"
    reply = await ask(LIBRARY, question, results=[found(question)])
    assert "1. Report the loss online.\n2. Pay the fee.\n3. Wait for the receipt." in reply.text
    assert "[2]" in reply.text


@pytest.mark.parametrize(
    "question",
    ["Who wrote Hamlet?", "Do you lend bicycles?", "Is there a branch in Liverpool?", "What is the wifi password?"],
)
async def test_what_no_passage_answers_is_not_known(ask: Ask, question: str):
    reply = await ask(LIBRARY, question, results=[found(question)])
    assert "don't know" in reply.text
    assert "[" not in reply.text


@pytest.mark.parametrize("nothing", [{}, {"facts": [], "passages": []}, ""])
async def test_an_empty_outcome_is_said_to_be_unknown(ask: Ask, nothing):
    reply = await ask(LIBRARY, "When was it built?", results=[(*SEARCH, nothing)])
    assert "don't know" in reply.text


async def test_results_of_two_tools_both_stand_in_the_answer(ask: Ask):
    reply = await ask(
        PARCELS,
        "Track PX123456 and PX654321",
        results=[
            ("track_parcel", {"parcel": "PX123456"}, {"facts": ["PX123456 is in Leeds."]}),
            ("track_parcel", {"parcel": "PX654321"}, {"facts": ["PX654321 is in York."]}),
        ],
    )
    assert reply.text == "PX123456 is in Leeds.\n\nPX654321 is in York."


async def test_a_failed_tool_is_named_and_the_rest_is_answered(ask: Ask):
    reply = await ask(
        LIBRARY,
        "Show my loans and renew LN-1234",
        results=[
            ("list_loans", {}, {"facts": ["You have one loan."]}),
            ("renew_loan", {"loan_id": "LN-1234"}, {"error": "The desk does not answer.", "retry": False}),
        ],
    )
    assert "You have one loan." in reply.text
    assert "I could not renew loan just now. The desk does not answer." in reply.text


async def test_foreign_tool_results_are_told_too(ask: Ask):
    assert (
        await ask(PARCELS, "Where is PX123456?", results=[("track_parcel", {}, "It is in York.")])
    ).text == "It is in York."
    reply = await ask(PARCELS, "Where is PX123456?", results=[("track_parcel", {}, {"city": "York", "late": False})])
    assert reply.text == "city: York, late: False"


async def test_without_tools_the_given_context_answers_or_it_cannot(ask: Ask):
    context = "The museum opens at ten. Tickets cost 8 euros for adults and children enter free of charge. " * 3
    assert "8 euros" in (await ask([], f"{context}\n\nHow much are tickets for adults?")).text
    assert "cannot answer" in (await ask([], "Who won the world cup in 1954?")).text


async def test_a_json_schema_is_filled_from_the_text(ask: Ask):
    schema = {
        "type": "object",
        "properties": {
            "team": {"type": "string", "enum": ["billing", "tech"]},
            "month": {"type": "string", "pattern": "^\\d{4}-\\d{2}$"},
        },
        "required": ["team"],
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    reply = await ask([], "A billing question about September", response_format=wanted)
    assert reply.text == '{"team":"billing","month":"2026-09"}'
    with pytest.raises(InvalidRequest):
        await ask([], "x", response_format={"type": "json_object"})


@pytest.mark.parametrize("question", ["Who painted the Lumen X5?", "Which composer wrote for the Lumen X5?"])
async def test_a_passage_that_only_has_the_name_asked_about_is_at_most_the_closest(ask: Ask, question: str):
    passages = [{"n": 1, "title": "Phones", "text": "The Lumen X5 and the Lumen X5 Plus fit the same charger."}]
    reply = await ask(LIBRARY, question, results=[("search_knowledge", {"query": question}, {"passages": passages})])
    assert "don't know" in reply.text or reply.text.startswith("This is the closest that I have:")


async def test_facts_of_an_unsure_tool_do_not_answer_what_they_do_not_mention(ask: Ask):
    question = "Can I renew my book with a bitcoin?"
    results = [
        ("list_loans", {}, {"facts": ["You have one book on loan, due on 3 December."]}),
        ("search_knowledge", {"query": question}, {"passages": []}),
    ]
    assert "December" not in (await ask(LIBRARY, question, results=results)).text
    assert "December" in (await ask(LIBRARY, "Can I renew my book?", results=results)).text


async def test_i_would_like_something_is_a_request_and_no_yes(ask: Ask):
    reply = await ask(LIBRARY, "I would like to renew a loan please")
    assert reply.text == "Which loan is it? Its number looks like LN-1234."


async def test_what_it_can_do_is_told_in_the_first_person(ask: Ask):
    assert (
        "I can list the books you have on loan"
        in (await ask([tool("list_loans", "Lists the books the user has on loan.")], "hello")).text
    )
