"""The decision over candidates: cosine, guards, the verifier, and agreement of what is cached."""

import pytest

from switchboard.caching.semantic.decision import CachedQuestion, Thresholds, decide
from switchboard.caching.semantic.reading import read
from switchboard.caching.semantic.verifier import Verifier, load

ASKED = read("How do I change the address on my account?")
SAME = read("how can I change the address on my account")
OTHER = read("How do I change the address that is on my order?")


@pytest.fixture(scope="module")
def verifier() -> Verifier:
    return load(lambda word: min(1.0, len(word) / 10))


def candidate(index: int = 0, cosine: float = 0.97, reading: object = SAME, answer: str = "a") -> CachedQuestion:
    return CachedQuestion(index, cosine, reading, answer)  # pyright: ignore[reportArgumentType]


def test_nothing_cached_is_no_hit(verifier: Verifier):
    assert decide(ASKED, [], verifier).reason == "empty"


def test_what_is_not_near_enough_is_not_looked_at(verifier: Verifier):
    assert decide(ASKED, [candidate(cosine=0.7)], verifier).reason == "cosine"


def test_the_same_wording_is_a_hit_with_its_score(verifier: Verifier):
    decision = decide(ASKED, [candidate(index=7)], verifier)
    assert (decision.index, decision.reason, decision.hit) == (7, "hit", True)
    assert 0.97 < decision.score <= 1.0


def test_a_guard_refuses_however_near_the_vectors_are(verifier: Verifier):
    decision = decide(read("Can I pay 5 now?"), [candidate(cosine=0.999, reading=read("Can I pay 6 now?"))], verifier)
    assert (decision.reason, decision.guard, decision.hit) == ("guard", "numbers", False)


def test_a_score_below_the_threshold_is_no_hit(verifier: Verifier):
    decision = decide(ASKED, [candidate(reading=OTHER, cosine=0.9)], verifier, Thresholds(score=0.999))
    assert decision.reason == "score"


def test_a_candidate_that_a_guard_refuses_does_not_hide_the_next(verifier: Verifier):
    refused = candidate(index=1, cosine=0.99, reading=read("How do I not change the address on my account?"))
    decision = decide(ASKED, [refused, candidate(index=2)], verifier)
    assert (decision.index, decision.guard) == (2, "negation")


def test_cached_answers_that_differ_around_the_question_are_no_hit(verifier: Verifier):
    near = [candidate(answer="a"), candidate(index=1, cosine=0.9, reading=OTHER, answer="b")]
    assert decide(ASKED, near, verifier).reason == "agreement"
    agreed = [near[0], candidate(index=1, cosine=0.9, reading=OTHER, answer="a")]
    assert decide(ASKED, agreed, verifier).hit


def test_what_a_guard_tells_apart_need_not_agree(verifier: Verifier):
    refused = candidate(index=1, cosine=0.96, reading=read("How do I not change the address?"), answer="b")
    assert decide(ASKED, [candidate(), refused], verifier).hit


def test_a_lower_threshold_finds_what_a_higher_one_refuses(verifier: Verifier):
    near = [candidate(cosine=0.93, reading=read("How do I change the address and the password on my account?"))]
    score = decide(ASKED, near, verifier, Thresholds(score=1.0)).score
    assert decide(ASKED, near, verifier, Thresholds(score=score - 0.001)).hit
    assert not decide(ASKED, near, verifier, Thresholds(score=score + 0.001)).hit
