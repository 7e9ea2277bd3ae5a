"""Whole pictures with plates in them, to teach the locator where plates are.

A plate hangs on a car that is drawn flat about it, from shapes and textures; both are turned in space
together and put into a photograph that some package brings, or into drawn surroundings. Much of what is drawn
looks like a plate and is none: signs, shop fronts, stickers, grilles, empty plates, dates that cameras print.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from plate_ocr.region_files.schema import Camera
from plate_ocr.rendering.camera import Matrix, expose, pose, project
from plate_ocr.rendering.canvas import corners
from plate_ocr.rendering.cars import CAR, draw_outline
from plate_ocr.rendering.decorations import WORDS
from plate_ocr.rendering.flat_plate import FlatPlate, draw_plate
from plate_ocr.rendering.plates import PlateGenerator
from plate_ocr.rendering.scenery import add_grain, not_a_plate, smooth_shades, write_word
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

FROM_SCIKIT_IMAGE = (
    "astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png",
    "gravel.png", "rocket.jpg", "page.png", "text.png", "clock_motion.png",
)  # fmt: skip
FROM_SCIKIT_LEARN = ("china.jpg", "flower.jpg")


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
        self.photographs = packaged_photographs()

    def __call__(self, seed: int, index: int) -> Scene:
        """Render a scene; the same numbers give the same bytes."""
        rng = np.random.default_rng((seed, index))
        scene = self._background(rng)
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

    def _background(self, rng: Generator) -> Image:
        if rng.random() < 0.6:
            return self._photograph(rng, HEIGHT, WIDTH)
        scene = smooth_shades(rng, HEIGHT, WIDTH)
        if rng.random() < 0.6:
            # Sky or a wall above, a road below.
            horizon = int(HEIGHT * (0.1 + 0.6 * float(rng.random())))
            scene[horizon:] = smooth_shades(rng, HEIGHT - horizon, WIDTH)
            if rng.random() < 0.5:
                part = self._photograph(rng, horizon, WIDTH)
                scene[:horizon] = part
        if rng.random() < 0.5:
            add_grain(rng, scene)
        for _ in range(int(rng.random() * 5)):
            _shape(rng, scene)
        return scene

    def _photograph(self, rng: Generator, height: int, width: int) -> Image:
        """A random piece of a packaged photograph, in a random size."""
        whole = self.photographs[int(rng.random() * len(self.photographs))]
        share = 0.25 + 0.75 * float(rng.random())
        high = max(16, round(min(whole.shape[0], whole.shape[1] * height / width) * share))
        wide = min(whole.shape[1], max(16, round(high * width / height)))
        y, x = (int(rng.random() * (whole.shape[i] - size + 1)) for i, size in ((0, high), (1, wide)))
        part = whole[y : y + high, x : x + wide]
        if rng.random() < 0.5:
            part = part[:, ::-1]
        return np.array(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), np.uint8)

    def _add_car(
        self, rng: Generator, scene: Image, others: Sequence[Matrix], *, plate: bool = True
    ) -> tuple[str, Matrix] | None:
        """Draw a car; returns the text and corners of its plate, or None if it has none that counts."""
        flat = self._flat_plate(rng)
        # The car's canvas has the resolution that the scene can use.
        low, high = WIDTHS
        wide = math.exp(math.log(low) + (math.log(high) - math.log(low)) * float(rng.random()) ** 1.2)
        units = float(np.clip(1.3 * wide, 40, 240))
        left, top, right, bottom = flat.plate_box
        scale = units / (right - left)
        body, cover, place = self._car(rng, flat, scale, units, plate=plate)
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

    def _flat_plate(self, rng: Generator) -> FlatPlate:
        region, layout = self.plates.choose(rng)
        return draw_plate(rng, layout, self.glyphs, 64.0 / layout.size[1], region.camera.frame)

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

    def _car(
        self, rng: Generator, flat: FlatPlate, scale: float, units: float, *, plate: bool
    ) -> tuple[Image, Image, tuple[float, float, float, float]]:
        """A flat car about a plate: grey, opaque, and the plate's box on it."""
        width, up, down = (round(units * part) for part in CAR)
        height = round((up + down) * 0.62)
        middle = (
            width // 2 + round(units * 0.5 * float(rng.normal(0, 0.25))),
            round(height * (0.35 + 0.45 * float(rng.random()))),
        )
        body = smooth_shades(rng, height, width)
        if rng.random() < 0.3:
            add_grain(rng, body)
        cover = np.zeros((height, width), np.uint8)
        kind = rng.random()
        if kind < 0.12:
            # Only the plate and a little about it: on a wall, on a trailer.
            reach = units * (0.55 + 0.3 * float(rng.random()))
            cv2.rectangle(
                cover,
                (round(middle[0] - reach), round(middle[1] - reach * 0.4)),
                (round(middle[0] + reach), round(middle[1] + reach * 0.4)),
                255,
                -1,
            )
        else:
            draw_outline(rng, cover)
            self._furnish(rng, body, middle, units)
        left, top, right, bottom = flat.plate_box
        size = max(4, round(flat.gray.shape[1] * scale)), max(3, round(flat.gray.shape[0] * scale))
        both = cv2.resize(np.dstack([flat.gray, flat.opaque]), size, interpolation=cv2.INTER_AREA)
        x, y = middle[0] - size[0] // 2, min(max(0, middle[1] - size[1] // 2), height - size[1] - 1)
        place = (x + left * scale, y + top * scale, x + right * scale, y + bottom * scale)
        if plate:
            part, mask = body[y : y + size[1], x : x + size[0]], both[..., 1].astype(np.float32) / 255
            part[:] = (part + (both[..., 0].astype(np.float32) - part) * mask).astype(np.uint8)
            cover[y : y + size[1], x : x + size[0]] = np.maximum(
                cover[y : y + size[1], x : x + size[0]], both[..., 1]
            )
        return body, cover, place

    def _furnish(self, rng: Generator, body: Image, middle: tuple[int, int], units: float) -> None:
        """Windows, lamps, bumpers, a grille, letters: a car's face or its back."""
        width = body.shape[1]

        def quad(x: float, y: float, w: float, h: float, level: float) -> None:
            points = np.array([[x - w, y - h], [x + w, y - h], [x + w, y + h], [x - w, y + h]]) * units
            points += rng.normal(0, 0.12 * min(w, h) * units, points.shape)
            cv2.fillPoly(body, [np.rint(points + middle).astype(np.int32)], level, cv2.LINE_AA)

        def level(dark: float) -> float:
            return float(rng.random() * 70 if rng.random() < dark else rng.random() * 255)

        if rng.random() < 0.8:
            y = -(0.9 + 0.7 * float(rng.random()))
            quad(0, y, 1.3 + 0.3 * float(rng.random()), 0.25 + 0.25 * float(rng.random()), level(0.7))
            for _ in range(int(rng.random() * 3)):
                quad(
                    float(rng.normal(0, 0.7)),
                    y + float(rng.normal(0, 0.1)),
                    0.1 + 0.3 * float(rng.random()),
                    0.2 * float(rng.random()),
                    level(0.2),
                )
        if rng.random() < 0.8:
            # The bumper, around or below.
            y, high = float(rng.normal(0.2, 0.3)), 0.12 + 0.35 * float(rng.random())
            quad(0, y, 1.9, high, level(0.4))
        if rng.random() < 0.5:
            y, high = float(rng.normal(-0.4, 0.25)), 0.1 + 0.25 * float(rng.random())
            self._grille(rng, body, middle, units, y, high)
        if rng.random() < 0.7:
            x, y = 1.0 + 0.5 * float(rng.random()), float(rng.normal(-0.3, 0.3))
            w, h, shade = 0.15 + 0.25 * float(rng.random()), 0.1 + 0.25 * float(rng.random()), level(0.2)
            for side in (-x, x):
                quad(side, y, w, h, shade)
                if rng.random() < 0.7:
                    cv2.circle(
                        body,
                        (round(middle[0] + side * units), round(middle[1] + y * units)),
                        max(1, round(0.6 * h * units)),
                        level(0.3),
                        -1,
                        cv2.LINE_AA,
                    )
        if rng.random() < 0.6:
            # The hollow that the plate sits in.
            quad(
                0,
                float(rng.normal(0, 0.04)),
                0.6 + 0.15 * float(rng.random()),
                0.16 + 0.15 * float(rng.random()),
                level(0.6),
            )
        for _ in range(int(rng.random() * 4)):
            y = float(rng.normal(0, 0.8))
            cv2.line(
                body,
                (0, round(middle[1] + y * units)),
                (width, round(middle[1] + (y + 0.1 * float(rng.normal())) * units)),
                level(0.5),
                max(1, round(0.02 * units * float(rng.random() * 3))),
                cv2.LINE_AA,
            )
        for _ in range(int(rng.random() * 4)):
            side = float(rng.choice([-1.1, -0.8, 0.8, 1.1, 0.0]))
            y = -0.25 - 0.5 * float(rng.random()) if side == 0 else float(rng.normal(-0.35, 0.2))
            word = WORDS[int(rng.random() * len(WORDS))]
            high = (0.05 + 0.08 * float(rng.random())) * units
            write_word(
                rng,
                self.glyphs,
                body,
                word,
                (middle[0] + side * units, middle[1] + y * units),
                high,
                level(0.3),
            )
        if rng.random() < 0.5:
            cv2.ellipse(
                body,
                (middle[0], round(middle[1] - 0.35 * units)),
                (max(1, round(0.09 * units)),) * 2,
                0,
                0,
                360,
                level(0.3),
                max(1, round(0.02 * units)),
                cv2.LINE_AA,
            )

    def _grille(
        self, rng: Generator, body: Image, middle: tuple[int, int], units: float, y: float, high: float
    ) -> None:
        wide = 0.4 + 0.8 * float(rng.random())
        left, right = max(0, round(middle[0] - wide * units)), round(middle[0] + wide * units)
        top, bottom = (
            max(0, round(middle[1] + (y - high) * units)),
            max(1, round(middle[1] + (y + high) * units)),
        )
        part = body[top:bottom, left:right]
        part[:] = int(rng.random() * 90)
        step, thick = max(2, round(units * (0.04 + 0.08 * float(rng.random())))), max(1, round(units * 0.03))
        shade = int(rng.random() * 256)
        if rng.random() < 0.7:
            for i in range(0, part.shape[0], step):
                part[i : i + thick] = shade
        if rng.random() < 0.5:
            for i in range(0, part.shape[1], step):
                part[:, i : i + thick] = shade

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


@cache
def packaged_photographs() -> tuple[Image, ...]:
    """Photographs that scikit-image, scikit-learn and matplotlib bring, in grey: ``NOTICE`` names them."""
    import matplotlib
    import skimage
    import sklearn

    places = [Path(str(skimage.__file__)).parent / "data" / name for name in FROM_SCIKIT_IMAGE]
    places += [
        Path(str(sklearn.__file__)).parent / "datasets" / "images" / name for name in FROM_SCIKIT_LEARN
    ]
    places.append(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg")
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


def _grown(box: Matrix, by: float) -> Matrix:
    return np.asarray(box.mean(0) + (box - box.mean(0)) * by)


def _overlap(box: Matrix, other: Matrix, grown: float = 1.5) -> bool:
    """Whether the upright hulls of two boxes meet, the second one enlarged."""
    other = _grown(other, grown)
    return bool((box.max(0) > other.min(0)).all() and (other.max(0) > box.min(0)).all())
