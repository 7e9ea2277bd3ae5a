"""Licence-plate reading: learned windows or white-pixel ratios, offline, in milliseconds on one core."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from plate_ocr.errors import (
    AlphabetError,
    BoxError,
    DataError,
    DeviceError,
    ImageError,
    ImageSizeError,
    ModelError,
    OutputError,
    PlateOcrError,
    StoreError,
    TrainingError,
    VideoError,
)

if TYPE_CHECKING:
    from plate_ocr.known import KnownPlates
    from plate_ocr.readers.auto import PlateReader
    from plate_ocr.readers.classical import CharClassifier
    from plate_ocr.readers.results import Char, CharReading, Known, Plate, Reading
    from plate_ocr.vision.images import read_image

__version__ = "0.1.0"

__all__ = [
    "AlphabetError",
    "BoxError",
    "Char",
    "CharClassifier",
    "CharReading",
    "DataError",
    "DeviceError",
    "ImageError",
    "ImageSizeError",
    "Known",
    "KnownPlates",
    "ModelError",
    "OutputError",
    "Plate",
    "PlateOcrError",
    "PlateReader",
    "Reading",
    "StoreError",
    "TrainingError",
    "VideoError",
    "read_image",
]


# These are imported when they are asked for: a process that renders needs no reader.
_MODULES = {
    "Char": "plate_ocr.readers.results",
    "CharClassifier": "plate_ocr.readers.classical",
    "CharReading": "plate_ocr.readers.results",
    "Known": "plate_ocr.readers.results",
    "KnownPlates": "plate_ocr.known",
    "Plate": "plate_ocr.readers.results",
    "PlateReader": "plate_ocr.readers.auto",
    "Reading": "plate_ocr.readers.results",
    "read_image": "plate_ocr.vision.images",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
