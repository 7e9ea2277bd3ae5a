"""Options and choices that several commands share."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, TypeAlias

import typer

from plate_ocr.region_files.table import bundled_formats

DATA_VARIABLE = "PLATE_OCR_DATA"
"""Environment variable with the folder of glyphs and fonts for rendering plates."""


class InputType(StrEnum):
    """Content of an image."""

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
        help="plates, chars, digits, an .onnx file or a run folder.",
        show_default="plates; chars with --input char",
    ),
]
"""Option of the commands that read, as are the following."""

InputOption: TypeAlias = Annotated[
    InputType | None,
    typer.Option(
        "--input",
        help="What the images show: photos, cropped plates or single characters. A digits-only model reads "
        "characters.",
        show_default="auto",
    ),
]

MinConfidence: TypeAlias = Annotated[
    float | None,
    typer.Option(
        min=0, max=1, help="Characters below this confidence are unknown.", show_default="the model's own"
    ),
]

Jobs: TypeAlias = Annotated[
    int, typer.Option("--jobs", "-j", metavar="N", min=1, help="Number of processes.")
]

ReadRegions: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        metavar="CODE|FILE,…",
        help=f"Regions ({CODES}) or region files; may be repeated. Their plate formats help to tell similar "
        "characters apart.",
    ),
]

RenderedRegions: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        metavar="CODE|FILE,…",
        help=f"Regions to render ({CODES}) or region files; may be repeated.",
        show_default="all",
    ),
]
"""Option of the commands that render."""


def split_regions(given: Iterable[str] | None) -> tuple[str, ...]:
    """The regions of a repeatable, comma-separated option; empty without it."""
    return tuple(one.strip() for value in given or () for one in value.split(",") if one.strip())
