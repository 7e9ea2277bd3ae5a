"""Reading the parts of a batch in processes on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial

from plate_ocr.batch.part import read_part
from plate_ocr.model.onnx_session import available_threads
from plate_ocr.training.core.processes import spawned

ENDED = "a process ended while it read them; if memory is short, give fewer --jobs"


def read_parts(parts: Iterable[str], jobs: int) -> Iterator[tuple[str, str | None]]:
    """Read parts in any order; closing the generator ends the processes.

    Where a process ends, the parts that were read then are read again, each in a process of its own, to find
    the one that ends it.

    Args:
        parts: as :func:`read_part` takes them.
        jobs: number of processes.

    Yields:
        Each part, with None when it is done or one sentence when its process ended again.

    Raises:
        PlateOcrError: as soon as a part raises one.
    """
    pending, interrupted = iter(parts), [""]
    while interrupted:
        interrupted = []
        for part, is_done in _in_processes(pending, jobs):
            if is_done:
                yield part, None
            else:
                interrupted.append(part)
        for part in interrupted:
            yield from ((part, None if is_done else ENDED) for _, is_done in _in_processes(iter([part]), 1))


def _in_processes(parts: Iterator[str], jobs: int) -> Iterator[tuple[str, bool]]:
    """Read parts until there are no more, or a process ended: then what was begun is not done."""
    task = partial(read_part, threads=max(1, available_threads() // jobs))
    running: dict[Future[str], str] = {}
    with spawned(jobs) as executor:
        try:
            while True:
                while len(running) < jobs and (part := next(parts, None)) is not None:
                    running[Future()] = part
                    future = executor.submit(task, part)
                    running.popitem()
                    running[future] = part
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    future.result()
                    yield running.pop(future), True
        except BrokenProcessPool:
            yield from ((part, False) for part in running.values())
