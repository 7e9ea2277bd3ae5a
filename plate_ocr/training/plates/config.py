"""Configuration of runs of the plate network. Needs no torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from plate_ocr.alphabet import PLATE_CHARACTERS
from plate_ocr.errors import DataError
from plate_ocr.rendering.shards import Rendering
from plate_ocr.training.rendered.config import RenderRunConfig

UNKNOWN_PLATES = 0.015
"""Share of plates with unknown characters."""

LABELS_ALPHABET = "labels"
"""The alphabet of the base model and all characters of the labels."""

NEED_DATA = ("mix", "val_fraction", "test_fraction")
"""Settings that are refused without data."""


@dataclass(frozen=True)
class PlateRunConfig(RenderRunConfig):
    """Configuration of a run of the plate network; stored as ``config.toml``.

    Attributes:
        data: CSV files or folders of pictures of real plates; none: rendered plates only.
        mix: rendered part of each batch, if there is data.
        val_fraction: fraction of the plates in the data for validation.
        test_fraction: fraction of the plates in the data for the test.
        alphabet: the characters to recognise; ``+`` and characters: those of the base model and these;
            ``labels``: those of the base model and of the labels.
    """

    PATHS: ClassVar[Mapping[str, Collection[str]]] = {**RenderRunConfig.PATHS, "data": ()}

    SHARD: ClassVar[int] = 2048
    VAL: ClassVar[int] = 1024
    """Number of rendered validation plates."""
    COUNTS: ClassVar[tuple[int, int, int]] = 8192, 1024, 4096
    """Number of plates for calibration; of pictures without a plate, and of plates, for the test."""

    WITH_DATA: ClassVar[Mapping[str, Any]] = {
        "alphabet": "+",
        "epochs": 12,
        "samples_per_epoch": 6400,
        "lr": 5e-4,
        "patience": 6,
    }
    """Defaults of a run with data."""
    VAL_WITH_DATA: ClassVar[int] = 512
    """As :attr:`VAL`, of a run with data."""
    COUNTS_WITH_DATA: ClassVar[tuple[int, int, int]] = 2048, 256, 2048
    """As :attr:`COUNTS`, of a run with data."""

    model: str = "plates"
    epochs: int = 60
    samples_per_epoch: int = 16384
    batch_size: int = 128
    data: tuple[str, ...] = ()
    mix: float = 0.5
    val_fraction: float = 0.15
    test_fraction: float = 0.15
    alphabet: str = PLATE_CHARACTERS

    @classmethod
    def new(cls, **given: Any) -> Self:
        """A configuration for this machine; None stands for the default."""
        return super().new(**({**cls.WITH_DATA, **given} if given.get("data") else given))

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.data:
            changed = (name for name in NEED_DATA if getattr(self, name) != getattr(type(self), name))
            given = [f"--{name.replace('_', '-')}" for name in changed]
            if self.alphabet == LABELS_ALPHABET:
                given.append(f"--alphabet {LABELS_ALPHABET}")
            if given:
                raise DataError(f"{given[0]} belongs to a training on real plates: give DATA")
        elif not 1 <= self.rendered_batch_size < self.batch_size:
            raise DataError(
                f"a mix of {self.mix} in a batch of {self.batch_size} leaves no rendered or no real plate"
            )

    @property
    def rendered_batch_size(self) -> int:
        """Rendered plates per batch."""
        return round(self.mix * self.batch_size) if self.data else self.batch_size

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
    def loss_name(self) -> str:
        """Name of the loss."""
        return "CTC and corners"
