"""Numbers of passages, and which of them an answer cites."""

from switchboard.agent.citations import Passages
from switchboard.contracts.tools import Passage


def passage(uri: str) -> Passage:
    return Passage(n=0, title=uri, uri=uri, text=f"text of {uri}")


def test_passages_are_numbered_through_the_turn_and_keep_their_number() -> None:
    passages = Passages("tech")
    assert [each.n for each in passages.number([passage("a"), passage("b")])] == [1, 2]
    assert [each.n for each in passages.number([passage("b"), passage("c")])] == [2, 3]


def test_a_citation_comes_as_soon_as_its_mark_is_said_even_in_pieces() -> None:
    passages = Passages("tech")
    passages.number([passage("a"), passage("b")])
    said = ["Restart it [", "2", "]. Then ", "wait [1][2] or [9]."]
    assert [[citation.n for citation in passages.read(piece)] for piece in said] == [[], [], [2], [1]]
    assert [(each.n, each.uri, each.span) for each in passages.cited] == [(1, "a", "text of a"), (2, "b", "text of b")]
