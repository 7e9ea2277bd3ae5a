"""Configuration of runs of the plate network. Needs no torch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from plate_ocr.alphabet import PLATE_CHARACTERS
from plate_ocr.rendering.shards import Rendering
from plate_ocr.training.rendered.config import RenderRunConfig

UNKNOWN_PLATES = 0.015
"""Share of plates with unknown characters."""


@dataclass(frozen=True)
class PlateRunConfig(RenderRunConfig):
    """Configuration of a run of the plate network; stored as ``config.toml``.

    Attributes:
        alphabet: the characters to recognise.
    """

    SHARD: ClassVar[int] = 2048
    VAL: ClassVar[int] = 1024
    """Number of validation plates."""
    COUNTS: ClassVar[tuple[int, int, int]] = 8192, 1024, 4096
    """Number of plates for calibration; of pictures without a plate, and of plates, for the test."""

    model: str = "plates"
    epochs: int = 60
    samples_per_epoch: int = 16384
    batch_size: int = 128
    alphabet: str = PLATE_CHARACTERS

    @property
    def rendering(self) -> Rendering:
        """Settings of the rendering: on some plates there are characters that are in no alphabet."""
        return dataclasses.replace(super().rendering, unknown=UNKNOWN_PLATES)

    @property
    def loss_name(self) -> str:
        """Name of the loss."""
        return "CTC and corners"
