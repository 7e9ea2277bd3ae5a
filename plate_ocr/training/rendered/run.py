"""Shared by trainings on rendered images: the processes that render, and the training data of a card."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

from plate_ocr.errors import DataError
from plate_ocr.files import write_whole
from plate_ocr.model.cards import DetectorCard, PlateCard
from plate_ocr.model.onnx_session import available_threads
from plate_ocr.rendering.shards import Rendering
from plate_ocr.training.core.device import ProcessGroup
from plate_ocr.training.core.model_card import escape
from plate_ocr.training.core.processes import spawned
from plate_ocr.training.core.run import Context
from plate_ocr.training.core.trainer import Trainer
from plate_ocr.training.rendered.config import RenderRunConfig
from plate_ocr.training.rendered.data import PARTS, AnyShard, Shards

SHOWN_PROBLEMS = 10
"""Problems of the data that are reported one by one."""


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
                config.shard_size,
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


class RealData(Protocol):
    """Real pictures in the three parts of a run."""

    @property
    def train(self) -> Sequence[object]:
        """To learn from."""

    @property
    def validation(self) -> Sequence[object]:
        """Chooses the best weights."""

    @property
    def test(self) -> Sequence[object]:
        """Measured once; empty if there are too few."""

    @property
    def problems(self) -> Sequence[str]:
        """A sentence for each label that is left out."""


def report_data(what: str, real: RealData, untested: str, context: Context) -> None:
    """Say what is trained on, and what is wrong with the data; once, in the first of several processes.

    Args:
        what: the data in words.
        real: the data.
        untested: what is measured where no part is kept for a test, in words.
        context: of the run.

    Raises:
        DataError: if there are problems and the run is strict.
    """
    if not context.first:
        return
    parts = (("train on", real.train), ("choose by", real.validation), ("measure on", real.test))
    sizes = ", ".join(f"{len(part):,} to {use}" for use, part in parts)
    context.callback.on_message(f"{what}: {sizes}")
    if not real.test:
        context.callback.on_message(untested)
    _report_problems(real.problems, context)


def _report_problems(problems: Sequence[str], context: Context) -> None:
    """Write the labels that are left out to ``problems.txt``, and report the first of them.

    Raises:
        DataError: if there are any and the run is strict.
    """
    if not problems:
        return
    if context.strict:
        raise DataError(
            f"{len(problems):,} problems in the data, which are left out without --strict; the first: "
            f"{problems[0]}"
        )
    listing = context.folder / "problems.txt"
    write_whole(listing, "".join(f"{problem}\n" for problem in problems).encode())
    for problem in problems[:SHOWN_PROBLEMS]:
        context.callback.on_message(problem)
    if len(problems) > SHOWN_PROBLEMS:
        context.callback.on_message(f"{len(problems):,} problems in the data, see {listing}")


def training_record(
    config: RenderRunConfig,
    trainer: Trainer,
    regions: Sequence[str],
    begun: PlateCard | DetectorCard,
    real: int = 0,
) -> dict[str, Any]:
    """What a network was trained on, for its card.

    Args:
        config: of the run.
        trainer: after training.
        regions: names of the rendered regions.
        begun: the card at the start of the run; it has the record of the model that the weights came from.
        real: number of real pictures.
    """
    return {
        "drawn": trainer.step * config.batch_size,
        "rendered": config.shard_size * math.ceil(trainer.step / config.steps_per_shard),
        "regions": [*regions],
        "seed": config.seed,
        **({"real": real} if real else {}),
        **begun.training,
    }


def has_real(training: Mapping[str, Any]) -> bool:
    """Whether a model, or one whose weights it started from, was trained on real pictures."""
    return bool(training.get("real")) or ("from" in training and has_real(training["from"]))


def stage_lines(training: Mapping[str, Any], what: str, real_what: str) -> str:
    """A Markdown list of what a network was trained on, from the first run to the last.

    Args:
        training: the training record of a card; that of the model it started from is under ``from``.
        what: the rendered pictures, such as ``plates``.
        real_what: the real ones.

    Returns:
        One line per run; runs in a row with the same sources are added up in one.
    """
    runs: list[Mapping[str, Any]] = [training]
    while "from" in runs[-1]:
        runs.append(runs[-1]["from"])
    lines = []
    for (regions, real), same in groupby(reversed(runs), _sources):
        stage = [*same]
        drawn, rendered = (sum(int(run.get(key, 0)) for run in stage) for key in ("drawn", "rendered"))
        counts = [f"{real:,} {real_what}"] if real else []
        counts.append(f"{rendered:,} rendered {what} of the regions {', '.join(map(escape, regions))}")
        several = f" ({len(stage)} runs)" if len(stage) > 1 else ""
        lines.append(f"- {drawn:,} augmented samples of {' and of '.join(counts)}{several}")
    return "\n".join(lines)


def _sources(run: Mapping[str, Any]) -> tuple[tuple[str, ...], int]:
    """The regions of a run's rendered pictures, and the number of its real ones."""
    return tuple(run.get("regions", ())), int(run.get("real", 0))
