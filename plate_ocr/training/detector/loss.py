"""The loss of the detector."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from plate_ocr.vision.detection import UNIT


@dataclass(frozen=True)
class PlatePeaks:
    """Focal loss of the peaks (Law and Deng, *CornerNet*, 2018) and L1 loss of corners."""

    def loss(self, output: Tensor, target: Tensor, step: int) -> Tensor:
        """Mean loss of a batch.

        Args:
            output: of :class:`PlateDetector`.
            target: of :func:`~plate_ocr.training.detector.data.detector_targets`.
            step: unused.
        """
        output = output.float()
        peak, logit = target[:, 0], output[:, 0]
        hit = peak == 1
        losses = torch.where(
            hit,
            -torch.sigmoid(-logit).square() * F.logsigmoid(logit),
            -((1 - peak) ** 4) * torch.sigmoid(logit).square() * F.logsigmoid(-logit),
        )
        losses = torch.where(peak < 0, 0.0, losses)  # unknown
        plates = hit.sum().clamp(min=1)
        weight = target[:, 1] * peak
        off = (output[:, 1:] - target[:, 2:]).abs().mean(1) * UNIT
        answering = (target[:, 1] > 0).float().mul(peak).sum().clamp(min=1)
        return losses.sum() / plates + CORNER_LOSS_WEIGHT * (off * weight).sum() / answering

    def correct(self, output: Tensor, target: Tensor) -> Tensor:
        """Number of scenes in which the presence of a plate, anywhere, is predicted correctly."""
        found = (output[:, 0] > 0).flatten(1).any(1)
        there = (target[:, 0] == 1).flatten(1).any(1)
        return (found == there).sum()


CORNER_LOSS_WEIGHT = 4.0
"""Weight of corners with an error of one plate width, relative to the peaks."""
