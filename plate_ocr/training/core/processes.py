"""Worker processes that make what a training learns from; they load what their tasks need, torch or not."""

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
    """Processes that end with this one, however it ends; what waits is dropped in the end.

    Args:
        count: processes.
        begin: called in each with ``given`` before anything else.
        given: what all tasks of a process share.
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
    # Ctrl-C reaches all processes of a terminal; the one that trains says what there is to say.
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
