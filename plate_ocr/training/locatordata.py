"""Rendered scenes for training the locator, and what it should answer to them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from plate_ocr.training.platedata import Rendering, ShardBatches
from plate_ocr.training.plates.scenes import HEIGHT, WIDTH, SceneGenerator
from plate_ocr.vision.detection import CELL, UNIT
from plate_ocr.vision.images import Image

SHARD = 512
"""Scenes that are rendered at a time."""

MOST = 3
"""Plates in a scene, at most."""

SPREAD = (0.1, 0.16)
"""Standard deviation of the peak that a plate should give, as parts of its width and height."""

NARROWEST = 0.6
"""The least of it, cells."""

ANSWERS = 0.3
"""Cells whose peak is at least so high answer for a plate's corners."""


@dataclass(frozen=True)
class SceneShard:
    """Some rendered scenes.

    Attributes:
        images: uint8 ``(N, height, width)``.
        points: float32 ``(N, 4 * MOST, 2)``: corners of each plate in turn, as parts of the picture's width
            and height; not a number where there is no plate.
    """

    images: Image
    points: NDArray[np.float32]

    def to_bytes(self) -> bytes:
        """As an ``.npz`` file."""
        buffer = io.BytesIO()
        np.savez(buffer, images=self.images, points=self.points)
        return buffer.getvalue()

    @classmethod
    def load(cls, path: Path) -> SceneShard:
        """The inverse of :meth:`to_bytes`.

        Raises:
            OSError, ValueError, KeyError: if it is no such file, or cut short.
        """
        with np.load(path, allow_pickle=False) as file:
            return cls(file["images"], file["points"])


@cache
def scenes_of(rendering: Rendering) -> SceneGenerator:
    """A generator; each process makes it once."""
    return SceneGenerator(Path(rendering.data) if rendering.data else None, rendering.regions or None)


def render_scenes(rendering: Rendering, start: int, count: int) -> SceneShard:
    """Render scenes ``start`` to ``start + count - 1``; run in worker processes."""
    cv2.setNumThreads(1)
    generator = scenes_of(rendering)
    scenes = [generator(rendering.seed, index) for index in range(start, start + count)]
    points = np.full((count, 4 * MOST, 2), np.nan, np.float32)
    for row, scene in zip(points, scenes, strict=True):
        row[: 4 * len(scene.corners)] = scene.corners.reshape(-1, 2) / (WIDTH, HEIGHT)
    return SceneShard(np.stack([scene.image for scene in scenes]), points)


@dataclass(frozen=True)
class SceneBatches(ShardBatches[SceneShard]):
    """Batches of scenes, with targets as of :func:`answer`."""

    def targets(self, shard: SceneShard, rows: NDArray[np.int64], pictures: Tensor, points: Tensor) -> Tensor:
        """Where plates are."""
        height, width = pictures.shape[2:]
        corners = (points * torch.tensor([width, height])).reshape(len(rows), MOST, 4, 2)
        return answer(corners, height, width)


def answer(corners: Tensor, height: int, width: int) -> Tensor:
    """What the locator should say about a batch of pictures.

    Args:
        corners: float32 ``[batch, plates, 4, 2]``, pixels; not a number where there is no plate.
        height: of the pictures, pixels.
        width: of the pictures, pixels.

    Returns:
        float32 ``[batch, 10, height / 8, width / 8]``: a peak of 1 at the middle of each plate; then 1 over
        the plate's width where a cell answers for it, elsewhere 0; then x and y of its corners from the
        cell's middle, in :data:`plate_ocr.vision.detection.UNIT` pixels.
    """
    y, x = torch.meshgrid(torch.arange(height // CELL), torch.arange(width // CELL), indexing="ij")
    places = torch.stack([x, y], -1) * CELL + CELL / 2
    result = torch.zeros(len(corners), 10, height // CELL, width // CELL)
    for plate in corners.unbind(1):
        middle = plate.mean(1)
        # Lengths of the upper and the left side.
        sides = torch.stack(
            [(plate[:, 1] - plate[:, 0]).norm(dim=1), (plate[:, 3] - plate[:, 0]).norm(dim=1)], 1
        )
        spread = (sides * torch.tensor(SPREAD)).clamp(min=NARROWEST * CELL)
        away = (places - middle[:, None, None]) / spread[:, None, None]
        peak = torch.exp(-0.5 * away.square().sum(-1)).nan_to_num()
        # The nearest cell stands for all of the plate.
        peak = peak / peak.amax((1, 2), keepdim=True).clamp(min=1e-6)
        offsets = (plate[:, None, None] - places[:, :, None]).flatten(3).permute(0, 3, 1, 2) / UNIT
        mine = (peak > result[:, 0]) & (peak > ANSWERS)
        result[:, 0] = torch.maximum(result[:, 0], peak)
        result[:, 1] = torch.where(mine, (1 / sides[:, 0])[:, None, None], result[:, 1])
        result[:, 2:] = torch.where(mine[:, None], offsets, result[:, 2:])
    return result


@dataclass(frozen=True)
class PlatePeaks:
    """Focal loss of the peaks (Law and Deng, *CornerNet*, 2018) and how far off corners are."""

    def loss(self, output: Tensor, target: Tensor, step: int) -> Tensor:
        """Mean loss of a batch.

        Args:
            output: of :class:`LocatorNetwork`.
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
        return losses.sum() / plates + CORNERS_COUNT * (off * weight).sum() / answering

    def right(self, output: Tensor, target: Tensor) -> Tensor:
        """Of how many scenes it is said rightly whether there is a plate in them, wherever it is."""
        sure = (output[:, 0] > 0).flatten(1).any(1)
        there = (target[:, 0] == 1).flatten(1).any(1)
        return (sure == there).sum()


CORNERS_COUNT = 4.0
"""What corners count that are a plate's width off, against the peaks."""
