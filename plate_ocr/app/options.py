"""Options and choices that several commands share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated, TypeAlias

import typer

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


class Script(StrEnum):
    """Scripts of plates."""

    latin = "latin"
    cyrillic = "cyrillic"
    chinese = "chinese"
    hangul = "hangul"
    arabic = "arabic"
    thai = "thai"
    japanese = "japanese"


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


class Provider(StrEnum):
    """Execution providers of ONNX Runtime."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    coreml = "coreml"
    openvino = "openvino"


class ModelFormat(StrEnum):
    """Formats of exported models."""

    onnx = "onnx"
    openvino = "openvino"
    ncnn = "ncnn"
    tflite = "tflite"
    coreml = "coreml"


class LrSchedule(StrEnum):
    """Learning rate schedules after the warm-up."""

    cosine = "cosine"
    step = "step"
    constant = "constant"


class Loss(StrEnum):
    """Loss functions of the character models."""

    cross_entropy = "cross_entropy"
    squared_error = "squared_error"


ReadModel: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="plates, chars, digits, an .onnx file or a run folder.",
        show_default="plates; chars with --input char",
    ),
]
"""Option of the commands that read, as are the following."""

DetectorOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--detector",
        metavar="MODEL",
        help="What finds plates in photos: detector, an .onnx file or a run folder.",
    ),
]

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

MinPlateConfidence: TypeAlias = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        help="A plate whose characters have a lower mean confidence is left out; 0 gives all readings.",
        show_default="the model's own",
    ),
]

ReadDevice: TypeAlias = Annotated[
    Provider,
    typer.Option(
        "--device",
        help="Execution provider of ONNX Runtime; auto is the first available of CUDA, CoreML, OpenVINO and "
        "CPU.",
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
        help="Codes of regions, such as us or de, or region files; may be repeated. Their plate formats "
        "help to tell similar characters apart.",
    ),
]

ReadScripts: TypeAlias = Annotated[
    list[Script] | None,
    typer.Option(
        "--script",
        help="Read the characters of this script alone, beside plain Latin letters and digits; may be "
        "repeated.",
        show_default="all",
    ),
]

RenderedRegions: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        metavar="CODE|FILE,…",
        help="Codes of regions to render, such as us or de, or region files; may be repeated.",
        show_default="all",
    ),
]
"""Option of the commands that render."""


class Rotation(StrEnum):
    """Degrees by which pictures are turned."""

    right = "90"
    half = "180"
    left = "270"


MinHeight: TypeAlias = Annotated[
    float,
    typer.Option(
        metavar="PIXELS",
        min=0,
        help="A plate is left out where the mean of its left and right side is shorter.",
    ),
]

Rotate: TypeAlias = Annotated[
    Rotation | None, typer.Option(metavar="DEGREES", help="Turn pictures clockwise: 90, 180 or 270.")
]

Roi: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="X,Y,W,H",
        help="Region of interest, pixels of the turned picture: nothing is looked at outside of it.",
    ),
]

Ignore: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="X,Y,W,H", help="A box in which nothing is looked at; as often as wanted."),
]


class ReportOn(StrEnum):
    """When a vehicle of a video is reported."""

    arrival = "arrival"
    departure = "departure"
    both = "both"


On: TypeAlias = Annotated[
    ReportOn,
    typer.Option(
        "--on",
        help="When to report a vehicle of a video: once its reading is sure, when it has left, or both.",
    ),
]

Start: TypeAlias = Annotated[
    datetime | None,
    typer.Option(
        metavar="TIME",
        parser=lambda text: parse_time("--start", text),
        help="Wall-clock time at which a video begins, such as 2026-11-26T08:15:00+01:00; without an offset "
        "the local time.",
        show_default="that of its file, if ffprobe is installed",
    ),
]

CameraNames: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--name", help="Name of the camera; of several cameras, one for each in their order."),
]

Keep: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="DAYS",
        min=0,
        help="Delete what was written with this option to --crops and --annotate after so many days.",
        show_default="for ever",
    ),
]


def parse_time(option: str, text: str) -> datetime:
    """The time that the value of an option stands for; without an offset it is local."""
    try:
        time = datetime.fromisoformat(text)
        return time if time.tzinfo else time.astimezone()
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r}: a time such as 2026-11-26T08:15:00+01:00 is expected", param_hint=option
        ) from None


def parse_boxes(option: str, given: Iterable[str]) -> Iterator[tuple[int, int, int, int]]:
    """The boxes ``x,y,w,h`` that the values of an option stand for."""
    for text in given:
        try:
            x, y, w, h = map(int, text.split(","))
        except ValueError:
            x = y = w = h = 0
        if min(w, h) < 1:
            raise typer.BadParameter(
                f"{text!r}: four whole numbers x,y,w,h are expected, of which w and h are at least 1",
                param_hint=option,
            )
        yield x, y, w, h


def split_regions(given: Iterable[str] | None) -> tuple[str, ...]:
    """The regions of a repeatable, comma-separated option; empty without it."""
    return tuple(one.strip() for value in given or () for one in value.split(",") if one.strip())
