"""Pre- and postprocessing of the detector network: from a photo to its input, from its output to corners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from plate_ocr.vision.images import Image

CELL = 8
"""Stride of the network's output: pixels of the input per cell."""

UNIT = 32.0
"""Unit of the network's corner coordinates, pixels."""

STRIDE = 32
"""Sides of the network's input are multiples of it."""

MAX_UPSCALE = 2.0
"""Maximum upscaling of a small photo: plates of 40 pixels get finer corners."""

TILE, MARGIN = 1280, 128
"""Larger pictures are processed in tiles, one after another, to limit memory: maximum side of a tile, and the
margin in which the neighbouring tile is used instead, pixels. Multiples of :data:`STRIDE`."""


@dataclass(frozen=True)
class Detection:
    """A possible plate.

    Attributes:
        score: of the network, 0..1.
        corners: float64 ``(4, 2)``: x and y in pixels of the photo, clockwise from the plate's own top left.
    """

    score: float
    corners: NDArray[np.float64]


class DetectorRun(NamedTuple):
    """The scores of the detector for a picture at one scale.

    Attributes:
        scale: pixels of the network's input per pixel of the picture.
        scores: float64 ``(H, W)``, 0..1, that the centre of a plate is in a cell of :data:`CELL` pixels of
            the network's input.
    """

    scale: float
    scores: NDArray[np.float64]


def preprocess_photo(gray: Image, longest: int, max_upscale: float = MAX_UPSCALE) -> tuple[Image, float]:
    """Resize a photo for the detector; a small one is enlarged.

    Args:
        gray: uint8 ``(H, W)``.
        longest: maximum side of the result, pixels; a multiple of :data:`STRIDE`.
        max_upscale: maximum factor by which it is enlarged.

    Returns:
        uint8, both sides multiples of :data:`STRIDE`, the photo at its top left, padded by repeating
        its edge; and the number of pixels of the result per pixel of the photo.
    """
    scale = min(max_upscale, longest / max(gray.shape))
    size = tuple(max(1, round(side * scale)) for side in gray.shape[::-1])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    gray = np.asarray(cv2.resize(gray, size, interpolation=how), np.uint8)
    down, right = (-side % STRIDE for side in gray.shape)
    return np.asarray(cv2.copyMakeBorder(gray, 0, down, 0, right, cv2.BORDER_REPLICATE), np.uint8), scale


def run_tiled(run: Callable[[Image], NDArray[np.float32]], picture: Image) -> NDArray[np.float32]:
    """Run the network on a picture of any size, tile by tile.

    Args:
        run: runs the network: uint8 ``(H, W)`` to float32 ``(9, H / CELL, W / CELL)``.
        picture: uint8 ``(H, W)``, both multiples of :data:`STRIDE`.

    Returns:
        float32 ``(9, H / CELL, W / CELL)``.
    """
    (high, tops), (wide, lefts) = map(_tiles, picture.shape)
    answer = np.empty((9, picture.shape[0] // CELL, picture.shape[1] // CELL), np.float32)
    for top in tops:
        for left in lefts:
            seen = run(picture[top : top + high, left : left + wide])
            # The next tile overwrites the last margin of this one.
            down, right = MARGIN // CELL * (top > 0), MARGIN // CELL * (left > 0)
            rows = slice(top // CELL + down, (top + high) // CELL)
            columns = slice(left // CELL + right, (left + wide) // CELL)
            answer[:, rows, columns] = seen[:, down:, right:]
    return answer


def _tiles(side: int) -> tuple[int, list[int]]:
    """The length of the tiles along a side, all equal, and their starts."""
    inner = side - 2 * MARGIN
    count = max(1, -(-inner // (TILE - 2 * MARGIN)))
    step = -(-inner // (count * STRIDE)) * STRIDE
    length = step + 2 * MARGIN
    return length, [min(i * step, side - length) for i in range(count)]


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logistic function: logits to scores, 0..1."""
    return np.asarray(1 / (1 + np.exp(-logits)))


def decode_detections(
    answer: NDArray[np.float32], scale: float, min_score: float, max_count: int = 64
) -> list[Detection]:
    """Decode the network's output into detections, highest score first.

    Args:
        answer: float32 ``(9, H, W)``: see :class:`plate_ocr.networks.detector.PlateDetector`.
        scale: pixels of the network's input per pixel of the photo.
        min_score: minimum score, 0..1.
        max_count: maximum number of detections.
    """
    logits = answer[0]
    highest = cv2.dilate(logits, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero((logits == highest) & (logits > np.log(min_score / (1 - min_score))))
    order = np.argsort(-logits[rows, columns], kind="stable")[:max_count]
    rows, columns = rows[order], columns[order]
    middles = (np.stack([columns, rows], 1) + 0.5) * CELL
    corners = answer[1:, rows, columns].T.reshape(-1, 4, 2).astype(np.float64) * UNIT + middles[:, None]
    scores = sigmoid(logits[rows, columns].astype(np.float64))
    return [Detection(float(score), points / scale) for score, points in zip(scores, corners, strict=True)]
