"""``plate-ocr models``: the content of model files and checkpoints, and their weights alone."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from plate_ocr.app.console import fail, train_extra
from plate_ocr.app.options import DATA_VARIABLE, ModelFormat
from plate_ocr.errors import ModelError
from plate_ocr.files import write_together
from plate_ocr.model.cards import Card, DetectorCard, ModelCard, PlateCard
from plate_ocr.model.contents import Contents, Part, model_contents
from plate_ocr.model.registry import NAMES, READERS, find_model, finder_of


def quantize(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="plates, a .safetensors file or a run folder.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The .onnx file to write.")],
) -> None:
    """Quantize a plate model to 8-bit integers: smaller and faster."""
    if out.suffix != ".onnx":
        fail(f"--out {out}: a name that ends in .onnx is expected", 2)
    with train_extra("quantizing"):
        from plate_ocr.rendering.shards import Rendering
        from plate_ocr.training.plates.quantize import quantize as quantize_model
    before, after = quantize_model(model, out, Rendering(os.environ.get(DATA_VARIABLE, "")))
    print(f"{out}\n{before:,} bytes before, {after:,} after: {before / after:.1f} to 1")


def export(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A model name, .safetensors file or run folder.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write.")],
    format: Annotated[ModelFormat, typer.Option(help="Of the file.")] = ModelFormat.onnx,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1, help="Fix all shapes, with so many pictures.", show_default="free; 1 where fixed anyway"
        ),
    ] = None,
) -> None:
    """Write a model for another runtime, and check it.

    The outputs have to be those of the weights; Core ML is checked on macOS only.

    Of a plate model there are two networks; the second, which finds the text, has .finder in its name.
    """
    with train_extra("exporting"):
        from plate_ocr.networks.weights import load_any_weights
        from plate_ocr.training.convert import SUFFIXES, converted
    if not out.name.endswith(suffix := SUFFIXES[format.value]):
        fail(f"--out {out}: a name that ends in {suffix} is expected", 2)
    card, network = load_any_weights(model)
    files = converted(network, card, out, format.value, batch)
    write_together(files)
    print("\n".join(map(str, files)))


MODEL_SUFFIXES = (".safetensors", ".onnx")

models = typer.Typer(
    name="models",
    help="Inspect model files and checkpoints.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object per line.")]


@models.command()
def info(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A model name or file, a checkpoint or any file of torch.save."),
    ],
    as_json: AsJson = False,
) -> None:
    """List the content of a file and the size of each part."""
    if str(file) in NAMES:
        file = find_model(file, ".safetensors")
    if file.suffix in MODEL_SUFFIXES:
        contents = model_contents(file)
    else:
        with train_extra(f"looking into {file}"):
            from plate_ocr.training.torch_files import checkpoint_contents
        contents = checkpoint_contents(file)
    print(contents.to_json() if as_json else "\n".join(_lines(contents)))


@models.command()
def strip(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A checkpoint or any file of torch.save.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The .safetensors file to write.", show_default="next to FILE"),
    ] = None,
) -> None:
    """Extract the weights of a checkpoint."""
    if file.suffix in MODEL_SUFFIXES:
        raise ModelError(f"{model_contents(file).path} has only weights and a header already")
    with train_extra(f"looking into {file}"):
        from plate_ocr.training.torch_files import strip_checkpoint
    print("\n".join(strip_checkpoint(file, out).lines()))


@models.command(name="list")
def list_models(as_json: AsJson = False) -> None:
    """List the models that come with the package and read."""
    failed = False
    for name in READERS:
        try:
            path = find_model(name, ".onnx")
            if not isinstance(card := model_contents(path).card, PlateCard | ModelCard):
                raise ModelError(f"{path} reads nothing; install plate-ocr again")
        except ModelError as error:
            print(f"plate-ocr: {error}", file=sys.stderr)
            failed = True
            continue
        size = sum(file.stat().st_size for file in (path, finder_of(path)) if file.exists())
        if as_json:
            values = {"name": name, "path": str(path), "bytes": size}
            values |= {"alphabet": card.alphabet.characters, "accuracy": card.accuracy}
            print(json.dumps(values, ensure_ascii=False))
        else:
            reads = "whole plates" if isinstance(card, PlateCard) else "single characters"
            print(f"{name}  {reads}  {len(card.alphabet)} classes  {size:,} bytes")
    if failed:
        raise typer.Exit(1)


def _lines(contents: Contents) -> Iterator[str]:
    facts = "".join(f", {name} {value}" for name, value in contents.facts.items())
    yield f"{contents.path}: {contents.format}{facts}, {contents.bytes:,} bytes"
    rows: list[tuple[str, int, str]] = []
    for part in contents.parts:
        rows.append((part.name, part.bytes, _share(part, contents)))
        # A checkpoint has the same tensors many times over; --json lists them all.
        if contents.path.suffix in MODEL_SUFFIXES:
            rows += [
                (f"  {tensor.name}", tensor.bytes, f"{tensor.dtype} {'×'.join(map(str, tensor.shape))}")
                for tensor in part.tensors
            ]
    name_width = max(len(name) for name, _, _ in rows)
    byte_width = max(len(f"{size:,}") for _, size, _ in rows)
    for name, size, remark in rows:
        yield f"  {name:<{name_width}}  {size:>{byte_width},}  {remark}".rstrip()
    if (card := contents.card) is not None:
        yield from _about(card)
        yield f"training: {json.dumps(card.training, ensure_ascii=False)}"
        yield f"accuracy: {_accuracy(card.accuracy)}"


def _about(card: Card) -> Iterator[str]:
    """Architecture and settings of a model."""
    if isinstance(card, DetectorCard):
        channels = "-".join(map(str, card.channels))
        yield f"input: up to {card.longest} pixels per side"
        yield f"network: {channels} channels, fused to {card.features}"
        yield f"score below {card.min_score:.3g} is no plate"
        return
    yield f"alphabet: {card.alphabet.characters}"
    if isinstance(card, PlateCard):
        channels = "-".join(map(str, card.channels))
        yield f"input: {card.height}×{card.width}"
        yield f"network: {channels} channels, {card.layers} transformer layers of {card.transformer}"
        yield f"mean confidence below {card.min_plate_confidence:.3g} is no plate"
        if card.region:
            yield f"region: {card.region}"
    else:
        settings = json.loads(card.to_json())["preprocessing"]
        yield "preprocessing: " + ", ".join(f"{name} {value}" for name, value in settings.items())
        yield f"hidden units: {card.hidden}"
    yield f"temperature: {card.temperature:.3g}, confidence below {card.min_confidence:.3g} is unknown"


def _share(part: Part, contents: Contents) -> str:
    share = f"{part.bytes / contents.bytes:6.1%}"
    if not part.tensors:
        return share
    return f"{share}  {len(part.tensors)} {'tensor' if len(part.tensors) == 1 else 'tensors'}"


def _accuracy(measured: Mapping[str, float]) -> str:
    return ", ".join(f"{value:.2%} on {name}" for name, value in measured.items()) or "not measured"
