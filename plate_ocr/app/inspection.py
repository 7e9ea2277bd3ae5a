"""Every step of reading a plate as a picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from plate_ocr.files import write_whole
from plate_ocr.readers.classical import ClassicalReader
from plate_ocr.readers.trace import LineReading
from plate_ocr.vision.binarize import otsu
from plate_ocr.vision.drawing import BLUE, GREEN, RED, blank, draw_text, enlarge, to_color, to_png
from plate_ocr.vision.images import Image, ImageSource, read_image, to_gray
from plate_ocr.vision.preprocessing import frame_characters, row_vectors, stack_characters
from plate_ocr.vision.settings import Preprocessing

SCALE = 4
"""Pixels of a drawing for each pixel of a straightened line."""


def inspect_plate(reader: ClassicalReader, image: ImageSource, folder: Path) -> list[Path]:
    """Write a picture of every step of reading a plate.

    Args:
        reader: reads it.
        image: the plate.
        folder: gets the files ``1-grey.png`` to ``5-characters.png``; made if needed.

    Returns:
        The files, in the order of the steps.

    Raises:
        ImageError: if the picture cannot be read.
        OutputError: if a file cannot be written.
    """
    gray = to_gray(read_image(image))
    steps = {"1-grey": gray}
    if lines := reader.lines(gray):
        best = lines[0]
        steps["2-line"] = enlarge(best.line.gray, SCALE * best.line.gray.shape[0])
        steps["3-binary"] = enlarge(best.line.binary, SCALE * best.line.binary.shape[0])
        steps["4-boxes"] = draw_boxes(best, reader.classifier.alphabet)
        if best.chosen:
            steps["5-characters"] = draw_characters(best, reader)
    paths = []
    for name, picture in steps.items():
        paths.append(folder / f"{name}.png")
        write_whole(paths[-1], to_png(picture))
    return paths


def draw_boxes(reading: LineReading, alphabet: str) -> Image:
    """The line with every place where it may be cut, and the boxes that were taken for characters.

    Returns:
        uint8 ``(H, W, 3)``.
    """
    line = enlarge(reading.line.gray, SCALE * reading.line.gray.shape[0])
    canvas = np.concatenate([blank(40, line.shape[1]), to_color(line)])
    cuts = reading.segments.cuts * SCALE
    for x in cuts:
        cv2.line(canvas, (int(x), 40), (int(x), len(canvas)), BLUE, 1)
    for i, scores in zip(reading.chosen, reading.scores, strict=True):
        left, right = int(cuts[reading.segments.first[i]]), int(cuts[reading.segments.last[i]])
        cv2.rectangle(canvas, (left + 1, 40), (right - 1, len(canvas) - 2), GREEN, 2)
        best = int(scores.argmax())
        draw_text(
            canvas,
            f"{alphabet[best]} {scores[best]:.2f}",
            (left + 2, 28),
            16,
            GREEN if scores[best] > 0.5 else RED,
        )
    return canvas


def draw_characters(reading: LineReading, reader: ClassicalReader) -> Image:
    """Each character: its grey piece, its binary in the frame under the windows, its ratios, its top three.

    Returns:
        uint8 ``(H, W, 3)``: a row a character.
    """
    settings = reader.classifier.model.card.preprocessing
    pieces = reading.segments.cut(reading.line.gray)
    stack = stack_characters([pieces[i] for i in reading.chosen], settings)
    binary = otsu(stack.gray)
    isolated, frames = frame_characters(binary, stack.aspect, settings)
    ratios, _ = row_vectors(binary, stack.aspect, settings)
    side = 160
    canvas = blank(20 + len(stack) * (side + 10), 760)
    for x, title in ((10, "grey"), (130, "binary, windows"), (310, "white-pixel ratios"), (480, "top three")):
        draw_text(canvas, title, (x, 15), 13)
    for n, scores in enumerate(reading.scores):
        top = 22 + n * (side + 10)
        _put(canvas, enlarge(pieces[reading.chosen[n]], side), top, 10, 110)
        framed = _framed(isolated.binary[n], frames[n], float(stack.aspect[n]), settings, side)
        _put(canvas, framed, top, 130, 170)
        zones = (ratios[n].reshape(settings.grid) * 255).astype(np.uint8)
        wide = max(1, round(side * settings.aspect))
        _put(
            canvas,
            np.asarray(cv2.resize(zones, (wide, side), interpolation=cv2.INTER_NEAREST), np.uint8),
            top,
            310,
            160,
        )
        for k, i in enumerate(np.argsort(-scores, kind="stable")[:3]):
            y = top + 34 + 44 * k
            draw_text(canvas, reader.classifier.alphabet[i], (480, y), 26)
            cv2.rectangle(
                canvas, (520, y - 20), (520 + int(150 * scores[i]), y), GREEN if k == 0 else BLUE, -1
            )
            draw_text(canvas, f"{scores[i]:.3f}", (680, y - 3), 16)
    return canvas


def _framed(
    own: Image, box: NDArray[np.float64], aspect: float, settings: Preprocessing, height: int
) -> Image:
    """A character's binary picture within its frame, with the windows' tiles drawn over it."""
    left, top, right, bottom = box
    scale = height / (bottom - top)
    across = scale * aspect * settings.height / settings.width
    matrix = np.array([[across, 0, -left * across], [0, scale, -top * scale]])
    width = max(1, round((right - left) * across))
    large = to_color(
        np.asarray(cv2.warpAffine(own, matrix, (width, height), flags=cv2.INTER_NEAREST), np.uint8)
    )
    rows, columns = settings.grid
    for i in range(1, rows):
        cv2.line(large, (0, height * i // rows), (width, height * i // rows), BLUE, 1)
    for i in range(1, columns):
        cv2.line(large, (width * i // columns, 0), (width * i // columns, height), BLUE, 1)
    return large


def _put(canvas: Image, picture: Image, top: int, left: int, most: int) -> None:
    part = to_color(picture)[:, :most]
    canvas[top : top + part.shape[0], left : left + part.shape[1]] = part
