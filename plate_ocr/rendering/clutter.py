"""What surrounds plates or is mistaken for one: bumpers, grilles, lamps, wheels, sky."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from plate_ocr.rendering.canvas import blend
from plate_ocr.rendering.car_texts import add_car_text
from plate_ocr.rendering.glyphs import Glyphs
from plate_ocr.rendering.masks import scaled
from plate_ocr.vision.images import Image

TEXT_SHARE = 0.4
"""Share of pictures without a plate that show another text."""


def surroundings(rng: Generator, height: int, width: int, glyphs: Glyphs) -> Image:
    """A piece of a car without its plate.

    Args:
        rng: random generator.
        height: of the picture, pixels.
        width: of the picture, pixels.
        glyphs: for other text in the picture.

    Returns:
        uint8 ``(height, width)``.
    """
    base = float(rng.random() ** 1.5 * 255 if rng.random() < 0.6 else rng.random() * 255)
    small = base + rng.normal(0, 28, (3, 4))
    scene = np.asarray(cv2.resize(np.clip(small, 0, 255).astype(np.uint8), (width, height)), np.uint8)
    tilt = float(rng.normal(0, 0.06)) * width
    for _ in range(int(rng.random() * 6)):
        # Edges of bumpers and lids run along the plate.
        y, thick = float(rng.random()) * height, max(1, round(float(rng.random()) ** 2 * height * 0.3))
        start, end = (-1, round(y - tilt)), (width, round(y + tilt))
        cv2.line(scene, start, end, float(rng.random() * 255), thick, cv2.LINE_AA)
    for _ in range(int(rng.random() * 4)):
        choice = rng.random()
        center = (int(rng.random() * width), int(rng.random() * height))
        level = float(rng.random() * 255)
        size = (1 + int(rng.random() * width * 0.2), 1 + int(rng.random() * height * 0.4))
        if choice < 0.4:
            cv2.ellipse(scene, center, size, float(rng.random() * 180), 0, 360, level, -1, cv2.LINE_AA)
        elif choice < 0.75:
            points = np.array(center) + rng.normal(0, 0.8, (4, 2)) * np.array(size)
            cv2.fillPoly(scene, [np.rint(points).astype(np.int32)], level, cv2.LINE_AA)
        else:
            _bars(rng, scene, center, size, level)
    if rng.random() < 0.12:
        _draw_label(rng, scene, glyphs)
    return scene


def _bars(rng: Generator, scene: Image, center: tuple[int, int], size: tuple[int, int], level: float) -> None:
    """A grille: equal bars, lying or standing."""
    step = 2 + int(rng.random() * 6)
    left, top = max(0, center[0] - size[0]), max(0, center[1] - size[1])
    part = scene[top : center[1] + size[1], left : center[0] + size[0]]
    if rng.random() < 0.6:
        part[::step] = round(level)
    else:
        part[:, ::step] = round(level)


def _draw_label(rng: Generator, scene: Image, glyphs: Glyphs) -> None:
    text = ("TURBO", "www.auto.com", "4x4", "DIESEL", "TOYOTA", "Lada", "SPORT")[int(rng.random() * 7)]
    strip = glyphs.strip(text, int(rng.random() * 4096))
    height = max(3, round(scene.shape[0] * (0.05 + 0.08 * float(rng.random()))))
    mask = scaled(strip, height, scene.shape[1])
    # Away from the plate's own lines: along the upper or lower edge.
    y = 0 if rng.random() < 0.5 else scene.shape[0] - height
    x = int(rng.random() * (scene.shape[1] - mask.shape[1] + 1))
    blend(scene, mask.astype(np.float32) / np.float32(255), x, y, float(rng.random() * 255))


def not_a_plate(rng: Generator, height: int, width: int, glyphs: Glyphs) -> Image:
    """A picture without a plate: a car's skin, a wheel, a grille, sky, a face, noise; some with other texts.

    Returns:
        uint8 ``(height, width)``.
    """
    if rng.random() < TEXT_SHARE:
        plain = rng.random() < 0.5
        scene = smooth_shades(rng, height, width) if plain else surroundings(rng, height, width, glyphs)
        add_car_text(rng, scene, glyphs)
        return scene
    choice = int(rng.random() * 7)
    if choice <= 1:
        scene = surroundings(rng, height, width, glyphs)
    elif choice == 2:
        scene = _wheel(rng, height, width)
    elif choice == 3:
        scene = np.full((height, width), round(float(rng.random() * 255)), np.uint8)
        for _ in range(1 + int(rng.random() * 3)):
            _bars(rng, scene, (width // 2, height // 2), (width, height), float(rng.random() * 255))
    elif choice == 4:
        scene = _face(rng, height, width)
    elif choice == 5:
        # From white noise to clouds.
        grid = (2 + int(rng.random() ** 2 * height), 2 + int(rng.random() ** 2 * width))
        noise = np.clip(rng.random() * 255 + rng.normal(0, 60, grid) * rng.random(), 0, 255).astype(np.uint8)
        scene = np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    else:
        scene = _empty_plate(rng, height, width)
    return scene


def _wheel(rng: Generator, height: int, width: int) -> Image:
    scene = _smooth_background(rng, height, width)
    center = (int(rng.random() * width), int(rng.random() * height))
    reach = height * (0.4 + float(rng.random()))
    for share in (1.0, 0.7, 0.62, 0.2):
        axes = (max(1, round(reach * share * 2)), max(1, round(reach * share)))
        cv2.ellipse(scene, center, axes, 0, 0, 360, float(rng.random() * 200), -1, cv2.LINE_AA)
    spokes = 5 + int(rng.random() * 6)
    level = float(rng.random() * 255)
    for angle in np.arange(spokes) * 2 * np.pi / spokes + float(rng.random()):
        end = (
            round(center[0] + 1.3 * reach * np.cos(angle)),
            round(center[1] + 0.65 * reach * np.sin(angle)),
        )
        cv2.line(scene, center, end, level, max(1, height // 14), cv2.LINE_AA)
    return scene


def _face(rng: Generator, height: int, width: int) -> Image:
    scene = _smooth_background(rng, height, width)
    x, y = round(width * (0.3 + 0.4 * float(rng.random()))), height // 2
    skin = 80 + float(rng.random() * 160)
    cv2.ellipse(scene, (x, y), (round(width * 0.22), round(height * 0.48)), 0, 0, 360, skin, -1, cv2.LINE_AA)
    for dx in (-0.09, 0.09):
        eye = (round(x + dx * width), round(height * 0.38))
        cv2.ellipse(
            scene, eye, (round(width * 0.035), round(height * 0.06)), 0, 0, 360, skin * 0.3, -1, cv2.LINE_AA
        )
    mouth, axes = (x, round(height * 0.72)), (round(width * 0.08), round(height * 0.05))
    cv2.ellipse(scene, mouth, axes, 0, 0, 360, skin * 0.5, -1)
    return np.asarray(cv2.GaussianBlur(scene, (0, 0), max(0.5, height * 0.02)), np.uint8)


def _empty_plate(rng: Generator, height: int, width: int) -> Image:
    """An empty frame, as if the plate had been taken off."""
    scene = _smooth_background(rng, height, width)
    left, top = (round(size * 0.25 * float(rng.random())) for size in (width, height))
    right, bottom = (round(size * (1 - 0.25 * float(rng.random()))) for size in (width, height))
    cv2.rectangle(scene, (left, top), (right, bottom), float(rng.random() * 255), -1)
    cv2.rectangle(scene, (left, top), (right, bottom), float(rng.random() * 255), max(1, height // 24))
    return scene


def _smooth_background(rng: Generator, height: int, width: int) -> Image:
    """A smooth background.

    Returns:
        uint8 ``(height, width)``.
    """
    small = np.clip(float(rng.random() * 255) + rng.normal(0, 30, (3, 4)), 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(small, (width, height)), np.uint8)


def darken(rng: Generator, scene: Image, plates: Sequence[NDArray[np.float64]]) -> None:
    """Night: dark except for the plates, which reflect infrared light or lamps.

    Args:
        rng: random generator.
        scene: uint8 ``(H, W)``; it is changed.
        plates: corners of each plate in it, ``(4, 2)``.
    """
    mask = np.zeros(scene.shape, np.float32)
    for box in plates:
        cv2.fillPoly(mask, [np.rint(box).astype(np.int32)], 1.0, cv2.LINE_AA)
    dark = 0.06 + 0.4 * float(rng.random()) ** 2
    picture = scene.astype(np.float32)
    picture *= dark + (0.5 + 0.7 * float(rng.random()) - dark) * mask
    height, width = scene.shape
    for _ in range(int(rng.random() * 4)):
        # Headlights, lamps, and their glow.
        x, y, size = int(rng.random() * width), int(rng.random() * height), 2 + 14 * float(rng.random()) ** 2
        if any(cv2.pointPolygonTest(box.astype(np.float32), (x, y), True) > -2 * size for box in plates):
            continue
        glow = np.zeros((height // 4, width // 4), np.float32)
        cv2.circle(glow, (x // 4, y // 4), max(1, round(size / 4)), 255.0, -1)
        glow = cv2.GaussianBlur(glow, (0, 0), 0.8 + size * 0.3 * float(rng.random()))
        picture += cv2.resize(glow, (width, height)) * np.float32(0.5 + float(rng.random()))
        cv2.circle(picture, (x, y), round(size * 0.7), 255.0, -1, cv2.LINE_AA)
    scene[:] = np.clip(picture, 0, 255).astype(np.uint8)


def smooth_shades(rng: Generator, height: int, width: int) -> Image:
    """Smooth random shades: uint8 ``(height, width)``."""
    base = float(rng.random() * 255)
    small = np.clip(base + rng.normal(0, 22, (3, 4)), 0, 255).astype(np.uint8)
    return np.array(cv2.resize(small, (width, height)), np.uint8)


def add_grain(rng: Generator, picture: Image) -> None:
    """Leaves, gravel, plaster: noise of some size."""
    size = 1 + float(rng.random()) * 6
    noise = rng.standard_normal(
        (max(2, round(picture.shape[0] / size)), max(2, round(picture.shape[1] / size)))
    )
    larger = cv2.resize(noise.astype(np.float32), picture.shape[::-1], interpolation=cv2.INTER_LINEAR)
    picture[:] = np.clip(picture + larger * (4 + 36 * float(rng.random()) ** 2), 0, 255).astype(np.uint8)


def write_word(
    rng: Generator,
    glyphs: Glyphs,
    picture: Image,
    text: str,
    place: tuple[float, float],
    height: float,
    level: float,
    max_width: float = 1e9,
) -> None:
    """Write a text centred at a place."""
    strip = glyphs.strip(text, int(rng.random() * 4096))
    mask = scaled(strip, max(3, round(height)), max(3, round(max_width)))
    x, y = round(place[0] - mask.shape[1] / 2), round(place[1] - mask.shape[0] / 2)
    blend(picture, mask.astype(np.float32) / np.float32(255), x, y, level)
