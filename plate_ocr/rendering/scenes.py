"""Whole pictures with plates in them, to teach the locator where plates are.

A plate hangs on a car that is drawn flat about it, from shapes and textures; both are turned in space
together and put into a photograph that some package brings, or into drawn surroundings. Much of what is drawn
looks like a plate and is none: signs, shop fronts, stickers, grilles, empty plates, dates that cameras print.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from plate_ocr.region_files.schema import Camera
from plate_ocr.rendering.backgrounds import background
from plate_ocr.rendering.camera import Matrix, expose, pose, project
from plate_ocr.rendering.canvas import corners
from plate_ocr.rendering.cars import draw_car
from plate_ocr.rendering.decorations import WORDS
from plate_ocr.rendering.plates import PlateGenerator
from plate_ocr.rendering.scenery import not_a_plate, write_word
from plate_ocr.vision.images import Image

HEIGHT, WIDTH = 256, 352
"""Of a scene, pixels."""

WIDTHS = (22.0, 260.0)
"""Bounds of a plate's width in a scene, pixels."""

PLATES = (0.12, 0.7, 0.9, 1.0)
"""Chance of 0, 1, 2, 3 plates in a scene, each asked for where those before were not drawn."""

TURN = Camera(turn=(26.0, 13.0, 6.0), shear=0.03, blur=0.06, contrast=(0.3, 1.2))
"""How cars are photographed."""

SIGNS = (
    "OPEN", "EXIT", "STOP", "TAXI", "SALE 50%", "HOTEL", "BANK", "24H", "P", "BUS 47", "CAFE", "MARKET",
    "20/07/2015 14:32:05", "CAM 01", "FOR SALE", "0800 123 456", "PHARMACY", "MAX 2.1m", "TEL 555-0199",
    "KEEP CLEAR", "No. 118", "www.shop.com", "2013-04-10 12:02:31", "PARKING", "LEVEL 3", "A47", "B12",
)  # fmt: skip
"""What is written where no plate is."""


@dataclass(frozen=True)
class Scene:
    """A rendered scene.

    Attributes:
        image: uint8 ``(HEIGHT, WIDTH)``.
        corners: float32 ``(N, 4, 2)``: x and y of the corners of each plate in pixels, clockwise from its
            own top left.
        texts: what is written on each.
    """

    image: Image
    corners: NDArray[np.float32]
    texts: tuple[str, ...]


class SceneGenerator:
    """Renders scenes, each fully determined by a seed and its number.

    Args:
        data: as of :class:`PlateGenerator`.
        regions: whose plates hang on the cars.
    """

    def __init__(self, data: Path | None, regions: Sequence[str | Path] | None = None) -> None:
        self.plates = PlateGenerator(data, regions)
        self.glyphs = self.plates.glyphs

    def __call__(self, seed: int, index: int) -> Scene:
        """Render a scene; the same numbers give the same bytes."""
        rng = np.random.default_rng((seed, index))
        scene = background(rng, HEIGHT, WIDTH)
        for _ in range(int(rng.random() * 4)):
            self._distract(rng, scene)
        wanted = next(i for i, share in enumerate(PLATES) if rng.random() < share or share == 1.0)
        found: list[Matrix] = []
        texts: list[str] = []
        for _ in range(wanted):
            placed = self._add_car(rng, scene, found)
            if placed is not None:
                text, box = placed
                texts.append(text)
                found.append(box)
        for _ in range(int(rng.random() * 3)):
            self._distract(rng, scene, found)
        if wanted == 0 and rng.random() < 0.6:
            self._add_car(rng, scene, found, plate=False)
        smallest = min((float(np.linalg.norm(box[3] - box[0])) for box in found), default=40.0)
        levels = (190.0, 60.0)
        image = expose(rng, scene, TURN, max(4.0, 0.6 * smallest), levels)
        return Scene(image, np.array(found, np.float32).reshape(-1, 4, 2), tuple(texts))

    def _add_car(
        self, rng: Generator, scene: Image, others: Sequence[Matrix], *, plate: bool = True
    ) -> tuple[str, Matrix] | None:
        """Draw a car; returns the text and corners of its plate, or None if it has none that counts."""
        flat = self.plates.draw_flat(rng)
        # The car's canvas has the resolution that the scene can use.
        low, high = WIDTHS
        wide = math.exp(math.log(low) + (math.log(high) - math.log(low)) * float(rng.random()) ** 1.2)
        units = float(np.clip(1.3 * wide, 40, 240))
        left, top, right, bottom = flat.plate_box
        body, cover, place = draw_car(rng, flat, self.glyphs, units, plate=plate)
        matrix = self._view(rng, place, wide, (bottom - top) / (right - left))
        corner = project(matrix, corners(place))
        inside = ((corner >= 1) & (corner <= (WIDTH - 2, HEIGHT - 2))).all()
        if plate and (not inside or any(_overlap(corner, other) for other in others)):
            return None
        if not plate and any(_overlap(corner, other, 3.0) for other in others):
            return None
        both = cv2.warpPerspective(np.dstack([body, cover]), matrix, (WIDTH, HEIGHT), flags=cv2.INTER_AREA)
        mask = both[..., 1].astype(np.float32) / 255
        for other in others:
            # A car in front never hides a plate that is asked for.
            cv2.fillPoly(mask, [np.rint(_grown(other, 1.6)).astype(np.int32)], 0.0)
        scene[:] = (scene + (both[..., 0].astype(np.float32) - scene) * mask).astype(np.uint8)
        return (flat.text, corner) if plate else None

    def _view(
        self, rng: Generator, place: tuple[float, float, float, float], wide: float, aspect: float
    ) -> Matrix:
        """From the car's canvas into the scene, so that the plate is so many pixels wide, somewhere in it."""
        turned = pose(rng, place, TURN)
        box = project(turned, corners(place))
        span = np.ptp(box, axis=0)
        zoom = wide / span[0]
        if zoom * span[1] > 0.8 * HEIGHT:
            zoom = 0.8 * HEIGHT / span[1]
        room = np.maximum(np.array([WIDTH, HEIGHT]) - zoom * span - 4, 1)
        corner = 2 + room * rng.random(2) - zoom * box.min(0)
        fit = np.array([[zoom, 0, corner[0]], [0, zoom, corner[1]], [0, 0, 1.0]])
        return np.asarray(fit @ turned)

    def _distract(self, rng: Generator, scene: Image, spare: Sequence[Matrix] = ()) -> None:
        """Put in something that is no plate, away from the plates."""
        kind = rng.random()
        wide = 12 + 150 * float(rng.random()) ** 2
        x, y = float(rng.random() * WIDTH), float(rng.random() * HEIGHT)
        high = wide * (0.15 + 0.6 * float(rng.random()))
        box = np.array(
            [
                [x - wide / 2, y - high / 2],
                [x + wide / 2, y - high / 2],
                [x + wide / 2, y + high / 2],
                [x - wide / 2, y + high / 2],
            ]
        )
        if any(_overlap(box, other) for other in spare):
            return
        left, top, right, bottom = (
            max(0, round(x - wide / 2)),
            max(0, round(y - high / 2)),
            min(WIDTH, round(x + wide / 2)),
            min(HEIGHT, round(y + high / 2)),
        )
        if right - left < 6 or bottom - top < 4:
            return
        part = scene[top:bottom, left:right]
        shade = float(rng.random() * 255)
        if kind < 0.45:
            # A sign: letters on a ground, several lines.
            if rng.random() < 0.75:
                part[:] = int(shade)
            lines = 1 + int(rng.random() * 3)
            for i in range(lines):
                word = (
                    SIGNS[int(rng.random() * len(SIGNS))]
                    if rng.random() < 0.7
                    else WORDS[int(rng.random() * len(WORDS))]
                )
                tall = (bottom - top) / lines * (0.4 + 0.3 * float(rng.random()))
                place = (left + right) / 2, top + (i + 0.5) * (bottom - top) / lines
                write_word(rng, self.glyphs, scene, word, place, tall, (shade + 128) % 256, right - left)
        elif kind < 0.75:
            part[:] = not_a_plate(rng, bottom - top, right - left, self.glyphs)
        else:
            step = 3 + int(rng.random() * 9)
            part[:] = int(shade)
            part[::step] = int((shade + 60 + 140 * float(rng.random())) % 256)
            if rng.random() < 0.6:
                part[:, ::step] = int(rng.random() * 256)


def _grown(box: Matrix, by: float) -> Matrix:
    return np.asarray(box.mean(0) + (box - box.mean(0)) * by)


def _overlap(box: Matrix, other: Matrix, grown: float = 1.5) -> bool:
    """Whether the upright hulls of two boxes meet, the second one enlarged."""
    other = _grown(other, grown)
    return bool((box.max(0) > other.min(0)).all() and (other.max(0) > box.min(0)).all())
