"""Base of the configurations of all training runs. Needs no torch."""

from __future__ import annotations

import dataclasses
import math
import os
import tomllib
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, TypeAlias, get_args, get_origin, get_type_hints

import tomli_w

from plate_ocr.errors import DataError
from plate_ocr.model.registry import NAMES
from plate_ocr.training.core.schedule import WORDS, LrSchedule, TrainSchedule, parse_warmups

Precision: TypeAlias = Literal["fp32", "bf16", "fp16"]
Device: TypeAlias = Literal["auto", "cpu", "cuda", "mps"]


@dataclass(frozen=True)
class TrainSettings:
    """Settings of a training beside its schedule.

    Attributes:
        steps_per_epoch: optimiser steps between two measurements.
        weight_decay: of AdamW.
        patience: epochs without a better validation metric before training stops.
        min_delta: a validation metric that is lower by no more than this is as good, and the later epoch is
            kept: it has seen more samples, at a lower learning rate.
        precision: of the forward pass; ``fp16`` uses loss scaling.
        grad_accum: number of parts of a batch whose gradients are accumulated, to save memory.
        compile: use ``torch.compile``: for long runs on a GPU.
        channels_last: keep pictures as ``[batch, height, width, channel]`` in memory: faster convolutions.
        grad_clip: maximum norm of the gradient; 0: no clipping.
        ema_decay: of the weights, the part that stays in each step (Polyak and Juditsky, 1992): the moving
            average is measured and kept instead of the weights themselves; 0: no average.
        ema_span: maximum span of the average, as a part of the steps so far.
    """

    steps_per_epoch: int
    weight_decay: float = 1e-3
    patience: int = 1000
    min_delta: float = 0.0
    precision: Precision = "fp32"
    grad_accum: int = 1
    compile: bool = False
    channels_last: bool = False
    grad_clip: float = 0.0
    ema_decay: float = 0.0
    ema_span: float = 0.05


@dataclass(frozen=True)
class RunConfig(ABC):
    """Configuration of a run; stored as ``config.toml``.

    Attributes:
        model: name of the model to train.
        epochs: maximum number of epochs; each ends with a validation.
        samples_per_epoch: pictures per epoch.
        repeats: number of uses of each distorted or rendered picture.
        batch_size: pictures per batch.
        lr: peak learning rate.
        warmup: warm-ups as text, see :mod:`plate_ocr.training.core.schedule`.
        lr_schedule: of the learning rate after its warm-up.
        patience: epochs without a better validation metric before training stops.
        weights: a saved model whose weights are copied where shapes match.
        seed: random seed.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
        workers: processes that make pictures, beside the training process.
    """

    GROUPS: ClassVar[int] = 1
    """Number of layer groups for the layer warm-up."""

    WARMUPS: ClassVar[tuple[str, ...]] = tuple(WORDS)
    """Names of the warm-ups that the model supports."""

    PATHS: ClassVar[Mapping[str, Collection[str]]] = {"weights": NAMES}
    """Settings that are paths, with their values that are names instead."""

    model: str = ""
    epochs: int = 20
    samples_per_epoch: int = 8192
    repeats: int = 1
    batch_size: int = 256
    lr: float = 4e-3
    warmup: tuple[str, ...] = ("lr=linear",)
    lr_schedule: LrSchedule = "cosine"
    patience: int = 20
    weights: str = ""
    seed: int = 0
    device: Device = "auto"
    workers: int = 0

    @classmethod
    def new(cls, **given: Any) -> Self:
        """A configuration for this machine; None stands for the default."""
        config = cls(**{name: value for name, value in given.items() if value is not None})
        return config if "workers" in given else dataclasses.replace(config, workers=config.useful_workers)

    def to_toml(self, folder: Path = Path()) -> str:
        """The text of a ``config.toml`` in a folder, with paths relative to it."""

        def seen_from_folder(path: str) -> str:
            try:
                return os.path.relpath(path, folder)
            except ValueError:  # on Windows, on another drive
                return os.path.abspath(path)

        return tomli_w.dumps(self._with_paths(dataclasses.asdict(self), seen_from_folder))

    @classmethod
    def from_toml(cls, text: str, source: str, folder: Path = Path()) -> Self:
        """The inverse of :meth:`to_toml`.

        Raises:
            DataError: if it is not TOML, or has a setting that does not exist or is of another type.
        """
        return cls(**cls.checked(parse_toml(text, source), source, folder))

    @classmethod
    def checked(cls, values: Mapping[str, Any], source: str, folder: Path) -> dict[str, Any]:
        """Parse the settings of a ``config.toml``; all are optional.

        Args:
            values: its contents.
            source: its name.
            folder: its folder, which relative paths start from.

        Raises:
            DataError: if there is a setting that does not exist or is of another type.
        """
        given = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        known = {f.name: f for f in dataclasses.fields(cls)}
        hints = get_type_hints(cls)
        for name, value in given.items():
            if name not in known:
                raise DataError(f"{source}: unknown setting {name}; expected {', '.join(known)}")
            default, type_name = getattr(cls, name), str(known[name].type)
            if (allowed := get_args(hints[name])) and get_origin(hints[name]) is Literal:
                if value not in allowed:
                    raise DataError(f"{source}: {name} = {value!r}; one of {', '.join(allowed)} is expected")
            elif not _fits(value, default, type_name):
                expected = type_name if isinstance(default, tuple) else type(default).__name__
                negative = " and not below 0" if isinstance(default, int | float) else ""
                raise DataError(f"{source}: {name} = {values[name]!r}; {expected} is expected{negative}")
        return cls._with_paths(given, lambda path: os.path.normpath(os.path.join(folder, path)))

    @classmethod
    def _with_paths(cls, values: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
        """Settings with their relative paths changed."""

        def changed(value: Any, names: Collection[str]) -> Any:
            if isinstance(value, tuple):
                return tuple(changed(one, names) for one in value)
            return value if not value or value.lower() in names or os.path.isabs(value) else change(value)

        paths = {name: changed(values[name], names) for name, names in cls.PATHS.items() if name in values}
        return values | paths

    def decides_the_same(self, other: RunConfig) -> bool:
        """Whether both give the same weights; device and number of processes may differ."""
        return self == dataclasses.replace(other, device=self.device, workers=self.workers)

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps per epoch."""
        return math.ceil(self.samples_per_epoch / self.batch_size)

    @property
    def steps(self) -> int:
        """Maximum number of optimiser steps."""
        return self.epochs * self.steps_per_epoch

    @property
    def lr_warmup_steps(self) -> int:
        """Default steps of a learning-rate warm-up: 5 % of all."""
        return max(1, round(0.05 * self.steps))

    @property
    def foreign_warmups(self) -> list[str]:
        """The configured warm-ups that the model does not support."""
        words = ((text, text.partition("=")[0]) for text in self.warmup)
        return [text for text, word in words if word in WORDS and word not in self.WARMUPS]

    @property
    def schedule(self) -> TrainSchedule:
        """The schedule of the run.

        Raises:
            DataError: if a warm-up is wrong.
        """
        if foreign := self.foreign_warmups:
            raise DataError(f"{self.model} takes no warm-up {foreign[0]}; it takes {', '.join(self.WARMUPS)}")
        warmups = parse_warmups(self.warmup, self.steps, self.lr_warmup_steps)
        return TrainSchedule(self.steps, self.lr, self.batch_size, self.lr_schedule, **warmups)

    @property
    def settings(self) -> TrainSettings:
        """What the plan leaves open."""
        return TrainSettings(self.steps_per_epoch, patience=self.patience)

    @property
    def useful_workers(self) -> int:
        """Number of worker processes that is useful on this machine."""
        return 0

    def material(self) -> list[str]:
        """What is rendered, and what was left out and why, one line each; empty without rendering."""
        return []

    @property
    @abstractmethod
    def loss_name(self) -> str:
        """Name of the loss."""


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """The contents of a TOML file.

    Raises:
        DataError: if it is none.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{source} is not a TOML file: {error}") from None


def _fits(value: Any, default: Any, type_name: str) -> bool:
    """Whether a value has a setting's type and is not negative."""
    if isinstance(default, tuple):
        items = default or ("",)
        return (
            type(value) is tuple
            and (type_name.endswith("...]") or len(value) == len(default))
            and all(_fits(one, items[0], "") for one in value)
        )
    if type(value) is not type(default) and not (type(default) is float and type(value) is int):
        return False
    return not isinstance(value, int | float) or 0 <= value < math.inf
