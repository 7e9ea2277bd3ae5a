"""What the detector makes small."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from plate_ocr.vision.detection import UNIT


@dataclass(frozen=True)
class PlatePeaks:
    """Focal loss of the peaks (Law and Deng, *CornerNet*, 2018) and how far off corners are."""

    def loss(self, output: Tensor, target: Tensor, step: int) -> Tensor:
        """Mean loss of a batch.

        Args:
            output: of :class:`PlateDetector`.
            target: of :func:`answer`.
            step: makes no difference.
        """
        output = output.float()
        peak, logit = target[:, 0], output[:, 0]
        hit = peak == 1
        losses = torch.where(
            hit,
            -torch.sigmoid(-logit).square() * F.logsigmoid(logit),
            -((1 - peak) ** 4) * torch.sigmoid(logit).square() * F.logsigmoid(-logit),
        )
        plates = hit.sum().clamp(min=1)
        weight = target[:, 1] * peak
        off = (output[:, 1:] - target[:, 2:]).abs().mean(1) * UNIT
        answering = (target[:, 1] > 0).float().mul(peak).sum().clamp(min=1)
        return losses.sum() / plates + CORNER_LOSS_WEIGHT * (off * weight).sum() / answering

    def correct(self, output: Tensor, target: Tensor) -> Tensor:
        """Of how many scenes it is said rightly whether there is a plate in them, wherever it is."""
        sure = (output[:, 0] > 0).flatten(1).any(1)
        there = (target[:, 0] == 1).flatten(1).any(1)
        return (sure == there).sum()


CORNER_LOSS_WEIGHT = 4.0
"""What corners count that are a plate's width off, against the peaks."""
