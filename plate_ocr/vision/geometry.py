"""Geometry of plates: crops by corners, and overlap of quadrilaterals."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from plate_ocr.vision.images import Image

CORNERS = 4
"""Number of corners of the text and of the plate, clockwise from its own top left."""


@dataclass(frozen=True)
class Crop:
    """A crop of a picture.

    Attributes:
        picture: uint8 ``(h, w)`` or ``(h, w, 3)``, at least one pixel.
        matrix: float64 ``(3, 3)``: homography from its pixels to those of the whole picture.
        whole: width and height of the whole picture, pixels.
    """

    picture: Image
    matrix: NDArray[np.float64]
    whole: tuple[int, int]

    def to_image(self, points: ArrayLike) -> NDArray[np.float64]:
        """Map points ``(N, 2)`` of the crop to the whole picture, clipped at its edge.

        Returns:
            float64 ``(N, 2)``.
        """
        points = cv2.perspectiveTransform(np.asarray(points, np.float64)[None], self.matrix)[0]
        return np.asarray(np.clip(points, 0, self.whole), np.float64)


def whole_crop(picture: Image) -> Crop:
    """A whole picture, uint8 ``(H, W)`` or ``(H, W, 3)``, as a crop."""
    return Crop(picture, np.eye(3), (picture.shape[1], picture.shape[0]))


def crop_box(picture: Image, corners: NDArray[np.float64], margin: tuple[float, float]) -> Crop:
    """Crop the upright bounding box of a plate, clipped at the picture's edge.

    Args:
        picture: uint8 ``(H, W)`` or ``(H, W, 3)``.
        corners: float64 ``(4, 2)``: of the plate, pixels.
        margin: added on each side, as parts of the box's width and height.
    """
    low, high = corners.min(0), corners.max(0)
    reach = np.array(margin) * (high - low)
    size = np.array(picture.shape[1::-1])
    left, top = np.clip(np.floor(low - reach), 0, size - 1).astype(int)
    right, bottom = np.clip(np.ceil(high + reach), (left + 1, top + 1), size).astype(int)
    matrix = np.array([[1, 0, left], [0, 1, top], [0, 0, 1]], np.float64)
    return Crop(picture[top:bottom, left:right], matrix, (picture.shape[1], picture.shape[0]))


def rectify(
    picture: Image,
    corners: NDArray[np.float64],
    margin: tuple[float, float] = (0, 0),
    min_width: int = 0,
) -> Crop:
    """Crop a plate and rectify it by its corners; the picture's edge is repeated outside of it.

    Args:
        picture: uint8 ``(H, W)`` or ``(H, W, 3)``.
        corners: float64 ``(4, 2)``: of the plate, pixels, clockwise from its own top left.
        margin: added on each side, as parts of its width and height.
        min_width: of the plate in the result, pixels; a narrower one is enlarged by the same interpolation,
            which keeps more detail than enlarging it afterwards.
    """
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    inner = np.array([sides[0] + sides[2], sides[1] + sides[3]]) / 2
    # Limit the size to the visible part, in case a network returns corners far outside.
    seen = crop_box(picture, corners, (0, 0)).picture.shape
    inner *= min(1.0, np.sqrt(2 * seen[0] * seen[1] / max(1.0, inner.prod())))
    inner *= max(1.0, min_width / max(1.0, inner[0]))
    inner = np.clip(np.rint(inner), 2, sum(picture.shape[:2]) + 2 + min_width)
    border = np.rint(np.array(margin) * inner)
    box = border + inner * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    matrix = cv2.getPerspectiveTransform(box.astype(np.float32), corners.astype(np.float32))
    width, height = (int(side) for side in inner + 2 * border)
    flags = (cv2.INTER_CUBIC if inner[0] <= min_width else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
    cut = cv2.warpPerspective(picture, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return Crop(
        np.asarray(cut, np.uint8), np.asarray(matrix, np.float64), (picture.shape[1], picture.shape[0])
    )


def contained(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Intersection over the smaller area of two convex quadrilaterals ``(4, 2)``, 0..1."""
    shared, areas = _areas(one, other)
    return shared / min(areas) if shared > 0 else 0.0


def overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Intersection over union of two convex quadrilaterals ``(4, 2)``, 0..1."""
    shared, areas = _areas(one, other)
    return shared / (sum(areas) - shared) if shared > 0 else 0.0


def _areas(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, list[float]]:
    """Area of the intersection of two convex quadrilaterals ``(4, 2)``, and the area of each."""
    boxes = [box.astype(np.float32) for box in (one, other)]
    areas = [abs(float(cv2.contourArea(box))) for box in boxes]
    return float(cv2.intersectConvexConvex(boxes[0], boxes[1])[0]) if min(areas) > 0 else 0.0, areas
