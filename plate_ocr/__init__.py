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
    VideoError,
)
from plate_ocr.readers.auto import PlateReader
from plate_ocr.readers.classical import CharClassifier
from plate_ocr.readers.results import Char, CharReading, Plate, Reading
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
    "VideoError",
    "read_image",
]
