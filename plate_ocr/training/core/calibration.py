"""What a confidence means: a temperature and bounds fitted on readings."""

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
    right: NDArray[np.float32], nothing: NDArray[np.float32], lost: float = 0.0005, most: float = 0.3
) -> float:
    """The confidence below which an answer is called unknown.

    As high as needed to refuse all but one in a hundred pictures of no character, but refusing no more
    right readings than ``lost`` and never higher than ``most``.

    Args:
        right: confidences of right readings.
        nothing: confidences of readings of pictures that show no character.
        lost: share of right readings that may be refused.
        most: the highest bound.
    """
    bounds = most, float(np.quantile(nothing, 0.99)), float(np.quantile(right, lost))
    return round(min(bounds), 3)
