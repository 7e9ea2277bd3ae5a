"""What a camera and whoever cuts out the plate make of it.

The flat plate is warped once into the crop: rotation in space, perspective and crop are one homography.
The crop has a *sensor's* resolution, between what a distant camera gives and what the network can use; blur,
noise and compression happen there, and :func:`~plate_ocr.vision.plate_input.preprocess_plate` makes the rest,
as it does when plates are read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from plate_ocr.region_files.schema import Box, Camera
from plate_ocr.rendering.canvas import corners
from plate_ocr.rendering.flat_plate import FlatPlate
from plate_ocr.rendering.glyphs import Glyphs
from plate_ocr.rendering.scenery import surroundings
from plate_ocr.vision.images import Image

LEAST_HEIGHT = 0.2
"""A line is at least so high, as a part of the crop: 13 of 64 pixels."""

LEAST_WIDTH = 0.35
"""The text is at least so wide, as a part of the crop."""

LEAST_PIXELS = 7.0
"""Height of a line on the sensor, pixels."""

LARGEST = (80, 288)
"""Height and width of the sensor, pixels: more is lost in the network's picture anyway."""

STRETCH = (0.8, 1.5)
"""How much wider than in nature a crop is kept, for its height."""

INSIDE = 0.012
"""The text keeps this distance from the crop's edges, as a part of its size."""

NOISIEST = 0.13
"""Standard deviation of the noise, as a part of the text's contrast, at most."""

LEAST_CONTRAST = 9.0
"""Of the text in the picture, grey levels."""

LEAST_INTERLACED = 13.0
"""Height of a line on the sensor, pixels, of which half the rows are enough."""

COMBED = 0.15
"""How far a plate moves between two half pictures, as a part of the text's height, at most."""

UNEVEN = 1.7
"""By how much more than the mean of both axes a picture may be blurred along one."""

STREAK = 0.2
"""Length of a motion blur, as a part of the text's height, at most: only strokes run together."""

SIDEWAYS = 0.2
"""Standard deviation of a blur's angle where cars pass from side to side, radians."""

MOST_LOST = 0.13
"""Part of the text's contrast that over- or underexposure may take."""

Matrix: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """How a flat plate comes into a crop.

    Attributes:
        size: height and width of the crop, pixels.
        matrix: float64 ``(3, 3)``: homography from pixels of the flat plate to pixels of the crop.
        text_height: of the smallest line, pixels of the crop.
    """

    size: tuple[int, int]
    matrix: Matrix
    text_height: float

    def corners(self, box: Box) -> Matrix:
        """Corners of a box on the flat plate, as parts of the crop's width and height: float64 ``(4, 2)``."""
        return project(self.matrix, corners(box)) / self.size[::-1]


def choose_view(rng: Generator, plate: FlatPlate, camera: Camera) -> View:
    """Turn a plate in space and choose a crop and a resolution; the text stays inside.

    Args:
        rng: source of all that is random.
        plate: the flat plate.
        camera: how plates of its region are photographed.
    """
    turned = pose(rng, plate.plate_box, camera)
    text, whole = project(turned, corners(plate.text_box)), project(turned, corners(plate.plate_box))
    low, high = _crop(rng, text, whole, camera)
    text_span = np.ptp(text, axis=0)
    # Height of a line, from the flat picture's share of it.
    flat_high = plate.text_box[3] - plate.text_box[1]
    line = plate.text_height / flat_high * height_of(text)
    span = high - low
    # Too loose a crop is tightened about the text.
    for axis, wanted in ((0, text_span[0] / LEAST_WIDTH), (1, line / LEAST_HEIGHT)):
        most = max(wanted, text_span[axis] * 1.03)
        if span[axis] > most:
            share = (most - text_span[axis]) / (span[axis] - text_span[axis])
            low[axis] = text[:, axis].min() - (text[:, axis].min() - low[axis]) * share
            high[axis] = text[:, axis].max() + (high[axis] - text[:, axis].max()) * share
    span = high - low
    least, most = camera.heights
    pixels = math.exp(math.log(least) + (math.log(most) - math.log(least)) * float(rng.random()))
    # Plates of two lines have fewer pixels across.
    pixels = max(pixels, LEAST_PIXELS * (1.0 if plate.rows == 1 else 1.4) * float(span[1]) / line)
    # Crops are kept in one size, whatever their form.
    stretch = STRETCH[0] * (STRETCH[1] / STRETCH[0]) ** float(rng.random())
    aspect = float(np.clip(stretch * span[0] / span[1], 1.0, 6.0))
    height = min(pixels, LARGEST[0], LARGEST[1] / aspect)
    size = max(10, round(height)), max(20, round(height * aspect))
    fit = np.diag([size[1] / span[0], size[0] / span[1], 1.0])
    fit[:2, 2] = -low * np.diag(fit)[:2]
    return View(size, fit @ turned, line / float(span[1]) * size[0])


def pose(rng: Generator, box: Box, camera: Camera) -> Matrix:
    """A plate's rotation in space, seen through a lens.

    Args:
        rng: source of all that is random.
        box: of the plate, in the picture that is turned.
        camera: says how far it is turned.

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


def _crop(rng: Generator, text: Matrix, whole: Matrix, camera: Camera) -> tuple[Matrix, Matrix]:
    """Upper left and lower right corner of a crop that contains the text."""
    low_text, high_text, low, high = text.min(0), text.max(0), whole.min(0), whole.max(0)
    size = high - low
    kind = rng.random() * sum(camera.crops)
    random = rng.random((2, 2))
    if kind < camera.crops[0]:
        reach = np.array([0.04, 0.14]) * size
        low, high = low_text - random[0] * reach, high_text + random[1] * reach
    elif kind < camera.crops[0] + camera.crops[1]:
        reach = np.array([0.035, 0.09]) * size
        low, high = low + (random[0] * 2 - 1.2) * reach, high - (random[1] * 2 - 1.2) * reach
    else:
        reach = np.array(camera.loose) * size
        low, high = low - random[0] ** 1.3 * reach, high + random[1] ** 1.3 * reach
    inside = INSIDE * np.maximum(high - low, high_text - low_text)
    return np.minimum(low, low_text - inside), np.maximum(high, high_text + inside)


def project(matrix: Matrix, points: Matrix) -> Matrix:
    """Move points float64 ``(N, 2)`` by a homography."""
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(moved[:, :2] / moved[:, 2:])


def height_of(box: Matrix) -> float:
    """Mean length of the left and the right side of a box float64 ``(4, 2)``."""
    return float(np.linalg.norm(box[3] - box[0]) + np.linalg.norm(box[2] - box[1])) / 2


def photograph(rng: Generator, plate: FlatPlate, view: View, glyphs: Glyphs) -> Image:
    """Take the picture: warp the plate into its surroundings.

    Returns:
        uint8 ``(height, width)`` of the view's size.
    """
    height, width = view.size
    fine = 2 if height < 36 else 1
    matrix = np.diag([fine, fine, 1.0]) @ view.matrix
    text = project(matrix, corners(plate.text_box))
    both = np.dstack([plate.gray, plate.opaque])
    shrink = plate.text_height / (view.text_height * fine)
    if shrink > 1.5:
        # The warp looks at four pixels of the plate only: what is much larger is averaged first.
        smaller = max(4, round(both.shape[1] / shrink)), max(4, round(both.shape[0] / shrink))
        matrix = matrix @ np.diag([both.shape[1] / smaller[0], both.shape[0] / smaller[1], 1.0])
        both = np.asarray(cv2.resize(both, smaller, interpolation=cv2.INTER_AREA), np.uint8)
    scene = surroundings(rng, height * fine, width * fine, glyphs)
    warped = cv2.warpPerspective(both, matrix, (width * fine, height * fine), flags=cv2.INTER_LINEAR)
    share = warped[..., 1].astype(np.float32) * np.float32(1 / 255)
    ground = scene.astype(np.float32)
    mixed = ground + (warped[..., 0].astype(np.float32) - ground) * share
    if rng.random() < 0.08:
        _occlude(rng, mixed, text)
    if fine > 1:
        # Not every program averages where it makes pictures smaller.
        method = cv2.INTER_NEAREST if rng.random() < 0.2 else cv2.INTER_AREA
        mixed = np.asarray(cv2.resize(mixed, (width, height), interpolation=method), np.float32)
    return np.asarray(mixed, np.uint8)


def _occlude(rng: Generator, picture: NDArray[np.float32], text: Matrix) -> None:
    """Put something in front of the picture, from one of its sides towards the text: a bumper, a hook."""
    height, width = picture.shape
    side, reach, level = int(rng.random() * 4), float(rng.random()), float(rng.random() * 255)
    low, high = text.min(0), text.max(0)
    if side == 0:
        picture[: max(0, math.floor(low[1] * reach))] = level
    elif side == 1:
        picture[height - max(0, math.floor((height - high[1]) * reach)) :] = level
    elif side == 2:
        picture[:, : max(0, math.floor(low[0] * reach))] = level
    else:
        picture[:, width - max(0, math.floor((width - high[0]) * reach)) :] = level


def expose(
    rng: Generator, gray: Image, camera: Camera, text_height: float, levels: tuple[float, float]
) -> Image:
    """Light, shadow, glare, blur, contrast, noise and compression; a sharp eye can still read the text.

    Args:
        rng: source of all that is random.
        gray: uint8 ``(H, W)``.
        camera: how pictures of the region are taken.
        text_height: of the smallest line, pixels: bounds the blur.
        levels: of the ground and of the ink: their contrast bounds the noise.

    Returns:
        uint8 ``(H, W)``.
    """
    picture = _light(rng, gray.astype(np.float32))
    picture = _blur(rng, picture, text_height, camera.blur)
    picture, contrast = _develop(rng, picture, camera, levels)
    if rng.random() < 0.7:
        sigma = min(abs(float(rng.normal(0, 4.5))), NOISIEST * contrast)
        picture += np.float32(sigma) * rng.standard_normal(picture.shape, dtype=np.float32)
    out = np.asarray(np.clip(picture, 0, 255), np.uint8)
    if rng.random() < 0.45:
        quality = 30 + int(rng.random() * 60)
        _, data = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, quality])
        out = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
    return out


def _light(rng: Generator, picture: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = picture.shape
    across = np.linspace(-0.5, 0.5, width, dtype=np.float32)
    down = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    slopes = rng.normal(0, 0.25, 2).astype(np.float32)
    gain = np.asarray(1 + slopes[0] * across + slopes[1] * down, np.float32)
    if rng.random() < 0.2:
        # The edge of a shadow, sharp or soft, at any angle.
        angle, place = float(rng.random() * 2 * math.pi), float(rng.normal(0, 0.25))
        side = (
            np.float32(math.cos(angle)) * across + np.float32(math.sin(angle)) * down - np.float32(place)
        ) * np.float32(3 + 60 * float(rng.random()) ** 2)
        gain *= 1 - np.float32(0.6 * float(rng.random())) * np.clip(side + np.float32(0.5), 0, 1)
    picture = picture * gain
    if rng.random() < 0.05:
        # A lamp's glare.
        x, y, reach = float(rng.random() - 0.5), float(rng.random() - 0.5), 0.06 + 0.3 * float(rng.random())
        away = ((across - np.float32(x)) / np.float32(reach)) ** 2
        away = away + ((down - np.float32(y)) / np.float32(2 * reach)) ** 2
        picture += np.float32(30 + 90 * float(rng.random())) * np.exp(-away)
    return picture


def _blur(
    rng: Generator, picture: NDArray[np.float32], text_height: float, most: float
) -> NDArray[np.float32]:
    kind = rng.random()
    if text_height > LEAST_INTERLACED and rng.random() < 0.2:
        picture = _interlaced(rng, picture, text_height)
    # Few pixels are blur enough.
    sharp = max(1.0, text_height - 3)
    if kind < 0.5:
        sigma = float(rng.random()) ** 1.6 * most * sharp
        if sigma > 0.25:
            # Crops are stretched, too: few lenses and programs blur both axes alike.
            uneven = UNEVEN ** (2 * float(rng.random()) - 1)
            picture = np.asarray(
                cv2.GaussianBlur(picture, (0, 0), sigma / uneven, sigmaY=sigma * uneven), np.float32
            )
    elif kind < 0.6:
        picture = _motion(rng, picture, STREAK * text_height * float(rng.random()))
    if rng.random() < 0.2:
        # Cameras sharpen: bright and dark seams along edges.
        soft = cv2.GaussianBlur(picture, (0, 0), 0.8 + float(rng.random()))
        picture += np.float32(0.3 + 1.2 * float(rng.random())) * (picture - soft)
    return picture


def _interlaced(rng: Generator, picture: NDArray[np.float32], text_height: float) -> NDArray[np.float32]:
    """Video of two half pictures, one after the other: either one was thrown away, or the plate moved on."""
    size = picture.shape[::-1]
    if rng.random() < 0.7:
        return np.asarray(cv2.resize(np.asarray(picture[::2]), size, interpolation=cv2.INTER_LINEAR))
    move = np.array([[1, 0, COMBED * text_height * (2 * rng.random() - 1)], [0, 1, 0]])
    later = cv2.warpAffine(picture, move, size, borderMode=cv2.BORDER_REPLICATE)
    combed = picture.copy()
    combed[1::2] = later[1::2]
    return combed


def _motion(rng: Generator, picture: NDArray[np.float32], length: float) -> NDArray[np.float32]:
    steps = max(2, math.ceil(length) + 1)
    angle = float(rng.normal(0, SIDEWAYS) if rng.random() < 0.5 else rng.random() * math.pi)
    size = 2 * math.ceil(length / 2) + 1
    kernel = np.zeros((size, size), np.float32)
    for t in np.linspace(-length / 2, length / 2, 2 * steps):
        kernel[round(size // 2 + t * math.sin(angle)), round(size // 2 + t * math.cos(angle))] += 1
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.float32)


def _develop(
    rng: Generator, picture: NDArray[np.float32], camera: Camera, levels: tuple[float, float]
) -> tuple[NDArray[np.float32], float]:
    """Contrast and brightness; strong light runs into white, night into black.

    Returns:
        The picture and the contrast that text is left with, grey levels.
    """
    low, high = camera.contrast
    gain = low + (high - low) * float(rng.random()) ** 0.7
    if rng.random() < 0.04:
        gain *= 0.4
    had = abs(levels[0] - levels[1])
    contrast = max(LEAST_CONTRAST, gain * had)
    # Of the text's contrast at most a part is lost beyond black or white.
    reach = (0.5 - MOST_LOST) * contrast
    middle = float(np.clip(128 + rng.normal(0, 48), reach, 255 - reach))
    gain = contrast / had
    return np.asarray(
        (picture - np.float32(sum(levels) / 2)) * np.float32(gain) + np.float32(middle), np.float32
    ), contrast
