"""Which of several tools is meant, told by the utterances of all of them."""

from dataclasses import replace

from switchboard.models import MiniLmEmbedder
from switchboard.models.embedded.completion import ToolSpec
from switchboard.models.embedded.tools.choice import ToolPicker
from switchboard.models.embedded.tools.profile import ToolProfile, tool_profile_of
from switchboard.models.embedded.tools.spellers import Spellers
from switchboard.models.embedded.tools.utterances import UtteranceFits

LOANS = ("what have i got out", "which books do i have at home", "list my loans", "anything of mine due soon")
FINES = ("what do i owe the library", "do i have fines", "how much is my fine", "show my open fees")


def tool(name: str, utterances: tuple[str, ...]) -> ToolProfile:
    return tool_profile_of(ToolSpec(name, name.replace("_", " "), {"x-risk": "read", "x-utterances": list(utterances)}))


async def test_the_meant_tool_scores_about_one_and_the_other_about_nothing():
    (loans, fines), none = await UtteranceFits(MiniLmEmbedder()).choice(
        "how high is my fine", [tool("a", LOANS), tool("b", FINES)]
    )
    assert fines > 0.4 > loans
    assert none == -1.0


async def test_what_sounds_like_a_tool_and_is_none_of_its_questions_scores_as_none():
    fines = replace(
        tool("b", FINES), near_misses=("who invented fines", "are fines taxed", "why do libraries have fines")
    )
    fits, tools = UtteranceFits(MiniLmEmbedder()), [tool("a", LOANS), fines]
    (_, meant), none = await fits.choice("who thought of fines, and why", tools)
    assert none > meant
    (_, meant), none = await fits.choice("how high is my fine", tools)
    assert meant > none


async def test_tools_without_utterances_are_all_alike():
    assert await UtteranceFits(MiniLmEmbedder()).choice("my fine", [tool("a", LOANS), tool("b", ())]) == (
        [0.0, 0.0],
        -1.0,
    )


async def test_words_that_nobody_uses_who_wants_the_tool_make_it_less_probable():
    embedder = MiniLmEmbedder()
    picker, tools = ToolPicker(embedder, embedder.rarity), [tool("list_loans", LOANS), tool("get_fines", FINES)]
    asked = await picker.best_reading("how much is my fine", tools)
    strange = await picker.best_reading("is my fine payable in bitcoin or doubloons", tools)
    assert asked is not None and strange is not None
    assert asked.known == 1.0 > strange.known
    assert asked.probability > 0.5 > strange.probability


def test_a_mistyped_word_is_read_as_the_one_that_the_tools_know():
    spellers = Spellers({"what", "do", "i", "the", "my"}.__contains__)
    assert spellers.of([tool("get_fines", FINES)]).corrected("what do i owe the libary") == "what do i owe the library"
