"""Renders the sample photo of a street: ``python -m data.street``."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from data.render import FOLDER
from plate_ocr.files import write_whole
from plate_ocr.region_files.schema import CaptureConfig
from plate_ocr.rendering.canvas import corners
from plate_ocr.rendering.cars import draw_car
from plate_ocr.rendering.plates import PlateGenerator
from plate_ocr.rendering.view import pose, project
from plate_ocr.vision.images import Image

HEIGHT, WIDTH = 620, 1240
HORIZON = 0.34

CARS = (
    ("mx", 0.5, 0.41, 84),
    ("de", 0.17, 0.43, 92),
    ("us", 0.83, 0.43, 92),
    ("gb", 0.27, 0.86, 125),
    ("in", 0.73, 0.87, 125),
)
"""Region, where the plate's middle is as parts of the width and of the height, and the plate's width in
pixels; the farthest first."""

TURN = CaptureConfig(turn=(18.0, 5.0, 1.5), shear=0.02)
"""How far plates are turned at most."""

SEED, QUALITY = 10, 90


def draw_street(seed: int) -> Image:
    """Cars in front of houses: uint8 ``(HEIGHT, WIDTH)``."""
    rng = np.random.default_rng(seed)
    y = np.linspace(0, 1, HEIGHT)[:, None]
    sky, road = 225 - 60 * y, 95 + 60 * (y - HORIZON)
    scene = np.repeat(np.where(y < HORIZON, sky, road), WIDTH, 1).astype(np.float32)
    _draw_houses(rng, scene)
    for left in range(-40, WIDTH, 170):
        mark = np.array([(60, 0.6), (130, 0.6), (120, 0.62), (45, 0.62)]) * (1, HEIGHT) + (left, 0)
        cv2.fillConvexPoly(scene, mark.astype(int), 200.0)
    for region, across, down, width in CARS:
        _draw_car(rng, scene, region, np.array([across * WIDTH, down * HEIGHT]), width)
    noisy = np.asarray(cv2.GaussianBlur(scene, (0, 0), 0.6)) + rng.normal(0, 1, scene.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def _draw_houses(rng: Generator, scene: NDArray[np.float32]) -> None:
    left = 0
    while left < WIDTH:
        width, top = int(rng.integers(90, 190)), int(HEIGHT * rng.uniform(0.04, 0.18))
        wall = float(rng.uniform(110, 190))
        scene[top : int(HEIGHT * HORIZON), left : left + width] = wall
        for y in range(top + 14, int(HEIGHT * 0.3), 34):
            for x in range(left + 12, left + width - 18, 30):
                scene[y : y + 18, x : x + 13] = wall * rng.uniform(0.35, 0.6)
        left += width


def _draw_car(
    rng: Generator, scene: NDArray[np.float32], region: str, middle: NDArray[np.float64], width: float
) -> None:
    plates = PlateGenerator(None, [region])
    share = 0.0
    while not 0.6 < share < 0.99:  # else it is a plate on a wall, or fills the picture
        body, cover, place = draw_car(rng, plates.draw_flat(rng), plates.glyphs, 240.0, plate=True)
        share = float(cover.mean()) / 255
    turned = pose(rng, place, TURN)
    box = project(turned, corners(place))
    zoom = width / np.ptp(box[:, 0])
    shift = middle - zoom * (box.min(0) + box.max(0)) / 2
    matrix = np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]], [0, 0, 1.0]]) @ turned
    drawn = cv2.warpPerspective(np.dstack([body, cover]), matrix, (WIDTH, HEIGHT), flags=cv2.INTER_AREA)
    mask = drawn[..., 1].astype(np.float32) / 255
    scene *= 1 - mask
    scene += drawn[..., 0] * mask


def main() -> None:
    """Write the file."""
    data = cv2.imencode(".jpg", draw_street(SEED), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    write_whole(FOLDER / "street.jpg", bytes(data))


if __name__ == "__main__":
    main()
