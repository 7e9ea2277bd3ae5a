"""The plate network: reads a whole plate."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from plate_ocr.model.cards import PlateCard
from plate_ocr.networks.blocks import ResidualBlock
from plate_ocr.vision.geometry import CORNERS
from plate_ocr.vision.plate_input import TEXT_MARGIN, view_weights


def plate_network_for(card: PlateCard) -> PlateNetwork:
    """An untrained network of the sizes in a plate model's card."""
    return PlateNetwork(
        len(card.alphabet),
        card.channels,
        card.transformer,
        card.layers,
        card.steps,
        card.finder,
        len(card.regions),
    )


JITTER_STD = (0.02, 0.035)
"""Standard deviation of the random shift of each corner and of all together in training, as fractions of the
text's width and height."""


PLATE_VIEWS = 0.3
"""Share of the views in training that show the whole plate instead of its text: it is read even where the
text's corners are far from right."""


class LocalizationNet(nn.Module):
    """Finds the corners of the text and of the plate in a crop.

    Args:
        channels: of the three stages.
        size: height and width of the picture, pixels: multiples of 16.

    Shapes:
        ``[batch, 1, height, width]`` float32, grey, 0..1, to ``[batch, 8, 2]``: x and y of the text's
        corners, then of the plate's, as parts of the picture's width and height; below 0 or above 1
        outside the picture.

    References:
        Jaderberg et al., *Spatial Transformer Networks*, 2015: its localisation network, but supervised by
        the corners of rendered plates.
    """

    def __init__(
        self, channels: tuple[int, int, int] = (16, 32, 48), size: tuple[int, int] = (64, 256)
    ) -> None:
        super().__init__()
        self.size = size
        first, second, third = channels
        self.convolutions = nn.Sequential(
            nn.AvgPool2d(2),
            nn.Conv2d(1, first, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(inplace=True),
            ResidualBlock(first, second, (2, 2)),
            ResidualBlock(second, third, (2, 2)),
            ResidualBlock(third, third),
            nn.Conv2d(third, third // 2, 1),
        )
        self.hidden = nn.Linear(third // 2 * (size[0] // 16) * (size[1] // 16), 2 * third)
        self.output = nn.Linear(2 * third, 2 * CORNERS * 2)
        # Initially it returns the whole picture.
        nn.init.normal_(self.output.weight, std=1e-3)
        corners = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1]])
        inner = torch.tensor(TEXT_MARGIN) + corners * (1 - 2 * torch.tensor(TEXT_MARGIN))
        self.output.bias.data.copy_(torch.cat([inner, corners]).flatten())

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures ``[batch, 1, height, width]`` to points ``[batch, 8, 2]``."""
        features = self.convolutions(pictures * 2 - 1).flatten(1)
        points: Tensor = self.output(torch.relu(self.hidden(torch.relu(features))))
        return points.reshape(-1, 2 * CORNERS, 2)


class PlateNetwork(nn.Module):
    """Reads a whole plate by convolutions, a transformer and CTC, without character segmentation.

    A small network first finds the corners of the text, and the picture is rectified so that
    the text fills it. Convolutions reduce it to two rows of features. Both rows are concatenated
    to one sequence, so that a second line of text needs no special treatment; two transformer layers
    attend to the whole sequence.

    Args:
        outputs: number of classes of the alphabet; class 0 is CTC's blank, before them.
        channels: of the convolutional stages.
        width: of the transformer layers.
        layers: of the transformer.
        steps: of the output: a quarter of the picture's width.
        finder: channels of the :class:`LocalizationNet`.
        regions: number of regions that it tells apart; 0: none.

    Shapes:
        ``[batch, 1, 64, 256]`` float32, grey, 0..1, to ``[batch, 64, outputs + 1]`` logits, the
        ``[batch, 8, 2]`` points of its finder, ``[batch, regions]`` logits of the regions and the
        ``[batch, 1, 32, 128]`` views of the text that were read.

    References:
        Graves et al., *Connectionist Temporal Classification*, 2006; Shi et al., *CRNN*, 2017;
        Du et al., *SVTR*, 2022; Jaderberg et al., *Spatial Transformer Networks*, 2015.
    """

    HEADS = 4
    VIEW_HEIGHT = 32
    place_of_pixels: Tensor

    def __init__(
        self,
        outputs: int,
        channels: tuple[int, int, int, int] = (32, 48, 80, 96),
        width: int = 128,
        layers: int = 2,
        steps: int = 64,
        finder: tuple[int, int, int] = (16, 32, 48),
        regions: int = 0,
    ) -> None:
        super().__init__()
        self.finder = LocalizationNet(finder, (2 * self.VIEW_HEIGHT, 4 * steps))
        weights = torch.from_numpy(view_weights(self.VIEW_HEIGHT, 2 * steps))
        self.register_buffer("place_of_pixels", weights, persistent=False)
        first, second, third, fourth = channels
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, first, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(inplace=True),
            ResidualBlock(first, second, (2, 2)),
            ResidualBlock(second, second),
            ResidualBlock(second, third, (2, 1)),
            ResidualBlock(third, third),
            ResidualBlock(third, fourth, (2, 1)),
            ResidualBlock(fourth, fourth),
        )
        self.project = nn.Linear(fourth, width)
        self.place = nn.Parameter(torch.zeros(1, steps, width))
        nn.init.trunc_normal_(self.place, std=0.02)
        layer = nn.TransformerEncoderLayer(
            width, self.HEADS, 2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.transformer = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, outputs + 1)
        self.region = nn.Linear(width, regions) if regions else None

    @property
    def convolutional(self) -> tuple[nn.Module, nn.Module]:
        """What finds the text, and what sees its strokes."""
        return self.finder, self.convolutions

    def groups(self) -> list[nn.Module]:
        """The outputs, and all below them, for the layer warm-up."""
        trunk = nn.Module()
        trunk.register_parameter("place", self.place)
        outputs = nn.ModuleList()
        for name, layer in self.named_children():
            if name in ("output", "region"):
                outputs.append(layer)
            else:
                trunk.add_module(name, layer)
        return [outputs, trunk]

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Pictures ``[batch, 1, 64, 256]``, 0..1, to logits, points, regions and views: shapes as of the
        class.
        """
        points = self.finder(pictures)
        # Corners learn from their own labels only; the recogniser has to tolerate errors in them.
        text, plate = points.detach().float().split(CORNERS, dim=1)
        corners = text
        if self.training:
            whole = torch.rand(len(text), 1, 1, device=text.device) < PLATE_VIEWS
            corners = jitter_corners(torch.where(whole, plate, text))
        views = self.sample_view(pictures, corners)
        logits, regions = self.read(views)
        return logits, points, regions, views

    def read(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Views of the text ``[batch, 1, 32, 128]``, 0..1, to logits ``[batch, steps, outputs + 1]`` and
        those of the regions ``[batch, regions]``.
        """
        features = self.convolutions(views * 2 - 1)
        # [batch, channel, 2, 32]: the lower row follows the upper one.
        steps = self.project(features.flatten(2).transpose(1, 2)) + self.place
        # With so few steps the plain implementation is faster on a CPU.
        with sdpa_kernel(SDPBackend.MATH):
            features = self.norm(self.transformer(steps))
        mean = features.mean(1)
        return self.output(features), mean[:, :0] if self.region is None else self.region(mean)

    def sample_view(self, pictures: Tensor, corners: Tensor) -> Tensor:
        """Sample the view of the text with these corners ``[batch, 4, 2]``: ``[batch, 1, 32, 128]``."""
        with torch.autocast(pictures.device.type, enabled=False):
            size = self.VIEW_HEIGHT, 2 * self.place.shape[1]
            places = (self.place_of_pixels @ corners).reshape(-1, *size, 2)
            return F.grid_sample(pictures, 2 * places - 1, padding_mode="border", align_corners=False)


def jitter_corners(corners: Tensor) -> Tensor:
    """Move corners ``[batch, 4, 2]`` at random, individually and together; see :data:`JITTER_STD`."""
    middle = corners.mean(1, keepdim=True)
    reach = corners.amax(1, keepdim=True) - corners.amin(1, keepdim=True)
    each, together, scale = (torch.randn_like(of) for of in (corners, middle, middle))
    moved = middle + (corners - middle) * (1 + JITTER_STD[1] * scale)
    return moved + reach * (JITTER_STD[0] * each + JITTER_STD[1] * together)
