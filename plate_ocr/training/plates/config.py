"""Configuration of runs of the plate network. Needs no torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from plate_ocr.alphabet import PLATE_CHARACTERS
from plate_ocr.errors import DataError
from plate_ocr.rendering.shards import Rendering
from plate_ocr.training.core.config import TrainSettings
from plate_ocr.training.rendered.config import RenderRunConfig

UNKNOWN_PLATES = 0.05
"""Share of plates with unknown characters."""

LABELS_ALPHABET = "labels"
"""The alphabet of the base model and all characters of the labels."""


@dataclass(frozen=True)
class PlateRunConfig(RenderRunConfig):
    """Configuration of a run of the plate network; stored as ``config.toml``.

    Attributes:
        alphabet: the characters to recognise; ``+`` and characters: those of the base model and these;
            ``labels``: those of the base model and of the labels.
        freeze: whether the convolutions, which find the text and see its strokes, stay as they are.
    """

    SHARD: ClassVar[int] = 2048
    VAL: ClassVar[int] = 1024
    """Number of rendered validation plates."""
    COUNTS: ClassVar[tuple[int, int, int]] = 8192, 1024, 4096
    """Number of plates for calibration; of pictures without a plate, and of plates, for the test."""

    WITH_DATA: ClassVar[Mapping[str, Any]] = {
        "alphabet": "+",
        "epochs": 8,
        "samples_per_epoch": 960,
        "repeats": 2,
        "batch_size": 64,
        "lr": 1e-3,
        "patience": 8,
    }
    """Defaults of a run with data."""
    VAL_WITH_DATA: ClassVar[int] = 256
    """As :attr:`VAL`, of a run with data."""
    COUNTS_WITH_DATA: ClassVar[tuple[int, int, int]] = 1024, 128, 1024
    """As :attr:`COUNTS`, of a run with data."""

    GROUPS: ClassVar[int] = 2
    WARMUPS: ClassVar[tuple[str, ...]] = ("lr", "layers")

    model: str = "plates"
    epochs: int = 60
    samples_per_epoch: int = 16384
    batch_size: int = 128
    alphabet: str = PLATE_CHARACTERS
    freeze: bool = False

    @classmethod
    def new(cls, **given: Any) -> Self:
        """A configuration for this machine; None stands for the default."""
        if given.get("data") and given.get("weights") and given.get("freeze") is None:
            # New characters may have new strokes.
            given["freeze"] = given.get("alphabet") in (None, cls.WITH_DATA["alphabet"])
        return super().new(**given)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.data and self.alphabet == LABELS_ALPHABET:
            raise DataError(f"--alphabet {LABELS_ALPHABET} belongs to a training on real pictures: give DATA")
        if self.freeze and not self.weights:
            raise DataError("--freeze keeps what? Name a base model with --weights")

    @property
    def val_count(self) -> int:
        """Number of rendered validation plates."""
        return self.held_out(self.VAL_WITH_DATA if self.data else self.VAL)

    @property
    def counts(self) -> tuple[int, ...]:
        """Numbers of held-out rendered pictures, as :attr:`COUNTS`."""
        return tuple(map(self.held_out, self.COUNTS_WITH_DATA if self.data else self.COUNTS))

    @property
    def rendering(self) -> Rendering:
        """Settings of the rendering: on some plates there are characters that are in no alphabet."""
        return dataclasses.replace(super().rendering, unknown=UNKNOWN_PLATES)

    @property
    def settings(self) -> TrainSettings:
        """Settings beside the schedule: with data, two rendered validation plates more or less are chance."""
        plate = self.mix / self.val_count if self.data else 0.0
        return dataclasses.replace(super().settings, min_delta=2.5 * plate)

    @property
    def loss_name(self) -> str:
        """Name of the loss."""
        return "CTC, corners and regions" + (", distillation" if self.data and self.weights else "")
