"""Everything that decides a run of a character model. Needs no torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar

from plate_ocr.alphabet import DIGITS, LETTERS, PROVINCES
from plate_ocr.model.onnx_session import available_threads
from plate_ocr.training.core.config import RunConfig, TrainSettings
from plate_ocr.training.core.schedule import Loss, TrainSchedule
from plate_ocr.vision.settings import Preprocessing

PREPROCESSING: Mapping[str, Preprocessing] = {
    "digits": Preprocessing(),
    "chars": Preprocessing(grid=(16, 12), reach=0.6),
}
"""By model; the windows are those of the configuration."""

MIN_SAMPLES_FOR_WORKERS = 300_000
"""Distorted pictures for which it pays to start worker processes."""


@dataclass(frozen=True)
class CharRunConfig(RunConfig):
    """Everything that decides a run of a character model; stored as ``config.toml``.

    Attributes:
        data: folders of class folders, or CSV files; none: characters are rendered.
        fonts: folder of font files whose characters are learnt from beside the data.
        group: regular expression for file names; its first group names the plate.
        alphabet: the characters that a label may be.
        grid: rows and columns of windows.
        hidden: units of the hidden layer.
        loss: on the one-hot vectors.
        val_fraction: fraction of the data for validation.
        test_fraction: fraction of the data for the test.
        font_fraction: fraction of the samples that come from ``fonts``.
        grad_accum: parts that a batch is cut into where it does not fit into memory.
        compile: let torch compile the network first.
    """

    GROUPS: ClassVar[int] = 2
    PATHS: ClassVar[Mapping[str, Collection[str]]] = {**RunConfig.PATHS, "data": (), "fonts": ()}

    data: tuple[str, ...] = ()
    fonts: str = ""
    group: str = ""
    alphabet: str = DIGITS
    grid: tuple[int, int] = (5, 5)
    hidden: int = 256
    loss: Loss = "cross_entropy"
    val_fraction: float = 0.15
    test_fraction: float = 0.15
    font_fraction: float = 0.4
    grad_accum: int = 1
    compile: bool = False

    @property
    def schedule(self) -> TrainSchedule:
        """What happens at which step.

        Raises:
            DataError: if a warm-up is wrong.
        """
        return dataclasses.replace(super().schedule, loss=self.loss)

    @property
    def settings(self) -> TrainSettings:
        """What the plan leaves open."""
        return dataclasses.replace(
            super().settings, ema_decay=0.999, grad_accum=self.grad_accum, compile=self.compile
        )

    @property
    def useful_workers(self) -> int:
        """As many as there are cores, for runs that are long enough."""
        many = self.steps * self.batch_size >= MIN_SAMPLES_FOR_WORKERS * self.repeats
        return available_threads() if many else 0

    @property
    def loss_name(self) -> str:
        """What is made small, in words."""
        return self.loss

    @property
    def preprocessing(self) -> Preprocessing:
        """From picture to row vector."""
        return dataclasses.replace(PREPROCESSING[self.model], grid=self.grid)


@dataclass(frozen=True)
class DigitsRunConfig(CharRunConfig):
    """A run of the digits model, by 25 windows."""

    model: str = "digits"


@dataclass(frozen=True)
class CharsRunConfig(CharRunConfig):
    """A run of the chars model: digits, letters and provinces, by more windows."""

    model: str = "chars"
    alphabet: str = DIGITS + LETTERS + PROVINCES
    grid: tuple[int, int] = (16, 12)
    hidden: int = 1792
