"""Flat cars about a plate."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from plate_ocr.vision.images import Image

CAR = (4.6, 2.1, 3.6)
"""Width of the flat car, and how far it reaches above and below the plate's middle, in plate widths."""


def draw_outline(rng: Generator, cover: Image) -> None:
    """The shape of a car: wide below, narrower above."""
    height, width = cover.shape
    inset = float(rng.random()) * 0.18 * width
    roof, side = 0.12 * float(rng.random()), 0.25 + 0.3 * float(rng.random())
    points = np.array(
        [
            [inset, roof * height],
            [width - inset, roof * height],
            [width - 2, side * height],
            [width - 2, height - 2],
            [2, height - 2],
            [2, side * height],
        ]
    )
    cv2.fillPoly(cover, [np.rint(points).astype(np.int32)], 255, cv2.LINE_AA)
