"""What the camera sees: a plate's pose in space, the crop about it and its resolution.

Rotation in space, perspective and crop are one homography. The crop has a *sensor's* resolution, between what
a distant camera gives and what the network can use.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from plate_ocr.region_files.schema import Box, CaptureConfig
from plate_ocr.rendering.canvas import corners
from plate_ocr.rendering.flat_plate import FlatPlate

MIN_HEIGHT = 0.2
"""Minimum height of a line of text, as a part of the crop: 13 of 64 pixels."""

MIN_SMALL_HEIGHT = 0.14
"""The same of Latin letters and digits that are smaller than others beside them."""

MIN_WIDTH = 0.35
"""Minimum width of the text, as a part of the crop: crops are at most the text's width / this wide, or the
plate's width if that is more."""

MIN_PIXELS = 7.5
"""Minimum height of a line on the sensor, pixels."""

MIN_ADVANCE = 5.3
"""Minimum width of a character and the gap after it on the sensor, pixels."""

SMALL = 0.75
"""Height of the smallest characters against the text's below which they count as small."""

MORE_PIXELS = 1.4
"""Factor of :data:`MIN_PIXELS` for two lines, and for small syllables above one another."""

DENSE = 1.2
"""Factor of :data:`MIN_PIXELS` and :data:`MIN_ADVANCE` for characters of many strokes: Chinese ones, kana and
Hangul."""

FIRST_DENSE = "\u2e80"
"""The first of these characters: all after it are such."""

USUAL_ADVANCE = 0.6
"""Usual width of a character and the gap after it, as a part of its height: narrower ones bear less blur."""

MAX_SENSOR = (80, 288)
"""Maximum height and width of the sensor, pixels: the network's input has no more."""

STRETCH_RANGE = (0.8, 1.5)
"""Bounds of the horizontal stretch of a crop."""

TEXT_MARGIN = 0.012
"""Minimum distance of the text from the crop's edges, as a part of its size."""

Matrix: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """The mapping of a flat plate into a crop.

    Attributes:
        size: height and width of the crop, pixels.
        matrix: float64 ``(3, 3)``: homography from pixels of the flat plate to pixels of the crop.
        text_height: of the smallest line, pixels of the crop.
        text_size: the same, or less if the characters are narrow: bounds what the camera may do to them.
    """

    size: tuple[int, int]
    matrix: Matrix
    text_height: float
    text_size: float

    def corners(self, box: Box) -> Matrix:
        """Corners of a box on the flat plate, as parts of the crop's width and height: float64 ``(4, 2)``."""
        return project(self.matrix, corners(box)) / self.size[::-1]


def choose_view(rng: Generator, plate: FlatPlate, camera: CaptureConfig) -> View:
    """Turn a plate in space and choose a crop and a resolution; the text stays inside.

    Args:
        rng: random generator.
        plate: the flat plate.
        camera: how plates of its region are photographed.
    """
    turned = pose(rng, plate.plate_box, camera)
    text, whole = project(turned, corners(plate.text_box)), project(turned, corners(plate.plate_box))
    low, high = _crop(rng, text, whole, camera)
    text_span, plate_width = np.ptp(text, axis=0), float(np.ptp(whole[:, 0]))
    # Height of a line, from the flat picture's share of it.
    flat_high = plate.text_box[3] - plate.text_box[1]
    line = plate.text_height / flat_high * height_of(text)
    span = high - low
    small = plate.text_height < SMALL * flat_high
    # Digits in a corner of the plate stay legible where two lines, or syllables, would not.
    plain = plate.rows == 1 and plate.text.isascii()
    least = MIN_SMALL_HEIGHT if small and plain else MIN_HEIGHT
    # Tighten a crop that is too loose for the text.
    for axis, wanted in ((0, max(text_span[0] / MIN_WIDTH, plate_width)), (1, line / least)):
        limit = max(wanted, text_span[axis] * 1.03)
        if span[axis] > limit:
            share = (limit - text_span[axis]) / (span[axis] - text_span[axis])
            low[axis] = text[:, axis].min() - (text[:, axis].min() - low[axis]) * share
            high[axis] = text[:, axis].max() + (high[axis] - text[:, axis].max()) * share
    span = high - low
    # Data sets store crops in one size, whatever their aspect ratio.
    stretch = STRETCH_RANGE[0] * (STRETCH_RANGE[1] / STRETCH_RANGE[0]) ** float(rng.random())
    aspect = float(np.clip(stretch * span[0] / span[1], 1.0, 6.0))
    # Plates of two lines need more pixels per line, and syllables above one another too.
    dense = DENSE if max(plate.text) >= FIRST_DENSE else 1.0
    more = MORE_PIXELS if not plain and (plate.rows > 1 or small) else dense
    legible = MIN_PIXELS * more * float(span[1]) / line
    # Each character needs its width on the sensor; the box of one or two is as wide as three.
    count = max(3.0, len(plate.text) / plate.rows)
    legible = max(legible, MIN_ADVANCE * dense * count * float(span[0] / text_span[0]) / aspect)
    # Among the legible sizes, rather the smaller ones, but not most of all the smallest.
    smallest, largest = (max(height, legible) for height in camera.heights)
    pixels = smallest * (largest / smallest) ** float(rng.random()) ** 1.5
    height = min(pixels, MAX_SENSOR[0], MAX_SENSOR[1] / aspect)
    size = max(10, round(height)), max(20, round(height * aspect))
    fit = np.diag([size[1] / span[0], size[0] / span[1], 1.0])
    fit[:2, 2] = -low * np.diag(fit)[:2]
    text_height = line / float(span[1]) * size[0]
    advance = float(text_span[0] / span[0]) * size[1] / count
    return View(size, fit @ turned, text_height, min(text_height, advance / USUAL_ADVANCE))


def pose(rng: Generator, box: Box, camera: CaptureConfig) -> Matrix:
    """A plate's rotation in space, seen through a lens.

    Args:
        rng: random generator.
        box: of the plate, in the picture that is turned.
        camera: its ``turn`` and ``shear`` are used.

    Returns:
        float64 ``(3, 3)``: homography; its unit is the plate's height, its origin the plate's middle.
    """
    left, top, right, bottom = box
    yaw, pitch, roll = (math.radians(s * float(rng.standard_normal())) for s in camera.turn)
    yaw, pitch = max(-1.0, min(1.0, yaw)), max(-0.8, min(0.8, pitch))
    shear = camera.shear * float(rng.standard_normal())
    unit = 1 / (bottom - top)
    center = np.array(
        [[unit, 0, -unit * (left + right) / 2], [0, unit, -unit * (top + bottom) / 2], [0, 0, 1.0]]
    )
    slant = np.array([[1, shear, 0], [0, 1, 0], [0, 0, 1.0]])
    cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    distance = (right - left) * unit * (2.2 + 6 * float(rng.random()))
    turned = np.array([[cy, sy * sp, 0], [0, cp, 0], [-sy / distance, cy * sp / distance, 1.0]])
    cr, sr = math.cos(roll), math.sin(roll)
    rolled = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1.0]])
    return np.asarray(rolled @ slant @ turned @ center)


def _crop(rng: Generator, text: Matrix, whole: Matrix, camera: CaptureConfig) -> tuple[Matrix, Matrix]:
    """Upper left and lower right corner of a crop that contains the text."""
    low_text, high_text, low, high = text.min(0), text.max(0), whole.min(0), whole.max(0)
    size = high - low
    choice = rng.random() * sum(camera.crops)
    random = rng.random((2, 2))
    if choice < camera.crops[0]:
        reach = np.array([0.04, 0.14]) * size
        low, high = low_text - random[0] * reach, high_text + random[1] * reach
    elif choice < camera.crops[0] + camera.crops[1]:
        reach = np.array([0.035, 0.09]) * size
        low, high = low + (random[0] * 2 - 1.2) * reach, high - (random[1] * 2 - 1.2) * reach
    else:
        reach = np.array(camera.loose) * size
        low, high = low - random[0] ** 1.3 * reach, high + random[1] ** 1.3 * reach
    inside = TEXT_MARGIN * np.maximum(high - low, high_text - low_text)
    return np.minimum(low, low_text - inside), np.maximum(high, high_text + inside)


def project(matrix: Matrix, points: Matrix) -> Matrix:
    """Move points float64 ``(N, 2)`` by a homography."""
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(moved[:, :2] / moved[:, 2:])


def height_of(box: Matrix) -> float:
    """Mean length of the left and the right side of a box float64 ``(4, 2)``."""
    return float(np.linalg.norm(box[3] - box[0]) + np.linalg.norm(box[2] - box[1])) / 2
