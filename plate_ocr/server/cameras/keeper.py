"""Keeps what a camera saw while it watches on: where that fails, as with a full disk, again each second."""

from __future__ import annotations

import logging
from collections.abc import Callable
from queue import Queue
from threading import Event, Thread
from typing import TypeAlias

from plate_ocr.errors import PlateOcrError
from plate_ocr.server.store.sightings import NewSighting

RETRY_S = 1.0
"""After so many seconds it is tried again."""

MAX_WAITING = 200
"""Sightings of a camera that wait in memory, at most; then it watches no longer until one is kept."""

LOGGER = logging.getLogger(__name__)

Keep: TypeAlias = Callable[[NewSighting], object]
"""Keeps a sighting; raises a :class:`~plate_ocr.errors.PlateOcrError` if it cannot."""


class Keeper:
    """Keeps the sightings of a camera in their order, in a thread of its own.

    Args:
        keep: keeps one.
        stop: set when the camera is no longer watched: what cannot be kept then is lost, and told of.
    """

    def __init__(self, keep: Keep, stop: Event) -> None:
        self._keep, self._stop = keep, stop
        self._waiting: Queue[NewSighting | None] = Queue(MAX_WAITING)
        self._thread = Thread(target=self._run, name="keep", daemon=True)
        self._thread.start()

    def put(self, new: NewSighting) -> None:
        """Have a sighting kept."""
        self._waiting.put(new)

    def close(self) -> None:
        """Wait until all are kept, or cannot be."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (new := self._waiting.get()) is not None:
            try:
                is_kept = keep_until(self._keep, new, self._stop)
            except Exception:  # the next one may be kept
                LOGGER.exception("camera %s", new.camera)
                is_kept = False
            if not is_kept:
                LOGGER.warning("camera %s: a sighting is lost: %s", new.camera, new.plate.text)


def keep_until(keep: Keep, new: NewSighting, stop: Event) -> bool:
    """Keep a sighting, tried again each second until ``stop`` is set; returns whether it is kept."""
    while True:
        try:
            keep(new)
        except PlateOcrError as error:
            LOGGER.warning("camera %s: %s", new.camera, error)
            if stop.wait(RETRY_S):
                return False
        else:
            return True
