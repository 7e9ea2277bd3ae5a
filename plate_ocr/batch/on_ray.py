"""Reading the parts of a batch on a Ray cluster, by Ray Data."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import ray
import ray.data
import ray.exceptions

from plate_ocr.batch.part import read_part
from plate_ocr.errors import DeviceError, PlateOcrError

MAX_BLOCKS = 10_000
"""Tasks that Ray keeps track of, at most: each has one part or more."""

MAX_RETRIES = 3
"""Of a part whose process or machine ended, or that raised an error."""


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
        DeviceError: if there is no such cluster.
        PlateOcrError: if a part failed again and again.
    """
    table = pa.table({"part": list(parts)})
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, ignore_reinit_error=True)
    except (ConnectionError, ValueError) as error:
        raise DeviceError(f"cannot connect to Ray at {address}: {error}") from None
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.actor_task_retry_on_errors = True
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    rows = ray.data.from_arrow(table, override_num_blocks=min(len(table), MAX_BLOCKS)).map_batches(
        PartReader,
        batch_size=1,
        num_cpus=1,
        compute=ray.data.ActorPoolStrategy(size=jobs),
        max_task_retries=MAX_RETRIES,
    )
    try:
        for row in rows.iter_rows():
            yield row["part"], None
    except ray.exceptions.RayError as error:
        raise PlateOcrError(f"Ray: {_reason(error)}; the same command resumes the batch") from None


def _reason(error: ray.exceptions.RayError) -> str:
    """The last line, which has the error of the actor."""
    return str(error).strip().splitlines()[-1]
