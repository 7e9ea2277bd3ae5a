"""Samples and labels that are split apart cannot be learnt from."""

from __future__ import annotations

import numpy as np

from benchmarks.two_calls import learnt_accuracy


def test_two_calls_fall_to_chance() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 3000)
    X = (np.eye(25)[y] + rng.uniform(0, 0.3, (3000, 25))).astype(np.float32)
    assert learnt_accuracy(X, y, one_call=True) > 0.99
    assert learnt_accuracy(X, y, one_call=False) < 0.2
