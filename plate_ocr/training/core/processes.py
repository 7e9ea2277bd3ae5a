"""Worker processes that make training data; they import only what their tasks need."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any, ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@contextmanager
def spawned(
    count: int, begin: Callable[..., object] | None = None, *given: Any
) -> Iterator[ProcessPoolExecutor]:
    """Processes that end with this one, however it ends; pending tasks are cancelled at the end.

    Args:
        count: number of processes.
        begin: called first in each process, with ``given``.
        given: arguments of ``begin``, shared by all tasks of a process.
    """
    # Fresh processes: a copy of one with torch's threads may hang.
    context = multiprocessing.get_context("spawn")
    executor = _Executor(count, context, _begin, (begin, *given))
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


class _Executor(ProcessPoolExecutor):
    """Starts processes that Ctrl-C does not reach before :func:`_begin`: while they import, each would print
    a traceback.
    """

    def submit(
        self, task: Callable[Arguments, Result], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Future[Result]:
        """Submit a task; starts a process if none is idle, which inherits the signals that are blocked."""
        if not hasattr(signal, "pthread_sigmask"):
            return super().submit(task, *args, **kwargs)
        resource_tracker.ensure_running()  # would let Ctrl-C through again
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(task, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _begin(begin: Callable[..., object] | None, *given: Any) -> None:
    # Ctrl-C reaches all processes of a terminal; only the training process reports it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if begin is not None:
        begin(*given)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
