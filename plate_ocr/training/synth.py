"""Rendering characters from fonts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from plate_ocr.errors import DataError
from plate_ocr.vision.images import Image

SIZE = 80
"""Font size in pixels; characters are drawn larger than any network looks at them."""

MARGIN = 0.08
"""Black on each side of a rendered character, as a part of its height."""


def bundled_fonts() -> list[PIL.ImageFont.FreeTypeFont]:
    """The fonts that matplotlib and Pillow bring along: no font file needs to be found."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    names = sorted(
        path
        for path in folder.glob("*.ttf")
        if path.name.startswith(("DejaVuSans", "DejaVuSansMono", "STIXGeneral"))
        and not path.name.startswith("DejaVuSansDisplay")
    )
    default = PIL.ImageFont.load_default(SIZE)
    fonts = [PIL.ImageFont.truetype(str(path), SIZE) for path in names]
    return [*fonts, default] if isinstance(default, PIL.ImageFont.FreeTypeFont) else fonts


def load_font(path: Path) -> PIL.ImageFont.FreeTypeFont:
    """A font file.

    Raises:
        DataError: if it is missing or no font.
    """
    try:
        return PIL.ImageFont.truetype(str(path), SIZE)
    except OSError as error:
        raise DataError(f"cannot use the font {path}: {error}") from None


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
    return np.asarray(cv2.copyMakeBorder(tight, *[margin] * 4, cv2.BORDER_CONSTANT, value=0), np.uint8)


def render_characters(
    chars: Iterable[str], fonts: Iterable[PIL.ImageFont.FreeTypeFont]
) -> tuple[list[Image], list[str]]:
    """Every character in every font: pictures white on black and their labels."""
    pictures, labels = [], []
    chars = list(chars)
    for font in fonts:
        for char in chars:
            if (picture := render_character(char, font)) is not None:
                pictures.append(picture)
                labels.append(char)
    return pictures, labels
