"""``plate-ocr generate`` and ``validate``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from plate_ocr.alphabet import Alphabet
from plate_ocr.app.console import print_message, train_extra
from plate_ocr.app.options import DATA_VARIABLE, RenderedRegions, split_regions


def generate(
    out: Annotated[Path, typer.Argument(help="Output folder for the images and labels.csv.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Number of images.")] = 1000,
    region: RenderedRegions = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
) -> None:
    """Render plates and their labels.

    They are rendered as in the training of the plate model. OUT gets images and labels.csv.
    """
    with train_extra("rendering"):
        from plate_ocr.rendering.shards import Rendering, shortages, write_plates
    rendering = Rendering(os.environ.get(DATA_VARIABLE, ""), split_regions(region), seed)
    for sentence in shortages(rendering):
        print_message(sentence)
    print(write_plates(rendering, count, out))


def validate(
    data: Annotated[
        Path,
        typer.Argument(help="A folder with one folder of images per class, or a CSV file image_path,label."),
    ],
    group: Annotated[
        str,
        typer.Option(
            metavar="REGEX",
            help="Regular expression; its group in parentheses is the plate's name in a file name.",
        ),
    ] = "",
    alphabet: Annotated[
        str,
        typer.Option(metavar="CHARACTERS", help="Allowed labels.", show_default="that of chars"),
    ] = "",
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with status 1 if there are problems.")
    ] = False,
) -> None:
    """Check a data set without training.

    Its problems are listed, one per line, and its content.
    """
    with train_extra("validating"):
        from plate_ocr.training.characters.config import CharsRunConfig
        from plate_ocr.training.characters.validation import problem_lines
        from plate_ocr.training.characters.validation import validate as validate_data
    config = CharsRunConfig()
    result = validate_data(
        data,
        Alphabet(alphabet or config.alphabet),
        config.preprocessing,
        group=group,
        val_fraction=config.val_fraction,
        test_fraction=config.test_fraction,
        seed=config.seed,
    )
    for line in [*problem_lines(result.problems), *result.lines()]:
        print(line)
    if strict and result.problems:
        raise typer.Exit(1)
