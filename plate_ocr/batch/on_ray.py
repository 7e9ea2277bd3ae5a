"""Reading the parts of a batch on a Ray cluster, by Ray Data."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from typing import Any

import ray
import ray.data
import ray.exceptions

from plate_ocr.batch.part import read_part
from plate_ocr.batch.storage import reason
from plate_ocr.errors import DeviceError, PlateOcrError

MAX_BLOCKS = 100_000
"""Tasks that Ray keeps track of, at most: each has one part or more."""

MAX_RETRIES = 3
"""Of a part that raised an error, such as of storage; where a machine ends, Ray takes another."""


class PartReader:
    """Reads parts in an actor, one processor core each, which keeps the reader from part to part."""

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Read the parts of a batch of rows."""
        for part in batch["part"]:
            read_part(str(part))
        return batch


def read_parts(
    parts: Iterable[str], jobs: int | None, address: str | None
) -> Iterator[tuple[str, str | None]]:
    """Read parts in any order.

    Args:
        parts: as :func:`read_part` takes them; all machines of the cluster must find them.
        jobs: number of actors; None: Ray starts and ends them as there is work and room.
        address: of the cluster; None: that of ``RAY_ADDRESS``, else one on this machine that ends with it.

    Yields:
        Each part as it is done.

    Raises:
        DeviceError: if there is no such cluster, or none can be started.
        PlateOcrError: if a part raised one again and again, or the cluster is lost.
    """
    rows = [{"part": part} for part in parts]
    is_first = not ray.is_initialized()
    if is_first:
        # What they tell about actors and keys is nothing to act on.
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        logging.getLogger("ray").setLevel(logging.ERROR)
        try:
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:  # Ray raises just that where it does not start in time
            address = address or os.environ.get("RAY_ADDRESS")
            where = f"connect to Ray at {address}" if address else "start Ray"
            raise DeviceError(f"cannot {where}: {reason(error)}") from None
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    context.retried_map_errors, context.max_map_retries = True, MAX_RETRIES
    context.raise_original_map_exception = True
    # Unlike those of a table, the blocks of items are made here and not by tasks.
    dataset = ray.data.from_items(rows, override_num_blocks=min(len(rows), MAX_BLOCKS))
    done = dataset.map_batches(
        PartReader, batch_size=1, num_cpus=1, compute=ray.data.ActorPoolStrategy(size=jobs)
    )
    try:
        for row in done.iter_rows():
            yield row["part"], None
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, PlateOcrError):
            raise error.cause from None
        raise
    except ray.exceptions.RayError as error:
        raise PlateOcrError(f"Ray: {reason(error)}; the same command resumes the batch") from None
    finally:
        if is_first:
            ray.shutdown()
