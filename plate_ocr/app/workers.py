"""Worker processes that read images in parallel; results keep the order of the inputs.

Each worker has its own thread and pipe: with the shared pipe of a ``ProcessPoolExecutor``, a worker that is
killed while it writes a result blocks the others for ever.
"""

from __future__ import annotations

import logging
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache, partial
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from threading import local
from typing import TypeAlias

import cv2

from plate_ocr.app.answers import Answer, Draw, of_picture
from plate_ocr.app.sources import Source
from plate_ocr.app.verbosity import LOGGER
from plate_ocr.errors import PlateOcrError
from plate_ocr.model.onnx_session import available_threads
from plate_ocr.readers.results import Reading
from plate_ocr.vision.images import Image

OpenReader: TypeAlias = Callable[..., Callable[[Image], Reading]]
"""Opens a reader; takes ``threads``, its number of cores."""

Result: TypeAlias = tuple[Answer, tuple[str, ...]]
"""An answer and the warnings that came with it."""

AHEAD = 8
"""Maximum number of queued inputs per worker."""


def answered(
    count: int,
    sources: Iterable[Source],
    for_worker: Callable[[Source], bool],
    open_reader: OpenReader,
    draw: Draw,
) -> Generator[tuple[Source, Answer | None], None, None]:
    """Each source in order, with its result if a worker reads it.

    Memory does not grow with the number of sources. Workers are started on demand; closing the generator ends
    them.

    Args:
        count: maximum number of workers.
        sources: inputs, possibly endless.
        for_worker: whether a worker reads a source.
        open_reader: called once in each worker.
        draw: called in the workers.

    Raises:
        PlateOcrError: if a process ended or could not be started, or raised one.
    """
    of_thread = local()

    def start() -> Connection:
        # A process inherits that Ctrl-C does not reach it; that a pipe was closed is an error in this thread.
        if hasattr(signal, "pthread_sigmask"):
            resource_tracker.ensure_running()  # would let Ctrl-C through again
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGPIPE})
        # Fresh processes: a copy of one with threads may hang.
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        with theirs:
            task = theirs, open_reader, draw, max(1, available_threads() // count)
            context.Process(target=_work, args=task, daemon=True).start()
        return ours

    def ask(source: Source) -> Result:
        if not hasattr(of_thread, "link"):
            try:
                of_thread.link = start()
            except OSError as error:
                reason = error.strerror or error
                raise PlateOcrError(f"cannot start another process ({reason}); give fewer --jobs") from None
        try:
            of_thread.link.send(source)
            result: Result | PlateOcrError = of_thread.link.recv()
        except (EOFError, OSError):
            result = PlateOcrError(
                f"a process ended while it read {source.name}; if memory is short, give fewer --jobs"
            )
        if isinstance(result, PlateOcrError):
            raise result
        return result

    pool = ThreadPoolExecutor(count)
    sources, turns = iter(sources), deque[tuple[Source, Future[Result] | None]]()
    try:
        while True:
            while len(turns) < AHEAD * count and (source := next(sources, None)):
                turns.append((source, pool.submit(ask, source) if for_worker(source) else None))
            if not turns:
                return
            first, future = turns.popleft()
            answer, messages = future.result() if future else (None, ())
            for message in messages:
                LOGGER.warning(message)
            yield first, answer
    finally:
        # The processes end with the threads, whose ends of the pipes are then closed.
        pool.shutdown(cancel_futures=True)


class _Collector(logging.Handler):
    """Keeps warnings for the process that tells them, in the order of the pictures."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._messages = list[str]()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self._messages.append(record.getMessage())

    def take(self) -> tuple[str, ...]:
        """Those since the last call."""
        messages, self._messages = tuple(self._messages), []
        return messages


def _work(link: Connection, open_reader: OpenReader, draw: Draw, threads: int) -> None:
    """Read images until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(threads)
    reader = cache(partial(open_reader, threads=threads))
    warnings = _Collector()
    LOGGER.handlers, LOGGER.propagate = [warnings], False
    with suppress(EOFError, ConnectionError):
        while True:
            source = link.recv()
            try:
                answer = of_picture(source, reader(), draw)
                link.send((answer, warnings.take()))
            except PlateOcrError as error:
                link.send(error)
