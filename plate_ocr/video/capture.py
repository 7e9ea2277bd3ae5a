"""Frames of videos and cameras."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import cv2
import numpy as np

from plate_ocr.errors import VideoError
from plate_ocr.files import is_url
from plate_ocr.log import warn
from plate_ocr.video.tracking import LOST_AFTER_S
from plate_ocr.vision.images import Image

SCHEMES = ("http", "https", "rtmp", "rtsp", "rtsps")
"""Supported schemes of addresses."""

TIMEOUT = 10.0
"""Timeout of a camera for connecting and for each frame, seconds."""

FIRST_RETRY_S, MAX_RETRY_S = 1.0, 30.0
"""First and maximum delay before reconnecting to a lost camera, seconds; it doubles each time."""

MAX_BROKEN = 5
"""Number of consecutive broken frames that end a video."""

MIN_COMPLETE = 0.9
"""Minimum share of a file's frames or duration; with less it is reported as cut off."""

# Silence FFmpeg and OpenCV, which log every damaged packet to standard error.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

OnMessage = Callable[[str], None]
"""Callback for messages, one sentence each."""


@dataclass(frozen=True)
class Frame:
    """A frame of a video.

    Attributes:
        time: seconds since the first frame.
        picture: uint8 ``(H, W, 3)`` BGR or ``(H, W)``.
    """

    time: float
    picture: Image


def without_password(name: str) -> str:
    """An address without its password."""
    # A password may contain an @: as in FFmpeg, the last one before the path ends it.
    return re.sub(r"(://[^:/?#@]*):[^/?#]*@", r"\1:***@", name)


def open_capture(name: str, timeout: float) -> tuple[cv2.VideoCapture, bool]:
    """Open a video; also returns whether it is live.

    Raises:
        VideoError: if it cannot be opened.
    """
    shown = without_password(name)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    if is_url(name):
        scheme = name.partition("://")[0].lower()
        if scheme not in SCHEMES:
            raise VideoError(f"{shown}: {scheme} is not supported; use {', '.join(SCHEMES)}")
        started, limit = monotonic(), round(1000 * timeout)
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, limit, cv2.CAP_PROP_READ_TIMEOUT_MSEC, limit]
        capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG, limits)
        if not capture.isOpened():
            if monotonic() - started >= 0.95 * timeout:
                raise VideoError(f"{shown}: no answer within {timeout:g} s")
            raise VideoError(
                f"{shown}: there is no video at this address, its host cannot be reached, "
                "or user and password are wrong"
            )
        # FFmpeg knows the length of a file on a web server.
        return capture, capture.get(cv2.CAP_PROP_FRAME_COUNT) <= 0
    if name.isdecimal() and not os.path.lexists(name):
        capture = cv2.VideoCapture(min(int(name), 9999))
        if not capture.isOpened():
            raise VideoError(
                f"camera {name} cannot be opened: it is not connected, or another program uses it"
            )
        return capture, True
    try:
        with open(name, "rb") as file:
            if not file.read(1):
                raise VideoError(f"{name}: the file is empty")
    except IsADirectoryError:
        raise VideoError(f"{name} is a folder, not a video") from None
    except OSError as error:
        raise VideoError(f"cannot read {name}: {error.strerror or error}") from None
    # FFmpeg takes 12:30.mp4 for an address, and OpenCV crashes on str paths that are not UTF-8.
    path: Any = os.fsencode(os.path.join(os.curdir, name))
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise VideoError(f"{name}: not a video in a known format, or its beginning or end is missing")
    return capture, False


def file_frames(name: str, capture: cv2.VideoCapture, on_message: OnMessage) -> Iterator[Frame | None]:
    """All frames of a file.

    Raises:
        VideoError: after the last frame, if much of it is missing.
    """
    rate, expected = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
    rate = rate if 0 < rate < 1000 else 25.0
    count = failed = 0
    time = 0.0
    while failed < MAX_BROKEN:
        good, picture = capture.read()
        if not good:
            failed += 1
            continue
        failed = 0
        # Some files have no timestamps.
        time = max(time, capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 or count / rate)
        count += 1
        yield Frame(time, np.asarray(picture, np.uint8))
    incomplete = count < MIN_COMPLETE * expected and time + 1 / rate < MIN_COMPLETE * expected / rate
    if count and (incomplete or _is_cut_gif(name)):
        raise VideoError(f"{name}: the video is cut off after {count:,} pictures")
    if 0 < count < expected:
        on_message(f"{name}: {round(expected) - count:,} of {round(expected):,} pictures could not be read")


def frame_at(name: str, time: float) -> Frame:
    """The frame of a video file nearest to a time, in seconds.

    Raises:
        VideoError: if it cannot be opened, is not a file or is shorter.
    """
    capture, live = open_capture(name, TIMEOUT)
    if live:
        raise VideoError(f"{without_password(name)}: a camera has no times; record it and give the file")
    last: Frame | None = None
    for frame in file_frames(name, capture, warn):
        if frame is not None and frame.time >= time:
            return frame if last is None or frame.time - time < time - last.time else last
        last = frame
    if last is None:
        raise VideoError(f"{name}: there is no picture in this video")
    raise VideoError(f"{name}: the last picture of this video is at {last.time:.2f} s")


class LiveFrames:
    """Iterates over a live source, always with its newest frame.

    A thread reads all frames and keeps the newest: a slow consumer skips frames, and no queue builds
    up. Iterating yields None when the source has been lost for so long that all tracks have ended.

    Args:
        name: its address or number.
        capture: opened.
        on_message: receives messages.
        reconnect_timeout: seconds of attempts to reconnect; None: unlimited.
        timeout: for each frame, seconds.
        ended: ends the iteration when it is set.

    Raises:
        VideoError: while iterating, if reconnecting to a lost source has timed out.
    """

    def __init__(
        self,
        name: str,
        capture: cv2.VideoCapture,
        on_message: OnMessage,
        reconnect_timeout: float | None,
        timeout: float,
        ended: threading.Event | None = None,
    ) -> None:
        self._ended = ended or threading.Event()
        self._name, self._on_message, self._reconnect_timeout, self._timeout = (
            name,
            on_message,
            reconnect_timeout,
            timeout,
        )
        self._shown = without_password(name)
        self._started = monotonic()
        self._changed, self._stop = threading.Condition(), threading.Event()
        self._newest: Frame | None = None
        self._wrong: Exception | None = None
        self._lost: float | None = None
        self.seen = self.missed = self.broken = 0
        self._thread = threading.Thread(target=self._run, args=(capture,), daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Frame | None]:
        reported = False
        while not self._ended.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._newest is not None or self._wrong is not None, 0.2)
                frame, self._newest = self._newest, None
                wrong, lost = self._wrong, self._lost
            if frame is not None:
                reported = False
                yield frame
            elif wrong is not None:
                raise wrong
            elif lost is not None and monotonic() - lost > LOST_AFTER_S and not reported:
                reported = True
                yield None

    def stop(self) -> None:
        """Stop reading, and report the missed frames."""
        self._stop.set()
        self._thread.join(self._timeout + 1)
        missed = f"{self.missed:,} of {self.seen:,} pictures were missed"
        self._on_message(f"{self._shown}: {missed}, {self.broken:,} were broken")

    def _run(self, capture: cv2.VideoCapture) -> None:
        try:
            self._read_all(capture)
        except Exception as error:  # it must reach whoever waits for a picture
            with self._changed:
                self._wrong = error
                self._changed.notify()

    def _read_all(self, first: cv2.VideoCapture) -> None:
        capture: cv2.VideoCapture | None = first
        wait = FIRST_RETRY_S
        while not self._stop.is_set():
            if capture is not None and self._read(capture):
                wait = FIRST_RETRY_S
            if self._stop.is_set():
                return
            self._lost = self._lost or monotonic()
            left = (
                float("inf")
                if self._reconnect_timeout is None
                else self._lost + self._reconnect_timeout - monotonic()
            )
            if left <= 0:
                raise VideoError(
                    f"{self._shown}: lost, and not reconnected within {self._reconnect_timeout:g} s"
                )
            wait = min(wait, left)
            self._on_message(f"{self._shown}: lost; reconnecting in {wait:.2g} s")
            self._stop.wait(wait)
            wait, capture = min(2 * wait, MAX_RETRY_S), None
            with contextlib.suppress(VideoError):
                capture = open_capture(self._name, self._timeout)[0]

    def _read(self, capture: cv2.VideoCapture) -> bool:
        """Read until the source is lost; returns whether a frame was read."""
        failed, some = 0, False
        while failed < MAX_BROKEN and not self._stop.is_set():
            started = monotonic()
            good, picture = capture.read()
            # After a timeout FFmpeg returns buffered frames.
            if monotonic() - started > 0.95 * self._timeout:
                break
            if not good:
                failed += 1
                continue
            if self._lost is not None:
                self._on_message(f"{self._shown}: reconnected")
            self.broken, failed, some = self.broken + failed, 0, True
            with self._changed:
                self._lost = None
                self.seen += 1
                self.missed += self._newest is not None
                self._newest = Frame(monotonic() - self._started, np.asarray(picture, np.uint8))
                self._changed.notify()
        capture.release()
        return some


def _is_cut_gif(name: str) -> bool:
    """Whether a GIF lacks its end marker, which FFmpeg does not report."""
    return name.lower().endswith(".gif") and not Path(name).read_bytes().rstrip(b"\0").endswith(b";")
