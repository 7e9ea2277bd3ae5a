"""What is hidden in photos: of the plates, and in vain; in full size and with plates of few pixels.

``python -m benchmarks.blur [DETECTOR [N]]``, by default ``detector`` and 1: of a set every Nth photo.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks import LabelledPhoto, labelled_photos, photo_folders
from plate_ocr.model.sessions import Detector
from plate_ocr.readers.scales import HIDDEN_SCORE, detect_at_all_scales
from plate_ocr.vision.drawing import hull_to_blur
from plate_ocr.vision.images import Image, read_image, to_gray

WIDTHS = (24, 38)
"""Photos are shrunk until their widest plate has so many pixels, where it has more."""

INNER, COVERED = 0.9, 0.9
"""A plate is hidden where so much of its middle is, which is so large a part of its width and height."""

LEVEL = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
"""The labels do not say how a plate is turned: taken for upright."""


def mask(places: Iterable[ArrayLike], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """What is hidden where plates may be."""
    hidden = np.zeros(shape, np.bool_)
    for corners in places:
        left, top, right, bottom = hull_to_blur(corners, shape)
        hidden[top:bottom, left:right] = True
    return hidden


def hides(hidden: NDArray[np.bool_], corners: NDArray[np.float64]) -> bool:
    """Whether a plate is hidden."""
    middle = corners.mean(0)
    points = np.rint(middle + INNER * (corners - middle)).astype(int)
    (left, top), (right, bottom) = np.maximum(points.min(0), 0), points.max(0) + 1
    return bool(hidden[top:bottom, left:right].mean() >= COVERED)


def look(detector: Detector, gray: Image, plates: list[NDArray[np.float64]]) -> tuple[list[bool], float]:
    """Whether each plate is hidden, and what part of the photo is in vain."""
    hidden = mask([place.corners for place in detect_at_all_scales(detector, gray)], gray.shape)
    return [hides(hidden, plate) for plate in plates], float((hidden & ~mask(plates, gray.shape)).mean())


def plates_of(photo: LabelledPhoto) -> list[NDArray[np.float64]]:
    """Corners ``(4, 2)`` of the labelled plates."""
    return [photo.corners(number, LEVEL) for number in range(len(photo.texts))]


def main() -> None:
    """Print a line a set."""
    cv2.setNumThreads(1)
    model, step = [*sys.argv[1:], *("detector", "1")[len(sys.argv) - 1 :]]
    detector = Detector(model, threads=1)
    print(f"score of what is hidden: {HIDDEN_SCORE * detector.card.min_score:.2f} at least\n")
    sizes = "".join(f" | {width} pixels wide" for width in WIDTHS)
    print(
        f"| photos | plates hidden{sizes} | pixels hidden in vain | ms per photo |\n|---|---|---|---|---|---|"
    )
    everywhere = list[float]()
    for folder in photo_folders():
        photos, vain, seconds = labelled_photos(folder)[:: int(step)], list[float](), 0.0
        found: dict[int, list[bool]] = defaultdict(list)
        for photo in photos:
            gray, plates = to_gray(read_image(photo.path)), plates_of(photo)
            started = time.perf_counter()
            hidden, share = look(detector, gray, plates)
            seconds += time.perf_counter() - started
            found[0] += hidden
            vain.append(share)
            for width in WIDTHS:
                if (scale := width / photo.boxes[:, 2].max()) < 1:
                    small = np.asarray(
                        cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
                    )
                    found[width] += look(detector, small, [scale * plate for plate in plates])[0]
        everywhere += vain
        shares = " | ".join(f"{np.mean(found[width]):.1%}" for width in (0, *WIDTHS))
        print(
            f"| {folder.name}, {len(photos)} | {shares} | {np.mean(vain):.1%} "
            f"| {1000 * seconds / len(photos):.0f} |",
            flush=True,
        )
    print(f"| all, {len(everywhere)} | | | | {np.mean(everywhere):.2%} | |")


if __name__ == "__main__":
    main()
