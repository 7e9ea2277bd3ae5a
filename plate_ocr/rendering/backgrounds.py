"""Backgrounds of scenes: photographs that come with packages, and drawn ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from plate_ocr.errors import DataError
from plate_ocr.rendering.clutter import add_grain, smooth_shades
from plate_ocr.rendering.packages import package_folder
from plate_ocr.vision.image_files import is_image_name
from plate_ocr.vision.images import Image, read_image, to_gray

FROM_SCIKIT_IMAGE = (
    "astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png",
    "gravel.png", "rocket.jpg", "page.png", "text.png", "clock_motion.png",
)  # fmt: skip
FROM_SCIKIT_LEARN = ("china.jpg", "flower.jpg")

MAX_SIDE = 1024
"""Maximum side of a photograph, pixels: larger ones are downscaled."""


def background(rng: Generator, height: int, width: int, photographs: Sequence[Image]) -> Image:
    """The background of a scene: a photograph, or shades and shapes: uint8 ``(height, width)``."""
    if rng.random() < 0.6:
        return random_piece(rng, height, width, photographs)
    scene = smooth_shades(rng, height, width)
    if rng.random() < 0.6:
        # Sky or a wall above, a road below.
        horizon = int(height * (0.1 + 0.6 * float(rng.random())))
        scene[horizon:] = smooth_shades(rng, height - horizon, width)
        if rng.random() < 0.5:
            scene[:horizon] = random_piece(rng, horizon, width, photographs)
    if rng.random() < 0.5:
        add_grain(rng, scene)
    for _ in range(int(rng.random() * 5)):
        _shape(rng, scene)
    return scene


def photographs_in(folder: Path) -> tuple[Image, ...]:
    """The pictures of a folder, by name, in grey, downscaled to :data:`MAX_SIDE`.

    Raises:
        DataError: if there is none.
        ImageError: if one cannot be read.
    """
    names = sorted(path for path in folder.iterdir() if is_image_name(path.name)) if folder.is_dir() else []
    if not names:
        raise DataError(f"{folder}: no folder with pictures")
    return tuple(_shrunk(to_gray(read_image(path))) for path in names)


def _shrunk(gray: Image) -> Image:
    scale = MAX_SIDE / max(gray.shape)
    if scale >= 1:
        return gray
    return np.asarray(cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def random_piece(rng: Generator, height: int, width: int, photographs: Sequence[Image]) -> Image:
    """A random piece of a photograph, in a random size: uint8 ``(height, width)``."""
    whole = photographs[int(rng.random() * len(photographs))]
    share = 0.25 + 0.75 * float(rng.random())
    high = max(16, round(min(whole.shape[0], whole.shape[1] * height / width) * share))
    wide = min(whole.shape[1], max(16, round(high * width / height)))
    y, x = (int(rng.random() * (whole.shape[i] - size + 1)) for i, size in ((0, high), (1, wide)))
    part = whole[y : y + high, x : x + wide]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    return np.array(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


@cache
def packaged_photographs() -> tuple[Image, ...]:
    """Photographs of scikit-image, scikit-learn and matplotlib, in grey; ``NOTICE`` lists them."""
    skimage, sklearn, matplotlib = map(package_folder, ("skimage", "sklearn", "matplotlib"))
    places = [skimage / "data" / name for name in FROM_SCIKIT_IMAGE]
    places += [sklearn / "datasets" / "images" / name for name in FROM_SCIKIT_LEARN]
    places.append(matplotlib / "mpl-data" / "sample_data" / "grace_hopper.jpg")
    pictures = [cv2.imread(str(place), cv2.IMREAD_GRAYSCALE) for place in places if place.is_file()]
    return tuple(np.asarray(picture, np.uint8) for picture in pictures if picture is not None)


def _shape(rng: Generator, scene: Image) -> None:
    center = np.array([rng.random() * scene.shape[1], rng.random() * scene.shape[0]])
    size = rng.random(2) * (120, 90) + 4
    level = float(rng.random() * 255)
    if rng.random() < 0.5:
        points = center + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * size + rng.normal(0, 4, (4, 2))
        cv2.fillPoly(scene, [np.rint(points).astype(np.int32)], level, cv2.LINE_AA)
    else:
        axes = max(1, round(size[0] / 2)), max(1, round(size[1] / 2))
        cv2.ellipse(
            scene,
            (int(center[0]), int(center[1])),
            axes,
            float(rng.random() * 180),
            0,
            360,
            level,
            -1,
            cv2.LINE_AA,
        )
