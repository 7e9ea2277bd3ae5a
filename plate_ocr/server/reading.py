"""Reads the pictures of all requests: a bounded queue, and threads that take batches of it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Condition, Lock, Thread
from time import perf_counter
from typing import NamedTuple

from plate_ocr.errors import ImageError, ImageSizeError
from plate_ocr.model.onnx_session import available_threads
from plate_ocr.readers.auto import InputType, PlateReader
from plate_ocr.readers.plates import BATCH
from plate_ocr.readers.results import Reading
from plate_ocr.region_files.table import bundled_formats
from plate_ocr.server.settings import Settings
from plate_ocr.vision.image_files import MAX_PIXELS, open_image, without_padding
from plate_ocr.vision.images import Image, NamedBytes, read_image

CROPS = ("plate", "char")
"""What pictures show that are read in batches whatever their size."""

MAX_SHARED = 50_000
"""Bytes of a picture, at most, that is read in a batch of others although it may be a photo."""

MAX_READERS = 32
"""Readers that are kept, each for other settings; they share the networks."""

UNNAMED = "image"
"""Name of a picture that has none."""


RETRY_AFTER_S = 1
"""After so many seconds a client that was refused should ask again."""


class OverloadedError(Exception):
    """The queue is full: the client should ask again later."""

    def __init__(self) -> None:
        super().__init__("too many pictures wait to be read; try again in a second")


@dataclass(frozen=True)
class Result:
    """What was read of one picture: a reading and the picture, or an error.

    Attributes:
        reading: None after an error.
        picture: uint8 ``(H, W)`` or ``(H, W, 3)`` BGR, in whose pixels the reading's corners are.
        error: why it could not be read; an :class:`ImageSizeError` if it is too large.
    """

    reading: Reading | None = None
    picture: Image | None = None
    error: ImageError | None = None


class _Options(NamedTuple):
    input: InputType
    regions: tuple[str, ...]
    min_confidence: float | None


@dataclass
class _Job:
    contents: bytes
    name: str
    options: _Options
    shares: bool
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Result]


class ReadingService:
    """Reads pictures for many requests at once.

    Crops and small pictures that wait with the same options share a batch of the network; photos are read
    one by one, each by one core.

    Args:
        settings: of the server.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._jobs, self._changed, self._stopped = deque[_Job](), Condition(), False
        self._readers, self._opening = OrderedDict[_Options, PlateReader](), Lock()
        self._admitted = 0
        self._threads: list[Thread] = []

    def open(self) -> None:
        """Open the networks.

        Raises:
            PlateOcrError: if the model cannot be used, or a region or device is not there.
        """
        self.reader_of()

    def start(self) -> None:
        """Open the networks and start the threads; errors as of :meth:`open`."""
        self.open()
        self._stopped = False
        count = max(1, available_threads() // self._settings.workers)
        self._threads = [Thread(target=self._work, name=f"read-{i}", daemon=True) for i in range(count)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End the threads; what still waits is not read."""
        with self._changed:
            self._stopped = True
            self._jobs.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    @property
    def is_ready(self) -> bool:
        """Whether all threads run."""
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    @property
    def waiting(self) -> int:
        """Number of pictures in the queue."""
        return len(self._jobs)

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """Counts a request with pictures while its body is received and read.

        Raises:
            OverloadedError: if there are as many as pictures may wait.
        """
        if self._admitted >= self._settings.queue:
            raise OverloadedError
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    async def read(
        self,
        contents: Sequence[bytes],
        *,
        names: Sequence[str] = (),
        input: InputType = "auto",
        regions: Sequence[str] = (),
        min_confidence: float | None = None,
    ) -> list[Result]:
        """Read pictures, in their order.

        Args:
            contents: image files.
            names: of the pictures, for messages; by default none has one.
            input: what the pictures show.
            regions: codes of bundled regions, see :func:`is_region`; by default those of the settings.
            min_confidence: below it a character is unknown; by default that of the settings.

        Raises:
            OverloadedError: if the queue has no room for all of them.
        """
        options = _Options(input, tuple(sorted({region.lower() for region in regions})), min_confidence)
        names = names or [UNNAMED] * len(contents)
        loop = asyncio.get_running_loop()
        jobs = [
            _Job(data, name, options, input in CROPS or len(data) <= MAX_SHARED, loop, loop.create_future())
            for data, name in zip(contents, names, strict=True)
        ]
        with self._changed:
            if len(self._jobs) + len(jobs) > self._settings.queue:
                raise OverloadedError
            self._jobs += jobs
            self._changed.notify(len(jobs))
        return await asyncio.gather(*(job.future for job in jobs))

    def reader_of(
        self,
        input: InputType = "auto",
        regions: tuple[str, ...] = (),
        min_confidence: float | None = None,
    ) -> PlateReader:
        """The reader for these options; those of the settings where they say nothing."""
        options = _Options(input, regions, min_confidence)
        with self._opening:
            if (reader := self._readers.get(options)) is None:
                base = self._characters if input == "char" else self._plates
                settings = self._settings
                reader = self._readers[options] = base.with_settings(
                    input=input,
                    region=(regions or settings.regions or None) if input != "char" else None,
                    min_confidence=settings.min_confidence if min_confidence is None else min_confidence,
                )
                if len(self._readers) > MAX_READERS:
                    self._readers.popitem(last=False)
            self._readers.move_to_end(options)
            return reader

    @cached_property
    def _plates(self) -> PlateReader:
        # Each thread of the service runs a network of its own: one core each.
        settings = self._settings
        return PlateReader(settings.model, detector=settings.detector, threads=1, providers=settings.device)

    @cached_property
    def _characters(self) -> PlateReader:
        return PlateReader("chars", input="char", threads=1, providers=self._settings.device)

    def _work(self) -> None:
        while jobs := self._take():
            try:
                results = self._read_batch(jobs)
            except Exception as error:  # a request gets it; the thread goes on
                for job in jobs:
                    _tell(job, error)
            else:
                for job, result in zip(jobs, results, strict=True):
                    _tell(job, result)
            del jobs

    def _take(self) -> list[_Job]:
        """The next jobs that are read together; empty at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._stopped)
            jobs = list[_Job]()
            # What waits is shared out among the threads.
            most = min(BATCH, -(-len(self._jobs) // len(self._threads)))
            while self._jobs and len(jobs) < most:
                job = self._jobs[0]
                if jobs and not (job.shares and jobs[0].shares and job.options == jobs[0].options):
                    break
                self._jobs.popleft()
                if not job.future.cancelled():
                    jobs.append(job)
                    if not job.shares:
                        break
            return jobs if jobs or self._stopped else self._take()

    def _read_batch(self, jobs: Sequence[_Job]) -> list[Result]:
        decoded: list[tuple[Image, float] | ImageError] = []
        for job in jobs:
            started = perf_counter()
            try:
                picture = decode(job.contents, job.name, self._settings)
                decoded.append((picture, 1000 * (perf_counter() - started)))
            except ImageError as error:
                decoded.append(error.with_traceback(None))
        pictures = [one[0] for one in decoded if not isinstance(one, ImageError)]
        readings = iter(self.reader_of(*jobs[0].options)(pictures)) if pictures else iter(())
        results = []
        for one in decoded:
            if isinstance(one, ImageError):
                results.append(Result(error=one))
            else:
                reading = next(readings)
                results.append(Result(replace(reading, ms=reading.ms + one[1]), one[0]))
        return results


def decode(contents: bytes, name: str, settings: Settings) -> Image:
    """Decode a picture, uint8 ``(H, W)`` or ``(H, W, 3)`` BGR.

    Args:
        contents: an image file.
        name: of it, for messages.
        settings: of the server.

    Raises:
        ImageError: if it is none.
        ImageSizeError: if it is larger than the settings allow; it is not decoded then.
    """
    size, most = len(contents), settings.max_upload
    if size > most:
        raise ImageSizeError(f"{name}: {size:,} bytes are too many; at most {most:,} are read")
    _check_pixels(contents, name, settings.max_pixels)
    return read_image(NamedBytes(contents, name))


def _check_pixels(contents: bytes, name: str, most: int) -> None:
    if most == MAX_PIXELS:  # which every reader sees to
        return
    try:
        with open_image(without_padding(contents)) as picture:
            width, height = picture.size
    except Exception:  # decoders raise nearly anything; what reads it says what is wrong
        return
    if width * height > most:
        raise ImageSizeError(f"{name}: {width}×{height} pixels are too many; at most {most:,} are read")


def _tell(job: _Job, outcome: Result | Exception) -> None:
    def finish() -> None:
        if job.future.done():  # its request has ended
            return
        if isinstance(outcome, Exception):
            job.future.set_exception(outcome)
        else:
            job.future.set_result(outcome)

    if not job.loop.is_closed():
        job.loop.call_soon_threadsafe(finish)


def is_region(code: str) -> bool:
    """Whether a client may name this region: one that comes with the package, never a file."""
    return code.lower() in bundled_formats()
