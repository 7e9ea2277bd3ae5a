"""Draws the figures of the classical reader in the documentation: ``python -m data.figures``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from data.render import FOLDER
from plate_ocr import CharClassifier
from plate_ocr.app.classical_sheets import draw_characters, draw_polarities
from plate_ocr.files import write_whole
from plate_ocr.model.cards import ModelCard
from plate_ocr.readers.auto import PlateReader
from plate_ocr.readers.trace import recording
from plate_ocr.vision.drawing import to_png
from plate_ocr.vision.images import Image

DOCS = FOLDER.parent / "docs"


def draw_digit() -> Image:
    """How ``digits`` reads ``7.png``: uint8 ``(H, W, 3)``."""
    with recording() as trace:
        CharClassifier("digits", threads=1)(FOLDER / "7.png")
    assert trace.char
    assert trace.card
    return draw_polarities(trace.char, trace.card)


def draw_plate_characters() -> Image:
    """The characters of ``plate.png`` as ``chars`` reads them: uint8 ``(H, W, 3)``."""
    reader = PlateReader("chars", threads=1)
    with recording() as trace:
        reader(FOLDER / "plate.png")
    assert isinstance(trace.card, ModelCard)
    return draw_characters(trace.lines[0], trace.card)


FIGURES: Mapping[str, Callable[[], Image]] = {
    "digit.png": draw_digit,
    "characters.png": draw_plate_characters,
}
"""What draws each picture of the folder ``docs``."""


def main() -> None:
    """Write the files."""
    for name, draw in FIGURES.items():
        write_whole(DOCS / name, to_png(draw()))


if __name__ == "__main__":
    main()
