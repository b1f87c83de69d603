"""Which sections are told of what a search found: one, the nearest two, or one for each thing that is asked."""

from switchboard.models.embedded.answering.units import NumberedPassage, units_of
from switchboard.models.embedded.asked import LOOKED_UP_CHARACTERS_MAX, looked_up, pieces_of
from tests.unit.models.conftest import LIBRARY, Ask

CLOSEST = "This is the closest that I have: "
TABLE = """The fines are these.

| Item | Fine a day | Most |
|---|---|---|
| Book | ten pence | £5.00 |
| Film | 50 pence | £10.00 |
"""


def passage(n: int, heading: str, text: str, score: float) -> dict:
    return {"n": n, "title": f"Fines › {heading}", "text": text, "score": score}


def test_a_table_is_read_row_by_row_with_the_names_of_its_columns():
    (unit,) = units_of(0, NumberedPassage(1, "Fines", TABLE))
    assert unit.text == "The fines are these."
    assert unit.steps == ("- Book – Fine a day: ten pence; Most: £5.00", "- Film – Fine a day: 50 pence; Most: £10.00")


def test_a_list_that_follows_a_table_does_not_swallow_it():
    units = units_of(0, NumberedPassage(1, "Fines", TABLE + "- Pay at the desk\n- Or by card\n"))
    assert [len(unit.steps) for unit in units] == [2, 2]


async def test_a_fact_that_stands_in_a_table_is_told(ask: Ask):
    question = "what is the fine for a film a day?"
    found = [passage(1, "What are the fines?", TABLE, 0.8)]
    reply = await ask(LIBRARY, question, results=[("search_knowledge", {"query": question}, {"passages": found})])
    assert "Film – Fine a day: 50 pence" in reply.text


async def test_where_no_section_is_sure_the_two_nearest_are_told_as_the_closest(ask: Ask):
    question = "what is the fine for a torn book?"
    found = [
        passage(1, "What does a late book cost?", "A late book costs ten pence a day.", 0.6),
        passage(2, "What does a lost book cost?", "A lost book costs its price.", 0.59),
        passage(3, "How do I pay?", "You pay at the desk.", 0.5),
    ]
    reply = await ask(LIBRARY, question, results=[("search_knowledge", {"query": question}, {"passages": found})])
    assert CLOSEST in reply.text
    assert "[1]" in reply.text and "[2]" in reply.text and "[3]" not in reply.text


async def test_of_two_things_asked_each_gets_its_section(ask: Ask):
    question = "How long may I keep a book? And what does a lost card cost?"
    found = [
        passage(1, "How long may I keep a book?", "You may keep a book for three weeks.", 0.7),
        passage(2, "How long may I keep a film?", "You may keep a film for one week.", 0.65),
        passage(3, "What does a lost card cost?", "A new card costs £2.00.", 0.55),
    ]
    reply = await ask(LIBRARY, question, results=[("search_knowledge", {"query": question}, {"passages": found})])
    assert "three weeks" in reply.text and "£2.00" in reply.text


def test_a_message_is_looked_up_whole_and_a_long_story_by_what_it_asks():
    assert looked_up("skint till xmas. can i split it?") == "skint till xmas. can i split it?"
    story = "It rained again and the dog was wet. " * 60 + "How long may I keep a book?"
    assert looked_up(story).startswith("How long may I keep a book?")
    assert len(looked_up(story)) <= LOOKED_UP_CHARACTERS_MAX


def test_what_is_asked_is_split_without_what_is_told():
    message = "My card is gone. What does a new one cost, and how long does it take?"
    assert pieces_of(message) == ["What does a new one cost", "how long does it take?"]
    assert pieces_of("My card is gone.") == ["My card is gone."]
