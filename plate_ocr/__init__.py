"""Licence-plate reading: learned windows or white-pixel ratios, offline, in milliseconds on one core."""

from plate_ocr.errors import (
    AlphabetError,
    DataError,
    DeviceError,
    ImageError,
    ModelError,
    OutputError,
    PlateOcrError,
    TrainingError,
)
from plate_ocr.reader import Char, CharClassifier, CharReading, Plate, PlateReader, Reading
from plate_ocr.vision.images import read_image

__version__ = "0.1.0"

__all__ = [
    "AlphabetError",
    "Char",
    "CharClassifier",
    "CharReading",
    "DataError",
    "DeviceError",
    "ImageError",
    "ModelError",
    "OutputError",
    "Plate",
    "PlateOcrError",
    "PlateReader",
    "Reading",
    "TrainingError",
    "read_image",
]
