"""What trainings on rendered pictures share: processes that render, and what a card tells of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plate_ocr.model.sessions import available_threads
from plate_ocr.training.core.processes import spawned
from plate_ocr.training.core.trainer import Trainer
from plate_ocr.training.rendered.config import RenderRunConfig


@contextmanager
def render_workers(config: RenderRunConfig, folder: Path) -> Iterator[ProcessPoolExecutor]:
    """Processes that render; the shards that they have left in a folder go when all is done."""
    with spawned(max(1, min(config.workers, available_threads()))) as executor:
        yield executor
    for path in folder.glob("*.npz"):
        path.unlink(missing_ok=True)


def learnt(
    config: RenderRunConfig, trainer: Trainer, regions: Sequence[str], base: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What a network learnt from, for its card.

    Args:
        config: of the run.
        trainer: that is done.
        regions: names of those that were rendered.
        base: what the first weights learnt from, as in their card; None if they were fresh.
    """
    values = {
        "drawn": trainer.step * config.batch_size,
        "rendered": config.SHARD * math.ceil(trainer.step / config.steps_per_shard),
        "regions": [*regions],
        "seed": config.seed,
    }
    return values if base is None else {**values, "from": base}


def ever(learnt: Mapping[str, Any], key: str) -> int:
    """A number in what a model learnt from, with that of all models which it began with."""
    return int(learnt.get(key, 0)) + (ever(learnt["from"], key) if "from" in learnt else 0)
