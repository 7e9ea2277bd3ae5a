"""The models that come with the package, and finding model files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from plate_ocr.errors import ModelError

READERS = ("plates", "chars", "digits")
"""The models that come with the package and read."""

DETECTOR = "detector"
"""The model that finds plates in photos."""

NAMES = (*READERS, DETECTOR)
"""The models that come with the package."""

_FOLDERS = tuple(folder / "models" for folder in Path(__file__).parents[1:3])


def finder_of(model: Path) -> Path:
    """The file beside a plate model's ``.onnx`` file with the network that finds the text in a crop."""
    return model.with_suffix(".finder.onnx")


def find_model(model: str | os.PathLike[str], suffix: str, names: Sequence[str] | None = None) -> Path:
    """The file of a model.

    Args:
        model: a name in :data:`NAMES`, a file, or the folder of a training run.
        suffix: ``".onnx"`` to read with or ``".safetensors"`` to train on; a file given with the
            other suffix stands for its twin beside it.
        names: that an error offers; by default those of models that read, or may be trained on.

    Raises:
        ModelError: if there is no such file.
        ValueError: if that is neither a name nor a path.
    """
    if not isinstance(model, (str, os.PathLike)):
        raise ValueError(f"model={model!r}: {', '.join(NAMES)} or a path is expected")
    path, article = Path(model), "an" if suffix == ".onnx" else "a"
    if str(model) in NAMES:
        for folder in _FOLDERS:
            if (path := folder / f"{model}{suffix}").is_file():
                return path
        raise ModelError(f"the model {model!r} is missing from this installation; install plate-ocr again")
    if os.path.isdir(path):
        folder, path = path, path / f"model{suffix}"
        if not path.is_file() and (checkpoint := folder / "last.ckpt").is_file():
            raise ModelError(
                f"the training in {folder} has not ended, so that there is no model yet; end it with: "
                f"plate-ocr train --resume {folder}, or take its weights: plate-ocr models strip {checkpoint}"
            )
    if path.suffix in (".onnx", ".safetensors"):
        path = path.with_suffix(suffix)
    if os.path.isfile(path):
        if path.suffix != suffix:
            raise ModelError(
                f"{path} is no model: {article} {suffix} file or the folder of a training run is expected"
            )
        return path
    offered = ", ".join(names or (READERS if suffix == ".onnx" else NAMES))
    raise ModelError(
        f"there is no model {str(path)!r}; "
        f"give {offered}, {article} {suffix} file or the folder of a training run"
    )
