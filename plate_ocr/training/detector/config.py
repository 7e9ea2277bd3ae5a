"""Everything that decides a run of the detector. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from plate_ocr.training.rendered.config import RenderRunConfig


@dataclass(frozen=True)
class LocatorRunConfig(RenderRunConfig):
    """Everything that decides a run of the detector; stored as ``config.toml``."""

    SHARD: ClassVar[int] = 512

    model: str = "locator"
    epochs: int = 32
    batch_size: int = 32

    @property
    def loss_name(self) -> str:
        """What is made small, in words."""
        return "focal loss and corners"
