"""Pictures for batches, and what ``predict --json`` says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import PIL.Image
import pyarrow.parquet as pq
import pytest

from plate_ocr.batch.manifest import Manifest, Settings
from plate_ocr.batch.storage import Folder
from plate_ocr.vision.drawing import blank, draw_text
from tests.app.conftest import run

__all__ = ["run"]

CROPS = Settings("plates", "plate")


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of twelve pictures, one with a time in it, with an empty one and one that is none."""
    folder = tmp_path_factory.mktemp("shots")
    (folder / "more").mkdir()
    for i in range(10):
        plate = blank(80, 320)
        draw_text(plate, f"KA {301 + 17 * i} CP", (20, 60), 56)
        cv2.imwrite(str(folder / ("more" if i % 2 else "") / f"{i:02}.png"), plate)
    exif = PIL.Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2026:11:26 08:15:00"
    with PIL.Image.open(folder / "00.png") as picture:
        picture.save(folder / "taken.jpg", exif=exif, quality=95)
    (folder / "05-text.png").write_text("no picture")
    (folder / "07-empty.jpg").write_bytes(b"")
    (folder / "notes.txt").write_text("not looked at")
    return folder


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """All rows of a batch's results, in the order of their paths."""
    rows = [
        row for file in (folder / "results").glob("part-*.parquet") for row in pq.read_table(file).to_pylist()
    ]
    return sorted(rows, key=lambda row: row["path"])


def as_json(row: dict[str, Any]) -> dict[str, Any]:
    """What ``predict --json`` writes of a row's picture, but for the time."""
    return {
        "image": row["path"],
        "error": row["error"],
        "width": row["width"],
        "height": row["height"],
        "plates": [
            {
                **{key: plate[key] for key in ("text", "confidence", "min_confidence", "lines", "corners")},
                "region": plate["region"],
                "touches_edge": plate["touches_edge"],
                "groups": plate["groups"],
                "chars": [
                    {**char, "alternatives": [[c["char"], c["confidence"]] for c in char["alternatives"]]}
                    for char in plate["characters"]
                ],
            }
            for plate in row["plates"]
        ],
    }


def write_manifest(out: Path, pictures: Path, part_size: int = 1000, settings: Settings = CROPS) -> Manifest:
    """List the pictures of a folder."""
    names = sorted(str(path) for path in pictures.rglob("*") if path.suffix in (".png", ".jpg"))
    return Manifest.write(Folder(str(out)), str(pictures), settings, names, part_size)
