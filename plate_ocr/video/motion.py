"""Where a film changes: frames are compared in grey, a few pixels a cell."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from plate_ocr.vision.images import Image

CELLS, MIN_CELL = 160, 4
"""Cells along the longer side of a frame, and the minimum side of one, pixels."""

MIN_CHANGE = 5.0
"""Minimum change of the mean of 3×3 cells, grey levels: noise is averaged away."""


class ChangeMap:
    """When each part of a film has last changed. Boxes are left, top, right and bottom in pixels."""

    def __init__(self) -> None:
        self._cell = 1
        self._reference: NDArray[np.float32] = np.empty((0, 0), np.float32)
        self._changed: NDArray[np.float64] = np.empty((0, 0))

    def update(self, picture: Image, time: float) -> None:
        """Compare the next frame, uint8 ``(H, W)`` or ``(H, W, 3)``, of a time in seconds.

        All of a frame has changed if its size has.
        """
        self._cell = max(MIN_CELL, round(max(picture.shape[:2]) / CELLS))
        height, width = (max(1, side // self._cell) for side in picture.shape[:2])
        # Green is most of grey.
        channel = picture if picture.ndim == 2 else picture[..., 1]
        small = cv2.resize(np.ascontiguousarray(channel), (width, height), interpolation=cv2.INTER_AREA)
        means = np.asarray(cv2.blur(small.astype(np.float32), (3, 3)), np.float32)
        if means.shape != self._reference.shape:
            self._reference, self._changed = means, np.full(means.shape, time)
            return
        changed = np.abs(means - self._reference) >= MIN_CHANGE
        self._reference[changed] = means[changed]
        self._changed[changed] = time

    def has_changed(self, box: NDArray[np.float64], since: float) -> bool:
        """Whether anything in a box ``(2, 2)``, its low and high corner, has changed after a time."""
        left, top = np.maximum(0, np.floor(box[0] / self._cell)).astype(int)
        right, bottom = np.maximum(0, np.ceil(box[1] / self._cell)).astype(int)
        return bool((self._changed[top:bottom, left:right] > since).any())

    def hull(self, since: float) -> tuple[int, int, int, int] | None:
        """The box of all that has changed after a time; None if nothing has."""
        rows, columns = np.nonzero(self._changed > since)
        if not len(rows):
            return None
        left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        return (
            int(left) * self._cell,
            int(top) * self._cell,
            int(right) * self._cell,
            int(bottom) * self._cell,
        )
