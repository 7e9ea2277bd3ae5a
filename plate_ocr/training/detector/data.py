"""Batches of rendered scenes, and what the detector should answer to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from plate_ocr.rendering.shards import MOST, SceneShard
from plate_ocr.training.rendered.data import ShardBatches
from plate_ocr.vision.detection import CELL, UNIT

SPREAD = (0.1, 0.16)
"""Standard deviation of the peak that a plate should give, as parts of its width and height."""

NARROWEST = 0.6
"""The least of it, cells."""

ANSWERS = 0.3
"""Cells whose peak is at least so high answer for a plate's corners."""


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
