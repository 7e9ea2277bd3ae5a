"""Videos of cars that pass a camera, to test what follows them.

Each car drives along a line and comes nearer or goes away; some pass behind a pole. The faster they are the
more they are blurred along their way, and every picture has noise of its own. As with a camera that somebody
set up for plates, the text is large enough and the exposure short enough for a sharp eye to read it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from plate_ocr.errors import OutputError
from plate_ocr.region_files.schema import CaptureConfig
from plate_ocr.rendering.backgrounds import packaged_photographs, random_piece
from plate_ocr.rendering.camera import MAX_MOTION_BLUR
from plate_ocr.rendering.canvas import corners
from plate_ocr.rendering.cars import draw_car
from plate_ocr.rendering.scenes import SceneGenerator
from plate_ocr.rendering.view import Matrix, height_of, pose, project
from plate_ocr.vision.images import Image

HEIGHT, WIDTH = 384, 640
"""Of a video, pixels."""

RATE = 25
"""Pictures a second."""

SECONDS = (1.5, 3.0)
"""How long a car is in the picture."""

WIDTHS = (70.0, 150.0)
"""Of a plate, pixels; a car changes by at most :data:`NEARER`."""
NEARER = 1.5

TURN = CaptureConfig(turn=(10.0, 6.0, 2.5), shear=0.02)
"""How far plates are turned."""

MIN_TEXT_HEIGHT = 10.0
"""Height of a plate's smallest line where the car is farthest, pixels."""

EXPOSURE = (0.1, 0.5)
"""Exposure time as a share of the frame interval; motion blur is limited to ``MAX_MOTION_BLUR``."""

NOISE = (2.0, 7.0)
"""Standard deviation, grey values."""

TWO, POLE = 0.4, 0.5
"""How often there are two cars, and a pole."""


@dataclass(frozen=True)
class Passing:
    """A car's way through a video.

    Attributes:
        text: on its plate.
        first: number of the picture in which it starts to move.
        count: in how many it is.
    """

    text: str
    first: int
    count: int


class Video:
    """A rendered video.

    Attributes:
        cars: what drives through it, in the order of their first pictures.
        count: of pictures.
    """

    def __init__(
        self,
        cars: list[tuple[Passing, Sprite]],
        background: Image,
        pole: _Pole | None,
        seed: NDArray[np.int64],
    ) -> None:
        self._sprites, self._background, self._pole, self._seed = cars, background, pole, seed
        self.cars = [passing for passing, _ in cars]
        self.count = max(car.first + car.count for car in self.cars) + RATE // 2

    def __iter__(self) -> Iterator[Image]:
        """Render the pictures: uint8 ``(HEIGHT, WIDTH, 3)``."""
        rng = np.random.default_rng(self._seed)
        noise = rng.uniform(*NOISE)
        for number in range(self.count):
            scene = self._background.astype(np.float32)
            for passing, sprite in self._sprites:
                if passing.first <= number < passing.first + passing.count:
                    way, steps = sprite.end - sprite.start, passing.count - 1
                    place = sprite.start + way * (number - passing.first) / steps
                    sprite.draw(scene, place, way[:2] / steps * sprite.exposure)
            if self._pole:
                scene[:, self._pole.left : self._pole.right] = self._pole.level
            scene += np.float32(noise) * rng.standard_normal(scene.shape, dtype=np.float32)
            yield np.repeat(np.clip(scene, 0, 255).astype(np.uint8)[..., None], 3, 2)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a file; see :func:`write_video`."""
        write_video(path, self, RATE, (WIDTH, HEIGHT))


def write_video(
    path: str | os.PathLike[str], pictures: Iterable[Image], rate: float, size: tuple[int, int]
) -> None:
    """Write a file: ``.mp4`` as MPEG-4, ``.avi`` as Motion JPEG.

    Args:
        path: the file.
        pictures: uint8 ``(H, W, 3)`` each.
        rate: pictures a second.
        size: width and height, pixels.

    Raises:
        OutputError: if it cannot be written.
    """
    code = "MJPG" if os.fspath(path).endswith(".avi") else "mp4v"
    writer = cv2.VideoWriter(os.fspath(path), cv2.VideoWriter.fourcc(*code), rate, size, isColor=True)
    if not writer.isOpened():
        raise OutputError(f"cannot write {path}: is there such a folder?")
    for picture in pictures:
        writer.write(picture)
    writer.release()


@dataclass(frozen=True)
class _Pole:
    left: int
    right: int
    level: float


@dataclass(frozen=True)
class Sprite:
    """A car's picture and its way.

    Attributes:
        body: uint8 ``(h, w)``.
        cover: uint8 ``(h, w)``: opaque where it is 255.
        turned: float64 ``(3, 3)``: homography of its turn.
        box: float64 ``(4, 2)``: corners of the plate after it.
        start: x and y of the plate's middle, and its width, in the first picture.
        end: the same in the last.
        exposure: share of the time between two pictures.
    """

    body: Image
    cover: Image
    turned: Matrix
    box: Matrix
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    exposure: float

    def draw(
        self, scene: NDArray[np.float32], place: NDArray[np.float64], motion: NDArray[np.float64]
    ) -> None:
        """Draw it: pixels of the plate's middle and its width, and of a motion along which it is blurred."""
        x, y, wide = place
        zoom = wide / np.ptp(self.box[:, 0])
        low, high = self.box.min(0), self.box.max(0)
        shift = np.array([x, y]) - zoom * (low + high) / 2
        matrix = np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]], [0, 0, 1.0]]) @ self.turned
        both = cv2.warpPerspective(
            np.dstack([self.body, self.cover]), matrix, scene.shape[::-1], flags=cv2.INTER_AREA
        ).astype(np.float32)
        light, mask = both[..., 0] * (both[..., 1] / 255), both[..., 1] / 255
        kernel = _streak(motion)
        scene *= 1 - cv2.filter2D(mask, -1, kernel)
        scene += cv2.filter2D(light, -1, kernel)


class VideoGenerator(SceneGenerator):
    """Renders videos, each fully determined by a seed and its number; arguments as of its base."""

    def video(self, seed: int, index: int) -> Video:
        """Make up a video; the same numbers give the same pictures."""
        rng = np.random.default_rng((seed, index))
        background = random_piece(rng, HEIGHT, WIDTH, packaged_photographs())
        lanes = [0.3, 0.75] if rng.random() < TWO else [0.35 + 0.3 * float(rng.random())]
        cars = [self._passing(rng, lane, first) for first, lane in zip((3, 13), lanes, strict=False)]
        pole = None
        if rng.random() < POLE:
            left = round(WIDTH * (0.3 + 0.4 * float(rng.random())))
            pole = _Pole(left, left + 20 + int(rng.random() * 60), float(rng.random() * 255))
        return Video(cars, background, pole, np.array([seed, index, 1]))

    def _passing(self, rng: Generator, lane: float, first: int) -> tuple[Passing, Sprite]:
        flat = self.plates.draw_flat(rng)
        _, top, _, bottom = flat.plate_box
        body, cover, place = draw_car(rng, flat, self.glyphs, 240.0, plate=True)
        turned = pose(rng, place, TURN)
        box = project(turned, corners(place))
        wide = float(np.exp(rng.uniform(*np.log(WIDTHS))))
        # Two lines take more of the height.
        wide = min(wide, 0.3 * HEIGHT * float(np.ptp(box[:, 0]) / np.ptp(box[:, 1])))
        # Of the smallest line, as a part of the plate's width.
        text = flat.text_height / (bottom - top) * height_of(box) / float(np.ptp(box[:, 0]))
        far = max(wide / float(rng.uniform(1, NEARER)), MIN_TEXT_HEIGHT / text)
        wide = max(wide, far)
        widths = (wide, far) if rng.random() < 0.5 else (far, wide)
        # The whole plate is in the picture at both ends of its way.
        ends = [rng.uniform(0.55, 0.75) * widths[0], WIDTH - rng.uniform(0.55, 0.75) * widths[1]]
        if rng.random() < 0.5:
            ends = [WIDTH - end for end in ends]
        heights = HEIGHT * lane + rng.normal(0, 0.03 * HEIGHT, 2)
        start, end = (np.array([ends[i], heights[i], widths[i]]) for i in range(2))
        count = round(RATE * float(rng.uniform(*SECONDS)))
        motion = float(np.linalg.norm((end - start)[:2])) / (count - 1)
        exposure = min(float(rng.uniform(*EXPOSURE)), MAX_MOTION_BLUR * text * far / motion)
        sprite = Sprite(body, cover, turned, box, start, end, exposure)
        return Passing(flat.text, first, count), sprite


def _streak(motion: NDArray[np.float64]) -> NDArray[np.float32]:
    """The kernel of a blur along a way in pixels: float32 ``(n, n)`` that adds up to 1."""
    reach = int(np.ceil(np.abs(motion).max() / 2))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    for part in np.linspace(-0.5, 0.5, 8 * reach + 1):
        x, y = np.rint(reach + part * motion).astype(int)
        kernel[y, x] += 1
    return np.asarray(kernel / kernel.sum(), np.float32)
