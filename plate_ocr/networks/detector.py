"""The network that finds plates in photos."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from plate_ocr.model.cards import LocatorCard
from plate_ocr.networks.blocks import ResidualBlock
from plate_ocr.vision.geometry import CORNERS


def locator_network_for(card: LocatorCard) -> LocatorNetwork:
    """A network of the sizes that a locator's card names, with fresh weights."""
    return LocatorNetwork(card.channels, card.features)


class LocatorNetwork(nn.Module):
    """Finds plates in a whole picture: a peak at the middle of each, and where its corners are.

    Residual stages bring the picture down to a 32nd; what they see is added up from coarse to fine again,
    so that every cell of 8×8 pixels knows its details and its surroundings.

    Args:
        channels: of the stages at a half, a quarter, … and a 32nd of the picture's size.
        width: of the layers that add up.

    Shapes:
        ``[batch, 1, height, width]`` float32, grey, 0..1, both sizes multiples of 32, to
        ``[batch, 9, height / 8, width / 8]``: the logit of a plate's middle, and x and y of the plate's
        corners from the cell's middle, clockwise from its own top left, in units of 32 pixels.

    References:
        Zhou et al., *Objects as Points*, 2019; Silva and Jung, *License Plate Detection and Recognition in
        Unconstrained Scenarios*, 2018 (corners); Lin et al., *Feature Pyramid Networks*, 2017.
    """

    def __init__(
        self, channels: tuple[int, int, int, int, int] = (16, 24, 48, 72, 96), width: int = 64
    ) -> None:
        super().__init__()
        first, second, third, fourth, fifth = channels
        self.stem = nn.Sequential(
            nn.Conv2d(1, first, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(inplace=True),
            ResidualBlock(first, second, (2, 2)),
        )
        self.eighth = nn.Sequential(ResidualBlock(second, third, (2, 2)), ResidualBlock(third, third))
        self.sixteenth = nn.Sequential(ResidualBlock(third, fourth, (2, 2)), ResidualBlock(fourth, fourth))
        self.coarsest = nn.Sequential(ResidualBlock(fourth, fifth, (2, 2)), ResidualBlock(fifth, fifth))
        self.sides = nn.ModuleList(nn.Conv2d(size, width, 1) for size in (third, fourth, fifth))
        self.head = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )
        self.output = nn.Conv2d(width, 1 + 2 * CORNERS, 1)
        # Plates are rare: it begins with few.
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
