"""Everything that decides a run of a character model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from torch import nn

from plate_ocr.alphabet import DIGITS, LETTERS, PROVINCES
from plate_ocr.errors import DataError
from plate_ocr.model.sessions import available_threads
from plate_ocr.training.characters.augment import Augmentation
from plate_ocr.training.core.config import StepConfig
from plate_ocr.training.core.device import pick_precision
from plate_ocr.training.core.schedule import Decline, Loss, Plan, parse_warmups
from plate_ocr.training.core.trainer import TrainSettings
from plate_ocr.vision.preprocessing import Preprocessing

ModelName: TypeAlias = Literal["digits", "chars"]

ALPHABETS: Mapping[ModelName, str] = {"digits": DIGITS, "chars": DIGITS + LETTERS + PROVINCES}
PREPROCESSING: Mapping[ModelName, Preprocessing] = {
    "digits": Preprocessing(),
    "chars": Preprocessing(grid=(16, 12), reach=0.6),
}

AUGMENTATION: Mapping[ModelName, Augmentation] = {
    "digits": Augmentation(),
    # With 5×5 windows a line beside a 1 or a 4 cannot be told from its strokes.
    "chars": Augmentation(side=0.15),
}

HIDDEN: Mapping[ModelName, int] = {"digits": 256, "chars": 1792}

WORKERS_PAY = 300_000
"""Distorted pictures for which it pays to start worker processes."""


@dataclass(frozen=True)
class RunConfig(StepConfig):
    """Everything that decides a run; stored as ``config.toml``.

    Attributes:
        data: folders of class folders, or CSV files; none: characters are rendered.
        fonts: folder of font files whose characters are learnt from beside the data.
        group: regular expression for file names; its first group names the plate.
        alphabet: the characters that a label may be.
        model: ``"digits"`` or ``"chars"``: which windows and classes.
        windows: rows and columns of windows.
        hidden: units of the hidden layer.
        epochs: passes, at most.
        per_epoch: pictures learnt from in a pass.
        passes: how often a distorted picture is learnt from, before others are distorted.
        batch_size: pictures in a batch.
        rate: peak learning rate.
        warmup: warm-ups in words, see :mod:`plate_ocr.training.core.schedule`.
        decline: what the rate does afterwards.
        loss: on the one-hot vectors.
        patience: epochs without a better validation accuracy before it stops.
        share: of the data that goes into validation, and the same again into the test.
        font_share: of the pictures drawn that come from ``fonts``.
        base: a saved model whose weights are taken over where they fit.
        seed: of everything random.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
        accumulate: parts that a batch is cut into where it does not fit into memory.
        compile: let torch compile the network first.
        workers: processes that distort pictures beside the one that trains; 0: it does so itself.
    """

    data: tuple[str, ...] = ()
    fonts: str = ""
    group: str = ""
    alphabet: str = DIGITS
    model: ModelName = "digits"
    windows: tuple[int, int] = (5, 5)
    hidden: int = 128
    epochs: int = 20
    per_epoch: int = 8192
    passes: int = 1
    batch_size: int = 256
    rate: float = 4e-3
    warmup: tuple[str, ...] = ()
    decline: Decline = "cosine"
    loss: Loss = "cross_entropy"
    patience: int = 20
    share: float = 0.15
    font_share: float = 0.4
    base: str = ""
    seed: int = 0
    device: str = "auto"
    accumulate: int = 1
    compile: bool = False
    workers: int = 0

    @classmethod
    def new(cls, **values: Any) -> RunConfig:
        """A configuration in which the model decides what is None; without ``warmup`` the learning rate
        rises over 5 % of the steps.
        """
        model: ModelName = values["model"]
        defaults = {
            "hidden": HIDDEN[model],
            "windows": PREPROCESSING[model].grid,
            "alphabet": ALPHABETS[model],
        }
        chosen: dict[str, Any] = {name: values.get(name) or default for name, default in defaults.items()}
        config = cls(**{**values, **chosen})
        if values.get("workers") is None:
            many = config.steps * config.batch_size >= WORKERS_PAY * config.passes
            config = dataclasses.replace(config, workers=available_threads() if many else 0)
        if values.get("warmup") is None:
            rising = max(1, round(0.05 * config.steps))
            config = dataclasses.replace(config, warmup=(f"lr=linear:{rising}",))
        return config

    @property
    def plan(self) -> Plan:
        """What happens at which step.

        Raises:
            DataError: if a warm-up is wrong.
        """
        return Plan(
            self.steps,
            self.rate,
            self.batch_size,
            self.decline,
            self.loss,
            **parse_warmups(self.warmup, self.steps),
        )

    def settings(self, device: torch.device, network: nn.Module) -> TrainSettings:
        """What the plan leaves open."""
        return TrainSettings(
            self.steps_per_epoch,
            patience=self.patience,
            precision=pick_precision(device, network),
            average=0.999,
            accumulate=self.accumulate,
            compile=self.compile,
        )

    @property
    def preprocessing(self) -> Preprocessing:
        """From picture to row vector."""
        return dataclasses.replace(PREPROCESSING[self.model], grid=self.windows)


def stored_config(folder: Path) -> RunConfig:
    """The configuration of the run in a folder.

    Raises:
        DataError: if there is none or it has a mistake.
    """
    path = folder / "config.toml"
    try:
        return RunConfig.from_toml(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise DataError(f"{folder} holds no run to go on with: there is no config.toml") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}") from None
