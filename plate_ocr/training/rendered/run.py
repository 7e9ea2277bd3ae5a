"""What trainings on rendered pictures share: processes that render, and what a card tells of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from plate_ocr.model.cards import DetectorCard, PlateCard
from plate_ocr.model.sessions import available_threads
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
    kind: type[AnyShard],
) -> Iterator[tuple[Shards[AnyShard], Executor]]:
    """The shards of a run, and the processes that render them.

    Args:
        config: of the run.
        folder: the run folder; the files of the shards in it go when all is done.
        render: a shard, from its first picture and their count; run in the processes.
        kind: of the shards.
    """
    files = folder / "rendered"
    processes = ProcessGroup.on_machine()
    workers = min(config.workers, available_threads()) // processes.count
    with spawned(max(1, workers)) as executor:
        yield (
            Shards(
                partial(render, config.rendering),
                kind,
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


def learnt(
    config: RenderRunConfig, trainer: Trainer, regions: Sequence[str], begun: PlateCard | DetectorCard
) -> dict[str, Any]:
    """What a network learnt from, for its card.

    Args:
        config: of the run.
        trainer: that is done.
        regions: names of those that were rendered.
        begun: the card as the run was begun: it tells what the first weights learnt from, if they were
            another model's.
    """
    return {
        "drawn": trainer.step * config.batch_size,
        "rendered": config.SHARD * math.ceil(trainer.step / config.steps_per_shard),
        "regions": [*regions],
        "seed": config.seed,
        **begun.training,
    }


def ever(learnt: Mapping[str, Any], key: str) -> int:
    """A number in what a model learnt from, with that of all models which it began with."""
    return int(learnt.get(key, 0)) + (ever(learnt["from"], key) if "from" in learnt else 0)
