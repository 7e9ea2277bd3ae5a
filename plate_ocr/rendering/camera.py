"""Simulates the camera and the crop: pose, surroundings, light, blur, noise, compression.

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

from plate_ocr.region_files.schema import Box, CaptureConfig
from plate_ocr.rendering.canvas import corners
from plate_ocr.rendering.clutter import surroundings
from plate_ocr.rendering.flat_plate import FlatPlate
from plate_ocr.rendering.glyphs import Glyphs
from plate_ocr.rendering.light import light
from plate_ocr.vision.images import Image

MIN_HEIGHT = 0.2
"""Minimum height of a line of text, as a part of the crop: 13 of 64 pixels."""

MIN_SMALL_HEIGHT = 0.14
"""The same of Latin letters and digits that are smaller than others beside them."""

MIN_WIDTH = 0.35
"""Minimum width of the text, as a part of the crop: crops are at most the text's width / this wide, or the
plate's width if that is more."""

MIN_PIXELS = 7.0
"""Minimum height of a line on the sensor, pixels."""

MIN_ADVANCE = 5.0
"""Minimum width of a character and the gap after it on the sensor, pixels."""

MAX_SENSOR = (80, 288)
"""Maximum height and width of the sensor, pixels: the network's input has no more."""

STRETCH_RANGE = (0.8, 1.5)
"""Bounds of the horizontal stretch of a crop."""

TEXT_MARGIN = 0.012
"""Minimum distance of the text from the crop's edges, as a part of its size."""

MAX_NOISE = 0.13
"""Maximum standard deviation of the noise, as a part of the text's contrast."""

MIN_CONTRAST = 9.0
"""Minimum contrast of the text in the picture, grey levels."""

MAX_SKIPPED = 3.0
"""Maximum factor by which a program downscales that does not average, but skips pixels."""

SKIPPED_HEIGHT = 4.0
"""Height of a line for each of the skipped pixels, pixels: fewer are skipped of small text."""

MIN_INTERLACED_HEIGHT = 13.0
"""Minimum height of a line for interlacing, pixels: half of its rows must still be legible."""

MAX_COMBING = 0.18
"""Maximum movement of a plate between two fields of an interlaced frame, as a part of the text's height."""

MIN_STEPPED_HEIGHT = 9.0
"""Minimum height of a line for steps of whole pixels, pixels."""

STEPPED_STD = 0.1
"""Standard deviation of the slopes that such steps make up for."""

MAX_ANISOTROPY = 1.7
"""Maximum ratio of the blur along one axis to the geometric mean of both."""

MAX_MOTION_BLUR = 0.2
"""Maximum length of motion blur, as a part of the text's height: characters stay apart."""

SIDEWAYS_STD = 0.2
"""Standard deviation of the angle of sideways motion blur, radians."""

COMPRESSIBLE = 14.0
"""Lower bound of JPEG quality: 100 minus contrast (grey levels) × text height (pixels) / this."""

MAX_CLIPPED = 0.13
"""Maximum part of the text's contrast that is lost to over- or underexposure."""

Matrix: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """The mapping of a flat plate into a crop.

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
    small = plate.text_height < 0.75 * flat_high
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
    smallest, largest = (math.log(height) for height in camera.heights)
    pixels = math.exp(smallest + (largest - smallest) * float(rng.random()))
    # Plates of two lines need more pixels per line, and syllables above one another too.
    more = not plain and (plate.rows > 1 or small)
    pixels = max(pixels, MIN_PIXELS * (1.4 if more else 1.0) * float(span[1]) / line)
    # Data sets store crops in one size, whatever their aspect ratio.
    stretch = STRETCH_RANGE[0] * (STRETCH_RANGE[1] / STRETCH_RANGE[0]) ** float(rng.random())
    aspect = float(np.clip(stretch * span[0] / span[1], 1.0, 6.0))
    # Each character needs its width on the sensor; the box of one or two is as wide as three.
    count = max(3.0, len(plate.text) / plate.rows)
    pixels = max(pixels, MIN_ADVANCE * count * float(span[0] / text_span[0]) / aspect)
    height = min(pixels, MAX_SENSOR[0], MAX_SENSOR[1] / aspect)
    size = max(10, round(height)), max(20, round(height * aspect))
    fit = np.diag([size[1] / span[0], size[0] / span[1], 1.0])
    fit[:2, 2] = -low * np.diag(fit)[:2]
    return View(size, fit @ turned, line / float(span[1]) * size[0])


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


def photograph(rng: Generator, plate: FlatPlate, view: View, glyphs: Glyphs) -> Image:
    """Warp the plate into drawn surroundings.

    Returns:
        uint8 ``(height, width)`` of the view's size.
    """
    height, width = view.size
    # Some programs downscale without averaging: slanted edges become steps, thin strokes break.
    skipping = rng.random() < 0.2
    fine = 2 if height < 36 and not skipping else 1
    matrix = np.diag([fine, fine, 1.0]) @ view.matrix
    text = project(matrix, corners(plate.text_box))
    both = np.dstack([plate.gray, plate.opaque])
    shrink = plate.text_height / (view.text_height * fine)
    if skipping:
        shrink /= min(MAX_SKIPPED, max(1.0, view.text_height / SKIPPED_HEIGHT))
    if shrink > (1.0 if skipping else 1.5):
        # Bilinear sampling uses four pixels: downscale by area first.
        smaller = max(4, round(both.shape[1] / shrink)), max(4, round(both.shape[0] / shrink))
        matrix = matrix @ np.diag([both.shape[1] / smaller[0], both.shape[0] / smaller[1], 1.0])
        both = np.asarray(cv2.resize(both, smaller, interpolation=cv2.INTER_AREA), np.uint8)
    scene = surroundings(rng, height * fine, width * fine, glyphs)
    warped = cv2.warpPerspective(both, matrix, (width * fine, height * fine), flags=cv2.INTER_LINEAR)
    share = warped[..., 1].astype(np.float32) * np.float32(1 / 255)
    background = scene.astype(np.float32)
    mixed = background + (warped[..., 0].astype(np.float32) - background) * share
    if rng.random() < 0.08:
        _occlude(rng, mixed, text)
    if fine > 1:
        method = cv2.INTER_NEAREST if rng.random() < 0.1 else cv2.INTER_AREA
        mixed = np.asarray(cv2.resize(mixed, (width, height), interpolation=method), np.float32)
    return np.asarray(mixed, np.uint8)


def _occlude(rng: Generator, picture: NDArray[np.float32], text: Matrix) -> None:
    """Cover one side of the picture up to the text: a bumper, a hook."""
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
    rng: Generator, gray: Image, camera: CaptureConfig, text_height: float, levels: tuple[float, float]
) -> Image:
    """Light, shadow, glare, blur, contrast, noise and compression, within what a human can still read.

    Args:
        rng: random generator.
        gray: uint8 ``(H, W)``.
        camera: how pictures of the region are taken.
        text_height: of the smallest line, pixels: bounds the blur.
        levels: grey levels of background and foreground: their contrast bounds the noise.

    Returns:
        uint8 ``(H, W)``.
    """
    picture = light(rng, gray.astype(np.float32), text_height)
    picture = _blur(rng, picture, text_height, camera.blur)
    picture, contrast = _develop(rng, picture, camera, levels)
    if rng.random() < 0.7:
        sigma = min(abs(float(rng.normal(0, 4.5))), MAX_NOISE * contrast)
        picture += np.float32(sigma) * rng.standard_normal(picture.shape, dtype=np.float32)
    out = np.asarray(np.clip(picture, 0, 255), np.uint8)
    if rng.random() < 0.45:
        quality = max(20 + int(rng.random() * 70), round(100 - contrast * text_height / COMPRESSIBLE))
        _, data = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, quality])
        out = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
    return out


def _blur(
    rng: Generator, picture: NDArray[np.float32], text_height: float, max_sigma: float
) -> NDArray[np.float32]:
    choice = rng.random()
    if text_height > MIN_INTERLACED_HEIGHT and rng.random() < 0.2:
        picture = _interlaced(rng, picture, text_height)
    elif text_height > MIN_STEPPED_HEIGHT and rng.random() < 0.12:
        picture = _stepped(rng, picture)
    # Small text is blurred by its resolution already.
    sharp = max(1.0, text_height - 3)
    if choice < 0.5:
        sigma = float(rng.random()) ** 1.6 * max_sigma * sharp
        if sigma > 0.25:
            # Crops are stretched, so blur differs between the axes.
            uneven = MAX_ANISOTROPY ** (2 * float(rng.random()) - 1)
            picture = np.asarray(
                cv2.GaussianBlur(picture, (0, 0), sigma / uneven, sigmaY=sigma * uneven), np.float32
            )
    elif choice < 0.6:
        picture = _motion(rng, picture, MAX_MOTION_BLUR * text_height * float(rng.random()))
    if rng.random() < 0.2:
        # Cameras sharpen: bright and dark halos along edges.
        soft = cv2.GaussianBlur(picture, (0, 0), 0.8 + float(rng.random()))
        picture += np.float32(0.3 + 1.2 * float(rng.random())) * (picture - soft)
    return picture


def _interlaced(rng: Generator, picture: NDArray[np.float32], text_height: float) -> NDArray[np.float32]:
    """Interlaced video: one field was dropped, or the plate moved between the fields."""
    size = picture.shape[::-1]
    if rng.random() < 0.55:
        # Its rows were doubled, or those between interpolated.
        method = cv2.INTER_NEAREST if rng.random() < 0.4 else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(np.asarray(picture[::2]), size, interpolation=method))
    move = np.array([[1, 0, MAX_COMBING * text_height * (2 * rng.random() - 1)], [0, 1, 0]])
    later = cv2.warpAffine(picture, move, size, borderMode=cv2.BORDER_REPLICATE)
    combed = picture.copy()
    combed[1::2] = later[1::2]
    return combed


def _stepped(rng: Generator, picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Set straight by whole pixels: a program moved columns up or down and rows sideways."""
    height, width = picture.shape
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    down, across = x * np.float32(rng.normal(0, STEPPED_STD)), y * np.float32(rng.normal(0, STEPPED_STD))
    # What is left after rounding: half a pixel at most.
    columns = x + (across - np.rint(across))[:, None]
    rows = y[:, None] + (down - np.rint(down))
    return np.asarray(cv2.remap(picture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _motion(rng: Generator, picture: NDArray[np.float32], length: float) -> NDArray[np.float32]:
    steps = max(2, math.ceil(length) + 1)
    angle = float(rng.normal(0, SIDEWAYS_STD) if rng.random() < 0.5 else rng.random() * math.pi)
    size = 2 * math.ceil(length / 2) + 1
    kernel = np.zeros((size, size), np.float32)
    for t in np.linspace(-length / 2, length / 2, 2 * steps):
        kernel[round(size // 2 + t * math.sin(angle)), round(size // 2 + t * math.cos(angle))] += 1
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.float32)


def _develop(
    rng: Generator, picture: NDArray[np.float32], camera: CaptureConfig, levels: tuple[float, float]
) -> tuple[NDArray[np.float32], float]:
    """Contrast and brightness, with clipping at white and black.

    Returns:
        The picture and the remaining contrast of the text, grey levels.
    """
    low, high = camera.contrast
    gain = low + (high - low) * float(rng.random()) ** 0.7
    if rng.random() < 0.04:
        gain *= 0.4
    had = abs(levels[0] - levels[1])
    contrast = max(MIN_CONTRAST, gain * had)
    # Bounds the clipping of the text's contrast at black and white.
    reach = (0.5 - MAX_CLIPPED) * contrast
    middle = float(np.clip(128 + rng.normal(0, 48), reach, 255 - reach))
    gain = contrast / had
    brightness = middle - gain * sum(levels) / 2
    return np.asarray(picture * np.float32(gain) + np.float32(brightness), np.float32), contrast
