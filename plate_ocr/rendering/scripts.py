"""Characters of other scripts than Latin and Chinese, drawn from fonts or of strokes, in several styles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np
import PIL.ImageFont

from plate_ocr.alphabet import ARABIC, ARABIC_DIGITS, HANGUL, KANA, PERSIAN_DIGITS, SCRIPTS, THAI
from plate_ocr.rendering.arabic import draw_arabic
from plate_ocr.rendering.fonts import draw_text_mask, has_glyph
from plate_ocr.rendering.hangul import draw_hangul
from plate_ocr.vision.images import Image

OF_SCRIPTS = frozenset(SCRIPTS)
"""The characters."""

N_STYLES = 24
"""Number of styles: fonts, each with several weights and widths."""

_FORMS = {"ه": "\ufeeb"}
"""Letters that plates show in another form than that of a letter that stands alone."""

_ROWS = {
    **dict.fromkeys(ARABIC_DIGITS + PERSIAN_DIGITS, "١"),
    **dict.fromkeys(ARABIC, "اجعى"),
    **dict.fromkeys(THAI, "ก"),
    **dict.fromkeys(HANGUL, "한"),
    **dict.fromkeys(KANA, "ゆ"),
}
"""Characters whose rows each of its script fills, if it does not reach beyond them; all others are kanji."""

_KANJI_ROWS = "島"

_THICKER, _WIDTHS = {True: (-3, -2, 0, 2), False: (0, 2, 3, 5)}, (0.8, 1.0, 1.2)
"""Pixels by which strokes are thicker than those of a bold font and of another, and widths as a part of the
font's."""

_MAX_INK = 0.5
"""Maximum part of a kanji's picture that thicker strokes may fill: its gaps stay open."""


Face: TypeAlias = PIL.ImageFont.FreeTypeFont


def faces_for(char: str, faces: Sequence[Face]) -> list[Face]:
    """The fonts that draw a character as plates show it."""
    usable = [face for face in faces if has_glyph(face, char)]
    if char in PERSIAN_DIGITS:
        # Fonts that draw a Persian 6 as an Arabic one have no 4 of Iran either.
        usable = [face for face in usable if bytes(face.getmask("۶")) != bytes(face.getmask("٦"))]
    return usable


def draw_script(char: str, faces: Sequence[Face], style: int) -> Image | None:
    """A character white on black.

    Args:
        char: of :data:`~plate_ocr.alphabet.SCRIPTS`, or a Chinese one on a Japanese plate.
        faces: fonts that have it, 64 pixels high.
        style: below :data:`N_STYLES`.

    Returns:
        uint8 ``(H, W)``; None if there is no font.
    """
    if not faces:
        return None
    if char in HANGUL:
        style, strokes = divmod(style, 2)
        if strokes:
            return draw_hangul(char, style)
    elif char in ARABIC + ARABIC_DIGITS + PERSIAN_DIGITS:
        style, strokes = divmod(style, 3)
        if strokes:
            return draw_arabic(char, 2 * style + strokes - 1)
    face = faces[style % len(faces)]
    kanji = char not in _ROWS
    form = _FORMS.get(char, char)
    mask = draw_text_mask(form if has_glyph(face, form) else char, face, _ROWS.get(char, _KANJI_ROWS))
    if mask is None:
        return None
    steps = _THICKER["Bold" in (face.getname()[1] or "")]
    thick = steps[style % len(steps)]
    width = max(3, round(mask.shape[1] * _WIDTHS[style // len(steps) % len(_WIDTHS)]))
    if thick < 0:
        thin = 2 if kanji else -thick
        mask = np.asarray(cv2.erode(mask, np.ones((thin, thin))), np.uint8)
    thicker = (cv2.dilate(mask, np.ones((size, size))) for size in range(thick, 1, -1))
    drawn = next((one for one in thicker if not kanji or one.mean() <= 255 * _MAX_INK), mask)
    return np.asarray(cv2.resize(drawn, (width, mask.shape[0]), interpolation=cv2.INTER_AREA), np.uint8)
