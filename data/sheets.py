"""Draws the pictures of docs/regions.md, twenty plates per region: ``python -m data.sheets``."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from plate_ocr.files import write_whole
from plate_ocr.region_files.parser import bundled_regions
from plate_ocr.rendering.plates import PlateGenerator
from plate_ocr.vision.images import Image

DOCS = Path(__file__).parent.parent / "docs"
PER_SHEET, ROWS, COLUMNS = 12, 2, 10
"""Regions of a sheet; rows and columns of plates of a region."""
CELL = (46, 116)
"""Height and width of a plate's place, pixels."""
LABEL, PAPER, QUALITY = 40, 200, 45


def draw_cell(generator: PlateGenerator, index: int) -> Image:
    """A plate in its place, uint8 of :data:`CELL`."""
    plate = generator.draw_flat(np.random.default_rng(index)).gray
    height, width = CELL
    scale = min((height - 4) / plate.shape[0], (width - 4) / plate.shape[1])
    small = cv2.resize(plate, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    cell: Image = np.full(CELL, PAPER, np.uint8)
    cell[2 : 2 + small.shape[0], 2 : 2 + small.shape[1]] = small
    return cell


def draw_region(data: Path, region: str) -> Image:
    """The code of a region and its plates, uint8 ``(H, W)``."""
    generator = PlateGenerator(data, [region])
    rows = [
        np.hstack([draw_cell(generator, row * COLUMNS + column) for column in range(COLUMNS)])
        for row in range(ROWS)
    ]
    label: Image = np.full((ROWS * CELL[0], LABEL), PAPER, np.uint8)
    cv2.putText(label, region, (4, CELL[0]), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 0, 1, cv2.LINE_AA)
    return np.hstack([label, np.vstack(rows)])


def main() -> None:
    """Write ``docs/regions-1.jpg`` and so on, the regions by their codes."""
    data, regions = Path(os.environ["PLATE_OCR_DATA"]), bundled_regions()
    for number, start in enumerate(range(0, len(regions), PER_SHEET), 1):
        sheet = np.vstack([draw_region(data, region) for region in regions[start : start + PER_SHEET]])
        encoded = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
        write_whole(DOCS / f"regions-{number}.jpg", encoded.tobytes())


if __name__ == "__main__":
    main()
