"""Rendering characters from fonts."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from plate_ocr.rendering.fonts import SIZE
from plate_ocr.vision.images import Image

MARGIN = 0.08
"""Black on each side of a rendered character, as a part of its height."""


def render_character(char: str, font: PIL.ImageFont.FreeTypeFont) -> Image | None:
    """Draw a character white on black, tightly cut with a margin.

    Returns:
        uint8 ``(H, W)``; None if the font draws nothing for it.
    """
    picture = PIL.Image.new("L", (3 * SIZE, 3 * SIZE), 0)
    PIL.ImageDraw.Draw(picture).text((SIZE, SIZE), char, font=font, fill=255)
    return cut_tight(np.asarray(picture))


def cut_tight(picture: Image) -> Image | None:
    """Cut a white drawing on black out of its surroundings and give it a margin.

    Args:
        picture: uint8 ``(H, W)``.

    Returns:
        uint8 ``(h, w)``; None if nothing is drawn.
    """
    rows, columns = np.nonzero(picture > 127)
    if not len(rows):
        return None
    tight = picture[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    margin = round(MARGIN * len(tight))
    return np.asarray(
        cv2.copyMakeBorder(tight, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=0), np.uint8
    )


def render_characters(
    chars: Iterable[str], fonts: Iterable[PIL.ImageFont.FreeTypeFont]
) -> tuple[list[Image], list[str]]:
    """Every character in every font: pictures white on black and their labels."""
    pictures, labels = [], []
    chars = list(chars)
    for font in fonts:
        missing = render_character("\U0010fffe", font)
        for char in chars:
            picture = render_character(char, font)
            # A font draws the same box for every character that it lacks.
            if picture is not None and not (missing is not None and np.array_equal(picture, missing)):
                pictures.append(picture)
                labels.append(char)
    return pictures, labels
