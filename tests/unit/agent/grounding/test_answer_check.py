"""An answer is told as far as it follows; what does not is written again once, and then an honest sentence stands for it."""

from switchboard.agent.grounding.answer_check import AnswerCheck
from switchboard.agent.grounding.disclosure import Secrets
from switchboard.agent.grounding.evidence import Evidence
from switchboard.agent.grounding.wording import ASK_A_PERSON, LEFT_OUT, NOT_DONE, NOT_KNOWN_ANSWER, NOT_SHARED
from switchboard.contracts.tools import Passage
from switchboard.text.languages import Language
from tests.unit.agent.grounding.evidence_of import evidence_of

FOUND = evidence_of("A ticket costs £3. The desk is open from 8:00 to 18:00.")
GOOD = "I'm sorry that you had to wait! A ticket costs £3. Shall I buy one? "


def check(evidence: Evidence = FOUND, language: Language = "en") -> AnswerCheck:
    return AnswerCheck(evidence, Secrets(["You sell tickets for the kiosk of the old town."], ["buy_it"]), language)


def fed(words: AnswerCheck, text: str) -> str:
    return "".join(words.feed(character, ()) for character in text)


def test_a_good_answer_is_told_word_for_word() -> None:
    words = check()
    assert fed(words, GOOD) + words.end(()) == GOOD
    assert words.withheld == ""
    assert words.findings.faults == []


def test_from_a_fault_on_all_is_held_back_and_what_was_told_stays() -> None:
    words = check()
    assert fed(words, "A ticket costs £3. You save £9. It is nice.") == "A ticket costs £3. "
    assert words.end(()) == ""
    assert words.withheld == "You save £9. It is nice."
    assert [fault.said for fault in words.findings.faults] == ["£9"]


def test_a_claim_that_a_later_tool_makes_true_is_told_after_all() -> None:
    evidence = evidence_of("A ticket costs £3.")
    words = check(evidence)
    assert fed(words, "I've ordered a ticket. ") == ""
    evidence.add_done("order_ticket", ["Ticket 1 is ordered."])
    assert fed(words, "Have a nice trip!") + words.end(()) == "I've ordered a ticket. Have a nice trip!"


def test_what_is_written_again_takes_the_place_of_what_was_held_back() -> None:
    words = check()
    told = fed(words, "Hello! It costs £9. Bye!") + words.end(())
    words.repair()
    told += fed(words, "It costs £3. Bye!") + words.settle((), "")
    assert told == "Hello! It costs £3. Bye!"
    assert words.findings.left_out == 0


def test_a_model_that_does_not_mend_it_is_left_out_in_that_sentence_alone() -> None:
    words = check()
    told = fed(words, "Hello! It costs £9. The desk opens at 8 am.") + words.end(())
    words.repair()
    told += fed(words, "It costs £9. The desk opens at 8 am.") + words.settle((), "")
    assert told == f"Hello! {LEFT_OUT['en']} The desk opens at 8 am."
    assert words.findings.left_out == 1


def test_without_a_second_answer_what_is_right_of_the_first_is_told() -> None:
    words = check()
    told = fed(words, "It costs £9. The desk opens at 8 am. I've booked it.") + words.end(())
    told += words.settle((), "Shall I ask?")
    assert told == f"{LEFT_OUT['en']} The desk opens at 8 am. {NOT_DONE['en']} Shall I ask?"


def test_where_nothing_is_left_an_honest_answer_stands_in_the_customers_language() -> None:
    for language, text in (("en", "It costs £9."), ("de", "Das kostet 9 £."), ("es", "Cuesta 9 £.")):
        words = check(language=language)
        told = fed(words, text) + words.end(()) + words.settle((), "")
        assert told == f"{NOT_KNOWN_ANSWER[language]} {ASK_A_PERSON[language]}"


def test_instructions_are_not_told_and_nothing_of_a_call_written_as_text_is() -> None:
    words = check()
    fed(words, "You sell tickets for the kiosk of the old town.")
    assert words.end(()) + words.settle((), "") == NOT_SHARED["en"]
    words = check()
    fed(words, '{"name": "buy_it",\n "arguments": {}\n}\n')
    assert words.end(()) + words.settle((), "") == NOT_SHARED["en"]


def test_marks_of_passages_that_do_not_exist_are_taken_out() -> None:
    passage = Passage(n=1, title="Kiosk", uri="kb://a/b#0-1", text="A ticket costs £3.")
    words = check()
    assert words.feed("A ticket costs £3 【1†source】. Yes [7]. So", [passage]) == "A ticket costs £3 [1]. Yes. "
