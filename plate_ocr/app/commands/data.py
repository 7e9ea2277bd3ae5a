"""``plate-ocr generate`` and ``validate``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from plate_ocr.alphabet import Alphabet
from plate_ocr.app.console import check_output, fail, print_message, train_extra
from plate_ocr.app.options import DATA_VARIABLE, RenderedRegions, split_regions
from plate_ocr.files import write_whole
from plate_ocr.labels import LABELS, labels_plates


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
        typer.Argument(
            help="Characters: a folder with one folder of images per class, or a CSV file image_path,label. "
            "Plates: a CSV file image_path,plate_text, a .txt file of lines path<TAB>text, or a folder with "
            "labels.csv or images named after their plates."
        ),
    ],
    group: Annotated[
        str,
        typer.Option(
            metavar="REGEX",
            help="Of characters: regular expression; its group in parentheses is the plate's name in a file "
            "name.",
        ),
    ] = "",
    alphabet: Annotated[
        str,
        typer.Option(metavar="CHARACTERS", help="Allowed labels.", show_default="that of chars or plates"),
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Of plates: write an HTML page with the doubted labels."
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with status 1 if there are problems.")
    ] = False,
) -> None:
    """Check a data set without training.

    Its problems are listed, one per line, and its content.
    """
    with train_extra("validating"):
        if labels_plates(data):
            if group:
                fail("--group belongs to characters, and this data set labels plates", 2)
            problems, lines = _validate_plates(data, alphabet, out)
        else:
            if out:
                fail("--out belongs to plates, and this data set labels characters", 2)
            problems, lines = _validate_characters(data, alphabet, group)
    for line in [*problems, *lines]:
        print(line)
    if strict and problems:
        raise typer.Exit(1)


def _validate_plates(data: Path, alphabet: str, out: Path | None) -> tuple[Sequence[str], list[str]]:
    """Problems and content of plates."""
    from plate_ocr.app.evaluation import mistakes_page
    from plate_ocr.readers.auto import PlateReader
    from plate_ocr.training.plates.validation import validate_plates

    if out:
        check_output(out, (data, data / LABELS))
    reader = PlateReader("plates", input="plate")
    result = validate_plates(data, Alphabet(alphabet or reader.alphabet), reader)
    if out:
        write_whole(out, mistakes_page(result.suspects).encode(errors="backslashreplace"))
    return result.problems, result.lines()


def _validate_characters(data: Path, alphabet: str, group: str) -> tuple[Sequence[str], list[str]]:
    """Problems and content of characters."""
    from plate_ocr.training.characters.config import CharsRunConfig
    from plate_ocr.training.characters.validation import problem_lines, validate

    config = CharsRunConfig()
    result = validate(
        data,
        Alphabet(alphabet or config.alphabet),
        config.preprocessing,
        group=group,
        val_fraction=config.val_fraction,
        test_fraction=config.test_fraction,
        seed=config.seed,
    )
    return problem_lines(result.problems), result.lines()
