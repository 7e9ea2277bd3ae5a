"""Processes that read pictures side by side, and their answers in the order of the pictures.

Each has a thread and a pipe of its own: in the one pipe of a ``ProcessPoolExecutor``, the rest of a result
whose process was killed while it wrote it is waited for without end.
"""

from __future__ import annotations

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

from plate_ocr.app.answers import Answer, of_picture
from plate_ocr.app.pictures import Drawn
from plate_ocr.app.sources import Source
from plate_ocr.errors import PlateOcrError
from plate_ocr.model.sessions import available_threads
from plate_ocr.readers.results import Reading
from plate_ocr.vision.images import Image

OpenReader: TypeAlias = Callable[..., Callable[[Image], Reading]]
"""Opens what reads pictures; takes ``threads``, the processor cores for it."""

Draw: TypeAlias = Callable[[Image, Reading], Drawn]
"""Draws what is wanted of a picture."""

AHEAD = 8
"""Sources for each process that are taken, at most, before it is the turn of the first of them."""


def answered(
    count: int,
    sources: Iterable[Source],
    for_worker: Callable[[Source], bool],
    open_reader: OpenReader,
    draw: Draw,
) -> Generator[tuple[Source, Answer | None], None, None]:
    """Each source in its turn, with its answer if a process reads it.

    Memory does not grow with the sources. A process is started when all others have something to do; closing
    the generator ends them.

    Args:
        count: processes, at most.
        sources: pictures and others, maybe without end.
        for_worker: whether a process shall read a source.
        open_reader: is called in each process.
        draw: is called in the processes.

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

    def ask(source: Source) -> Answer:
        if not hasattr(of_thread, "link"):
            try:
                of_thread.link = start()
            except OSError as error:
                reason = error.strerror or error
                raise PlateOcrError(f"cannot start another process ({reason}); give fewer --jobs") from None
        try:
            of_thread.link.send(source)
            answer: Answer | PlateOcrError = of_thread.link.recv()
        except (EOFError, OSError):
            answer = PlateOcrError(
                f"a process ended while it read {source.name}; if memory is short, give fewer --jobs"
            )
        if isinstance(answer, PlateOcrError):
            raise answer
        return answer

    pool = ThreadPoolExecutor(count)
    sources, turns = iter(sources), deque[tuple[Source, Future[Answer] | None]]()
    try:
        while True:
            while len(turns) < AHEAD * count and (source := next(sources, None)):
                turns.append((source, pool.submit(ask, source) if for_worker(source) else None))
            if not turns:
                return
            first, answer = turns.popleft()
            yield first, answer.result() if answer else None
    finally:
        # The processes end with the threads, whose ends of the pipes are then closed.
        pool.shutdown(cancel_futures=True)


def _work(link: Connection, open_reader: OpenReader, draw: Draw, threads: int) -> None:
    """Read pictures until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(threads)
    reader = cache(partial(open_reader, threads=threads))
    with suppress(EOFError, ConnectionError):
        while True:
            source = link.recv()
            try:
                link.send(of_picture(source, reader(), draw))
            except PlateOcrError as error:
                link.send(error)
