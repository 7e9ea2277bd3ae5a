"""How well plates are found in rendered scenes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from plate_ocr.rendering.shards import SceneShard
from plate_ocr.vision.detection import located
from plate_ocr.vision.geometry import overlap

FOUND = 0.5
"""A plate is found where intersection over union is at least so much."""


@dataclass(frozen=True)
class Found:
    """How well plates were found.

    Attributes:
        right: plates that were found.
        wrong: what was taken for a plate and is none.
        missed: plates that were not found.
        off: mean distance of a found plate's corners from the true ones, as a part of its width; None where
            none was found.
    """

    right: int
    wrong: int
    missed: int
    off: float | None

    @property
    def f_measure(self) -> float:
        """Harmonic mean of precision and recall, 0..1."""
        return 2 * self.right / max(1, 2 * self.right + self.wrong + self.missed)


def count_found(network: nn.Module, scenes: SceneShard, least: float, batch: int = 32) -> Found:
    """Look for plates in scenes with a network in evaluation mode.

    Args:
        network: a detector.
        scenes: to look at.
        least: score of a plate, 0..1.
        batch: scenes at a time.
    """
    device = next(network.parameters()).device
    size = scenes.images.shape[2], scenes.images.shape[1]
    right = wrong = missed = 0
    off: list[float] = []
    for start in range(0, len(scenes.images), batch):
        pictures = torch.from_numpy(scenes.images[start : start + batch])[:, None].to(device).float() / 255
        with torch.no_grad():
            answers = network(pictures).float().cpu().numpy()
        for answer, points in zip(answers, scenes.points[start : start + batch], strict=True):
            there = [
                box * size for box in points.astype(np.float64).reshape(-1, 4, 2) if np.isfinite(box).all()
            ]
            for place in located(answer, 1.0, least):
                shares = [overlap(place.corners, box) for box in there]
                if shares and max(shares) >= FOUND:
                    off.append(_off(place.corners, there.pop(int(np.argmax(shares)))))
                else:
                    wrong += 1
            missed += len(there)
    right = len(off)
    return Found(right, wrong, missed, float(np.mean(off)) if off else None)


def _off(corners: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(corners - true, axis=1).mean() / np.linalg.norm(true[1] - true[0]))
