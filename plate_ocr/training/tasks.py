"""The models that can be trained: how each is configured, and what trains it.

Looking at configurations needs no torch; opening a task does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plate_ocr.errors import DataError
from plate_ocr.training.characters.config import CharRunConfig, CharsRunConfig, DigitsRunConfig
from plate_ocr.training.core.config import RunConfig, parse_toml
from plate_ocr.training.core.folder import refuse_other_run, require_run
from plate_ocr.training.detector.config import DetectorRunConfig
from plate_ocr.training.plates.config import PlateRunConfig
from plate_ocr.training.rendered.config import RenderRunConfig

if TYPE_CHECKING:
    from plate_ocr.training.core.callbacks import Callback
    from plate_ocr.training.core.run import OpenTask, RunResult

CONFIGS: Mapping[str, type[RunConfig]] = {
    config_type.model: config_type
    for config_type in (DigitsRunConfig, CharsRunConfig, PlateRunConfig, DetectorRunConfig)
}
"""By the name of the model. An option belongs to the models whose configuration has a field of its name."""


def stored_config(folder: Path) -> RunConfig:
    """The configuration of the run in a folder, of whatever model.

    Raises:
        DataError: if there is none or it has a mistake.
    """
    path = folder / "config.toml"
    if not path.exists():
        raise DataError(f"{folder} holds no run to resume: there is no config.toml")
    values = read_config(path)
    config_type = config_of(str(values.get("model", "")), str(path))
    return config_type(**config_type.checked(values, str(path), folder))


def read_config(path: Path) -> dict[str, Any]:
    """What a ``config.toml`` holds, not checked.

    Raises:
        DataError: if it cannot be read or is not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not a TOML file: {error}") from None
    return parse_toml(text, str(path))


def config_of(model: str, source: str) -> type[RunConfig]:
    """The kind of a model's configuration.

    Raises:
        DataError: if there is no such model; ``source`` says who named it.
    """
    if model not in CONFIGS:
        raise DataError(f"{source}: there is no model {model!r}; there are {', '.join(CONFIGS)}")
    return CONFIGS[model]


def check_run(config: RunConfig, folder: Path, *, resume: bool) -> None:
    """Refuse a run that cannot start, as far as that can be told without torch.

    Raises:
        DataError: if a data set is not there or is a table of something else.
        ModelError: if there is no run to resume.
        OutputError: if the folder holds another run.
    """
    if resume:
        require_run(folder)
    elif os.environ.get("RANK", "0") == "0":  # of several processes the first makes the folder
        refuse_other_run(folder)
    if isinstance(config, RenderRunConfig):
        for data in config.data:
            if not os.path.exists(data):
                raise DataError(f"there is no data set {data}")
    if isinstance(config, CharRunConfig):
        from plate_ocr.training.characters.dataset import check_data_set

        for data in config.data:
            check_data_set(Path(data))


def train(
    config: RunConfig, folder: Path, callback: Callback, *, resume: bool = False, strict: bool = False
) -> RunResult:
    """Train a model; arguments and errors as of :func:`plate_ocr.training.core.run.run`."""
    from plate_ocr.training.core.run import run

    return run(config, _task_of(config), folder, callback, resume=resume, strict=strict)


def _task_of(config: RunConfig) -> OpenTask:
    if isinstance(config, CharRunConfig):
        from plate_ocr.training.characters.run import open_characters

        return partial(open_characters, config)
    if isinstance(config, PlateRunConfig):
        from plate_ocr.training.plates.run import open_plates

        return partial(open_plates, config)
    if isinstance(config, DetectorRunConfig):
        from plate_ocr.training.detector.run import open_detector

        return partial(open_detector, config)
    raise TypeError(f"nothing trains a {type(config).__name__}")
