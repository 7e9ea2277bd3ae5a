"""Processes that read pictures side by side, and their answers in the order of the pictures."""

from __future__ import annotations

import signal
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import TypeAlias

import cv2

from plate_ocr.app.answers import Answer, of_picture
from plate_ocr.app.pictures import PictureFolders
from plate_ocr.app.sources import Source
from plate_ocr.errors import PlateOcrError
from plate_ocr.model import available_threads
from plate_ocr.reading import Reading
from plate_ocr.vision.images import Image

OpenReader: TypeAlias = Callable[..., Callable[[Image], Reading]]
"""Opens what reads pictures; takes ``threads``, the processor cores for it."""

WAITING = 4
"""Pictures that a process has, at most: the one that it reads, and the next ones."""

AHEAD = 8
"""Sources for each process that are taken, at most, before it is the turn of the first of them."""


@dataclass
class _Turn:
    """A source that waits for its turn; it is done without an answer where no process reads it."""

    source: Source
    done: bool
    answer: Answer | PlateOcrError | None = None


def answered(
    count: int,
    sources: Iterable[Source],
    for_worker: Callable[[Source], bool],
    open_reader: OpenReader,
    folders: PictureFolders,
) -> Generator[tuple[Source, Answer | None], None, None]:
    """Each source in its turn, with its answer if a process reads it.

    Memory does not grow with the sources. A process is started when all others have something to do; closing
    the generator ends them.

    Args:
        count: processes, at most.
        sources: pictures and others, maybe without end.
        for_worker: whether a process shall read a source.
        open_reader: is called in each process.
        folders: say what is drawn in the processes.

    Raises:
        PlateOcrError: if a process ended, or raised one.
    """
    sources, more = iter(sources), True
    turns, workers = deque[_Turn](), list[_Worker]()
    try:
        while True:
            while (
                more and len(turns) < AHEAD * count and sum(len(w.turns) for w in workers) < WAITING * count
            ):
                source = next(sources, None)
                if source is None:
                    more = False
                    break
                turns.append(turn := _Turn(source, done=not for_worker(source)))
                if not turn.done:
                    worker = min(workers, key=lambda w: len(w.turns), default=None)
                    if worker is None or (worker.turns and len(workers) < count):
                        worker = _Worker(open_reader, folders, max(1, available_threads() // count))
                        workers.append(worker)
                    worker.ask(turn)
            if not turns:
                return
            ready = wait([w.link for w in workers if w.turns], 0 if turns[0].done else None)
            for worker in workers:
                if worker.link in ready:
                    worker.take()
            if turns[0].done:
                turn = turns.popleft()
                if isinstance(turn.answer, PlateOcrError):
                    raise turn.answer
                yield turn.source, turn.answer
    finally:
        for worker in workers:
            worker.stop()


class _Worker:
    """A process that reads; arguments as of :func:`_work`."""

    def __init__(self, open_reader: OpenReader, folders: PictureFolders, threads: int) -> None:
        # Fresh processes: a copy of one with threads may hang.
        context = get_context("spawn")
        self.turns = deque[_Turn]()
        self.link, theirs = context.Pipe()
        self._process = context.Process(
            target=_work, args=(theirs, open_reader, folders, threads), daemon=True
        )
        with _ctrl_c_later():
            self._process.start()
        theirs.close()

    def ask(self, turn: _Turn) -> None:
        """Have a picture read."""
        self.turns.append(turn)
        # That the process has ended is told where its answer is taken.
        with _no_end_by_a_closed_pipe(), suppress(ConnectionError):
            self.link.send(turn.source)

    def take(self) -> None:
        """Take the answer to what was asked first, or why there is none."""
        turn = self.turns.popleft()
        try:
            turn.answer = self.link.recv()
        except (EOFError, OSError):
            self._process.join()
            status = self._process.exitcode or 0
            how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
            turn.answer = PlateOcrError(
                f"a process {how} while it read {turn.source.name}; if memory is short, give fewer --jobs"
            )
        turn.done = True

    def stop(self) -> None:
        """End the process, whatever it does: it keeps nothing."""
        self.link.close()
        self._process.kill()
        self._process.join()


def _work(link: Connection, open_reader: OpenReader, folders: PictureFolders, threads: int) -> None:
    """Read pictures until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(threads)
    read = open_reader(threads=threads)
    with suppress(EOFError, ConnectionError):
        while True:
            try:
                link.send(of_picture(link.recv(), read, folders.draw))
            except PlateOcrError as error:
                link.send(error)


@contextmanager
def _ctrl_c_later() -> Iterator[None]:
    """Ctrl-C, which reaches all processes, is heeded in the end; those that are started meanwhile miss it."""
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        if sys.platform == "win32":
            yield
        else:
            resource_tracker.ensure_running()  # would let it through again
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                yield
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        signal.raise_signal(signal.SIGINT)


@contextmanager
def _no_end_by_a_closed_pipe() -> Iterator[None]:
    """A closed pipe is an error here, where it ends the program elsewhere."""
    if sys.platform == "win32":
        yield
        return
    before = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGPIPE, before)
