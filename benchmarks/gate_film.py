"""A film of a toll gate: a still camera, four cars one after another, and a running clock in a corner.

Each car comes near, stops at the gate and drives off to a side. The third waits behind the second and comes
out from behind it: parts of its plate are seen before the whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.rendered_videos import TURN, Sprite, write_video
from plate_ocr.rendering.backgrounds import packaged_photographs, random_piece
from plate_ocr.rendering.canvas import corners
from plate_ocr.rendering.cars import draw_car
from plate_ocr.rendering.scenes import SceneGenerator
from plate_ocr.rendering.view import pose, project
from plate_ocr.vision.images import Image

HEIGHT, WIDTH = 720, 1280
"""Of the film, pixels."""

RATE, COUNT = 18, 340
"""Pictures a second, and in all."""

FAR, NEAR, BEHIND = 60.0, 200.0, 110.0
"""Widths of a plate where a car appears, at the gate, and behind another car: pixels."""

EXPOSURE = 0.15
"""Exposure time as a share of the time between two pictures."""

MIN_COVER = 0.6
"""Minimum part of a car's picture that is the car."""

NOISE = (1.5, 4.0)
"""Standard deviation, grey values."""


@dataclass(frozen=True)
class GateCar:
    """A car's way through the film.

    Attributes:
        text: on its plate.
        sprite: its picture.
        numbers: of the pictures at which it is at one of its places.
        places: float64 ``(N, 3)``: x and y of the plate's middle and its width there, pixels.
    """

    text: str
    sprite: Sprite
    numbers: Sequence[int]
    places: NDArray[np.float64]

    def place(self, number: float) -> NDArray[np.float64]:
        """Where it is: x, y and width; on its way, speed is constant between two places."""
        return np.array([np.interp(number, self.numbers, column) for column in self.places.T])


class GateFilm:
    """A rendered film, fully determined by a seed.

    Attributes:
        cars: in the order in which they leave.

    Args:
        generator: draws plates.
        seed: of all that is random.
    """

    def __init__(self, generator: SceneGenerator, seed: int) -> None:
        rng = np.random.default_rng((seed, 720))
        self._seed, self._background = seed, random_piece(rng, HEIGHT, WIDTH, packaged_photographs())
        self.cars = [_car(rng, generator, *way) for way in _ways(rng)]

    def __iter__(self) -> Iterator[Image]:
        """Render the pictures: uint8 ``(HEIGHT, WIDTH, 3)``."""
        rng = np.random.default_rng((self._seed, 721))
        noise = np.float32(rng.uniform(*NOISE))
        for number in range(COUNT):
            scene = self._background.astype(np.float32)
            # The car that leaves first is in front.
            for car in reversed(self.cars):
                if car.numbers[0] <= number <= car.numbers[-1]:
                    place = car.place(number)
                    car.sprite.draw(scene, place, (place - car.place(number - 1))[:2] * EXPOSURE)
            scene += noise * rng.standard_normal(scene.shape, dtype=np.float32)
            picture = np.repeat(np.clip(scene, 0, 255).astype(np.uint8)[..., None], 3, 2)
            _print_clock(picture, number // RATE)
            yield picture

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a file; see :func:`benchmarks.rendered_videos.write_video`."""
        write_video(path, self, RATE, (WIDTH, HEIGHT))


def _ways(rng: Generator) -> Iterator[tuple[list[int], list[tuple[float, float, float]]]]:
    """Numbers of pictures and the places of each car at them."""
    far, gate = (0.55, 0.3, FAR), (0.5, 0.72, NEAR)
    behind = (0.5, 0.42, BEHIND)
    for first, second, drive, stop, leave, waits in (
        (8, 0, 40, 14, 24, 0), (92, 0, 40, 22, 24, 0), (110, 145, 22, 16, 24, 30), (248, 0, 36, 18, 24, 0),
    ):  # fmt: skip
        side = 1.5 if rng.random() < 0.5 else -0.5
        x = float(rng.normal(0, 0.03))
        out = (side, 0.8, NEAR)
        if waits:
            numbers = [first, second, second + waits, second + waits + drive]
            places = [far, behind, behind, gate]
        else:
            numbers, places = [first, first + drive], [far, gate]
        numbers += [numbers[-1] + stop, numbers[-1] + stop + leave]
        places += [places[-1], out]
        yield numbers, [((u + x) * WIDTH, v * HEIGHT, wide) for u, v, wide in places]


def _car(
    rng: Generator,
    generator: SceneGenerator,
    numbers: Sequence[int],
    places: Sequence[tuple[float, float, float]],
) -> GateCar:
    while True:
        flat = generator.plates.draw_flat(rng)
        body, cover, box = draw_car(rng, flat, generator.glyphs, 240.0, plate=True)
        # Not a plate alone: a car hides what is behind it.
        if cover.mean() > 255 * MIN_COVER:
            break
    turned = pose(rng, box, TURN)
    place = np.array(places)
    sprite = Sprite(body, cover, turned, project(turned, corners(box)), place[0], place[-1], EXPOSURE)
    return GateCar(flat.text, sprite, numbers, place)


def _print_clock(picture: Image, seconds: int) -> None:
    text = f"2026-11-26 08:{15 + seconds // 60:02}:{seconds % 60:02}"
    for color, thickness in (((0, 0, 0), 5), ((255, 255, 255), 2)):
        cv2.putText(picture, text, (24, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.9, color, thickness, cv2.LINE_AA)
