"""Licence-plate reading: white-pixel ratios and a BP network, offline, in milliseconds on one core."""

from plate_ocr.errors import (
    AlphabetError,
    DataError,
    DeviceError,
    ImageError,
    ModelError,
    OutputError,
    PlateOcrError,
)
from plate_ocr.reader import CharClassifier, CharReading
from plate_ocr.vision.images import read_image

__version__ = "0.1.0"

__all__ = [
    "AlphabetError",
    "CharClassifier",
    "CharReading",
    "DataError",
    "DeviceError",
    "ImageError",
    "ModelError",
    "OutputError",
    "PlateOcrError",
    "read_image",
]
