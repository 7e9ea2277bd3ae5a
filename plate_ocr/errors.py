"""Everything that plate-ocr raises on purpose.

    PlateOcrError
    ├── ImageError     a picture cannot be read or has the wrong form
    │   ├── BoxError   a box lies outside a picture
    │   └── ImageSizeError  a picture has too many pixels
    ├── VideoError     a video or a camera cannot be read, or not to its end
    ├── ModelError     a model file cannot be used
    ├── AlphabetError  a character is not in the alphabet
    ├── DataError      a data set cannot be used
    ├── TrainingError  a training cannot go on
    ├── DeviceError    the wanted device is not there
    ├── OutputError    a result cannot be written
    └── StoreError     sightings cannot be kept or found

Each message is one sentence for people: what was wrong, where, and what to do.
"""

from __future__ import annotations


class PlateOcrError(Exception):
    """Base of all errors that this package raises on purpose."""


class ImageError(PlateOcrError):
    """A picture cannot be read or has the wrong form."""


class BoxError(ImageError):
    """A region of interest or an ignored box lies outside a picture."""


class ImageSizeError(ImageError):
    """A picture has more pixels, or its file more bytes, than are read."""


class VideoError(PlateOcrError):
    """A video or a camera cannot be read, or not to its end."""


class ModelError(PlateOcrError):
    """A model file cannot be used."""


class AlphabetError(PlateOcrError):
    """A character is not in the alphabet."""


class DataError(PlateOcrError):
    """A data set cannot be trained or measured on."""


class TrainingError(PlateOcrError):
    """A training cannot go on."""


class DeviceError(PlateOcrError):
    """The wanted device is not there."""


class OutputError(PlateOcrError):
    """A result cannot be written."""


class StoreError(PlateOcrError):
    """Sightings cannot be kept or found."""
