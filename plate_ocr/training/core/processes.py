"""Worker processes that make what a training learns from; they load what their tasks need, torch or not."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any


@contextmanager
def spawned(
    count: int, begin: Callable[..., object] | None = None, *given: Any
) -> Iterator[ProcessPoolExecutor]:
    """Processes that end with this one, however it ends; what waits is dropped in the end.

    Args:
        count: processes.
        begin: called in each with ``given`` before anything else.
        given: what all tasks of a process share.
    """
    # Fresh processes: a copy of one with torch's threads may hang.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(count, context, _begin, (begin, *given))
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _begin(begin: Callable[..., object] | None, *given: Any) -> None:
    # Ctrl-C reaches all processes of a terminal; the one that trains says what there is to say.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if begin is not None:
        begin(*given)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
