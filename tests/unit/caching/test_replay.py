"""The replay of a stream: what it counts, and that it never looks at the asked row's category before the decision."""

import numpy as np
import pytest

from evals.cache.replay import Row, interval, replay, replay_plain
from switchboard.caching.semantic.decision import Thresholds
from switchboard.caching.semantic.verifier import Verifier, load

QUESTION, SAME = "How do I change the address on my account?", "how can I change the address on my account"


@pytest.fixture(scope="module")
def verifier() -> Verifier:
    return load(lambda word: 0.5)


def ones(count: int) -> np.ndarray:
    vectors = np.zeros((count, 384), dtype=np.float32)
    vectors[:, 0] = 1.0
    return vectors


def test_a_hit_of_another_category_is_false(verifier: Verifier):
    rows = [Row(QUESTION, "a"), Row(SAME, "a"), Row(SAME, "b")]
    outcome = replay(rows, ones(3), verifier, Thresholds())
    assert (outcome.rows, outcome.hits, outcome.entries) == (3, 2, 1)
    assert [(hit.asked, hit.served) for hit in outcome.false_hits] == [(2, 0)]


def test_the_decisions_do_not_depend_on_the_last_rows_category(verifier: Verifier):
    outcomes = [replay([Row(QUESTION, "a"), Row(SAME, c)], ones(2), verifier, Thresholds()) for c in ("a", "b")]
    assert outcomes[0].hits == outcomes[1].hits == 1


def test_a_stream_starts_with_nothing(verifier: Verifier):
    assert replay([Row(QUESTION, "a")], ones(1), verifier, Thresholds()).hits == 0


def test_a_plain_threshold_looks_at_nothing_but_the_cosine():
    rows = [Row("Do you open on Monday?", "a"), Row("Do you open on Friday?", "b")]
    outcome = replay_plain(rows, ones(2), 0.92)
    assert (outcome.hits, len(outcome.false_hits)) == (1, 1)


def test_the_interval_is_wilsons():
    low, high = interval(15, 1000)
    assert (round(low, 4), round(high, 4)) == (0.0091, 0.0246)
    assert interval(0, 0) == (0.0, 1.0)
    assert interval(0, 100)[0] == 0.0
