"""The fit: one linear system, and what each text would score had it not been there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.routing import kernel_ridge
from switchboard.routing.lexical_features import BUCKETS, Matrix


def texts(count: int, classes: int, seed: int) -> tuple[Matrix, Matrix, Matrix]:
    """Vectors, lexical rows and targets of texts that lie about the centres of their classes."""
    random = np.random.default_rng(seed)
    truth = np.arange(count) % classes
    centres = random.normal(size=(classes, 16))
    vectors = centres[truth] + 0.3 * random.normal(size=(count, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = np.zeros((count, BUCKETS), dtype=np.float32)
    rows[np.arange(count), truth] = 0.4
    targets = (np.arange(classes) == truth[:, None]).astype(np.float32)
    return vectors.astype(np.float32), rows, targets


@settings(max_examples=20, deadline=None)
@given(count=st.integers(4, 24), classes=st.integers(1, 4), seed=st.integers(0, 10_000))
def test_left_out_scores_are_those_of_a_fit_without_the_text(count: int, classes: int, seed: int) -> None:
    vectors, rows, targets = texts(count, classes, seed)
    _, unseen = kernel_ridge.fitted(vectors, rows, targets)

    left_out = seed % count
    rest = np.arange(count) != left_out
    without, _ = kernel_ridge.fitted(vectors[rest], rows[rest], targets[rest])
    expected = without.scores(vectors[[left_out]] @ without.vectors.T, rows[[left_out]])
    np.testing.assert_allclose(unseen[left_out], expected[0], atol=2e-3)


def test_landmarks_for_all_texts_fit_as_all_texts_do(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, rows, targets = texts(90, 3, 1)
    exact, exact_unseen = kernel_ridge.fitted(vectors, rows, targets)
    monkeypatch.setattr(kernel_ridge, "EXACT_TEXTS_MAX", 80)
    monkeypatch.setattr(kernel_ridge, "LANDMARKS", 60)
    some, unseen = kernel_ridge.fitted(vectors, rows, targets)

    assert len(some.vectors) == 60
    everything = exact.scores(vectors @ exact.vectors.T, rows)
    approximate = some.scores(vectors @ some.vectors.T, rows)
    assert (everything.argmax(axis=1) == approximate.argmax(axis=1)).mean() > 0.95
    assert np.abs(unseen - exact_unseen).mean() < 0.1


def test_landmarks_are_spread_over_the_classes() -> None:
    chosen = kernel_ridge.spread(np.repeat([0, 1], [90, 10]), 20)

    assert (chosen < 90).sum() == 18
    assert (chosen >= 90).sum() == 2


def test_a_large_system_is_factored_in_halves() -> None:
    rows = np.random.default_rng(0).normal(size=(300, 300)) * 0.05
    system = (rows @ rows.T + np.eye(300)).astype(np.float32)
    half = kernel_ridge._inverse_factor(system.copy())

    np.testing.assert_allclose(half.T @ half @ system, np.eye(300), atol=1e-3)
    assert not np.triu(half, 1).any()


@pytest.mark.parametrize("exact_max", [1_000, 10])
def test_texts_that_are_left_out_together_count_for_none_of_them(
    monkeypatch: pytest.MonkeyPatch, exact_max: int
) -> None:
    vectors, rows, targets = texts(40, 4, 3)
    monkeypatch.setattr(kernel_ridge, "EXACT_TEXTS_MAX", exact_max)
    group = np.arange(0, 40, 4)  # one class, whole
    _, unseen = kernel_ridge.fitted(vectors, rows, targets, [group])
    _, alone = kernel_ridge.fitted(vectors, rows, targets)
    rest = np.setdiff1d(np.arange(40), group)
    without, _ = kernel_ridge.fitted(vectors[rest], rows[rest], targets[rest])

    expected = without.scores(vectors[group] @ without.vectors.T, rows[group])
    np.testing.assert_allclose(unseen[group], expected, atol=0.03)
    assert unseen[group, 0].max() < 0.1 < alone[group, 0].min()
    np.testing.assert_allclose(unseen[rest], alone[rest], atol=1e-5)
