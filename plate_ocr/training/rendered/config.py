"""Configuration of runs on rendered pictures. Needs no torch."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

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
        data: label files or folders of real pictures; none: rendered ones only.
        mix: rendered part of each batch, if there is data.
        val_fraction: fraction of the data for validation.
        test_fraction: fraction of the data for the test.
        keep: share of the base model's weights in those that are saved.
    """

    WARMUPS: ClassVar[tuple[str, ...]] = ("lr",)

    PATHS: ClassVar[Mapping[str, Collection[str]]] = {
        **RunConfig.PATHS,
        "assets": (),
        "regions": bundled_formats(),
        "data": (),
    }

    NEED_DATA: ClassVar[tuple[str, ...]] = ("mix", "val_fraction", "test_fraction")
    """Settings that are refused without data."""

    WITH_DATA: ClassVar[Mapping[str, Any]] = {}
    """Defaults of a run with data."""

    KEEP_WITH_DATA: ClassVar[float] = 0.3
    """As :attr:`keep`, of a run with data from a base model."""

    SHARD: ClassVar[int] = 1
    """Pictures per shard."""

    repeats: int = 3
    lr: float = 2e-3
    patience: int = 1000
    assets: str = ""
    regions: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    mix: float = 0.5
    val_fraction: float = 0.15
    test_fraction: float = 0.15
    keep: float = 0.0

    @classmethod
    def new(cls, **given: Any) -> Self:
        """A configuration for this machine; None stands for the default."""
        if given.get("data") and given.get("weights") and given.get("keep") is None:
            given["keep"] = cls.KEEP_WITH_DATA
        chosen = {name: value for name, value in given.items() if value is not None}
        return super().new(**({**cls.WITH_DATA, **chosen} if chosen.get("data") else chosen))

    def __post_init__(self) -> None:
        if self.keep and not self.weights:
            raise DataError(f"--keep {self.keep} of what? Name a base model with --weights")
        if not 1 <= self.batch_size <= self.SHARD:
            raise DataError(f"a batch of {self.batch_size} pictures: 1 to {self.SHARD} are possible")
        if not self.data:
            for name in self.NEED_DATA:
                if getattr(self, name) != getattr(type(self), name):
                    option = f"--{name.replace('_', '-')}"
                    raise DataError(f"{option} belongs to a training on real pictures: give DATA")
        elif not 1 <= self.rendered_batch_size < self.batch_size:
            raise DataError(
                f"a mix of {self.mix} in a batch of {self.batch_size} leaves no rendered or no real picture"
            )

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
        return round(self.mix * self.batch_size) if self.data else self.batch_size

    @property
    def shard_size(self) -> int:
        """Pictures per shard: :attr:`SHARD`, in short runs as many as are used."""
        return min(self.SHARD, math.ceil(self.steps / self.repeats) * self.rendered_batch_size)

    @property
    def steps_per_shard(self) -> int:
        """Optimiser steps per shard."""
        return steps_per_shard(self.repeats, self.shard_size, self.rendered_batch_size)


def steps_per_shard(repeats: int, size: int, batch_size: int) -> int:
    """Optimiser steps per shard of ``size`` pictures; an incomplete last batch is dropped."""
    return repeats * (size // batch_size)
