"""Calibration: a temperature and a minimum confidence, fitted on readings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def fit_temperature(cross_entropy: Callable[[float], float]) -> float:
    """The temperature with the least cross-entropy, from a quarter to four.

    References:
        Guo et al., *On Calibration of Modern Neural Networks*, 2017.
    """
    return float(min(np.geomspace(0.25, 4, 65), key=cross_entropy))


def fit_min_confidence(
    correct: NDArray[np.float32], negatives: NDArray[np.float32], max_lost: float = 0.0005, upper: float = 0.3
) -> float:
    """The minimum confidence of a known character.

    As high as needed to refuse all but one in a hundred pictures of no character, but refusing no more
    right readings than ``max_lost`` and never higher than ``upper``.

    Args:
        correct: confidences of correct readings.
        negatives: confidences of readings of pictures without a character.
        max_lost: maximum share of rejected correct readings.
        upper: the highest bound.
    """
    bounds = upper, float(np.quantile(negatives, 0.99)), float(np.quantile(correct, max_lost))
    return round(min(bounds), 3)
