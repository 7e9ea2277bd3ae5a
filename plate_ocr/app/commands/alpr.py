"""``plate-ocr alpr``."""

from __future__ import annotations

import json
from time import perf_counter
from typing import Annotated

import typer

from plate_ocr.app.commands.reading import open_reader
from plate_ocr.app.console import end_with_pipe, print_message, print_result
from plate_ocr.errors import ImageError
from plate_ocr.server.doors.alpr_results import alpr_results, alpr_text
from plate_ocr.server.doors.candidates import COUNT, known_regions


def alpr(
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="Images, folders, globs or - for standard input.")
    ],
    country: Annotated[
        list[str] | None,
        typer.Option(
            "--country",
            "-c",
            metavar="CODE",
            help="Code of a country, such as us, eu or gb. Its plate formats help to tell similar characters "
            "apart; may be repeated.",
        ),
    ] = None,
    topn: Annotated[
        int, typer.Option("--topn", "-n", metavar="N", min=1, help="Candidates of each plate, at most.")
    ] = COUNT,
    pattern: Annotated[
        list[str] | None,
        typer.Option(
            "--pattern",
            "-p",
            metavar="CODE",
            help="Tell of each candidate whether it has a format of this country; may be repeated.",
        ),
    ] = None,
    clock: Annotated[bool, typer.Option("--clock", help="Print the time that each image took.")] = False,
    as_json: Annotated[bool, typer.Option("--json", "-j", help="Write one JSON object per line.")] = False,
) -> None:
    """Read plates in images as OpenALPR's alpr does.

    For programs that call it: the options and the output are those of that command.

    Exit status: 0 if all images were read, 1 if some could not be, 2 for wrong usage.
    """
    from plate_ocr.app.sources import expand

    end_with_pipe()
    patterns = _regions("--pattern", pattern)
    read = open_reader(None, None, region=_regions("--country", country))
    failed = False
    for source in expand(images):
        started = perf_counter()
        try:
            if source.error is not None:
                raise ImageError(source.error)
            reading = read(source.content())
        except ImageError as error:
            print_message(str(error))
            failed = True
            continue
        if clock:
            print_result(f"Total Time to process image: {1000 * (perf_counter() - started):.4g}ms.")
        if as_json:
            print_result(json.dumps(alpr_results(reading, count=topn, patterns=patterns), ensure_ascii=False))
        else:
            print_result(alpr_text(reading, count=topn, patterns=patterns))
    if failed:
        raise typer.Exit(1)


def _regions(option: str, given: list[str] | None) -> tuple[str, ...]:
    """The regions that the values of an option name; of others it is said that nothing is known."""
    for code in given or []:
        if not known_regions([code]):
            print_message(f"{option} {code}: no plate formats are known of it; read without")
    return known_regions(given or [])
