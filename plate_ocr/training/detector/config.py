"""Configuration of runs of the detector. Needs no torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from plate_ocr.rendering.shards import Rendering
from plate_ocr.training.rendered.config import RenderRunConfig


@dataclass(frozen=True)
class DetectorRunConfig(RenderRunConfig):
    """Configuration of a run of the detector; stored as ``config.toml``.

    Attributes:
        backgrounds: folder with photographs without plates, in addition to those that come with packages.
        partial: whether plates in the data may be unlabelled: what is not labelled is then unknown.
    """

    PATHS: ClassVar[Mapping[str, Collection[str]]] = {**RenderRunConfig.PATHS, "backgrounds": ()}

    NEED_DATA: ClassVar[tuple[str, ...]] = (*RenderRunConfig.NEED_DATA, "partial")
    WITH_DATA: ClassVar[Mapping[str, Any]] = {
        "epochs": 10,
        "samples_per_epoch": 1600,
        "lr": 5e-4,
        "patience": 6,
    }

    SHARD: ClassVar[int] = 512
    VAL: ClassVar[int] = 256
    """Number of validation scenes."""
    TEST: ClassVar[int] = 1024
    """Number of test scenes."""
    TEST_WITH_DATA: ClassVar[int] = 256
    """As :attr:`TEST`, of a run with data."""

    model: str = "detector"
    epochs: int = 32
    batch_size: int = 32
    backgrounds: str = ""
    partial: bool = False

    @property
    def test_count(self) -> int:
        """Number of test scenes."""
        return self.held_out(self.TEST_WITH_DATA if self.data else self.TEST)

    @property
    def rendering(self) -> Rendering:
        """Settings of the rendering."""
        return replace(super().rendering, backgrounds=self.backgrounds)

    @property
    def loss_name(self) -> str:
        """Name of the loss."""
        return "focal loss and corners"
