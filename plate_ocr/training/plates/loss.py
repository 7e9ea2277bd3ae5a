"""The loss of the plate network."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from plate_ocr.model.cards import PlateCard
from plate_ocr.networks.plate import PlateNetwork
from plate_ocr.training.core.transfer import Rows, common_rows
from plate_ocr.training.plates.data import NO_REGION, PlateTargets

SMOOTH_L1_BETA, CORNER_LOSS_WEIGHT = 0.02, 5.0
"""Error of corners, as a part of the picture, below which the loss is quadratic; and their weight relative to
the text."""

REGION_LOSS_WEIGHT = 0.1
"""Of the cross-entropy of the region, relative to the text."""

DISTILLATION_LOSS_WEIGHT = 1.0
"""Of the divergence from the teacher, relative to the text."""


@dataclass(frozen=True)
class Teacher:
    """The base model, of whose characters none is to be forgotten.

    Attributes:
        network: in evaluation mode, on the device of the training.
        rows: of the common classes in the logits of the trained network and in its own.

    References:
        Li and Hoiem, *Learning without Forgetting*, 2016.
    """

    network: PlateNetwork
    rows: Rows

    @classmethod
    def of(cls, base: tuple[PlateCard, PlateNetwork], card: PlateCard, device: torch.device) -> Self:
        """The teacher of a network with another card."""
        mine, theirs = common_rows(card.alphabet, base[0].alphabet, blank=True)
        return cls(copy.deepcopy(base[1]).eval().to(device), (mine.to(device), theirs.to(device)))

    def divergence(self, logits: Tensor, views: Tensor, targets: PlateTargets) -> Tensor:
        """Mean over a batch of the Kullback-Leibler divergence per character, which is 0 of real plates and
        of those with characters that the teacher does not know.

        Args:
            logits: float32 ``[batch, steps, outputs + 1]`` of the trained network.
            views: that it read.
            targets: of the batch.
        """
        mine, theirs = self.rows
        known = targets.rendered & torch.isin(targets.classes, mine).all(1)
        with torch.no_grad():
            taught = self.network.read(views[known])[0].float()[..., theirs].log_softmax(-1)
        logs = logits[known].log_softmax(-1)[..., mine]
        each = F.kl_div(logs, taught, reduction="none", log_target=True).sum((1, 2))
        return (each / targets.lengths[known].clamp(min=1)).sum() / len(logits)


@dataclass(frozen=True)
class PlateText:
    """CTC loss per character, a smooth L1 loss of corners, the region's cross-entropy where it is told, and
    the divergence from a teacher.

    Attributes:
        teacher: from which readings of rendered plates are not to diverge.
    """

    teacher: Teacher | None = None

    def loss(self, output: tuple[Tensor, Tensor, Tensor, Tensor], target: Tensor, step: int) -> Tensor:
        """Mean loss of a batch.

        Args:
            output: of :class:`plate_ocr.networks.plate.PlateNetwork`.
            target: of :class:`PlateTargets`.
            step: unused.
        """
        logits, points = output[0].float(), output[1].float()
        targets = PlateTargets.of(target)
        lengths = targets.lengths
        steps = torch.full_like(lengths, logits.shape[1])
        logs = logits.log_softmax(-1).transpose(0, 1)
        losses = F.ctc_loss(logs, targets.classes, steps, lengths, reduction="none", zero_infinity=True)
        there = targets.points.isfinite()
        off = F.smooth_l1_loss(points, targets.points.nan_to_num(), reduction="none", beta=SMOOTH_L1_BETA)
        total = (losses / lengths.clamp(min=1)).mean() + CORNER_LOSS_WEIGHT * (off * there).mean()
        if self.teacher is not None:
            total = total + DISTILLATION_LOSS_WEIGHT * self.teacher.divergence(logits, output[3], targets)
        if not output[2].shape[1]:
            return total
        known = targets.regions != NO_REGION
        each = F.cross_entropy(output[2].float(), targets.regions.clamp(min=0), reduction="none")
        return total + REGION_LOSS_WEIGHT * (each * known).sum() / known.sum().clamp(min=1)

    def correct(self, output: tuple[Tensor, Tensor, Tensor, Tensor], target: Tensor) -> Tensor:
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
