"""Kernel ridge regression on class indicators, in closed form: the whole fit is one linear system.

The kernel of two texts is exp(γ(cos − 1)) of their embeddings (a Gaussian on the sphere) plus the inner product of their
lexical rows. The leave-one-out scores fall out of the same system (the hat matrix), so that calibration needs no
second fit: Rasmussen & Williams, *Gaussian Processes for Machine Learning*, 5.4.2. Texts that resemble each other are left out
together, by the block of the same matrix that is theirs. Above `EXACT_TEXTS_MAX` texts the
system is that of the subset of regressors (ibid., 8.3.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from switchboard.routing.lexical_features import Matrix

SHARPNESS = 4.0
"""γ: how fast likeness of meaning falls off with the angle."""
RIDGE = 0.1
EXACT_TEXTS_MAX = 10_240
LANDMARKS = 5_120
"""So many of the texts stand for all of them, where there are more than can be fitted exactly."""
TRIANGLE_ROWS = 128
BLOCK_ROWS = 1_024
JITTER = 1e-4

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted regression. N landmarks, C classes."""

    landmarks: Rows
    """Shape (N,): which of the texts."""
    vectors: Matrix
    """Shape (N, 384)."""
    smooth: Matrix
    """Shape (N, C): weights of the landmarks."""
    lexical: Matrix
    """Shape (buckets, C): weights of the lexical part, summed over the landmarks."""

    def scores(self, cosines: Matrix, rows: Matrix) -> Matrix:
        """Shape (texts, C); about 1 for the class that is meant, about 0 for the others and far from everything known.

        `cosines`: shape (texts, N), to the landmarks; `rows`: shape (texts, buckets).
        """
        scores = np.exp(SHARPNESS * (cosines - 1)) @ self.smooth + rows @ self.lexical
        return scores.astype(np.float32, copy=False)


def fitted(vectors: Matrix, rows: Matrix, targets: Matrix, together: Sequence[Rows] = ()) -> tuple[Fit, Matrix]:
    """The fit, and for each text the scores that it would get had it not been there: shape (texts, C).

    `vectors`: shape (texts, 384), of length 1; `rows`: shape (texts, buckets); `targets`: shape (texts, C), 0 or 1.
    `together`: places of texts that are left out together, each text in one group at most.
    """
    if len(vectors) <= EXACT_TEXTS_MAX:
        return _exact(vectors, rows, targets, together)
    return _of_landmarks(vectors, rows, targets, together)


def _exact(vectors: Matrix, rows: Matrix, targets: Matrix, together: Sequence[Rows]) -> tuple[Fit, Matrix]:
    kernel = _kernel(vectors, rows, vectors, rows)
    kernel[np.diag_indices_from(kernel)] += RIDGE
    half = _inverse_factor(kernel)
    del kernel
    weights = half.T @ (half @ targets)
    unseen = targets - weights / np.einsum("ij,ij->j", half, half)[:, None]
    for group in together:
        own = half[group[0] :, group]  # above its diagonal a triangle is empty
        unseen[group] = targets[group] - np.linalg.solve(own.T @ own, weights[group])
    return _fit(np.arange(len(vectors)), vectors, rows, weights), unseen


def _inverse_factor(system: Any) -> Any:
    """The inverse of the Cholesky factor of `system`, which it overwrites: of this lower triangle H, H.T @ H is the inverse of `system`.

    In halves, in the type of `system`: nearly all of the work is in products, and nothing but H has its size. LAPACK's
    own takes a matrix of doubles beside it, for single precision too.
    """
    size = len(system)
    if size <= TRIANGLE_ROWS:
        return cast(Any, np.linalg.inv)(cast(Any, np.linalg.cholesky)(system))
    middle = size // 2
    result = np.zeros_like(system)
    first, second = result[:middle, :middle], result[middle:, middle:]
    first[:] = _inverse_factor(system[:middle, :middle])
    below = system[middle:, :middle] @ first.T
    system[middle:, middle:] -= below @ below.T
    second[:] = _inverse_factor(system[middle:, middle:])
    result[middle:, :middle] = -second @ (below @ first)
    return result


def _of_landmarks(vectors: Matrix, rows: Matrix, targets: Matrix, together: Sequence[Rows]) -> tuple[Fit, Matrix]:
    chosen = spread(targets.argmax(axis=1), LANDMARKS)
    near, near_rows = vectors[chosen], rows[chosen]
    system = RIDGE * _kernel(near, near_rows, near, near_rows).astype(np.float64)
    system[np.diag_indices_from(system)] += JITTER
    right = np.zeros((len(chosen), targets.shape[1]))
    blocks = [slice(start, start + BLOCK_ROWS) for start in range(0, len(vectors), BLOCK_ROWS)]
    for block in blocks:
        features = _kernel(vectors[block], rows[block], near, near_rows)
        system += features.T @ features
        right += features.T @ targets[block]
    half = _inverse_factor(system)
    weights = half.T @ (half @ right)
    narrow = half.T.astype(np.float32)
    unseen = np.empty_like(targets)
    for block in blocks:
        features = _kernel(vectors[block], rows[block], near, near_rows)
        leverage = np.square(features @ narrow).sum(axis=1)
        residual = (targets[block] - features @ weights) / np.maximum(1 - leverage, JITTER)[:, None]
        unseen[block] = targets[block] - residual
    for group in together:
        features = _kernel(vectors[group], rows[group], near, near_rows)
        own = features @ narrow
        left = np.eye(len(group)) - own @ own.T
        left[np.diag_indices_from(left)] += JITTER
        unseen[group] = targets[group] - np.linalg.solve(left, targets[group] - features @ weights)
    return _fit(chosen, near, near_rows, weights), unseen


def spread(classes: Rows, count: int) -> Rows:
    """Places of `count` texts spread evenly over the classes, the first ones of each, in their order. `classes`: shape (texts,)."""
    place = np.empty(len(classes), dtype=np.float64)
    for members in np.split(np.argsort(classes, kind="stable"), np.cumsum(np.bincount(classes))[:-1]):
        place[members] = np.arange(len(members)) / max(1, len(members))
    return np.sort(np.argsort(place, kind="stable")[:count])


def _fit(chosen: Rows, vectors: Matrix, rows: Matrix, weights: NDArray[np.floating]) -> Fit:
    return Fit(chosen, vectors, weights.astype(np.float32), (rows.T @ weights).astype(np.float32))


def _kernel(left: Matrix, left_rows: Matrix, right: Matrix, right_rows: Matrix) -> Matrix:
    kernel = left @ right.T  # from here on in place: beside a large kernel there is no room for a second one
    kernel -= 1
    kernel *= SHARPNESS
    np.exp(kernel, out=kernel)
    for start in range(0, len(left), BLOCK_ROWS):
        kernel[start : start + BLOCK_ROWS] += left_rows[start : start + BLOCK_ROWS] @ right_rows.T
    return kernel
