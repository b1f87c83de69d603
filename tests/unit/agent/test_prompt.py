"""The prompt in the form that every chat template takes."""

from switchboard.agent.prompt import OFFER_MEANING, PromptMessage, for_language_model

SYSTEM = PromptMessage("system", "You sell tickets.")
NOTE = PromptMessage("system", "remembered: {}")
OFFER = PromptMessage("system", 'pending_offer: {"question":"Shall I?"}')
ASKED = PromptMessage("user", "How much?")
TOLD = PromptMessage("assistant", "Three pounds.")
REPLY = PromptMessage("user", "Thanks")


def test_notes_stand_in_one_system_message_and_an_offer_is_explained() -> None:
    told = for_language_model([SYSTEM, NOTE, ASKED, TOLD, OFFER, REPLY])
    first = PromptMessage("system", f"{SYSTEM.text}\n\n{NOTE.text}\n\n{OFFER.text}\n\n{OFFER_MEANING}")
    assert told == [first, ASKED, TOLD, REPLY]
    assert OFFER_MEANING not in for_language_model([SYSTEM, NOTE, ASKED])[0].text


def test_messages_of_one_side_are_one_and_empty_ones_are_none() -> None:
    told = for_language_model([SYSTEM, ASKED, REPLY, PromptMessage("assistant", " "), ASKED])
    assert [each.role for each in told] == ["system", "user"]
    assert told[1].text == "How much?\n\nThanks\n\nHow much?"


def test_a_note_behind_the_customers_message_stays_behind_it() -> None:
    correction = PromptMessage("system", "£4 does not follow.")
    told = for_language_model([SYSTEM, ASKED, TOLD, correction])
    assert [each.role for each in told] == ["system", "user", "assistant", "user"]
    assert told[-1].text == "[From the operator of this chat, not from the customer] £4 does not follow."
    assert told[0] == SYSTEM
