"""Renders the sample pictures: ``python -m data.render``."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from plate_ocr.rendering.characters import cut_tight, render_character
from plate_ocr.rendering.fonts import bundled_fonts
from plate_ocr.vision.images import Image

FOLDER = Path(__file__).parent
TEXT = "皖A512T3"
PLATE, GLYPH, GAP, LEFT, TOP = (440, 140), (45, 90), 12, 15, 25
"""Width and height of a Chinese plate and its characters, and where they stand: millimetres (GA 36-2018)."""


def draw_glyph(char: str) -> Image:
    """A character white on black, uint8 ``(90, 45)``; Chinese ones by the font that OpenCV brings."""
    font = next(font for font in bundled_fonts() if font.getname() == ("DejaVu Sans", "Bold"))
    picture = render_character(char, font)
    if not char.isascii() or picture is None:
        canvas = np.zeros((160, 160), np.uint8)
        cv2.putText(canvas, char, (30, 120), 255, cv2.FontFace("uni"), 90, 600)
        picture = cut_tight(canvas)
    assert picture is not None
    rows, columns = np.nonzero(picture > 127)
    tight = picture[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    width = GLYPH[0] if tight.shape[1] > 0.35 * tight.shape[0] else 14
    glyph = np.zeros((GLYPH[1], GLYPH[0]), np.uint8)
    left = (GLYPH[0] - width) // 2
    glyph[:, left : left + width] = cv2.resize(tight, (width, GLYPH[1]), interpolation=cv2.INTER_AREA)
    return glyph


def draw_plate(text: str) -> Image:
    """A blue plate, a little tilted, blurred and noisy, in a grey scene: uint8 ``(H, W, 3)``."""
    white = np.zeros((PLATE[1], PLATE[0]), np.uint8)
    cv2.rectangle(white, (4, 4), (PLATE[0] - 5, PLATE[1] - 5), 255, 2)
    x = LEFT
    for place, char in enumerate(text):
        white[TOP : TOP + GLYPH[1], x : x + GLYPH[0]] = draw_glyph(char)
        x += GLYPH[0] + GAP
        if place == 1:
            cv2.circle(white, (x + 5, TOP + GLYPH[1] // 2), 5, 255, -1)
            x += 22
    share = (white / 255)[:, :, None]
    plate = (share * 235 + (1 - share) * np.array([150, 70, 30])).astype(np.uint8)
    corners = np.array([[0, 0], [440, 0], [440, 140], [0, 140]], np.float32)
    seen = np.array([[14, 18], [206, 10], [210, 71], [12, 79]], np.float32)
    scene = np.full((88, 222, 3), 96, np.uint8)
    cv2.warpPerspective(
        cv2.GaussianBlur(plate, (0, 0), 1.2),
        cv2.getPerspectiveTransform(corners, seen),
        (222, 88),
        dst=scene,
        flags=cv2.INTER_AREA,
        borderMode=cv2.BORDER_TRANSPARENT,
    )
    noise = np.random.default_rng(0).normal(0, 4, scene.shape)
    return np.asarray(np.clip(scene + noise, 0, 255), np.uint8)


def main() -> None:
    """Write the files."""
    cv2.imwrite(str(FOLDER / "plate.png"), draw_plate(TEXT))
    seven = cv2.copyMakeBorder(255 - draw_glyph("7"), 8, 8, 6, 6, cv2.BORDER_CONSTANT, value=255)
    cv2.imwrite(str(FOLDER / "7.png"), cv2.resize(seven, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))


if __name__ == "__main__":
    main()
