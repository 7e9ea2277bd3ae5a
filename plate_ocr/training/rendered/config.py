"""Configuration of runs on rendered pictures. Needs no torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar

from plate_ocr.errors import DataError
from plate_ocr.model.onnx_session import available_threads
from plate_ocr.region_files.table import bundled_formats
from plate_ocr.rendering.shards import HELD_OUT, Rendering, generator_of, shortages
from plate_ocr.training.core.config import RunConfig, TrainSettings

MAX_NAMED = 12
"""Rendered regions that a message names; of more it tells the number."""

FIRST_VAL = HELD_OUT + 10**6
"""Index of the first validation picture."""


@dataclass(frozen=True)
class RenderRunConfig(RunConfig):
    """Configuration of a run on rendered pictures; stored as ``config.toml``.

    Attributes:
        assets: folder with glyphs and fonts; empty: only fonts that come with packages.
        regions: names of regions or region files; empty: the generator's mix.
    """

    WARMUPS: ClassVar[tuple[str, ...]] = ("lr",)

    PATHS: ClassVar[Mapping[str, Collection[str]]] = {
        **RunConfig.PATHS,
        "assets": (),
        "regions": bundled_formats(),
    }

    SHARD: ClassVar[int] = 1
    """Pictures per shard."""

    repeats: int = 3
    lr: float = 2e-3
    patience: int = 1000
    assets: str = ""
    regions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= self.SHARD:
            raise DataError(f"a batch of {self.batch_size} pictures: 1 to {self.SHARD} are possible")

    @property
    def lr_warmup_steps(self) -> int:
        """Default steps of a learning-rate warm-up: 400, in short runs a tenth of all."""
        return max(1, min(400, self.steps // 10))

    @property
    def settings(self) -> TrainSettings:
        """Settings beside the schedule."""
        return dataclasses.replace(
            super().settings,
            weight_decay=0.02,
            channels_last=True,
            grad_clip=2.0,
            ema_decay=0.9995,
            ema_span=0.2,
        )

    @property
    def useful_workers(self) -> int:
        """All cores except the training one."""
        return max(1, available_threads() - 1)

    @property
    def rendering(self) -> Rendering:
        """Settings of the rendering."""
        return Rendering(self.assets, self.regions, self.seed)

    def material(self) -> list[str]:
        """The regions that are rendered, those left out, with the reason, and the fonts that are replaced.

        Raises:
            DataError: if a region is unknown, its file has a mistake, or nothing can draw its characters.
        """
        names = [region.name for region in generator_of(self.rendering).regions]
        regions = ", ".join(names) if len(names) <= MAX_NAMED else f"{len(names)} regions"
        return [f"plates of {regions} are rendered", *shortages(self.rendering)]

    def held_out(self, count: int) -> int:
        """Number of held-out pictures: ``count``, in short runs as many as are trained on."""
        return min(count, self.steps * self.batch_size)

    @property
    def rendered_batch_size(self) -> int:
        """Rendered pictures per batch."""
        return self.batch_size

    @property
    def steps_per_shard(self) -> int:
        """Optimiser steps per shard."""
        return steps_per_shard(self.repeats, self.SHARD, self.rendered_batch_size)


def steps_per_shard(repeats: int, size: int, batch_size: int) -> int:
    """Optimiser steps per shard of ``size`` pictures; an incomplete last batch is dropped."""
    return repeats * (size // batch_size)
