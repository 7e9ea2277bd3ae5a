"""Licence-plate reading: learned windows or white-pixel ratios, offline, in milliseconds on one core."""

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
from plate_ocr.readers.auto import PlateReader
from plate_ocr.readers.results import Char, CharReading, Known, Plate, Reading
from plate_ocr.vision.images import read_image

if TYPE_CHECKING:
    from plate_ocr.known import KnownPlates
    from plate_ocr.readers.classical import CharClassifier

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


def __getattr__(name: str) -> Any:
    # These are imported when they are asked for: most calls read plates by the network, and know none.
    if name == "KnownPlates":
        from plate_ocr.known import KnownPlates

        return KnownPlates
    if name == "CharClassifier":
        from plate_ocr.readers.classical import CharClassifier

        return CharClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
