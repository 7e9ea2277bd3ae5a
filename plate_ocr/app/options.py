"""Options and choices that several commands share."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, TypeAlias

import typer

from plate_ocr.region_files.table import bundled_formats

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
    detector = "detector"


class Device(StrEnum):
    """Where to train."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


class LrSchedule(StrEnum):
    """Learning rate schedules after the warm-up."""

    cosine = "cosine"
    step = "step"
    constant = "constant"


class Loss(StrEnum):
    """Loss functions of the character models."""

    cross_entropy = "cross_entropy"
    squared_error = "squared_error"


CODES = ", ".join(bundled_formats())

ReadModel: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="plates, chars, digits, an .onnx file or the folder of a training run.",
        show_default="plates; chars with --input char",
    ),
]
"""Of a command that reads, as are those that follow."""

InputKind: TypeAlias = Annotated[
    Input | None,
    typer.Option(
        "--input",
        help="What the pictures show: photos, plates that were cut out or single characters. A model "
        "that knows digits only reads characters.",
        show_default="auto",
    ),
]

MinConfidence: TypeAlias = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Below it a character is unknown.", show_default="the model's own"),
]

Jobs: TypeAlias = Annotated[
    int, typer.Option("--jobs", "-j", metavar="N", min=1, help="Processes that read pictures.")
]

ReadRegions: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        metavar="CODE|FILE,…",
        help=f"Regions ({CODES}) or region files, as often as wanted: the formats of their plates help where "
        "characters look alike.",
    ),
]

RenderedRegions: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        metavar="CODE|FILE,…",
        help=f"Plates to render: regions ({CODES}) or region files, as often as wanted.",
        show_default="all",
    ),
]
"""Of a command that renders."""


def split_regions(given: Iterable[str] | None) -> tuple[str, ...]:
    """The regions that a repeated option with commas in it names; none without it."""
    return tuple(one.strip() for value in given or () for one in value.split(",") if one.strip())
