"""Pictures that go with a reading: its plates marked, cropped, or made unreadable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from plate_ocr.errors import ImageError
from plate_ocr.readers.results import Plate, Reading
from plate_ocr.vision.drawing import BLACK, GREEN, blurred, draw_text, text_box, to_color, to_jpeg, to_png
from plate_ocr.vision.geometry import rectify
from plate_ocr.vision.images import Image

QUALITY = 92
"""Of JPEG files."""

MAX_SIDE = 65_500
"""Of JPEG files, pixels."""

Detect: TypeAlias = Callable[[Image], Sequence[ArrayLike]]
"""Where a plate may be in a picture: corners ``(4, 2)`` of each, pixels."""


class Drawn(NamedTuple):
    """What is written of a picture: the bytes of files, empty where none is wanted.

    Attributes:
        annotated: JPEG.
        blurred: JPEG.
        crops: a PNG of each plate.
        hidden: places that are made unreadable.
    """

    annotated: bytes
    blurred: bytes
    crops: tuple[bytes, ...]
    hidden: int = 0


def draw(
    picture: Image, reading: Reading, detect: Detect, *, annotate: bool, crops: bool, blur: bool
) -> Drawn:
    """Draw what is wanted of a picture.

    Args:
        picture: uint8 ``(H, W)`` or ``(H, W, 3)`` BGR, in whose pixels the reading's corners are.
        reading: of it.
        detect: says where else a plate may be in it, to be made unreadable.
        annotate: whether its plates are marked.
        crops: whether they are cropped.
        blur: whether all that may be a plate is made unreadable.

    Raises:
        ImageError: if it is too long for a JPEG file.
    """
    plates, hidden = reading.plates, list[ArrayLike]()
    if blur:
        hidden = [*(plate.corners for plate in plates), *detect(picture)]
    return Drawn(
        _to_jpeg(annotated(picture, plates)) if annotate else b"",
        _to_jpeg(blurred(picture, hidden)) if blur else b"",
        tuple(to_png(rectify(picture, np.array(plate.corners)).picture) for plate in plates) if crops else (),
        len(hidden),
    )


def annotated(picture: Image, plates: Sequence[Plate]) -> Image:
    """Frame plates and say what they are; no label lies on a plate.

    Returns:
        uint8 ``(H, W, 3)``.
    """
    canvas = to_color(picture)
    size = int(np.clip(min(canvas.shape[:2]) // 28, 10, 48))
    boxes = [np.array(plate.corners) for plate in plates]
    for box in boxes:
        cv2.polylines(canvas, [np.rint(box).astype(np.int32)], True, GREEN, max(1, size // 8), cv2.LINE_AA)
    taken = [(*box.min(0), *box.max(0)) for box in boxes]
    for plate, box in zip(plates, boxes, strict=True):
        text = f"{plate.text} {plate.confidence:.2f}"
        left, top, wide, high = text_box(text, size)
        wide, high = wide + size // 2, high + size // 2
        place = _free_place(canvas.shape, box, (wide, high), taken)
        if place is None:
            continue
        x, y = place
        taken.append((x, y, x + wide, y + high))
        cv2.rectangle(canvas, (x, y), (x + wide, y + high), (255, 255, 255), -1)
        draw_text(canvas, text, (x + size // 4 - left, y + size // 4 - top), size, BLACK)
    return canvas


def _free_place(
    shape: tuple[int, ...],
    box: NDArray[np.float64],
    size: tuple[int, int],
    taken: Sequence[tuple[float, float, float, float]],
) -> tuple[int, int] | None:
    """Upper left corner of a place for a label near a plate, on nothing that is taken, if there is one."""
    wide, high = size
    (low, top), (right, bottom) = box.min(0), box.max(0)
    gap = high // 4
    above, below = top - high - gap, bottom + gap
    wanted = [
        (low, above), (low, below), (right - wide, above), (right - wide, below), (right + gap, top),
        (low - wide - gap, top), (low, above - high - gap), (low, below + high + gap),
    ]  # fmt: skip
    for left, upper in wanted:
        x = int(np.clip(left, 0, max(0, shape[1] - wide)))
        y = int(np.clip(upper, 0, max(0, shape[0] - high)))
        if all(x + wide <= a or c <= x or y + high <= b or d <= y for a, b, c, d in taken):
            return x, y
    return None


def _to_jpeg(picture: Image) -> bytes:
    if max(picture.shape) > MAX_SIDE:
        height, width = picture.shape[:2]
        raise ImageError(
            f"{width}×{height} pixels are too many for a JPEG file, which has {MAX_SIDE:,} a side; "
            "leave out --annotate and --blur"
        )
    return to_jpeg(picture, QUALITY)
