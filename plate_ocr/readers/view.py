"""How a picture is looked at: turned, one part of it, and without others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, TypeAlias

import cv2
import numpy as np

from plate_ocr.errors import BoxError
from plate_ocr.vision.images import Image

Box: TypeAlias = tuple[int, int, int, int]
"""x and y of the upper left corner, width and height, in pixels of the turned picture."""

ROTATIONS = (0, 90, 180, 270)
"""Degrees by which pictures are turned, clockwise."""

_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


@dataclass(frozen=True)
class View:
    """How pictures are looked at.

    Args:
        rotate: degrees by which they are turned clockwise, one of :data:`ROTATIONS`.
        roi: region of interest, outside of which nothing is looked at; None: the whole picture.
        ignore: boxes in which nothing is looked at.

    Raises:
        ValueError: if a setting is none of these.
    """

    rotate: int = 0
    roi: Box | None = None
    ignore: Sequence[Box] = ()

    def __post_init__(self) -> None:
        if self.rotate not in ROTATIONS or isinstance(self.rotate, bool):
            raise ValueError(f"rotate={self.rotate!r}: 0, 90, 180 or 270 degrees are expected")
        if self.roi is not None:
            object.__setattr__(self, "roi", _checked("roi", self.roi))
        if not isinstance(self.ignore, Sequence) or isinstance(self.ignore, (str, bytes)):
            raise ValueError(f"ignore={self.ignore!r}: a list of boxes (x, y, w, h) is expected")
        object.__setattr__(self, "ignore", tuple(_checked("ignore", box) for box in self.ignore))

    def rotated(self, picture: Image) -> Image:
        """A picture, uint8 ``(H, W)`` or ``(H, W, 3)``, turned: that whose pixels coordinates count."""
        return np.asarray(cv2.rotate(picture, _TURNS[self.rotate]), np.uint8) if self.rotate else picture

    def check(self, picture: Image) -> None:
        """Refuse a turned picture that has no pixel of a box.

        Raises:
            BoxError: if so.
        """
        for name, boxes in (("roi", (self.roi,) if self.roi else ()), ("ignore", self.ignore)):
            for box in boxes:
                left, top, right, bottom = _clipped(box, picture)
                if left >= right or top >= bottom:
                    numbers, (height, width) = ",".join(map(str, box)), picture.shape[:2]
                    raise BoxError(f"{name} {numbers} lies outside the picture of {width}×{height} pixels")

    def visible(self, gray: Image) -> tuple[Image, tuple[int, int]]:
        """What is looked at of a turned picture, uint8 ``(H, W)``, and x and y of its upper left corner.

        Ignored boxes are even grey.
        """
        if self.ignore:
            gray = gray.copy()
            for box in self.ignore:
                left, top, right, bottom = _clipped(box, gray)
                gray[top:bottom, left:right] = round(gray[top:bottom, left:right].mean())
        if self.roi is None:
            return gray, (0, 0)
        left, top, right, bottom = _clipped(self.roi, gray)
        return gray[top:bottom, left:right], (left, top)


def _clipped(box: Box, picture: Image) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what a picture has of a box."""
    (x, y, w, h), (height, width) = box, picture.shape[:2]
    return max(0, x), max(0, y), min(width, x + w), min(height, y + h)


def _checked(name: str, box: Any) -> Box:
    """A box of Python's own whole numbers."""
    numbers = [*box] if isinstance(box, Sequence) or hasattr(box, "__array__") else []
    whole = all(isinstance(number, Integral) and not isinstance(number, bool) for number in numbers)
    if len(numbers) != 4 or not whole or min(numbers[2:]) < 1:
        raise ValueError(
            f"{name}={box!r}: four whole numbers x, y, w, h are expected, of which w and h are at least 1"
        )
    x, y, w, h = (int(number) for number in numbers)
    return x, y, w, h
