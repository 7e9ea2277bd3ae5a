"""Simulates the camera: surroundings, light, blur, noise, compression.

The flat plate is warped once into the crop by the homography of its :class:`~plate_ocr.rendering.view.View`.
Blur, noise and compression happen at its resolution, and
:func:`~plate_ocr.vision.plate_input.preprocess_plate` makes the rest, as it does when plates are read.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from plate_ocr.region_files.schema import CaptureConfig
from plate_ocr.rendering.canvas import corners
from plate_ocr.rendering.clutter import surroundings
from plate_ocr.rendering.flat_plate import FlatPlate
from plate_ocr.rendering.glyphs import Glyphs
from plate_ocr.rendering.light import light
from plate_ocr.rendering.view import Matrix, View, project
from plate_ocr.vision.images import Image

MAX_NOISE = 0.13
"""Maximum standard deviation of the noise, as a part of the text's contrast."""

MIN_CONTRAST = 9.0
"""Minimum contrast of the text in the picture, grey levels."""

MAX_SKIPPED = 3.0
"""Maximum factor by which a program downscales that does not average, but skips pixels."""

SKIPPED_HEIGHT = 4.0
"""Height of a line per unit of that factor, pixels: of small text fewer are skipped."""

MIN_INTERLACED_HEIGHT = 13.0
"""Minimum height of a line for interlacing, pixels: half of its rows must still be legible."""

MAX_COMBING = 0.14
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

COMPRESSIBLE = 18.0
"""Lower bound of JPEG quality: 100 minus contrast (grey levels) × text height (pixels) / this."""

MAX_CLIPPED = 0.13
"""Maximum part of the text's contrast that is lost to over- or underexposure."""

OUTLIERS = 0.02
"""Part of the text's darkest and of its brightest pixels that may be clipped."""


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
    rng: Generator,
    gray: Image,
    camera: CaptureConfig,
    text_height: float,
    levels: tuple[float, float],
    text: Matrix | None = None,
) -> Image:
    """Light, shadow, glare, blur, contrast, noise and compression, within what a human can still read.

    Args:
        rng: random generator.
        gray: uint8 ``(H, W)``.
        camera: how pictures of the region are taken.
        text_height: of the smallest line, or less where characters are narrow, pixels: bounds the blur.
        levels: grey levels of background and foreground: their contrast bounds the noise.
        text: float64 ``(4, 2)``: corners of the text, pixels: it is exposed right even where light is uneven.

    Returns:
        uint8 ``(H, W)``.
    """
    picture = light(rng, gray.astype(np.float32), text_height)
    picture = _blur(rng, picture, text_height, camera.blur)
    lit = min(levels), max(levels)
    if text is not None:
        (left, top), (right, bottom) = np.rint([text.min(0), text.max(0)]).astype(int).tolist()
        sample = np.sort(picture[max(top, 0) : bottom : 2, max(left, 0) : right : 2], axis=None)
        outliers = int(OUTLIERS * sample.size)
        lit = float(sample[outliers]), float(sample[-1 - outliers])
    picture, contrast = _develop(rng, picture, camera, levels, lit)
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
    rng: Generator,
    picture: NDArray[np.float32],
    camera: CaptureConfig,
    levels: tuple[float, float],
    lit: tuple[float, float],
) -> tuple[NDArray[np.float32], float]:
    """Contrast and brightness, with clipping at white and black.

    Args:
        rng: random generator.
        picture: float32 ``(H, W)``, grey levels.
        camera: how pictures of the region are taken.
        levels: grey levels of background and foreground in even light.
        lit: the darkest and the brightest of both in the light that there is.

    Returns:
        The picture and the remaining contrast of the text, grey levels.
    """
    low, high = camera.contrast
    gain = low + (high - low) * float(rng.random()) ** 0.7
    if rng.random() < 0.04:
        gain *= 0.4
    had, base = abs(levels[0] - levels[1]), sum(levels) / 2
    # Bounds the clipping of the text's contrast at black and white.
    clipped = MAX_CLIPPED * had
    gain = min(gain, 255 / max(had / 2, lit[1] - lit[0] - 2 * clipped))
    contrast = max(MIN_CONTRAST, gain * had)
    gain = contrast / had
    darkest, brightest = gain * (base - lit[0] - clipped), 255 - gain * (lit[1] - base - clipped)
    middle = float(np.clip(128 + rng.normal(0, 48), darkest, brightest))
    return np.asarray(picture * np.float32(gain) + np.float32(middle - gain * base), np.float32), contrast
