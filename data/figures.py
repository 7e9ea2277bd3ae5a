"""Draws the figure of the classical reader in the documentation: ``python -m data.figures``."""

from __future__ import annotations

from pathlib import Path

from plate_ocr import CharClassifier
from plate_ocr.app.classical_sheets import draw_polarities
from plate_ocr.files import write_whole
from plate_ocr.readers.trace import recording
from plate_ocr.vision.drawing import to_png
from plate_ocr.vision.images import Image

ROOT = Path(__file__).parent.parent
FIGURE = ROOT / "docs" / "digit.png"


def draw_digit() -> Image:
    """How ``digits`` reads ``7.png``, uint8 ``(H, W, 3)``."""
    with recording() as trace:
        CharClassifier("digits", threads=1)(ROOT / "data" / "7.png")
    assert trace.char
    assert trace.card
    return draw_polarities(trace.char, trace.card)


def main() -> None:
    """Write the figure."""
    write_whole(FIGURE, to_png(draw_digit()))


if __name__ == "__main__":
    main()
