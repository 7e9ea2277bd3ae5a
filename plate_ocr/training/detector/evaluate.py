"""Detection metrics on rendered scenes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from plate_ocr.metrics import MATCH_IOU
from plate_ocr.rendering.shards import SceneShard
from plate_ocr.vision.detection import decode_detections
from plate_ocr.vision.geometry import overlap


@dataclass(frozen=True)
class DetectionMetrics:
    """Detection metrics on rendered scenes.

    Attributes:
        true_positives: plates that were found.
        false_positives: detections without a plate.
        false_negatives: plates that were missed.
        corner_error: mean distance between predicted and true corners of the plates that were found, as a
            fraction of the plate's width; None if none was found.
    """

    true_positives: int
    false_positives: int
    false_negatives: int
    corner_error: float | None

    @property
    def f_measure(self) -> float:
        """Harmonic mean of precision and recall, 0..1."""
        return (
            2
            * self.true_positives
            / max(1, 2 * self.true_positives + self.false_positives + self.false_negatives)
        )


def evaluate_detector(
    network: nn.Module, scenes: SceneShard, min_score: float, batch: int = 32
) -> DetectionMetrics:
    """Run a detector, in evaluation mode, on rendered scenes.

    Args:
        network: a detector.
        scenes: rendered scenes with the corners of their plates.
        min_score: minimum score of a detection, 0..1.
        batch: batch size.
    """
    device = next(network.parameters()).device
    size = scenes.images.shape[2], scenes.images.shape[1]
    true_positives = false_positives = false_negatives = 0
    corner_error: list[float] = []
    for start in range(0, len(scenes.images), batch):
        pictures = torch.from_numpy(scenes.images[start : start + batch])[:, None].to(device).float() / 255
        with torch.no_grad():
            answers = network(pictures).float().cpu().numpy()
        for answer, points in zip(answers, scenes.points[start : start + batch], strict=True):
            labelled = [
                box * size for box in points.astype(np.float64).reshape(-1, 4, 2) if np.isfinite(box).all()
            ]
            for place in decode_detections(answer, 1.0, min_score):
                ious = [overlap(place.corners, box) for box in labelled]
                if ious and max(ious) >= MATCH_IOU:
                    corner_error.append(_corner_error(place.corners, labelled.pop(int(np.argmax(ious)))))
                else:
                    false_positives += 1
            false_negatives += len(labelled)
    true_positives = len(corner_error)
    return DetectionMetrics(
        true_positives,
        false_positives,
        false_negatives,
        float(np.mean(corner_error)) if corner_error else None,
    )


def _corner_error(corners: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(corners - true, axis=1).mean() / np.linalg.norm(true[1] - true[0]))
