"""What small models read in the sample pictures and in rendered ones that are kept beside this file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plate_ocr.model.sessions import Detector, PlateModel
from plate_ocr.readers.auto import PlateReader
from plate_ocr.readers.classical import CharClassifier
from plate_ocr.readers.photos import PhotoReader
from plate_ocr.readers.plates import NetworkReader
from plate_ocr.readers.results import CharReading, Plate
from plate_ocr.vision.images import Image, read_image, to_gray
from tests.golden import FOLDER

MODELS = FOLDER / "models"
SAMPLES = FOLDER.parents[1] / "data"
CLASSICAL = ("plate-br-15.png", "plate-eu-10.png", "plate-gb-8.png")
"""Plates that can be cut into characters."""


def readings() -> dict[str, list[dict[str, Any]]]:
    """By the way to read: plates cut out, photos, single characters, and plates cut into characters."""
    plate, seven = SAMPLES / "plate.png", SAMPLES / "7.png"
    crops, scenes, characters = (
        sorted((FOLDER / "pictures").glob(f"{kind}-*")) for kind in ("plate", "scene", "character")
    )
    cut_out = PlateReader(MODELS / "plates.onnx", input="plate", threads=1)
    network = NetworkReader(PlateModel(MODELS / "plates.onnx", threads=1))
    photos = PhotoReader(network, Detector(MODELS / "detector.onnx", threads=1))
    single = CharClassifier(MODELS / "characters.onnx", threads=1)
    classical = PlateReader(MODELS / "characters.onnx", threads=1)
    return {
        "plates": [_plates(path, cut_out(path).plates) for path in (plate, *crops)],
        "photos": [_plates(path, photos.read([gray(path)])[0]) for path in (plate, *scenes)],
        "characters": [_character(path, single(path)) for path in (seven, *characters)],
        "classical": [
            _plates(path, classical(path).plates)
            for path in (plate, *crops)
            if path == plate or path.name in CLASSICAL
        ],
    }


def gray(path: Path) -> Image:
    """A picture as readers take it."""
    return to_gray(read_image(path))


def _plates(path: Path, plates: Sequence[Plate]) -> dict[str, Any]:
    return {
        "picture": path.name,
        "plates": [
            {
                "text": plate.text,
                "lines": plate.lines,
                "confidence": round(plate.confidence, 4),
                "corners": [[round(x, 2), round(y, 2)] for x, y in plate.corners],
            }
            for plate in plates
        ],
    }


def _character(path: Path, reading: CharReading) -> dict[str, Any]:
    return {"picture": path.name, "char": reading.char, "confidence": round(reading.confidence, 4)}
