"""Draws figures of the documentation: ``python -m data.figures``."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from data.render import FOLDER
from plate_ocr import CharClassifier
from plate_ocr.app.classical_sheets import draw_characters, draw_polarities
from plate_ocr.files import write_whole
from plate_ocr.model.cards import ModelCard
from plate_ocr.readers.auto import PlateReader
from plate_ocr.readers.pictures import annotated
from plate_ocr.readers.trace import recording
from plate_ocr.vision.images import Image, read_image

DOCS = FOLDER.parent / "docs"

QUALITY = 85
"""Of JPEG files."""

SYSTEMS = {"v4": "PP-OCRv4", "v6": "PP-OCRv6", "tesseract": "Tesseract", "ours": "plate-ocr"}
"""The readers of the benchmark, and what they are called."""


def draw_street() -> Image:
    """The street with its plates framed and read, as ``predict --annotate`` does: uint8 ``(H, W, 3)``."""
    picture = read_image(FOLDER / "street.jpg")
    return annotated(picture, PlateReader(threads=1)(picture).plates)


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


def table_rows(page: Path, header: str) -> list[list[str]]:
    """The cells of the rows of a page's first table that has such a header line."""
    text = page.read_text(encoding="utf-8")
    table = re.search(rf"^{re.escape(header)}\n\|[-| ]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert table, f"{page} has no table {header}"
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].splitlines()]


def draw_readers() -> Image:
    """Accuracy of the readers against time and size, from the table of ``benchmarks.md``: uint8
    ``(H, W, 3)``.
    """
    from matplotlib.figure import Figure

    header = "| plates | crops | system | exact | O=0 and I=1 | time | peak memory, MB | models, MB |"
    rows = table_rows(DOCS / "benchmarks.md", header)
    figure = Figure(figsize=(9, 3.6), dpi=100, layout="constrained")
    panels: Sequence[tuple[int, str]] = (
        (5, "time per crop, as a part of PP-OCRv4's"),
        (7, "model files, MB"),
    )
    for axes, (column, label) in zip(figure.subplots(1, 2, sharey=True), panels, strict=True):
        for number, (system, name) in enumerate(SYSTEMS.items()):
            own = [row for row in rows if row[2].split(",")[0] == system]
            x = np.array([float(row[column]) for row in own])
            y = np.array([float(row[4].rstrip("%")) for row in own])
            axes.scatter(x, y, s=14, color=f"C{number}", alpha=0.6)
            axes.scatter(np.median(x), y.mean(), s=90, color=f"C{number}", label=name)
        axes.set_xlim(left=0)
        axes.set_xlabel(label)
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("right with O=0 and I=1, %")
    figure.axes[0].legend(loc="center left", fontsize="small")
    buffer = io.BytesIO()
    figure.savefig(buffer)
    return read_image(buffer.getvalue())


FIGURES: Mapping[str, Callable[[], Image]] = {
    "street.jpg": draw_street,
    "digit.png": draw_digit,
    "characters.png": draw_plate_characters,
    "readers.png": draw_readers,
}
"""What draws each picture of the folder ``docs``."""


def encode(name: str, picture: Image) -> bytes:
    """The bytes of the file of that name: JPEG or PNG."""
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY] if name.endswith(".jpg") else []
    return bytes(cv2.imencode(Path(name).suffix, picture, options)[1])


def main() -> None:
    """Write the files."""
    for name, draw in FIGURES.items():
        write_whole(DOCS / name, encode(name, draw()))


if __name__ == "__main__":
    main()
