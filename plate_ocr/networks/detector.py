"""The detector network: finds plates in photos."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from plate_ocr.model.cards import DetectorCard
from plate_ocr.networks.blocks import ContextBlock, ResidualBlock
from plate_ocr.vision.geometry import CORNERS


def detector_network_for(card: DetectorCard) -> PlateDetector:
    """An untrained network of the sizes in a detector's card."""
    return PlateDetector(card.channels, card.features, card.blocks, card.context, card.light)


class PlateDetector(nn.Module):
    """Finds plates in a whole picture: a peak at the centre of each, and its four corners.

    Residual stages reduce the picture to 1/32 of its size; their features are fused from coarse to fine,
    so that every cell of 8×8 pixels has both details and context.

    Args:
        channels: of the stages at 1/2, 1/4, … and 1/32 of the picture's size; with four of them, the first
            is at 1/4, made by one convolution.
        width: channels of the fusing layers and the head.
        blocks: residual blocks of the last three stages.
        context: blocks with a large receptive field after the last stage: for plates as wide as the picture.
        light: whether the head is depthwise separable.

    Shapes:
        ``[batch, 1, height, width]`` float32, grey, 0..1, both sizes multiples of 32, to
        ``[batch, 9, height / 8, width / 8]``: the logit of a plate's centre, and x and y of the plate's
        corners relative to the cell's centre, clockwise from its own top left, in units of 32 pixels.

    References:
        Zhou et al., *Objects as Points*, 2019; Silva and Jung, *License Plate Detection and Recognition in
        Unconstrained Scenarios*, 2018 (corners); Lin et al., *Feature Pyramid Networks*, 2017.
    """

    def __init__(
        self,
        channels: tuple[int, ...] = (16, 24, 48, 72, 96),
        width: int = 64,
        blocks: tuple[int, ...] = (2, 2, 2),
        context: int = 0,
        light: bool = False,
    ) -> None:
        super().__init__()
        *stem, second, third, fourth, fifth = channels
        first = stem[0] if stem else second
        shrink = (3, 2) if stem else (6, 4)
        self.stem = nn.Sequential(
            nn.Conv2d(1, first, shrink[0], stride=shrink[1], padding=1, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(inplace=True),
            *([ResidualBlock(first, second, (2, 2))] if stem else []),
        )
        self.eighth = _stage(second, third, blocks[0])
        self.sixteenth = _stage(third, fourth, blocks[1])
        self.coarsest = _stage(fourth, fifth, blocks[2], context)
        self.sides = nn.ModuleList(nn.Conv2d(size, width, 1) for size in (third, fourth, fifth))
        self.head = nn.Sequential(
            *([nn.Conv2d(width, width, 5, padding=2, groups=width, bias=False)] if light else []),
            *([nn.BatchNorm2d(width)] if light else []),
            nn.Conv2d(width, width, 1 if light else 3, padding=0 if light else 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )
        self.output = nn.Conv2d(width, 1 + 2 * CORNERS, 1)
        # Plates are rare: the initial scores are low.
        nn.init.constant_(self.output.bias[:1], -4.0)  # type: ignore[index]

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures to peaks and corners: shapes as of the class."""
        eighth = self.eighth(self.stem(pictures * 2 - 1))
        sixteenth = self.sixteenth(eighth)
        sums = self.sides[2](self.coarsest(sixteenth))
        for side, features in ((self.sides[1], sixteenth), (self.sides[0], eighth)):
            sums = side(features) + F.interpolate(sums, scale_factor=2.0, mode="nearest")
        answers: Tensor = self.output(self.head(torch.relu(sums)))
        return answers


def _stage(inputs: int, outputs: int, blocks: int, context: int = 0) -> nn.Sequential:
    """Residual blocks, the first with stride 2, then context blocks."""
    return nn.Sequential(
        ResidualBlock(inputs, outputs, (2, 2)),
        *(ResidualBlock(outputs, outputs) for _ in range(blocks - 1)),
        *(ContextBlock(outputs) for _ in range(context)),
    )
