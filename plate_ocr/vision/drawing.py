"""Drawing: text in any script, blurred plates, contact sheets, JPEG and PNG files."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike

from plate_ocr.vision.images import Image

WHITE, BLACK, RED, GREEN, BLUE = (255, 255, 255), (0, 0, 0), (40, 40, 210), (40, 150, 40), (210, 110, 30)


THAI_FONT = Path(__file__).with_name("thai.ttf")
"""Noto Sans Thai, its consonants: OpenCV's own font has none."""

BLOCKS = (3, 2)
"""Columns and rows of blocks that remain of a blurred plate: fewer than it has characters."""

AROUND_BLUR = 1.2
"""Ratio of the blurred area's sides to the plate's."""


def blank(height: int, width: int) -> Image:
    """A white canvas: uint8 ``(height, width, 3)``."""
    return np.full((height, width, 3), 255, np.uint8)


def draw_text(
    canvas: Image, text: str, place: tuple[float, float], size: int = 14, color: tuple[int, int, int] = BLACK
) -> None:
    """Write text into a picture, from left to right.

    Args:
        canvas: uint8 ``(H, W, 3)`` BGR, drawn into.
        text: one line.
        place: x and y of the left end of its base line, pixels.
        size: of the font, pixels.
        color: blue, green, red.
    """
    start: Sequence[int] = (round(place[0]), round(place[1]))
    for font, run in _runs(text):
        start, _ = cv2.putText(canvas, run, start, color, font, size)


def text_box(text: str, size: int) -> tuple[int, int, int, int]:
    """Left, top, width and height of a line of text that starts at 0, 0 of its base line, pixels.

    Args:
        text: one line.
        size: of the font, pixels.
    """
    boxes = [cv2.getTextSize((0, 0), run, (0, 0), font, size) for font, run in _runs(text)]
    left, top = boxes[0][0], min(box[1] for box in boxes)
    width, bottom = sum(box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    return left, top, width, bottom - top


def _runs(text: str) -> Iterator[tuple[cv2.FontFace, str]]:
    """The parts of a text and the font of each."""
    for is_thai, chars in itertools.groupby(text, lambda char: "\u0e00" <= char <= "\u0e7f"):
        yield cv2.FontFace(str(THAI_FONT) if is_thai else "uni"), "".join(chars)


def to_color(image: Image) -> Image:
    """uint8 ``(H, W)`` or ``(H, W, 3)`` to ``(H, W, 3)``, a copy."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image.copy(), np.uint8)


def enlarge(image: Image, height: int) -> Image:
    """Scale a picture to a height with nearest-neighbour interpolation."""
    width = max(1, round(image.shape[1] * height / image.shape[0]))
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def contact_sheet(
    pictures: Sequence[Image], captions: Sequence[str], columns: int, height: int = 64
) -> Image:
    """Pictures in rows, each with a caption below it.

    Args:
        pictures: uint8 ``(H, W)`` or ``(H, W, 3)``, of any sizes.
        captions: one each.
        columns: pictures per row.
        height: of each picture after scaling, pixels.

    Returns:
        uint8 ``(H, W, 3)`` BGR.
    """
    large = [to_color(enlarge(picture, height)) for picture in pictures]
    cell_width = max([picture.shape[1] for picture in large] + [7 * max(map(len, captions), default=0)]) + 12
    cell_height = height + 26
    sheet = blank(-(-len(large) // columns) * cell_height, columns * cell_width)
    for i, (picture, caption) in enumerate(zip(large, captions, strict=True)):
        top, left = i // columns * cell_height + 4, i % columns * cell_width + 6
        sheet[top : top + height, left : left + picture.shape[1]] = picture
        draw_text(sheet, caption, (left, top + height + 15), 13)
    return sheet


def hull_to_blur(corners: ArrayLike, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the area to blur for a plate; empty if it is outside the picture.

    Args:
        corners: ``(4, 2)`` of the plate, pixels.
        shape: of the picture, height and width first.
    """
    box = np.asarray(corners, np.float64)
    box = box.mean(0) + (box - box.mean(0)) * AROUND_BLUR
    left, top = np.clip(np.floor(box.min(0)), 0, shape[1::-1]).astype(int)
    right, bottom = np.clip(np.ceil(box.max(0)), 0, shape[1::-1]).astype(int)
    return int(left), int(top), int(right), int(bottom)


def blurred(picture: Image, corners: Sequence[ArrayLike]) -> Image:
    """Make plates unreadable: each is reduced to a few blocks of one colour.

    Args:
        picture: uint8 ``(H, W)`` or ``(H, W, 3)``.
        corners: ``(4, 2)`` of each plate, pixels.

    Returns:
        uint8, the picture's shape.
    """
    hidden = picture.copy()
    for plate in corners:
        left, top, right, bottom = hull_to_blur(plate, picture.shape)
        if left >= right or top >= bottom:
            continue
        part = hidden[top:bottom, left:right]
        few = cv2.resize(part, BLOCKS, interpolation=cv2.INTER_AREA)
        part[:] = cv2.resize(few, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST).reshape(
            part.shape
        )
    return hidden


def to_jpeg(image: Image, quality: int) -> bytes:
    """The bytes of a JPEG file of a quality of 0 to 100."""
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


def to_png(image: Image) -> bytes:
    """The bytes of a PNG file."""
    return bytes(cv2.imencode(".png", image)[1])
