"""The loss of the plate network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from plate_ocr.training.plates.data import NO_REGION, PlateTargets

SMOOTH_L1_BETA, CORNER_LOSS_WEIGHT = 0.02, 5.0
"""Error of corners, as a part of the picture, below which the loss is quadratic; and their weight relative to
the text."""


REGION_LOSS_WEIGHT = 0.1
"""Of the cross-entropy of the region, relative to the text."""


@dataclass(frozen=True)
class PlateText:
    """CTC loss per character, a smooth L1 loss of corners and, if it is told, the region's cross-entropy."""

    def loss(self, output: tuple[Tensor, Tensor, Tensor], target: Tensor, step: int) -> Tensor:
        """Mean loss of a batch.

        Args:
            output: of :class:`plate_ocr.networks.plate.PlateNetwork`.
            target: of :class:`PlateTargets`.
            step: unused.
        """
        logits, points = output[0].float(), output[1].float()
        targets = PlateTargets.of(target)
        lengths = (targets.classes > 0).sum(1)
        steps = torch.full_like(lengths, logits.shape[1])
        logs = logits.log_softmax(-1).transpose(0, 1)
        losses = F.ctc_loss(logs, targets.classes, steps, lengths, reduction="none", zero_infinity=True)
        there = targets.points.isfinite()
        off = F.smooth_l1_loss(points, targets.points.nan_to_num(), reduction="none", beta=SMOOTH_L1_BETA)
        total = (losses / lengths.clamp(min=1)).mean() + CORNER_LOSS_WEIGHT * (off * there).mean()
        known = targets.regions != NO_REGION
        if not output[2].shape[1]:
            return total
        each = F.cross_entropy(output[2].float(), targets.regions.clamp(min=0), reduction="none")
        return total + REGION_LOSS_WEIGHT * (each * known).sum() / known.sum().clamp(min=1)

    def correct(self, output: tuple[Tensor, Tensor, Tensor], target: Tensor) -> Tensor:
        """Number of plates read without a mistake."""
        target = PlateTargets.of(target).classes
        likeliest = output[0].argmax(-1)
        before = F.pad(likeliest, (1, 0))[:, :-1]
        kept = (likeliest > 0) & (likeliest != before)
        # A stable sort moves the kept classes to the front, in their order.
        order = torch.argsort((~kept).to(torch.int8), dim=1, stable=True)
        read = torch.where(kept, likeliest, 0).gather(1, order)
        longest = target.shape[1]
        return ((read[:, :longest] == target).all(1) & (kept.sum(1) <= longest)).sum()
