"""Rendered scenes with plates, to train the detector.

A plate hangs on a car that is drawn flat about it, from shapes and textures; both are turned in space
together and put into a photograph or a drawn background. Much of what is drawn
looks like a plate but is none: signs, shop fronts, stickers, grilles, empty plates, overlays of cameras.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from plate_ocr.region_files.schema import Box, CaptureConfig
from plate_ocr.rendering.backgrounds import background, packaged_photographs, photographs_in
from plate_ocr.rendering.camera import expose
from plate_ocr.rendering.canvas import corners
from plate_ocr.rendering.cars import draw_car
from plate_ocr.rendering.clutter import darken, not_a_plate
from plate_ocr.rendering.overlays import add_overlay
from plate_ocr.rendering.plates import PlateGenerator
from plate_ocr.rendering.signs import draw_sign
from plate_ocr.rendering.view import Matrix, pose, project
from plate_ocr.vision.images import Image

HEIGHT, WIDTH = 256, 352
"""Size of a scene, pixels."""

WIDTHS = (22.0, 345.0)
"""Bounds of a plate's width in a scene, pixels."""

PLATES = (0.12, 0.7, 0.9, 1.0)
"""Probability of 0, 1, 2, 3 plates in a scene, each given that there are not fewer."""

TURN = CaptureConfig(turn=(26.0, 13.0, 5.0), shear=0.03, blur=0.06, contrast=(0.3, 1.2))
"""Pose and exposure of most cars."""

WIDE_TURN = dataclasses.replace(TURN, turn=(42.0, 24.0, 5.0))
"""Of the others: from far to the side, or from above."""

MAX_ANGLE = 45.0
"""Maximum in-plane rotation of a labelled plate, degrees."""

UPSIDE_DOWN = 0.14
"""Share of scenes that are upside down, and so have no labelled plates."""

MIN_VISIBLE = 0.92
"""Minimum part of a labelled plate that is inside the picture."""


@dataclass(frozen=True)
class Scene:
    """A rendered scene.

    Attributes:
        image: uint8 ``(HEIGHT, WIDTH)``.
        corners: float32 ``(N, 4, 2)``: x and y of the corners of each plate in pixels, clockwise from its
            own top left; of one that is cut off a little, some lie beyond the picture.
        texts: the text of each.
    """

    image: Image
    corners: NDArray[np.float32]
    texts: tuple[str, ...]


class SceneGenerator:
    """Renders scenes, each fully determined by a seed and its number.

    Args:
        data: as of :class:`PlateGenerator`.
        regions: regions of the plates on the cars.
        backgrounds: folder with photographs without plates, used as backgrounds in addition to those that
            come with packages.

    Raises:
        DataError: if a region is unknown or its file has a mistake, or ``backgrounds`` has no pictures.
        ImageError: if one of them cannot be read.
    """

    def __init__(
        self,
        data: Path | None,
        regions: Sequence[str | Path] | None = None,
        backgrounds: Path | None = None,
    ) -> None:
        self.plates = PlateGenerator(data, regions)
        self.glyphs = self.plates.glyphs
        self.photographs = packaged_photographs() + (photographs_in(backgrounds) if backgrounds else ())

    def __call__(self, seed: int, index: int) -> Scene:
        """Render a scene; the same numbers give the same bytes."""
        rng = np.random.default_rng((seed, index))
        scene = background(rng, HEIGHT, WIDTH, self.photographs)
        for _ in range(int(rng.random() * 4)):
            self._distract(rng, scene)
        wanted = next(i for i, share in enumerate(PLATES) if rng.random() < share or share == 1.0)
        roll = _roll(rng)
        placed: list[tuple[str, Matrix]] = []
        for _ in range(wanted):
            if found := self._add_car(rng, scene, [box for _, box in placed], roll):
                placed.append(found)
        there = [box for _, box in placed]
        for _ in range(int(rng.random() * 3)):
            self._distract(rng, scene, there)
        if wanted == 0 and rng.random() < 0.6:
            self._add_car(rng, scene, there, roll, plate=False)
        if rng.random() < 0.08:
            darken(rng, scene, there)
        printed = rng.random()
        if printed < 0.15:
            add_overlay(rng, self.glyphs, scene, there)
        smallest = min((float(np.linalg.norm(box[3] - box[0])) for box in there), default=40.0)
        image = expose(rng, scene, TURN, max(4.0, 0.6 * smallest), (190.0, 60.0))
        if printed > 0.8:
            add_overlay(rng, self.glyphs, image, there)
        counted = [(text, box) for text, box in placed if _counts(box)]
        if rng.random() < UPSIDE_DOWN:
            image, counted = np.ascontiguousarray(image[::-1, ::-1]), []
        boxes = np.array([box for _, box in counted], np.float32).reshape(-1, 4, 2)
        return Scene(image, boxes, tuple(text for text, _ in counted))

    def _add_car(
        self, rng: Generator, scene: Image, others: Sequence[Matrix], roll: float, *, plate: bool = True
    ) -> tuple[str, Matrix] | None:
        """Draw a car, turned by ``roll`` degrees in the picture, unless it would hide another's plate.

        Returns:
            The text and corners of its plate, or None if there is none.
        """
        flat = self.plates.draw_flat(rng)
        if rng.random() < 0.08:
            # Bright on dark, as in Malaysia and Indonesia.
            flat = dataclasses.replace(flat, gray=np.asarray(255 - flat.gray, np.uint8))
        low, high = WIDTHS
        wide = math.exp(math.log(low) + (math.log(high) - math.log(low)) * float(rng.random()) ** 1.05)
        # The car's canvas has the resolution that the scene can use.
        units = float(np.clip(1.3 * wide, 40, 240))
        body, cover, place = draw_car(rng, flat, self.glyphs, units, plate=plate)
        if plate and rng.random() < 0.04:
            _hide_a_little(rng, body, place)
        turned = _rotation(roll) @ pose(rng, place, WIDE_TURN if rng.random() < 0.25 else TURN)
        matrix = _into_scene(rng, turned, place, wide, beyond=0.3 if rng.random() < 0.1 else 0.0)
        corner = project(matrix, corners(place))
        if any(_overlap(corner, other, 1.5 if plate else 3.0) for other in others):
            return None
        both = cv2.warpPerspective(np.dstack([body, cover]), matrix, (WIDTH, HEIGHT), flags=cv2.INTER_AREA)
        mask = both[..., 1].astype(np.float32) / 255
        for other in others:
            # A car in front never hides a labelled plate.
            cv2.fillPoly(mask, [np.rint(_grown(other, 1.6)).astype(np.int32)], 0.0)
        _blend(scene, both[..., 0], mask)
        return (flat.text, corner) if plate else None

    def _distract(self, rng: Generator, scene: Image, spare: Sequence[Matrix] = ()) -> None:
        """Draw something that is not a plate, away from the plates."""
        choice = rng.random()
        if choice < 0.5:
            self._add_sign(rng, scene, spare)
            return
        wide = 12 + 150 * float(rng.random()) ** 2
        x, y = float(rng.random() * WIDTH), float(rng.random() * HEIGHT)
        high = wide * (0.15 + 0.6 * float(rng.random()))
        box = corners((x - wide / 2, y - high / 2, x + wide / 2, y + high / 2))
        if any(_overlap(box, other) for other in spare):
            return
        left, top = (max(0, round(v)) for v in box[0])
        right, bottom = min(WIDTH, round(x + wide / 2)), min(HEIGHT, round(y + high / 2))
        if right - left < 6 or bottom - top < 4:
            return
        part = scene[top:bottom, left:right]
        shade = float(rng.random() * 255)
        if choice < 0.8:
            part[:] = not_a_plate(rng, bottom - top, right - left, self.glyphs)
        else:
            step = 3 + int(rng.random() * 9)
            part[:] = int(shade)
            part[::step] = int((shade + 60 + 140 * float(rng.random())) % 256)
            if rng.random() < 0.6:
                part[:, ::step] = int(rng.random() * 256)

    def _add_sign(self, rng: Generator, scene: Image, spare: Sequence[Matrix]) -> None:
        """Put up a sign, a shop's front, a sticker, a bus's destination."""
        sign = draw_sign(rng, self.glyphs)
        place = (0.0, 0.0, float(sign.shape[1]), float(sign.shape[0]))
        wide = 14 + 280 * float(rng.random()) ** 2
        turned = _rotation(_roll(rng) if rng.random() < 0.3 else 0.0) @ pose(rng, place, TURN)
        matrix = _into_scene(rng, turned, place, wide, beyond=0.3)
        box = project(matrix, corners(place))
        if any(_overlap(box, other) for other in spare):
            return
        mask = np.full(sign.shape, 255, np.uint8)
        if rng.random() < 0.2:
            # Letters alone, on a wall.
            mask = np.asarray(cv2.absdiff(sign, np.full_like(sign, sign[1, 1])), np.uint8)
        shrink = math.sqrt(abs(float(cv2.contourArea(box.astype(np.float32)))) / sign.size)
        if shrink < 0.7:
            # Bilinear sampling uses four pixels: downscale by area first.
            size = max(4, round(sign.shape[1] * shrink)), max(3, round(sign.shape[0] * shrink))
            matrix = matrix @ np.diag([sign.shape[1] / size[0], sign.shape[0] / size[1], 1.0])
            sign, mask = (
                np.asarray(cv2.resize(i, size, interpolation=cv2.INTER_AREA), np.uint8) for i in (sign, mask)
            )
        both = cv2.warpPerspective(np.dstack([sign, mask]), matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
        _blend(scene, both[..., 0], both[..., 1].astype(np.float32) / 255)


def _roll(rng: Generator) -> float:
    """A random in-plane rotation, degrees: mostly small, seldom beyond :data:`MAX_ANGLE`."""
    choice = rng.random()
    if choice < 0.6:
        return 0.0
    if choice < 0.95:
        return 42.0 * (2 * float(rng.random()) - 1)
    # On its side, or upside down.
    return 75.0 + 210.0 * float(rng.random())


def _rotation(degrees: float) -> Matrix:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


def _into_scene(rng: Generator, turned: Matrix, place: Box, wide: float, beyond: float) -> Matrix:
    """The homography from the flat picture to a random place in the scene.

    Args:
        rng: random generator.
        turned: float64 ``(3, 3)``: homography from the flat picture.
        place: the box in the flat picture to be placed.
        wide: its width in the scene, pixels; less if the scene has no room.
        beyond: how far it may lie beyond the scene's edge, as a part of its size.
    """
    box = project(turned, corners(place))
    span = np.ptp(box, axis=0)
    zoom = wide / float(np.linalg.norm(box[1] - box[0]) + np.linalg.norm(box[2] - box[3])) * 2
    zoom = min(zoom, *(np.array([WIDTH, HEIGHT]) * 0.985 / span))
    room = np.array([WIDTH, HEIGHT]) - zoom * span
    corner = room * rng.random(2) + zoom * span * beyond * (2 * rng.random(2) - 1) - zoom * box.min(0)
    fit = np.array([[zoom, 0, corner[0]], [0, zoom, corner[1]], [0, 0, 1.0]])
    return np.asarray(fit @ turned)


def _counts(box: Matrix) -> bool:
    """Whether a plate with these corners is labelled: not cut off, on its side or upside down."""
    whole = corners((0, 0, WIDTH, HEIGHT)).astype(np.float32)
    area = abs(float(cv2.contourArea(box.astype(np.float32))))
    inside = float(cv2.intersectConvexConvex(box.astype(np.float32), whole)[0])
    along = box[1] + box[2] - box[0] - box[3]
    return inside >= MIN_VISIBLE * area and abs(math.degrees(math.atan2(along[1], along[0]))) <= MAX_ANGLE + 8


def _hide_a_little(rng: Generator, body: Image, place: Box) -> None:
    """Draw a hook, a pole or dirt over a small part of a plate."""
    left, top, right, bottom = place
    x, thick = (
        left + (right - left) * float(rng.random()),
        max(1, round(0.06 * (right - left) * float(rng.random()))),
    )
    y = top + (bottom - top) * float(rng.random()) * 0.5
    level = float(rng.random() * 160)
    cv2.line(
        body, (round(x), round(y)), (round(x), round(bottom + (bottom - top))), level, thick, cv2.LINE_AA
    )


def _blend(scene: Image, over: NDArray[Any], mask: NDArray[Any]) -> None:
    """Blend a picture into a scene by a mask 0..1."""
    scene[:] = (scene + (over.astype(np.float32) - scene) * mask).astype(np.uint8)


def _grown(box: Matrix, by: float) -> Matrix:
    return np.asarray(box.mean(0) + (box - box.mean(0)) * by)


def _overlap(box: Matrix, other: Matrix, grown: float = 1.5) -> bool:
    """Whether the upright hulls of two boxes meet, the second one enlarged."""
    other = _grown(other, grown)
    return bool((box.max(0) > other.min(0)).all() and (other.max(0) > box.min(0)).all())
