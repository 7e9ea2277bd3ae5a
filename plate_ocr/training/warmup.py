"""Learning-rate schedules: a linear warm-up, then a decline."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

Decline: TypeAlias = Literal["cosine", "step"]

STEP_EVERY = 1 / 3
"""The step schedule divides the rate by ten after each third of the training."""


def rate_factor(step: int, steps: int, warmup: float, decline: Decline) -> float:
    """What the peak learning rate is multiplied by at one step.

    Args:
        step: optimiser steps made so far, from 0.
        steps: optimiser steps in the whole training.
        warmup: share of the steps over which the rate rises linearly from near zero
            (Goyal et al., *Accurate, Large Minibatch SGD*, 2017).
        decline: afterwards, ``"cosine"`` down to zero (Loshchilov and Hutter, 2017) or ``"step"``,
            a tenth after each third (He et al., *Deep Residual Learning*, 2016).

    Returns:
        A factor above 0 and up to 1.
    """
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    progress = (step - rising) / max(1, steps - rising)
    if decline == "cosine":
        return max(1e-4, 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))
    return 0.1 ** math.floor(progress / STEP_EVERY + 1e-9)
