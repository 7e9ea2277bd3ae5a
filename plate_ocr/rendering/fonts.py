"""Fonts to render characters and plates from; no torch, so that worker processes start fast."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from plate_ocr.errors import DataError
from plate_ocr.rendering.packages import package_folder
from plate_ocr.vision.images import Image

FOLDER = package_folder("matplotlib") / "mpl-data" / "fonts" / "ttf"
"""Fonts that matplotlib brings."""

SIZE = 80
"""Font size in pixels; characters are drawn larger than any network looks at them."""


def bundled_fonts() -> list[PIL.ImageFont.FreeTypeFont]:
    """The fonts that matplotlib and Pillow bring along: no font file needs to be found."""
    names = sorted(
        path
        for path in FOLDER.glob("*.ttf")
        if path.name.startswith(("DejaVuSans", "DejaVuSansMono", "STIXGeneral"))
        and not path.name.startswith("DejaVuSansDisplay")
    )
    default = PIL.ImageFont.load_default(SIZE)
    fonts = [PIL.ImageFont.truetype(str(path), SIZE) for path in names]
    return [*fonts, default] if isinstance(default, PIL.ImageFont.FreeTypeFont) else fonts


def load_fonts(folder: Path) -> list[PIL.ImageFont.FreeTypeFont]:
    """The fonts of a folder, by name.

    Raises:
        DataError: if there is none or one cannot be used.
    """
    paths = sorted(p for p in folder.glob("*") if p.suffix.lower() in (".ttf", ".otf", ".ttc"))
    if not paths:
        raise DataError(f"there are no fonts in {folder}: .ttf, .otf or .ttc files are expected")
    fonts = []
    for path in paths:
        try:
            fonts.append(PIL.ImageFont.truetype(str(path), SIZE))
        except OSError as error:
            raise DataError(f"cannot use the font {path}: {error}") from None
    return fonts


def has_glyph(face: PIL.ImageFont.FreeTypeFont, char: str) -> bool:
    """Whether a font draws a character, and not nothing or the box that stands for any it lacks."""
    mask = bytes(face.getmask(char))
    return any(mask) and mask != _box_of(face)


@cache
def _box_of(face: PIL.ImageFont.FreeTypeFont) -> bytes:
    return bytes(face.getmask("\uffff"))


def draw_text_mask(text: str, face: PIL.ImageFont.FreeTypeFont, reference: str | None = None) -> Image | None:
    """Draw a text white on black; the rows are those of the reference's characters, or its own."""
    left, top, right, bottom = face.getbbox(text)
    if right <= left or bottom <= top:
        return None
    for other in reference or "":
        _, high, _, low = face.getbbox(other)
        # A tail or an accent reaches out of the capitals' height.
        top, bottom = min(top, high), max(bottom, low)
    picture = PIL.Image.new("L", (int(right - left), int(bottom - top)), 0)
    PIL.ImageDraw.Draw(picture).text((-left, -top), text, font=face, fill=255)
    return np.asarray(picture, np.uint8)
