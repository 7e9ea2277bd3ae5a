"""The command line: ``plate-ocr predict``, ``evaluate``, ``train`` and the others."""

from __future__ import annotations

import codecs
import json
import os
import signal
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict
from enum import StrEnum
from functools import cache, partial
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from plate_ocr import __version__
from plate_ocr.alphabet import Alphabet
from plate_ocr.app.models import models
from plate_ocr.errors import AlphabetError, ModelError, OutputError, PlateOcrError, VideoError
from plate_ocr.formats import REGIONS
from plate_ocr.model.sessions import PlateModel, available_threads

if TYPE_CHECKING:
    from plate_ocr.app.answers import Answer
    from plate_ocr.app.output import ResultFile
    from plate_ocr.app.pictures import PictureFolders
    from plate_ocr.app.sources import Source
    from plate_ocr.app.window import Window
    from plate_ocr.readers.auto import PlateReader
    from plate_ocr.training.characters.config import RunConfig
    from plate_ocr.training.rendered.run import RenderRunConfig

app = typer.Typer(
    help="Read licence plates and their characters, offline.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

DATA_VARIABLE = "PLATE_OCR_DATA"
"""Environment variable that names the folder with glyphs and fonts to render plates with."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


class Input(StrEnum):
    """What a picture shows."""

    auto = "auto"
    photo = "photo"
    plate = "plate"
    char = "char"


class Model(StrEnum):
    """Which windows and classes to train."""

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


def main() -> None:
    """Run the command line; every expected error is one line and an exit status."""
    if isinstance(sys.stdout, TextIOWrapper):
        codecs.register_error("plate-ocr", _encoded)
        sys.stdout.reconfigure(errors="plate-ocr")
    try:
        app()
    except PlateOcrError as error:
        _fail(str(error), 1)


def _encoded(error: UnicodeError) -> tuple[str | bytes, int]:
    """What stands for a character that standard output does not have, and where to go on.

    File names that are not UTF-8 keep their bytes. Others, such as Chinese on Windows, where a file takes
    what an old code page has, are escaped as in JSON.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    char = error.object[error.start]
    if "\udc80" <= char <= "\udcff":
        return bytes([ord(char) - 0xDC00]), error.start + 1
    return json.dumps(char)[1:-1], error.start + 1


@app.callback(invoke_without_command=True)
def about(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Read licence plates and their characters, offline."""
    if version:
        print(f"plate-ocr {__version__}")
        raise typer.Exit


def predict(
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE...",
            help="Pictures, folders, globs, - for standard input; videos, rtsp:// or http:// addresses of "
            "cameras, or the number of a camera, as 0.",
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            help="plates, chars, digits, an .onnx file or the folder of a training run.",
            show_default="plates; chars with --input char",
        ),
    ] = None,
    kind: Annotated[
        Input | None,
        typer.Option(
            "--input",
            help="What the pictures show: photos, plates that were cut out or single characters. A model "
            "that knows digits only reads characters.",
            show_default="auto",
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(metavar="|".join(REGIONS), help="Its plates' formats help where characters look alike."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    min_confidence: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Below it a character is unknown.", show_default="the model's own"),
    ] = None,
    annotate: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the pictures with their plates marked.")
    ] = None,
    crops: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write every plate, cut out and upright.")
    ] = None,
    blur: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the pictures with their plates unreadable.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write a table with a row a plate.")
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Results of --json so far, if any: what it names is passed over, the rest is appended.",
        ),
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", metavar="N", min=1, help="Processes that read pictures.")
    ] = 1,
    show: Annotated[
        bool, typer.Option("--show", help="Show videos in a window while they are read.")
    ] = False,
    give_up: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", min=0, help="Look for a lost camera so long.", show_default="until Ctrl-C"
        ),
    ] = None,
) -> None:
    """Read photos, pictures of plates or of single characters, and videos: each car in them once.

    Exit status: 0 when every picture was looked at, 1 when some could not be, 2 for wrong usage.
    """
    from plate_ocr.app.answers import of_picture, of_video
    from plate_ocr.app.output import ResultFile, to_json, to_line, to_rows, to_values, write_table
    from plate_ocr.app.pictures import PictureFolders
    from plate_ocr.app.progress import counted
    from plate_ocr.app.sources import STANDARD_INPUT, Inputs, expand, file_name, is_video

    if hasattr(signal, "SIGPIPE"):
        # A closed pipe (``| head``) ends the program without a word, as it does other tools.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    _check_places(table, resume, annotate, blur)
    open_reader = partial(_reader, model, region=region, min_confidence=min_confidence)
    read = open_reader(kind)
    window = _window() if show else None

    @cache
    def read_video() -> PlateReader:
        """A video shows photos, if nothing else is said and the model reads them."""
        if kind in (None, Input.auto) and isinstance(read.model, PlateModel):
            return open_reader(Input.photo)
        return read

    folders, rows = PictureFolders(annotate, crops, blur, Inputs(tuple(images))), list[list[Any]]()
    results = ResultFile.of(resume) if resume else None
    _pass_over(folders, results)

    def for_worker(source: Source) -> bool:
        done = results is not None and source.name in results.named
        return not (done or source.error or source.name == STANDARD_INPUT or is_video(source.name))

    def answers(source: Source, answer: Answer | None) -> Iterable[Answer]:
        if results and source.name in results.named:
            return ()
        if answer is not None:
            return (answer,)
        if source.error is None and is_video(source.name):
            return of_video(source.name, read_video(), folders.draw, _tell, give_up=give_up, show=window)
        return (of_picture(source, read, folders.draw),)

    failed = False
    reader = partial(open_reader, kind)
    with closing(_in_turn(jobs, expand(images), for_worker, reader, folders.draw)) as turns:
        for turn in counted(turns):
            lines = list[str]()
            for name, reading, drawn, wrong, car, video in answers(*turn):
                failed |= wrong is not None
                if drawn is not None:
                    folders.write(file_name(name) if video else name, drawn)
                values = to_values(name, reading, wrong, car=car, video=video)
                if table and not results:
                    rows += to_rows(values)
                if results:
                    lines.append(to_json(values))
                elif as_json:
                    _print(to_json(values))
                elif reading is not None:
                    _print(to_line(name, reading, car))
                else:
                    _tell(str(wrong))
            if results and lines:
                # A video that is stopped has no line, and is watched again.
                results.append(lines)
    if table:
        write_table(table, results.rows() if results else rows)
    if failed:
        raise typer.Exit(1)


def _check_places(table: Path | None, resume: Path | None, annotate: Path | None, blur: Path | None) -> None:
    """Refuse places where one result would overwrite another, or where none can be written."""
    from plate_ocr.app.sources import is_input_name

    for one, other, message in (
        (table, resume, "--csv and --resume: give two files"),
        (annotate, blur, "--annotate and --blur: give two folders"),
    ):
        if one and other and os.path.realpath(one) == os.path.realpath(other):
            _fail(message, 2)
    if table and os.path.isdir(table):
        _fail(f"cannot write {table}: it is a folder", 2)
    if table and is_input_name(table.name):
        # As shells give it where the name was forgotten: --csv *.jpg
        _fail(f"cannot write a table to {table}: a picture or a video has such a name", 2)


def _pass_over(folders: PictureFolders, results: ResultFile | None) -> None:
    """What is drawn from now on gets other names than what was drawn for the results."""
    from plate_ocr.app.sources import file_name

    if results and folders:
        for name, video in results.drawn():
            folders.pass_over(file_name(name) if video else name)


def _in_turn(
    jobs: int, sources: Iterator[Source], *task: Any
) -> Generator[tuple[Source, Answer | None], None, None]:
    """The sources, with answers where processes read them; ``task`` as of :func:`workers.answered`."""
    if jobs == 1:
        return ((source, None) for source in sources)
    from plate_ocr.app.workers import answered

    return answered(jobs, sources, *task)


def _window() -> Window:
    """A window for videos."""
    from plate_ocr.app.window import Window

    try:
        return Window()
    except VideoError as error:
        _fail(str(error), 2)


def _reader(model: str | None, kind: Input | None, **settings: Any) -> PlateReader:
    """What reads pictures of a kind."""
    from plate_ocr.readers.auto import PlateReader

    model = model or ("chars" if kind is Input.char else "plates")
    try:
        read = PlateReader(model, input=kind.value if kind else "auto", **settings)
        if kind is None and read.alphabet.isdecimal():
            read = PlateReader(model, input="char", **settings)
    except (ModelError, AlphabetError) as error:
        _fail(str(error), 2)
    return read


def evaluate(
    data: Annotated[
        Path,
        typer.Argument(
            help="A CSV file image_path,plate_text and, if wanted, region; a folder with such a labels.csv; "
            "or a folder of pictures named after their plates, as AB-123.jpg or, once more, AB-123_2.jpg."
        ),
    ],
    model: Annotated[
        str, typer.Option(help="plates, chars, digits, an .onnx file or the folder of a training run.")
    ] = "plates",
    region: Annotated[
        str | None,
        typer.Option(metavar="|".join(REGIONS), help="Its plates' formats help where characters look alike."),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="Page with the plates that were misread.")
    ] = Path("mistakes.html"),
    as_json: Annotated[bool, typer.Option("--json", help="The figures as one JSON object.")] = False,
) -> None:
    """Measure how well labelled plates are read, and show those that were not.

    Exit status: 0 when every plate was looked at, 1 when some could not be, 2 for wrong usage.
    """
    from plate_ocr.app.evaluation import mistakes_page, read_plates, to_lines
    from plate_ocr.files import write_whole
    from plate_ocr.labels import list_plates
    from plate_ocr.metrics import PlateFigures
    from plate_ocr.readers.auto import PlateReader

    try:
        reader = PlateReader(model, region=region)
    except (ModelError, AlphabetError) as error:
        _fail(str(error), 2)
    plates, problems = list_plates(data, Alphabet(reader.alphabet))
    outcomes = list(read_plates(reader, plates, problems.append))
    for problem in problems:
        print(f"plate-ocr: {problem}", file=sys.stderr)
    if not outcomes:
        _fail(f"{data}: no plate could be looked at", 1)
    figures = PlateFigures.of(outcomes)
    print(json.dumps(asdict(figures), ensure_ascii=False) if as_json else "\n".join(to_lines(figures)))
    write_whole(out, mistakes_page(outcomes).encode())
    print(f"what was misread: {out}", file=sys.stderr)
    if problems:
        _fail(f"{len(problems):,} of {len(problems) + len(outcomes):,} plates are left out of the figures", 1)


def inspect(
    image: Annotated[str, typer.Argument(help="A picture of a plate, or - for standard input.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the pictures.")],
    model: Annotated[
        str, typer.Option(help="chars, digits, an .onnx file or the folder of a training run.")
    ] = "chars",
) -> None:
    """Show every step of reading a plate as a picture, to see why a reading went wrong."""
    from plate_ocr.app.inspection import inspect_plate
    from plate_ocr.app.sources import Source
    from plate_ocr.readers.classical import ClassicalReader

    for path in inspect_plate(ClassicalReader(model), Source(image).content(), out):
        print(path)


def train(
    data: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DATA]...",
            help="Folders with a folder of pictures per class, or CSV files image_path,label. "
            "Without: characters are rendered in fonts that are installed with plate-ocr[train].",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="RUN", help="The new run folder.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with a run that was stopped.")
    ] = None,
    model: Annotated[
        Model | None,
        typer.Option(help="Which windows and classes.", show_default="chars with DATA, digits without"),
    ] = None,
    fonts: Annotated[
        str, typer.Option(metavar="DIR", help="Learn from all characters of these fonts too.")
    ] = "",
    base: Annotated[
        str, typer.Option("--from", metavar="MODEL", help="Take over what fits from this model.")
    ] = "",
    regions: Annotated[
        str,
        typer.Option(
            metavar="cn,us,…",
            help="Plates to render for --model plates and locator: regions or region files.",
            show_default="all",
        ),
    ] = "",
    group: Annotated[
        str, typer.Option(metavar="REGEX", help="Parentheses match the plate's name in a file name.")
    ] = "",
    alphabet: Annotated[
        str, typer.Option(metavar="CHARACTERS", help="The labels that may occur.", show_default="the model's")
    ] = "",
    windows: Annotated[
        str | None, typer.Option(metavar="ROWSxCOLUMNS", help="Windows.", show_default="the model's")
    ] = None,
    hidden: Annotated[
        int | None, typer.Option(min=1, help="Units of the hidden layer.", show_default="the model's")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes, at most.", show_default="20; 60 for plates")
    ] = None,
    per_epoch: Annotated[
        int | None,
        typer.Option(min=1, help="Pictures learnt from in a pass.", show_default="8192; 16384 for plates"),
    ] = None,
    passes: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How often a distorted or rendered picture is learnt from.",
            show_default="1; 3 for plates",
        ),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Pictures in a batch.", show_default="256; 128 for plates")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=1e-9, help="Peak learning rate.", show_default="0.004; 0.002 for plates"),
    ] = None,
    warmup: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=…",
            help="lr=linear:200, batch=16:256:500, layers=300, data=0.2:500:easy or loss=smoothing:500; "
            "once for each; none: no warm-up.",
            show_default="lr=linear over 5 % of the steps",
        ),
    ] = None,
    decline: Annotated[Decline, typer.Option(help="Of the rate after the warm-up.")] = Decline.cosine,
    loss: Annotated[Loss, typer.Option(help="On the one-hot vectors.")] = Loss.cross_entropy,
    patience: Annotated[
        int | None,
        typer.Option(
            min=1, help="Epochs without progress before it stops.", show_default="20; none for plates"
        ),
    ] = None,
    share: Annotated[
        float, typer.Option(min=0.01, max=0.45, help="Of the data to choose by, and again to measure on.")
    ] = 0.15,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    device: Annotated[Device, typer.Option(help="Where to train.")] = Device.auto,
    accumulate: Annotated[int, typer.Option(min=1, help="Parts to cut a batch into.")] = 1,
    compiled: Annotated[bool, typer.Option("--compile", help="Let torch compile the network first.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop where the data has problems.")] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print what would happen at which step, draw plan.png, and stop.")
    ] = False,
) -> None:
    """Train a model; the run folder gets the model, its figures and plots.

    The plate model and the locator learn from rendered plates alone; give no DATA.
    """
    try:
        from plate_ocr.training.characters.config import RunConfig, stored_config
    except ModuleNotFoundError as error:
        _fail(f"training needs {error.name}; install it with: pip install 'plate-ocr[train]'", 1)

    if (out is None) == (resume is None):
        _fail("give either -o RUN for a new run or --resume RUN for a stopped one", 2)
    numbers: dict[str, Any] = {
        "epochs": epochs,
        "per_epoch": per_epoch,
        "passes": passes,
        "batch_size": batch_size,
        "rate": rate,
    }
    chosen = {name: value for name, value in numbers.items() if value is not None}
    rendered = None if resume is None else _stored_render_config(resume)
    if model in (Model.plates, Model.locator) and resume is None:
        if data:
            _fail(f"--model {model.value} learns from rendered plates alone; give no DATA", 2)
        if warmup is not None:
            chosen["warmup"] = () if warmup == ["none"] else tuple(warmup)
        if patience is not None:
            chosen["patience"] = patience
        chosen |= {"decline": decline.value, "base": base, "seed": seed, "device": device.value}
        rendered = _render_config(model, alphabet, regions, chosen)
    elif regions:
        _fail("--regions belongs to --model plates and locator", 2)
    if rendered is not None:
        _train_rendered(rendered, resume or out, resume=resume is not None, plan=plan)
        return
    if resume is not None:
        folder, config = resume, stored_config(resume)
    else:
        assert out is not None
        folder = out
        config = RunConfig.new(
            data=tuple(data or ()),
            fonts=fonts,
            group=group,
            alphabet=alphabet,
            model=model.value if model else ("chars" if data else "digits"),
            windows=_windows(windows) if windows else None,
            hidden=hidden,
            **chosen,
            warmup=None if not warmup else () if warmup == ["none"] else tuple(warmup),
            decline=decline.value,
            loss=loss.value,
            patience=patience or RunConfig.patience,
            share=share,
            base=base,
            seed=seed,
            device=device.value,
            accumulate=accumulate,
            compile=compiled,
        )
    _train_characters(config, folder, strict=strict, resume=resume is not None, plan=plan)


def _train_characters(config: RunConfig, folder: Path, *, strict: bool, resume: bool, plan: bool) -> None:
    """Train a character model, or show the plan of it."""
    from plate_ocr.app.progress import reporter
    from plate_ocr.training.characters.run import show_plan
    from plate_ocr.training.characters.run import train as train_characters
    from plate_ocr.training.core.checkpoint import CHECKPOINT

    if plan:
        print(show_plan(config, folder))
        return
    try:
        with reporter() as told:
            result = train_characters(config, folder, told, strict=strict, resume=resume)
    except KeyboardInterrupt:
        how = f"; go on with: plate-ocr train --resume {folder}" if (folder / CHECKPOINT).exists() else ""
        _fail(f"stopped{how}", INTERRUPTED)
    if result.metrics:
        print(result.folder)


def _render_config(model: Model, alphabet: str, regions: str, chosen: dict[str, Any]) -> RenderRunConfig:
    """The configuration of a new run that learns from rendered pictures."""
    from plate_ocr.training.detector.run import LocatorRunConfig
    from plate_ocr.training.plates.run import PlateRunConfig

    chosen |= {
        "data": os.environ.get(DATA_VARIABLE, ""),
        "regions": tuple(filter(None, regions.split(","))),
        "workers": max(1, available_threads() - 1),
    }
    if model is Model.locator:
        return LocatorRunConfig(**chosen)
    return PlateRunConfig(alphabet=alphabet or PlateRunConfig.alphabet, **chosen)


def _stored_render_config(folder: Path) -> RenderRunConfig | None:
    from plate_ocr.training.detector.run import LocatorRunConfig
    from plate_ocr.training.plates.run import PlateRunConfig
    from plate_ocr.training.rendered.run import stored_render_config

    return stored_render_config(PlateRunConfig, folder) or stored_render_config(LocatorRunConfig, folder)


def _train_rendered(config: RenderRunConfig, folder: Path | None, *, resume: bool, plan: bool) -> None:
    """Train a plate model or a locator, or show the plan of it."""
    from plate_ocr.app.progress import reporter
    from plate_ocr.training.detector.run import LocatorRunConfig, train_locator
    from plate_ocr.training.plates.run import PlateRunConfig, train_plates

    assert folder is not None
    if plan:
        print(config.plan.table(1))
        return
    try:
        with reporter() as told:
            if isinstance(config, LocatorRunConfig):
                train_locator(config, folder, told, resume=resume)
            elif isinstance(config, PlateRunConfig):
                train_plates(config, folder, told, resume=resume)
    except KeyboardInterrupt:
        _fail(f"stopped; go on with: plate-ocr train --resume {folder}", INTERRUPTED)
    print(folder)


def synth(
    out: Annotated[Path, typer.Argument(help="Folder for the pictures and labels.csv.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Pictures.")] = 1000,
    region: Annotated[
        str,
        typer.Option(metavar="cn,us,…", help="Regions or region files.", show_default="all"),
    ] = "",
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
) -> None:
    """Render plates as the plate model learns from them: pictures and what is written on them."""
    try:
        from plate_ocr.rendering.shards import Rendering, write_plates
    except ModuleNotFoundError as error:
        _fail(f"rendering needs {error.name}; install it with: pip install 'plate-ocr[train]'", 1)
    regions = tuple(filter(None, region.split(",")))
    print(write_plates(Rendering(os.environ.get(DATA_VARIABLE, ""), regions, seed), count, out))


def quantize(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="plates, an .onnx file or a run's folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="An .onnx file to read with.")],
) -> None:
    """Make a plate model smaller and faster: convolutions in 8-bit integers."""
    if out.suffix != ".onnx":
        _fail(f"--out {out}: a name that ends in .onnx is expected", 2)
    try:
        from plate_ocr.rendering.shards import Rendering
        from plate_ocr.training.plates.quantize import quantize as quantize_model
    except ModuleNotFoundError as error:
        _fail(f"quantizing needs {error.name}; install it with: pip install 'plate-ocr[train]'", 1)
    before, after = quantize_model(model, out, Rendering(os.environ.get(DATA_VARIABLE, "")))
    print(f"{out}\n{before:,} bytes before, {after:,} after: {before / after:.1f} to 1")


def study(
    data: Annotated[list[str], typer.Argument(metavar="DATA...", help="As for train.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the results.")],
    model: Annotated[Model, typer.Option(help="Which windows and classes.")] = Model.chars,
    group: Annotated[
        str, typer.Option(metavar="REGEX", help="Parentheses match the plate's name in a file name.")
    ] = "",
    seeds: Annotated[int, typer.Option(min=2, help="Runs of each kind.")] = 5,
    steps: Annotated[int, typer.Option(min=40, help="Optimiser steps of a run.")] = 600,
    workers: Annotated[int, typer.Option(min=1, help="Processes.", show_default="the cores there are")] = 0,
) -> None:
    """Train the same network with and without each warm-up, and compare.

    Runs that were made before are not made again.
    """
    try:
        from plate_ocr.training.characters.config import RunConfig
        from plate_ocr.training.characters.material import gather
        from plate_ocr.training.characters.study import StudyData, StudySettings, report, run_study
    except ModuleNotFoundError as error:
        _fail(f"training needs {error.name}; install it with: pip install 'plate-ocr[train]'", 1)
    from plate_ocr.app.progress import PlainReporter

    told = PlainReporter()
    config = RunConfig.new(data=tuple(data), group=group, model=model.value)
    material = gather(config, told)
    settings = StudySettings(steps=steps, seeds=seeds)
    parts = StudyData.of(
        material.split.train, material.split.validation, len(material.alphabet), config.preprocessing
    )
    try:
        outcomes = run_study(
            parts,
            settings,
            out,
            workers or available_threads(),
            lambda done, all_: told.say(f"{done} of {all_} runs"),
        )
    except KeyboardInterrupt:
        _fail(f"stopped; the same command goes on, since {out} keeps what is done", INTERRUPTED)
    print(report(outcomes, settings))


def validate(
    data: Annotated[
        Path,
        typer.Argument(help="A folder with a folder of pictures per class, or a CSV file image_path,label."),
    ],
    group: Annotated[
        str, typer.Option(metavar="REGEX", help="Parentheses match the plate's name in a file name.")
    ] = "",
    alphabet: Annotated[
        str,
        typer.Option(metavar="CHARACTERS", help="The labels that may occur.", show_default="that of chars"),
    ] = "",
    strict: Annotated[bool, typer.Option("--strict", help="Exit status 1 when there are problems.")] = False,
) -> None:
    """Check a data set without training: problems, one a line, then what is in it."""
    try:
        from plate_ocr.training.characters.config import ALPHABETS, PREPROCESSING, RunConfig
        from plate_ocr.training.characters.validation import problem_lines
        from plate_ocr.training.characters.validation import validate as validate_data
    except ModuleNotFoundError as error:
        _fail(f"validating needs {error.name}; install it with: pip install 'plate-ocr[train]'", 1)
    result = validate_data(
        data,
        Alphabet(alphabet or ALPHABETS["chars"]),
        PREPROCESSING["chars"],
        group=group,
        share=RunConfig.share,
        seed=RunConfig.seed,
    )
    for line in [*problem_lines(result.problems), *result.lines()]:
        print(line)
    if strict and result.problems:
        raise typer.Exit(1)


def _windows(text: str) -> tuple[int, int]:
    rows, _, columns = text.partition("x")
    if not (rows.isdecimal() and columns.isdecimal() and int(rows) and int(columns)):
        _fail(f"--windows {text}: rows and columns are expected, as in 5x5", 2)
    return int(rows), int(columns)


def _print(result: str) -> None:
    """Write a result to standard output at once.

    Raises:
        OutputError: if that is on a disk that is full.
    """
    try:
        print(result, flush=True)
    except OSError as error:
        # What is kept back would be tried again at the end, in other words.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise OutputError(f"cannot write to standard output: {error.strerror or error}") from None


def _tell(message: str) -> None:
    print(f"plate-ocr: {message}", file=sys.stderr, flush=True)


def _fail(message: str, status: int) -> NoReturn:
    _tell(message)
    sys.exit(status)


app.command()(predict)
app.command()(evaluate)
app.command()(inspect)
app.command()(train)
app.command()(synth)
app.command()(quantize)
app.command()(study)
app.command()(validate)
app.add_typer(models)
