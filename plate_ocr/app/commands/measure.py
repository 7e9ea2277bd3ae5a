"""``plate-ocr evaluate``."""

from __future__ import annotations

import json
from contextlib import closing
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from plate_ocr.alphabet import Alphabet
from plate_ocr.app import options
from plate_ocr.app.commands.reading import in_turn, open_reader
from plate_ocr.app.console import check_output, fail, print_message
from plate_ocr.app.verbosity import LOGGER, Quiet, Verbose, set_verbosity
from plate_ocr.model.registry import DETECTOR

MAX_PROBLEMS = 10
"""Labels that are named with what is wrong; of more, only their number."""


def evaluate(
    data: Annotated[
        Path,
        typer.Argument(
            help="A CSV file with the columns image_path,plate_text (empty: no plate) and optionally region "
            "and the box x,y,w,h; a folder with such a labels.csv; or a folder of images named after their "
            "plates, such as AB-123.jpg and AB-123_2.jpg."
        ),
    ],
    model: options.ReadModel = None,
    detector: options.DetectorOption = DETECTOR,
    input_type: options.InputOption = None,
    region: options.ReadRegions = None,
    min_confidence: options.MinConfidence = None,
    min_plate_confidence: options.MinPlateConfidence = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Write an HTML page with the misread plates."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the metrics as one JSON object.")] = False,
    jobs: options.Jobs = 1,
    device: options.ReadDevice = options.Provider.cpu,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Measure how well labelled plates are read.

    Exit status: 0 if all plates were read, 1 if some could not be, 2 for wrong usage.
    """
    from plate_ocr.app.answers import of_picture
    from plate_ocr.app.evaluation import Evaluation, mistakes_page, refused_plate, to_lines, to_values
    from plate_ocr.app.pictures import PictureFolders
    from plate_ocr.app.progress import counted
    from plate_ocr.app.sources import Source, is_input_name
    from plate_ocr.files import write_whole
    from plate_ocr.labels import LABELS, LabelledPlate, list_plates

    started = set_verbosity(quiet, verbose)
    regions = options.split_regions(region)
    if out and is_input_name(out.name):
        fail(f"cannot write a page to {out}: that is the name of an image or video", 2)
    if out:
        check_output(out, (data, data / LABELS, *regions, model, detector))
    opened = partial(
        open_reader,
        model,
        input_type,
        detector=detector,
        region=regions,
        min_confidence=min_confidence,
        min_plate_confidence=min_plate_confidence,
        providers=device.value,
    )
    read, draw, result = opened(), PictureFolders().draw, Evaluation()
    plates, problems = list_plates(data, Alphabet(read.alphabet))
    pictures: dict[str, list[LabelledPlate]] = {}
    for plate in plates:
        pictures.setdefault(str(plate.path), []).append(plate)
    with closing(in_turn(jobs, map(Source, pictures), lambda _: True, opened, draw)) as turns:
        for source, answered in counted(turns, lambda: len(pictures)):
            labels, answer = pictures[source.name], answered or of_picture(source, read, draw)
            if answer.reading is not None:
                result.add(labels, answer.reading)
                continue
            for plate in labels:
                named = plate.location == source.name
                problems.append(str(answer.error) if named else f"{plate.location}: {answer.error}")
    for problem in problems[:MAX_PROBLEMS]:
        print_message(problem)
    for problem in problems[MAX_PROBLEMS:]:
        LOGGER.debug("%s", problem)
    if len(problems) > MAX_PROBLEMS:
        LOGGER.info("%s more; -v lists them all", f"{len(problems) - MAX_PROBLEMS:,}")
    LOGGER.debug("done in %.1f s", perf_counter() - started)
    if not (samples := result.samples + result.negatives):
        fail(f"{data}: no plate could be read", 1)
    print(json.dumps(to_values(result), ensure_ascii=False) if as_json else "\n".join(to_lines(result)))
    if out:
        page = mistakes_page(samples, partial(refused_plate, read))
        write_whole(out, page.encode(errors="backslashreplace"))
    if problems:
        left_out, all_ = len(problems), len(problems) + len(samples)
        fail(f"{left_out:,} of {all_:,} labels are not in the metrics", 1)
