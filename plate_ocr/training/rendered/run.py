"""Shared by trainings on rendered images: the processes that render, and the training data of a card."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from plate_ocr.model.cards import DetectorCard, PlateCard
from plate_ocr.model.onnx_session import available_threads
from plate_ocr.rendering.shards import Rendering
from plate_ocr.training.core.device import ProcessGroup
from plate_ocr.training.core.processes import spawned
from plate_ocr.training.core.trainer import Trainer
from plate_ocr.training.rendered.config import RenderRunConfig
from plate_ocr.training.rendered.data import PARTS, AnyShard, Shards


@contextmanager
def rendered_shards(
    config: RenderRunConfig,
    folder: Path,
    render: Callable[[Rendering, int, int], AnyShard],
    shard_type: type[AnyShard],
) -> Iterator[tuple[Shards[AnyShard], Executor]]:
    """The shards of a run, and the processes that render them.

    Args:
        config: of the run.
        folder: the run folder; the files of the shards in it go when all is done.
        render: a shard, from its first picture and their count; run in the processes.
        shard_type: of the shards.
    """
    files = folder / "rendered"
    processes = ProcessGroup.on_machine()
    workers = min(config.workers, available_threads()) // processes.count
    with spawned(max(1, workers)) as executor:
        yield (
            Shards(
                partial(render, config.rendering),
                shard_type,
                config.SHARD,
                files,
                executor,
                (config.steps - 1) // config.steps_per_shard,
                processes,
                ahead=1 + -(-config.workers // PARTS),
            ),
            executor,
        )
    for path in files.glob("*.npz"):
        path.unlink(missing_ok=True)
    with suppress(OSError):  # other processes still have files in it
        files.rmdir()


def training_record(
    config: RenderRunConfig, trainer: Trainer, regions: Sequence[str], begun: PlateCard | DetectorCard
) -> dict[str, Any]:
    """What a network was trained on, for its card.

    Args:
        config: of the run.
        trainer: after training.
        regions: names of the rendered regions.
        begun: the card at the start of the run; it has the record of the model that the weights came from.
    """
    return {
        "drawn": trainer.step * config.batch_size,
        "rendered": config.SHARD * math.ceil(trainer.step / config.steps_per_shard),
        "regions": [*regions],
        "seed": config.seed,
        **begun.training,
    }


def total_over_ancestry(training: Mapping[str, Any], key: str) -> int:
    """Sum of a number in the training records of a model and of all models whose weights it started from."""
    before = total_over_ancestry(training["from"], key) if "from" in training else 0
    return int(training.get(key, 0)) + before
