"""What is read of letters of scripts that no training draws, and how many right characters become ``?``.

``python -m benchmarks.unknown [MODEL]``, by default ``plates``. On rendered plates of all regions some or
all characters give way to letters of a script, those aside that look like a character of plates (``Γ`` like
``Г``). A letter is *taken for another* if a character in its place has a confidence of 0.8 or more. Below,
plates as they are.
"""

from __future__ import annotations

import sys

import cv2
import numpy as np
import PIL.ImageFont

from benchmarks import fonts_folder
from plate_ocr.alphabet import UNKNOWN
from plate_ocr.readers.auto import PlateReader
from plate_ocr.readers.results import Plate
from plate_ocr.rendering.fonts import FOLDER, draw_text_mask, has_glyph
from plate_ocr.rendering.glyphs import Glyphs
from plate_ocr.rendering.masks import HEIGHT
from plate_ocr.rendering.plates import MIX, PlateGenerator
from plate_ocr.text import edit_alignment
from plate_ocr.vision.images import Image

SCRIPTS = {
    "Greek": "ΔΞΣΨΩ",
    "Hebrew": "אבגדהזטכלמנעפצקשת",
    "Devanagari": "अआइउकखगघचछजझटठडढणतथदधनपफबभमयरलवशषसह",
}
"""Amharic has no font among those at hand."""
N_PLATES = 400
"""Of each script, and as many times five as they are."""
SURE = 0.8
SEED = 23


class ScriptGlyphs(Glyphs):
    """Glyphs whose unknown characters are letters of one script, in every font that has them."""

    def __init__(self, script: str) -> None:
        data = fonts_folder()
        super().__init__(data)
        paths = [*sorted((data / "fonts").glob("*.[ot]t[fc]")), *sorted(FOLDER.glob("DejaVuSans*.ttf"))]
        faces = [PIL.ImageFont.truetype(str(path), HEIGHT) for path in paths]
        drawn = [draw_text_mask(char, face) for face in faces for char in script if has_glyph(face, char)]
        self._letters = [letter for letter in drawn if letter is not None]

    def unknown(self, number: int, font: str = "", style: int = 0) -> Image:
        """A letter of the script."""
        letter = self._letters[number % len(self._letters)]
        width = max(3, round(letter.shape[1] * HEIGHT / letter.shape[0]))
        return np.asarray(cv2.resize(letter, (width, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)


def taken_for_another(plate: Plate | None, target: str) -> int:
    """How many unknown characters of a text were read as others, surely."""
    if plate is None:
        return 0
    pairs = edit_alignment(plate.text, target)
    chars = [plate.chars[i] for i, j in pairs if i is not None and j is not None and target[j] == UNKNOWN]
    return sum(char.char is not None and char.confidence >= SURE for char in chars)


def read(reader: PlateReader, picture: Image) -> Plate | None:
    """The first plate that is read in a picture."""
    return next(iter(reader(picture).plates), None)


def main() -> None:
    """Print a table and a line."""
    cv2.setNumThreads(1)
    reader = PlateReader(sys.argv[1] if len(sys.argv) > 1 else "plates", input="plate", threads=1)
    print("| script | letters | taken for another |\n|---|---|---|")
    regions = [*MIX]
    for script, letters in SCRIPTS.items():
        generator = PlateGenerator(fonts_folder(), regions, not_plates=0, unknown=1.0)
        generator.glyphs = ScriptGlyphs(letters)
        count = taken = 0
        for i in range(N_PLATES):
            plate = generator(SEED, i)
            count += plate.text.count(UNKNOWN)
            taken += taken_for_another(read(reader, plate.image), plate.text)
        print(f"| {script} | {count:,} | {taken / count:.2%} |", flush=True)
    generator = PlateGenerator(fonts_folder(), regions, not_plates=0)
    characters = unknown = 0
    for i in range(5 * N_PLATES):
        found = read(reader, generator(SEED, i).image)
        if found is not None:
            characters += len(found.text)
            unknown += found.text.count(UNKNOWN)
    print(f"\nof {characters:,} characters of plates as they are, {unknown / characters:.2%} are read as ?")


if __name__ == "__main__":
    main()
