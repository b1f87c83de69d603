"""How dialogues are read, and how spans and percentiles are counted."""

import pytest

from switchboard.evaluation.retrieval.dialogues import Asked, Document, Split, split_of, turns
from switchboard.evaluation.retrieval.quality import overlap_f1


def test_a_dialogue_is_read_newest_turn_first_and_the_agents_turns_are_left_out() -> None:
    question = "user:And: what now? \tagent:Did you call? \tuser:My user: name is lost"
    assert turns(question) == [
        ("user", "And: what now?"),
        ("agent", "Did you call?"),
        ("user", "My user: name is lost"),
    ]
    assert Asked(doc_id="d", question=question).user_turns == ["And: what now?", "My user: name is lost"]
    assert Asked(doc_id="d", question="no role at all").user_turns == ["no role at all"]


def test_the_number_of_a_part_is_no_part_of_a_title() -> None:
    article = Document(doc_id="x/Top 5 Mistakes#3_0", title="Top 5 Mistakes#3_0", text="t").article("d-0")
    assert (article.id, article.front.title) == ("d-0", "Top 5 Mistakes")
    assert Document(doc_id="x/Plain", text="t").article("d-1").front.title == "Plain"


def test_a_document_is_in_the_same_part_on_every_machine() -> None:
    assert {split_of(f"doc-{n}") for n in range(50)} == {Split.DEV, Split.TEST}
    assert split_of("doc-0") == split_of("doc-0")


@pytest.mark.parametrize(
    ("spans", "gold", "f1"),
    [
        ([(0, 10)], [(0, 10)], 1.0),
        ([(0, 20)], [(0, 10)], 2 / 3),
        ([(0, 5), (5, 10)], [(0, 10)], 1.0),
        ([(0, 10)], [(20, 30)], 0.0),
        ([], [(0, 10)], 0.0),
        ([(0, 10)], [], 0.0),
    ],
)
def test_spans_are_compared_by_their_characters(
    spans: list[tuple[int, int]], gold: list[tuple[int, int]], f1: float
) -> None:
    assert overlap_f1(spans, gold) == pytest.approx(f1)
