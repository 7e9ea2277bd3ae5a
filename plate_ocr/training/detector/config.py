"""Configuration of runs of the detector. Needs no torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from plate_ocr.rendering.shards import Rendering
from plate_ocr.training.rendered.config import RenderRunConfig


@dataclass(frozen=True)
class DetectorRunConfig(RenderRunConfig):
    """Configuration of a run of the detector; stored as ``config.toml``.

    Attributes:
        backgrounds: folder with photographs without plates, in addition to those that come with packages.
    """

    PATHS: ClassVar[Mapping[str, Collection[str]]] = {**RenderRunConfig.PATHS, "backgrounds": ()}

    SHARD: ClassVar[int] = 512
    VAL: ClassVar[int] = 256
    """Number of validation scenes."""
    TEST: ClassVar[int] = 1024
    """Number of test scenes."""

    model: str = "detector"
    epochs: int = 32
    batch_size: int = 32
    backgrounds: str = ""

    @property
    def rendering(self) -> Rendering:
        """Settings of the rendering."""
        return replace(super().rendering, backgrounds=self.backgrounds)

    @property
    def loss_name(self) -> str:
        """Name of the loss."""
        return "focal loss and corners"
