"""Where plates may be at all scales of a photo, for hiding them: more of them than are read."""

from __future__ import annotations

import numpy as np

from plate_ocr.model.sessions import Detector
from plate_ocr.vision.detection import Detection
from plate_ocr.vision.images import Image

HIDDEN_SCORE = 0.6
"""What is hidden has at least this part of the minimum score of what is read: with it 1.3 % of the pixels of
real photos are hidden in vain (``python -m benchmarks.blur``)."""

ENLARGED = ((4, 16_000_000), (2, 64_000_000))
"""Before plates are hidden, a picture is enlarged so many times, if it then has no more pixels than that."""

LAST_SIDE, MAX_HIDDEN_WIDTH = 512, 192
"""Pixels: the scale at which a picture's longer side is below the first is the last one; at the others what
is wider than the second is left to the next, which shows all of it."""

MAX_HIDDEN = 10_000
"""Places at each scale."""


def detect_at_all_scales(detector: Detector, gray: Image) -> list[Detection]:
    """Where a plate may be in a photo, at all scales and with a lower bound than to read: for hiding it.

    Args:
        detector: finds.
        gray: uint8 ``(H, W)``.

    Returns:
        What is seen at several scales is there once for each.
    """
    longest, found = max(gray.shape), list[Detection]()
    enlarged = next((times for times, most in ENLARGED if times**2 * gray.size <= most), 1)
    side = enlarged * longest
    min_score = HIDDEN_SCORE * detector.card.min_score
    while True:
        places = detector.detect(
            gray, scales=[side], min_score=min_score, max_count=MAX_HIDDEN, max_upscale=enlarged
        )
        if side < LAST_SIDE:
            return found + places
        widest = MAX_HIDDEN_WIDTH * longest / side
        found += [p for p in places if np.linalg.norm(p.corners[1] - p.corners[0]) <= widest]
        side //= 2
