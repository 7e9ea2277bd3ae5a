"""Batches of rendered scenes, and what the detector should answer to them."""

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

SPREAD = (0.1, 0.16)
"""Standard deviation of the peak that a plate should give, as parts of its width and height."""

NARROWEST = 0.6
"""The least of it, cells."""

ANSWERS = 0.3
"""Cells whose peak is at least so high answer for a plate's corners."""

SIZES = ((192, 256), (256, 352), (352, 480), (448, 608))
"""Heights and widths at which scenes are learnt from, one of them a batch: plates far away, and plates as
wide as what the network looks at in photos, from scenes that are fast to render."""

ZOOM = (0.85, 1.35)
"""How much larger a scene is shown, at most and at least."""

TILT = 8.0
"""How far it is turned, degrees, at most."""

WHOLE = 0.85
"""Part of a plate that is still in the picture, at least; one that is cut off more is none any longer."""


@dataclass(frozen=True)
class SceneBatches(ShardBatches[SceneShard]):
    """Batches of scenes, with targets as of :func:`answer`."""

    def augmented(self, pictures: Tensor, points: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Pictures, larger and turned or not, and points as they are learnt from this time."""
        which = int(torch.randint(len(SIZES), (), generator=random, device=pictures.device))
        return augment_batch(*seen_again(pictures, points, SIZES[which], random), random)

    def targets(self, shard: SceneShard, rows: NDArray[np.int64], pictures: Tensor, points: Tensor) -> Tensor:
        """Where plates are."""
        height, width = pictures.shape[2:]
        corners = (points * points.new_tensor([width, height])).reshape(len(rows), MAX_PLATES, 4, 2)
        return answer(corners, height, width)


def seen_again(
    pictures: Tensor, points: Tensor, size: tuple[int, int], random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Scenes in another size, each moved, nearer or further away, turned a little.

    Args:
        pictures: float32 ``[batch, 1, height, width]``.
        points: float32 ``[batch, 4 * plates, 2]``: corners of each plate in turn, as parts of the pictures'
            width and height; not a number where there is no plate.
        size: height and width of the result, pixels.
        random: source of randomness, on the pictures' device.

    Returns:
        Pictures of that size, edges repeated beyond them, and where the corners are in them; not a number
        for plates that are cut off now.
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
    cut = _area(boxes.clamp(-1, 1)) < WHOLE * _area(boxes)
    boxes = torch.where(cut[:, :, None, None], torch.nan, boxes)
    return shown, (boxes.reshape(there.shape) + 1) / 2


def _area(boxes: Tensor) -> Tensor:
    """Areas of quadrilaterals ``[..., 4, 2]``."""
    x, y = boxes.unbind(-1)
    return (x * y.roll(-1, -1) - x.roll(-1, -1) * y).sum(-1).abs() / 2


def answer(corners: Tensor, height: int, width: int) -> Tensor:
    """What the detector should say about a batch of pictures.

    Args:
        corners: float32 ``[batch, plates, 4, 2]``, pixels; not a number where there is no plate.
        height: of the pictures, pixels.
        width: of the pictures, pixels.

    Returns:
        float32 ``[batch, 10, height / 8, width / 8]``: a peak of 1 at the middle of each plate; then 1 over
        the plate's width where a cell answers for it, elsewhere 0; then x and y of its corners from the
        cell's middle, in :data:`plate_ocr.vision.detection.UNIT` pixels.
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
        spread = (sides * sides.new_tensor(SPREAD)).clamp(min=NARROWEST * CELL)
        along, down = (upper / sides[:, :1])[:, None, None].unbind(-1)
        right, below = (places - middle[:, None, None]).unbind(-1)
        away = torch.stack([right * along + below * down, below * along - right * down], -1)
        away = away / spread[:, None, None]
        peak = torch.exp(-0.5 * away.square().sum(-1)).nan_to_num()
        # The nearest cell stands for all of the plate.
        peak = peak / peak.amax((1, 2), keepdim=True).clamp(min=1e-6)
        offsets = (plate[:, None, None] - places[:, :, None]).flatten(3).permute(0, 3, 1, 2) / UNIT
        mine = (peak > result[:, 0]) & (peak > ANSWERS)
        result[:, 0] = torch.maximum(result[:, 0], peak)
        result[:, 1] = torch.where(mine, (1 / sides[:, 0])[:, None, None], result[:, 1])
        result[:, 2:] = torch.where(mine[:, None], offsets, result[:, 2:])
    return result
