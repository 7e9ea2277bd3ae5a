"""Batches of rendered scenes, and targets for the detector."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from plate_ocr.rendering.shards import MAX_PLATES, SceneShard
from plate_ocr.training.rendered.data import ShardBatches, augment_batch
from plate_ocr.vision.detection import CELL, UNIT

PEAK_STD = (0.1, 0.16)
"""Standard deviation of a plate's target peak, as parts of its width and height."""

MIN_PEAK_STD = 0.6
"""Its minimum, cells."""

MIN_CORNER_PEAK = 0.3
"""Minimum peak of the cells that predict a plate's corners."""

SIZES = ((192, 256), (256, 352), (352, 480), (448, 608))
"""Heights and widths of training scenes, one of them per batch: from distant plates to plates as
wide as in photos, from scenes that are fast to render."""

ZOOM = (0.85, 1.35)
"""Bounds of the random zoom."""

TILT = 8.0
"""Maximum random rotation, degrees."""

MIN_VISIBLE = 0.85
"""Minimum visible part of a labelled plate."""


@dataclass(frozen=True)
class SceneBatches(ShardBatches[SceneShard]):
    """Batches of scenes, with targets as of :func:`detector_targets`."""

    def augmented(self, pictures: Tensor, points: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Augmented pictures and points, at a random size, zoom and rotation."""
        which = int(torch.randint(len(SIZES), (), generator=random, device=pictures.device))
        return augment_batch(*rescale_scenes(pictures, points, SIZES[which], random), random)

    def targets(self, shard: SceneShard, rows: NDArray[np.int64], pictures: Tensor, points: Tensor) -> Tensor:
        """Targets of a batch, as of :func:`detector_targets`."""
        height, width = pictures.shape[2:]
        corners = (points * points.new_tensor([width, height])).reshape(len(rows), MAX_PLATES, 4, 2)
        return detector_targets(corners, height, width)


def rescale_scenes(
    pictures: Tensor, points: Tensor, size: tuple[int, int], random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Resize scenes, each with a random shift, zoom and rotation.

    Args:
        pictures: float32 ``[batch, 1, height, width]``.
        points: float32 ``[batch, 4 * plates, 2]``: corners of each plate, as parts of the pictures'
            width and height; NaN beyond the last plate.
        size: height and width of the result, pixels.
        random: random generator, on the pictures' device.

    Returns:
        Pictures of that size, padded by repeating edges, and the moved corners; NaN
        for plates that are cut off.
    """
    count, aspect = len(pictures), pictures.shape[3] / pictures.shape[2]

    def between(low: float, high: float) -> Tensor:
        return torch.rand(count, generator=random, device=pictures.device) * (high - low) + low

    zoom = torch.exp(between(math.log(ZOOM[0]), math.log(ZOOM[1])))
    angle = torch.where(between(0, 1) < 0.5, between(-math.radians(TILT), math.radians(TILT)), 0.0)
    cos, sin = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    # From places in the result to places in the scene, both -1..1.
    turn = torch.stack([torch.stack([cos, -sin / aspect], 1), torch.stack([sin * aspect, cos], 1)], 1)
    room = (1 - 1 / zoom).abs() + 0.05
    move = torch.stack([between(-1, 1) * room, between(-1, 1) * room], 1)
    grid = F.affine_grid(torch.cat([turn, move[:, :, None]], 2), [count, 1, *size], align_corners=False)
    shown = F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    there = (points * 2 - 1 - move[:, None]) @ torch.linalg.inv(turn).transpose(1, 2)
    boxes = there.reshape(count, -1, 4, 2)
    cut = _area(boxes.clamp(-1, 1)) < MIN_VISIBLE * _area(boxes)
    boxes = torch.where(cut[:, :, None, None], torch.nan, boxes)
    return shown, (boxes.reshape(there.shape) + 1) / 2


def _area(boxes: Tensor) -> Tensor:
    """Areas of quadrilaterals ``[..., 4, 2]``."""
    x, y = boxes.unbind(-1)
    return (x * y.roll(-1, -1) - x.roll(-1, -1) * y).sum(-1).abs() / 2


def detector_targets(corners: Tensor, height: int, width: int) -> Tensor:
    """Targets of the detector for a batch of pictures.

    Args:
        corners: float32 ``[batch, plates, 4, 2]``, pixels; NaN beyond the last plate.
        height: of the pictures, pixels.
        width: of the pictures, pixels.

    Returns:
        float32 ``[batch, 10, height / 8, width / 8]``: a peak of 1 at the centre of each plate; then the
        inverse of the plate's width in cells that predict its corners, elsewhere 0; then x and y of its
        corners relative to the cell's centre, in :data:`plate_ocr.vision.detection.UNIT` pixels.
    """
    rows, columns = (torch.arange(side // CELL, device=corners.device) for side in (height, width))
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    places = torch.stack([x, y], -1) * CELL + CELL / 2
    result = torch.zeros(len(corners), 10, height // CELL, width // CELL, device=corners.device)
    for plate in corners.unbind(1):
        middle = plate.mean(1)
        upper = plate[:, 1] - plate[:, 0]
        # Lengths of the upper and the left side.
        sides = torch.stack([upper.norm(dim=1), (plate[:, 3] - plate[:, 0]).norm(dim=1)], 1)
        spread = (sides * sides.new_tensor(PEAK_STD)).clamp(min=MIN_PEAK_STD * CELL)
        along, down = (upper / sides[:, :1])[:, None, None].unbind(-1)
        right, below = (places - middle[:, None, None]).unbind(-1)
        away = torch.stack([right * along + below * down, below * along - right * down], -1)
        away = away / spread[:, None, None]
        peak = torch.exp(-0.5 * away.square().sum(-1)).nan_to_num()
        # The nearest cell has a peak of exactly 1.
        peak = peak / peak.amax((1, 2), keepdim=True).clamp(min=1e-6)
        offsets = (plate[:, None, None] - places[:, :, None]).flatten(3).permute(0, 3, 1, 2) / UNIT
        mine = (peak > result[:, 0]) & (peak > MIN_CORNER_PEAK)
        result[:, 0] = torch.maximum(result[:, 0], peak)
        result[:, 1] = torch.where(mine, (1 / sides[:, 0])[:, None, None], result[:, 1])
        result[:, 2:] = torch.where(mine[:, None], offsets, result[:, 2:])
    return result
