"""From raw scores to probabilities and thresholds, by the scores that each known text gets when it is left out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from switchboard.routing.lexical_features import Matrix

TEMPERATURES = np.geomspace(0.02, 0.5, 30)
TEMPERATURE_DEFAULT = 0.1
CALIBRATED_TEXTS_MIN = 20
"""With fewer texts than this their left-out scores say nothing."""
REJECTED_SHARE = 0.0175
"""Of the known texts that would be rejected, were they left out. New texts are rejected two to three times as often:
they are less like the known ones than those are like each other."""
FAMILIARITY_MIN_MAX = 1.0
FAMILIARITY_MIN_DEFAULT = 0.5

ELSEWHERE_MIN_DEFAULT = 0.5


@dataclass(frozen=True, slots=True)
class Calibration:
    temperature: float
    """Of the softmax: a probability of 0.8 is right eight times of ten among texts like the known ones."""
    familiarity_min: float
    """Below it a text is unlike everything known."""
    elsewhere_min: float = ELSEWHERE_MIN_DEFAULT
    """From this probability of being for nobody on a text is."""

    def probabilities(self, scores: Matrix) -> Matrix:
        """Softmax over the last axis. Same shape."""
        powers = np.exp((scores - scores.max(axis=-1, keepdims=True)) / self.temperature)
        return powers / powers.sum(axis=-1, keepdims=True)


def temperature_of(scores: Matrix, truth: NDArray[np.intp]) -> float:
    """The temperature that makes the truth likeliest. `scores`: shape (texts, classes), each text left out."""
    if len(truth) < CALIBRATED_TEXTS_MIN or scores.shape[1] < 2:
        return TEMPERATURE_DEFAULT
    losses = [_loss(scores, truth, float(each)) for each in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def _loss(scores: Matrix, truth: NDArray[np.intp], temperature: float) -> float:
    logits = (scores - scores.max(axis=1, keepdims=True)) / temperature
    return float((np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(truth)), truth]).mean())


def familiarity_min_of(familiarity: Matrix) -> float:
    """The bar below which a text is for nobody. `familiarity`: shape (texts,), each text left out."""
    if len(familiarity) < CALIBRATED_TEXTS_MIN:
        return FAMILIARITY_MIN_DEFAULT
    return min(FAMILIARITY_MIN_MAX, float(np.quantile(familiarity, REJECTED_SHARE)))


def elsewhere_min_of(elsewhere: Matrix) -> float:
    """The probability of being for nobody from which on a text is. `elsewhere`: shape (texts,), of agents' texts, each left out."""
    if len(elsewhere) < CALIBRATED_TEXTS_MIN:
        return ELSEWHERE_MIN_DEFAULT
    return min(ELSEWHERE_MIN_DEFAULT, float(np.quantile(elsewhere, 1 - REJECTED_SHARE)))
