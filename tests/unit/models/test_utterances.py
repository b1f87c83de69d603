"""A made-up library again: what people say decides, with near misses for what changes something."""

import pytest

from switchboard.models import MiniLmEmbedder
from switchboard.models.embedded.asked import parts_of
from switchboard.models.embedded.replies import Replies
from tests.unit.models.conftest import LIBRARY, Ask

SAID = {
    "list_loans": [
        "what have i got out at the moment",
        "is anything of mine due soon",
        "books on my card?",
        "how many did i take home",
        "what did i get out",
        "what have i got out right now",
    ],
    "renew_loan": [
        "give me another three weeks on LN-1234",
        "extend it please",
        "can i keep it longer, renew it",
        "put off the return date",
        "please extend LN-1234 by a week",
        "extend LN-9876 another fortnight",
    ],
}
NEAR = {
    "renew_loan": [
        "did you renew it already",
        "how often can something be renewed",
        "dont renew it",
        "what does renewing cost",
    ]
}


def with_utterances() -> list[dict]:
    tools = []
    for each in LIBRARY:
        name = each["function"]["name"]
        extra = {"x-utterances": SAID.get(name, []), "x-not": NEAR.get(name, [])}
        function = {**each["function"], "parameters": {**each["function"]["parameters"], **extra}}
        tools.append({"type": "function", "function": function})
    return tools


async def test_a_tool_is_found_by_what_people_say_and_the_search_is_asked_beside_it(ask: Ask):
    reply = await ask(with_utterances(), "what did i take home, anything due?")
    assert [call.name for call in reply.calls] == ["list_loans", "search_knowledge"]


async def test_a_deed_is_done_alone_where_it_is_asked_for(ask: Ask):
    reply = await ask(with_utterances(), "please renew LN-4711 for another three weeks")
    assert [(call.name, call.arguments) for call in reply.calls] == [("renew_loan", {"loan_id": "LN-4711"})]


@pytest.mark.parametrize(
    "message",
    ["did you renew LN-4711 already", "dont renew LN-4711 yet", "just asking, how often can LN-4711 be renewed"],
)
async def test_what_only_sounds_like_a_deed_does_not_do_it(ask: Ask, message: str):
    reply = await ask(with_utterances(), message)
    assert "renew_loan" not in [call.name for call in reply.calls]


async def test_a_trouble_is_no_deed_though_people_who_ask_for_it_tell_of_it(ask: Ask):
    """'Renew it, the cover came off' is an utterance; 'the cover came off' asks for nothing."""
    tools = with_utterances()
    tools[1]["function"]["parameters"]["x-utterances"] = [
        "renew it, the cover came off",
        "the cover came off, i need it longer",
        "cover came off, extend it",
    ]
    reply = await ask(tools, "the cover came off")
    assert "renew_loan" not in [call.name for call in reply.calls]


async def test_of_a_tool_and_a_passage_the_nearer_one_is_told(ask: Ask):
    question = "what have i got out at the moment?"
    passage = {"n": 1, "title": "Fines", "text": "A late book costs ten pence a day.", "score": 0.3}
    results = [
        ("list_loans", {}, {"facts": ["You have one book on loan."]}),
        ("search_knowledge", {"query": question}, {"passages": [passage]}),
    ]
    assert (await ask(with_utterances(), question, results=results)).text == "You have one book on loan."


async def test_a_passage_that_is_only_near_is_told_as_the_closest(ask: Ask):
    question = "what is the fine for a torn book?"
    passages = [
        {
            "n": 1,
            "title": "Fines › What does a late book cost?",
            "text": "A late book costs ten pence a day.",
            "score": 0.6,
        },
        {"n": 2, "title": "Fines › What does a lost book cost?", "text": "A lost book costs its price.", "score": 0.59},
    ]
    reply = await ask(LIBRARY, question, results=[("search_knowledge", {"query": question}, {"passages": passages})])
    assert "This is the closest that I have: " in reply.text


def test_a_story_is_reduced_to_what_it_asks_with_what_it_is_about():
    story = "My son lost the atlas on a train. What does a lost book cost, and when must it be paid? He is very sorry."
    assert parts_of(story) == [
        "What does a lost book cost My son lost the atlas on a train. He is very sorry.",
        "when must it be paid? My son lost the atlas on a train. He is very sorry.",
    ]
    assert parts_of("What does a lost book cost?") == ["What does a lost book cost?"]


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("yes please go ahead and do that", "accept"),
        ("no, leave it as it is", "decline"),
        ("what would that cost me?", "other"),
        ("my router has a red light", "other"),
    ],
)
async def test_a_reply_to_an_offer_is_read_in_any_wording(said: str, reply: str):
    assert await Replies(MiniLmEmbedder()).decide(said) == reply


@pytest.mark.parametrize(
    ("message", "calls"),
    [
        ("I looked it over at lunch. Anyway, kindly extend LN-4711 for me if you would", ["renew_loan"]),
        ("suppose I wanted it longer, how often can LN-4711 be renewed?", ["search_knowledge"]),
        ("hold off with LN-4711, I only wonder whether it can be renewed", ["search_knowledge"]),
    ],
)
async def test_a_deed_is_asked_for_by_one_sentence_of_a_message(ask: Ask, message: str, calls: list[str]):
    reply = await ask(with_utterances(), message)
    assert [call.name for call in reply.calls if call.name == "renew_loan"] == [
        name for name in calls if name == "renew_loan"
    ]
