"""Options and choices that several commands share."""

from __future__ import annotations

from enum import StrEnum

DATA_VARIABLE = "PLATE_OCR_DATA"
"""Environment variable that names the folder with glyphs and fonts to render plates with."""


class Input(StrEnum):
    """What a picture shows."""

    auto = "auto"
    photo = "photo"
    plate = "plate"
    char = "char"


class CharModel(StrEnum):
    """The models that read single characters."""

    digits = "digits"
    chars = "chars"


class Model(StrEnum):
    """The models that can be trained."""

    digits = "digits"
    chars = "chars"
    plates = "plates"
    locator = "locator"


class Device(StrEnum):
    """Where to train."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


class Decline(StrEnum):
    """What the learning rate does after the warm-up."""

    cosine = "cosine"
    step = "step"
    constant = "constant"


class Loss(StrEnum):
    """What is made small."""

    cross_entropy = "cross_entropy"
    squared_error = "squared_error"
