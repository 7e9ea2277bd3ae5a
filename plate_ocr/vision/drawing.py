"""Drawing for people: text in any script, pictures in a grid, PNG files."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from plate_ocr.vision.images import Image

WHITE, BLACK, RED, GREEN, BLUE = (255, 255, 255), (0, 0, 0), (40, 40, 210), (40, 150, 40), (210, 110, 30)


def blank(height: int, width: int) -> Image:
    """A white canvas: uint8 ``(height, width, 3)``."""
    return np.full((height, width, 3), 255, np.uint8)


def draw_text(
    canvas: Image, text: str, place: tuple[float, float], size: int = 14, color: tuple[int, int, int] = BLACK
) -> None:
    """Write text into a picture, Chinese too: the font comes with OpenCV.

    Args:
        canvas: uint8 ``(H, W, 3)`` BGR, drawn into.
        text: one line.
        place: x and y of the left end of its base line, pixels.
        size: of the font, pixels.
        color: blue, green, red.
    """
    cv2.putText(canvas, text, (round(place[0]), round(place[1])), color, cv2.FontFace("uni"), size)


def to_color(image: Image) -> Image:
    """uint8 ``(H, W)`` or ``(H, W, 3)`` to ``(H, W, 3)``, a copy."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image.copy(), np.uint8)


def enlarge(image: Image, height: int) -> Image:
    """Bring a picture to a height, its pixels kept visible."""
    width = max(1, round(image.shape[1] * height / image.shape[0]))
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def contact_sheet(
    pictures: Sequence[Image], captions: Sequence[str], columns: int, height: int = 64
) -> Image:
    """Pictures in rows, each with a caption below it.

    Args:
        pictures: uint8 ``(H, W)`` or ``(H, W, 3)``, of any sizes.
        captions: one each.
        columns: pictures in a row.
        height: all pictures are brought to it, pixels.

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


def to_png(image: Image) -> bytes:
    """The bytes of a PNG file."""
    return bytes(cv2.imencode(".png", image)[1])
