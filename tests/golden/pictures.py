"""Render the pictures that the readings are recorded of, once: ``python -m tests.golden.pictures``.

They stay as they are: another rendering is no reason for other readings.
"""

from __future__ import annotations

import cv2
import numpy as np

from plate_ocr.rendering.characters import render_character
from plate_ocr.rendering.fonts import bundled_fonts
from plate_ocr.rendering.plates import PlateGenerator
from plate_ocr.rendering.scenes import SceneGenerator
from tests.golden import FOLDER
from tests.golden.train import REGIONS

SEED = 7
PLATES = {"eu": (1, 10), "br": (9, 15), "uz": (13, 21), "vn": (18, 29), "gb": (8,)}
"""Numbers of plates by region: of one line and, of uz 21, vn 18 and vn 29, of two."""

SCENES = (7, 14, 18, 23, 36, 59)
CHARACTERS = "AK47"


def main() -> None:
    """Write the pictures."""
    folder = FOLDER / "pictures"
    folder.mkdir(exist_ok=True)
    for region, numbers in PLATES.items():
        generator = PlateGenerator(None, [region], not_plates=0)
        for number in numbers:
            cv2.imwrite(str(folder / f"plate-{region}-{number}.png"), generator(SEED, number).image)
    nothing = PlateGenerator(None, not_plates=1)(SEED, 0).image
    cv2.imwrite(str(folder / "plate-none.png"), nothing)
    scenes = SceneGenerator(None, REGIONS)
    for number in SCENES:
        path, quality = str(folder / f"scene-{number}.jpg"), [cv2.IMWRITE_JPEG_QUALITY, 85]
        cv2.imwrite(path, scenes(SEED, number).image, quality)
    font = next(font for font in bundled_fonts() if font.getname() == ("DejaVu Sans", "Bold"))
    for char in CHARACTERS:
        glyph = render_character(char, font)
        assert glyph is not None
        dark = cv2.copyMakeBorder(255 - glyph, 8, 8, 6, 6, cv2.BORDER_CONSTANT, value=(255.0,))
        small = cv2.resize(np.asarray(dark), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(folder / f"character-{char}.png"), small)


if __name__ == "__main__":
    main()
