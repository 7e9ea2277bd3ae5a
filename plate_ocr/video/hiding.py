"""Films in which plates are made unreadable, in every frame."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from plate_ocr.errors import OutputError, VideoError
from plate_ocr.video.capture import TIMEOUT, Frame, OnMessage, file_frames, open_capture
from plate_ocr.video.motion import ChangeMap
from plate_ocr.video.track import box_of, overlap
from plate_ocr.vision.drawing import blurred, to_color
from plate_ocr.vision.images import Image

DETECT_S = 0.2
"""Seconds after which plates are searched at all scales, if anything has changed."""

MAX_GAP_S = 1.0
"""Seconds over which a plate that was not seen is hidden between the places where it was."""

SAME_IOU = 0.3
"""What overlaps more in one frame is hidden as one."""

MAX_SHIFT, MAX_RATIO = 2.0, 2.0
"""Maximum distance of a plate from where it is expected, in its widths, and maximum ratio of the widths."""

Box = NDArray[np.float64]


@dataclass
class _Trail:
    """Where one plate was seen.

    Attributes:
        numbers: of the frames.
        boxes: float64 ``(2, 2)`` each: low and high corner, pixels.
        time: of the last frame, seconds.
        since: number of the frame before that was searched.
        until: number of the next frame that was searched; None if there was none.
    """

    numbers: list[int]
    boxes: list[Box]
    time: float
    since: int
    until: int | None = None

    def expected(self, number: int) -> Box:
        """Its box in a frame before or after all that were seen, at constant velocity."""
        first, last = self.boxes[0], self.boxes[-1]
        steps = max(1, self.numbers[-1] - self.numbers[0])
        velocity = (last.mean(0) - first.mean(0)) / steps
        if number < self.numbers[0]:
            return np.asarray(first + velocity * (number - self.numbers[0]))
        return np.asarray(last + velocity * (number - self.numbers[-1]))

    def at(self, number: int) -> Box | None:
        """What is hidden in a frame; None if nothing is."""
        if number < self.since or (self.until is not None and number > self.until):
            return None
        if self.numbers[0] <= number <= self.numbers[-1]:
            ends = np.array(self.boxes).reshape(-1, 4)
            return np.array([np.interp(number, self.numbers, column) for column in ends.T]).reshape(2, 2)
        # It may have stood, or moved on.
        end = self.boxes[0] if number < self.numbers[0] else self.boxes[-1]
        return _union(end, self.expected(number))


class PlateTrails:
    """Where plates are in each frame of a film, from frames in which they were seen.

    Args:
        detect: where a plate may be in a frame: corners ``(4, 2)`` of each, pixels.

    Attributes:
        count: of frames so far.
    """

    def __init__(self, detect: Callable[[Image], Sequence[ArrayLike]]) -> None:
        self.count = 0
        self._detect, self._changes = detect, ChangeMap()
        self._ended, self._trails = list[_Trail](), list[_Trail]()
        self._searched, self._searched_at = 0, -np.inf

    def add(self, frame: Frame, plates: Sequence[ArrayLike]) -> None:
        """Add the next frame and the corners of the plates that are tracked in it."""
        number, self.count = self.count, self.count + 1
        self._changes.update(frame.picture, frame.time)
        boxes = [box_of(corners) for corners in plates]
        changed = self._changes.hull(self._searched_at) is not None
        searched = frame.time - self._searched_at >= DETECT_S - 1e-6 and changed
        if searched:
            boxes += [box_of(corners) for corners in self._detect(frame.picture)]
        for box in _joined(boxes):
            self._link(box, number, frame.time)
        if searched:
            for trail in self._trails:
                if trail.until is None and trail.numbers[-1] < number:
                    trail.until = number
            self._searched, self._searched_at = number, frame.time
        self._ended += [trail for trail in self._trails if frame.time - trail.time > MAX_GAP_S]
        self._trails = [trail for trail in self._trails if frame.time - trail.time <= MAX_GAP_S]

    def _link(self, box: Box, number: int, time: float) -> None:
        wide = float(np.ptp(box[:, 0]))
        near = list[tuple[float, int]]()
        for i, trail in enumerate(self._trails):
            other = trail.expected(number)
            other_wide = float(np.ptp(other[:, 0]))
            shift = float(np.linalg.norm(box.mean(0) - other.mean(0))) / max(1.0, wide, other_wide)
            if (
                trail.numbers[-1] < number
                and shift <= MAX_SHIFT
                and 1 / MAX_RATIO <= wide / other_wide <= MAX_RATIO
            ):
                near.append((shift, i))
        if not near:
            self._trails.append(_Trail([number], [box], time, self._searched))
            return
        trail = self._trails[min(near)[1]]
        trail.numbers.append(number)
        trail.boxes.append(box)
        trail.time, trail.until = time, None

    def at(self, number: int) -> list[Box]:
        """The boxes to hide in a frame: float64 ``(2, 2)`` each, low and high corner, pixels."""
        found = (trail.at(number) for trail in (*self._ended, *self._trails))
        return [box for box in found if box is not None]


def write_hidden(
    name: str, path: Path, trails: PlateTrails, turned: Callable[[Image], Image], on_message: OnMessage
) -> None:
    """Write a film with its plates made unreadable, MPEG-4; its sound is copied where ffmpeg is installed.

    Args:
        name: the film.
        path: the file, which ends in ``.mp4``.
        trails: of all its frames.
        turned: turns a frame.
        on_message: receives messages.

    Raises:
        OutputError: if it cannot be written.
    """
    silent = path.with_suffix(".silent.mp4")
    try:
        _write_pictures(name, silent, trails, turned)
        if not _add_sound(silent, name, path):
            why = "ffmpeg could not copy it" if shutil.which("ffmpeg") else "ffmpeg is not installed"
            on_message(f"{name}: if it has sound, the blurred video has none: {why}")
            silent.replace(path)
    finally:
        silent.unlink(missing_ok=True)


def _write_pictures(name: str, path: Path, trails: PlateTrails, turned: Callable[[Image], Image]) -> None:
    capture, _ = open_capture(name, TIMEOUT)
    rate = capture.get(cv2.CAP_PROP_FPS)
    writer: cv2.VideoWriter | None = None
    for number, frame in enumerate(_whole_frames(name, capture)):
        picture = to_color(turned(frame.picture))
        size = picture.shape[1::-1]
        if writer is None:
            first = size
            writer = cv2.VideoWriter(
                str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate if 0 < rate < 1000 else 25.0, size
            )
            if not writer.isOpened():
                raise OutputError(f"cannot write {path}: OpenCV cannot encode MPEG-4 here")
        corners = [
            np.array([low, (high[0], low[1]), high, (low[0], high[1])]) for low, high in trails.at(number)
        ]
        hidden = blurred(picture, corners)
        writer.write(hidden if size == first else cv2.resize(hidden, first))
    if writer is not None:
        writer.release()


def _whole_frames(name: str, capture: cv2.VideoCapture) -> Iterator[Frame]:
    """The frames of a file, as far as they go: that it is cut off was told when it was watched."""
    try:
        yield from (frame for frame in file_frames(name, capture, lambda _: None) if frame is not None)
    except VideoError:
        return


def _add_sound(silent: Path, name: str, path: Path) -> bool:
    """Copy the sound of a film to another; returns whether that was done."""
    program = shutil.which("ffmpeg")
    if program is None:
        return False
    command = [program, "-v", "error", "-nostdin", "-y", "-i", f"file:{silent}"]
    command += [
        "-i",
        "file:" + os.path.abspath(name),
        "-map",
        "0:v",
        "-map",
        "1:a?",
        "-c",
        "copy",
        f"file:{path}",
    ]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _joined(boxes: Sequence[Box]) -> list[Box]:
    """Boxes of which none overlaps another much: those that did are one."""
    kept = list[Box]()
    for box in boxes:
        same = [other for other in kept if overlap(box, other) >= SAME_IOU]
        kept = [other for other in kept if all(other is not one for one in same)]
        kept.append(reduce(_union, same, box))
    return kept


def _union(one: Box, other: Box) -> Box:
    return np.stack([np.minimum(one[0], other[0]), np.maximum(one[1], other[1])])
