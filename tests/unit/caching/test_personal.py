"""Whose question it is: somebody's own, or anybody's."""

import pytest

from switchboard.caching.semantic.personal import names_somebody
from switchboard.caching.semantic.reading import read


@pytest.mark.parametrize(
    "text", ["Is ada@example.com registered?", "My number is 07700 900123", "Where is INV-20261101?"]
)
def test_a_question_with_somebodys_data_is_recognised(text: str):
    assert names_somebody(read(text))


def test_a_question_about_a_product_or_a_price_names_nobody():
    assert not names_somebody(read("Does the 100 GB plan with the X200 cost £25 a month?"))
