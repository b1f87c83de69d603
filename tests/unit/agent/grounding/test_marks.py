"""Marks of passages, as models write them."""

import pytest

from switchboard.agent.grounding.marks import with_citation, with_plain_marks
from switchboard.contracts.tools import Passage

PASSAGE = Passage(
    n=1, title="Refunds", uri="kb://a/refunds#0-9", text="A duplicate payment is refunded within 5 working days."
)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("So it is [2, 3].", "So it is [2][3]."),
        ("So it is [2][3].", "So it is [2][3]."),
        ("So it is【2】.", "So it is[2]."),
        ("So it is 【2†source】.", "So it is [2]."),
        ("So it is [^2].", "So it is [2]."),
        ("So it is [7].", "So it is."),
        ("So it is [2, 9].", "So it is [2]."),
        ("See [2](https://a.example).", "See [2](https://a.example)."),
    ],
)
def test_marks_are_read_whatever_way_they_are_written(written: str, plain: str) -> None:
    assert with_plain_marks(written, {2, 3}) == plain


def test_a_claim_without_its_mark_gets_it() -> None:
    assert with_citation("A duplicate payment is refunded within 5 working days. ", [PASSAGE]) == (
        "A duplicate payment is refunded within 5 working days [1]. "
    )
    assert with_citation("Parking permits cost extra in Leeds.", [PASSAGE]) == "Parking permits cost extra in Leeds."
