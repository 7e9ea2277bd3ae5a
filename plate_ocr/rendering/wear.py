"""What years do to a plate: worn paint, bare relief, dirt, scratches, rust."""

from __future__ import annotations

import cv2
import numpy as np

from plate_ocr.rendering.canvas import Canvas, Painter, random_index, smooth_noise
from plate_ocr.vision.images import Image

SHIFT = 4
"""Fractional bits of coordinates in OpenCV's drawing functions."""

MIN_PAINT = 0.35
"""Minimum contrast of text that its relief shows rather than its paint, as a part of the plate's own."""

MAX_SEAL = 0.14
"""Maximum radius of a seal that may lie over a character, as a part of the text's height."""


def paint_text(painter: Painter, mask: Canvas, height: float, level: float) -> None:
    """Paint the text on the plate, worn or not, embossed or flat.

    Args:
        painter: the plate.
        mask: float32 ``(H, W)``, 0..1: the text.
        height: of the smallest line, pixels.
        level: grey level of the text.
    """
    rng = painter.rng
    embossed = rng.random() < painter.layout.embossed
    choice = rng.random()
    relief = float(rng.normal(0, 45))
    paint = mask
    if choice < 0.1:
        paint = mask * np.clip(0.75 + 0.5 * smooth_noise(rng, painter.shape, 6, 18), 0.3, 1)
    elif choice < 0.13:
        # Worn off but for the edges of the strokes, where the paint is thicker.
        inner = cv2.erode(mask, np.ones((3, 3), np.uint8))
        paint = mask - np.float32(0.5 + 0.4 * float(rng.random())) * inner
    elif choice < 0.16 and embossed:
        # The colour of the plate: only light and shadow on the relief are left.
        contrast = abs(level - painter.background)
        relief = float(np.copysign(0.6 + 0.4 * float(rng.random()), relief)) * contrast
        paint = mask * np.float32(MIN_PAINT + 0.3 * float(rng.random()))
    painter.canvas += (np.float32(level) - painter.canvas) * paint
    if embossed:
        step = max(1, round(height * (0.02 + 0.03 * float(rng.random()))))
        painter.canvas[step:, step:] += np.float32(relief) * (mask[step:, step:] - mask[:-step, :-step])


def add_dirt(painter: Painter, height: float) -> None:
    """Dirt of one or two kinds.

    Args:
        painter: the plate.
        height: of the smallest line of text, pixels.
    """
    rng = painter.rng
    kinds = (_grain, _grain, _grain, _scratches, _rust, _splashes, _mud, _seal)
    for _ in range(1 + (rng.random() < 0.25)):
        kinds[random_index(rng, len(kinds))](painter, height)


def _grain(painter: Painter, height: float) -> None:
    rng = painter.rng
    strength = abs(float(rng.normal(0, 22)))
    grain = smooth_noise(rng, painter.shape, 3 + random_index(rng, 8), 6 + random_index(rng, 24))
    painter.canvas += np.float32(strength) * grain
    for _ in range(random_index(rng, 4)):
        _spot(painter, 0.04 * painter.shape[0], float(rng.random() * 200))


def _spot(painter: Painter, radius: float, level: float) -> None:
    rng = painter.rng
    center = random_index(rng, painter.shape[1]), random_index(rng, painter.shape[0])
    cv2.circle(painter.canvas, center, max(1, round(radius * float(rng.random()))), level, -1, cv2.LINE_AA)


def _scratches(painter: Painter, height: float) -> None:
    """Thin straight or bent lines, paler or darker."""
    rng = painter.rng
    size = np.array(painter.shape[::-1], np.float64)
    mask: Image = np.zeros(painter.shape, np.uint8)
    for _ in range(1 + random_index(rng, 4)):
        start = rng.random(2) * size
        ends = start + rng.normal(0, 0.25, (2, 2)) * size
        points = np.rint(np.array([start, *ends]) * (1 << SHIFT)).astype(np.int32)
        cv2.polylines(mask, [points], False, 80 + random_index(rng, 150), 1, cv2.LINE_AA, SHIFT)
    painter.blend(mask, 0, 0, float(rng.random() * 255))


def _rust(painter: Painter, height: float) -> None:
    """Dark patches with ragged edges, most of them at the rim."""
    rng = painter.rng
    rows, columns = painter.shape
    patches = smooth_noise(rng, painter.shape, 5 + random_index(rng, 6), 8 + random_index(rng, 20))
    rim = np.minimum.outer(
        np.minimum(np.arange(rows), np.arange(rows)[::-1]),
        np.minimum(np.arange(columns), np.arange(columns)[::-1]),
    ).astype(np.float32)
    cover = patches - np.float32(0.25 + 0.3 * float(rng.random())) - rim * np.float32(1.5 / rows)
    painter.canvas *= 1 - np.float32(0.3 + 0.4 * float(rng.random())) * np.clip(cover * np.float32(4), 0, 1)


def _splashes(painter: Painter, height: float) -> None:
    level = float(painter.rng.random() * 220)
    for _ in range(4 + random_index(painter.rng, 14)):
        _spot(painter, 0.05 * height, level + 30 * float(painter.rng.random()))


def _mud(painter: Painter, height: float) -> None:
    """A film, thicker towards the bottom or one end."""
    rng = painter.rng
    rows, columns = painter.shape
    ramp = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    if rng.random() < 0.3:
        ramp = np.linspace(0, 1, columns, dtype=np.float32)[:: -1 if rng.random() < 0.5 else 1]
    film = np.float32(0.55 * float(rng.random())) * ramp ** np.float32(1 + 2 * float(rng.random()))
    film = film * (1 + np.float32(0.5) * smooth_noise(rng, painter.shape, 4, 12))
    painter.canvas += (np.float32(60 + 100 * float(rng.random())) - painter.canvas) * film


def _seal(painter: Painter, height: float) -> None:
    """A small round sticker anywhere, over a character too."""
    rng = painter.rng
    radius = max(1, round(height * MAX_SEAL * (0.4 + 0.6 * float(rng.random()))))
    disc: Image = np.zeros((2 * radius + 1, 2 * radius + 1), np.uint8)
    cv2.circle(disc, (radius, radius), radius, 150 + random_index(rng, 106), -1, cv2.LINE_AA)
    x, y = random_index(rng, painter.shape[1]), random_index(rng, painter.shape[0])
    painter.blend(disc, x - radius, y - radius, float(rng.random() * 255))
