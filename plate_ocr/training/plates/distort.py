"""Distortions of real crops: loose and tight crops, perspective, low resolution, blur and compression."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from plate_ocr.training.plates.dataset import RealPlate
from plate_ocr.vision.geometry import CORNERS
from plate_ocr.vision.images import Image
from plate_ocr.vision.plate_input import preprocess_plate

MARGINS = (-0.02, 0.3)
"""Bounds of the margin on each side of a plate whose place is known, as parts of its width and height."""

CROP_MARGINS = (-0.03, 0.08)
"""The same of a crop, which has a margin of its own; its edge is repeated."""

CORNER_STD = 0.015
"""Standard deviation of the random shift of a crop's corners, as parts of its width and height."""

MAX_SIDE = 512
"""Longest side of a distorted crop, pixels."""


def distorted(
    plate: RealPlate, rng: np.random.Generator, height: int, width: int
) -> tuple[Image, NDArray[np.float32]]:
    """A random crop of a real plate as the network's input.

    Args:
        plate: the plate.
        rng: decides all of it.
        height: of the input, pixels.
        width: of the input, pixels.

    Returns:
        uint8 ``(height, width)``, and float32 ``(8, 2)``: corners of the text, which are not known, and of
        the plate, as parts of the input's width and height; NaN where they are not known.
    """
    crop, to_crop = _crop(plate, rng)
    points = np.full((2 * CORNERS, 2), np.nan, np.float32)
    if plate.has_corners and plate.place is not None:
        there = cv2.perspectiveTransform(plate.place[None], to_crop)[0]
        points[CORNERS:] = there / (crop.shape[1], crop.shape[0])
    return preprocess_plate(_degraded(crop, rng), height, width), points


def _crop(plate: RealPlate, rng: np.random.Generator) -> tuple[Image, NDArray[np.float64]]:
    """A crop with random margins and perspective, and the homography from the picture to it."""
    rows, columns = plate.picture.shape
    place = plate.place
    low, high = CROP_MARGINS if place is None else MARGINS
    if place is None:
        place = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float64)
    elif rng.random() < 0.5:  # upright, as photos are read too
        (left, top), (right, bottom) = place.min(0), place.max(0)
        place = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    left, top, right, bottom = rng.uniform(low, high, 4)
    unit = np.array([[-left, -top], [1 + right, -top], [1 + right, 1 + bottom], [-left, 1 + bottom]])
    unit += rng.normal(0, CORNER_STD, (4, 2))
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    to_place = cv2.getPerspectiveTransform(square, place.astype(np.float32))
    corners = cv2.perspectiveTransform(unit[None], to_place)[0]
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    size = np.array([max(sides[0], sides[2]), max(sides[1], sides[3])])
    size = np.maximum(2, np.rint(size * min(1.0, MAX_SIDE / size.max())))
    to_crop = cv2.getPerspectiveTransform(corners.astype(np.float32), (square * size).astype(np.float32))
    crop = cv2.warpPerspective(
        plate.picture, to_crop, (int(size[0]), int(size[1])), borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(crop, np.uint8), np.asarray(to_crop, np.float64)


def _degraded(crop: Image, rng: np.random.Generator) -> Image:
    """Lower resolution, blur and JPEG compression, each at random."""
    if rng.random() < 0.3:
        scale = rng.uniform(0.35, 1.0)
        small = [max(4, round(side * scale)) for side in crop.shape[::-1]]
        crop = np.asarray(cv2.resize(crop, small, interpolation=cv2.INTER_AREA), np.uint8)
    if rng.random() < 0.3:
        std = rng.uniform(0.01, 0.04) * crop.shape[0]
        crop = np.asarray(cv2.GaussianBlur(crop, (0, 0), std), np.uint8)
    if rng.random() < 0.3:
        _, coded = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 80))])
        crop = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)
    return crop
