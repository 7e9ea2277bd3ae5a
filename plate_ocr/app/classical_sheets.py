"""The steps of reading classically, drawn: binarise, cut, white-pixel ratios."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from plate_ocr.model.cards import ModelCard
from plate_ocr.readers.trace import CharAttempts, LineReading
from plate_ocr.vision.binarize import otsu
from plate_ocr.vision.drawing import BLUE, GREEN, RED, blank, draw_text, enlarge, to_color
from plate_ocr.vision.images import Image
from plate_ocr.vision.preprocessing import frame_characters, row_vectors, stack_characters
from plate_ocr.vision.settings import Preprocessing

SIDE = 160
"""Height of a character, pixels."""


def draw_boxes(reading: LineReading, card: ModelCard, scale: int) -> Image:
    """The line with every place where it may be cut, and the boxes that were taken for characters.

    Args:
        reading: the line.
        card: of the model that read it.
        scale: pixels of the drawing for each pixel of the line.

    Returns:
        uint8 ``(H, W, 3)``.
    """
    line = enlarge(reading.line.gray, scale * reading.line.gray.shape[0])
    canvas = np.concatenate([blank(40, line.shape[1]), to_color(line)])
    cuts = reading.segments.cuts * scale
    for x in cuts:
        cv2.line(canvas, (int(x), 40), (int(x), len(canvas)), BLUE, 1)
    for i, scores in zip(reading.chosen, reading.scores, strict=True):
        left, right = int(cuts[reading.segments.first[i]]), int(cuts[reading.segments.last[i]])
        cv2.rectangle(canvas, (left + 1, 40), (right - 1, len(canvas) - 2), GREEN, 2)
        best = int(scores.argmax())
        color = GREEN if scores[best] > 0.5 else RED
        draw_text(canvas, f"{card.alphabet[best]} {scores[best]:.2f}", (left + 2, 28), 16, color)
    return canvas


def draw_characters(reading: LineReading, card: ModelCard) -> Image:
    """Each character of a line, a row each: see :func:`_draw_rows`."""
    settings = card.preprocessing
    pieces = reading.segments.cut(reading.line.gray)
    chosen = [pieces[i] for i in reading.chosen]
    stack = stack_characters(chosen, settings)
    binary = otsu(stack.gray)
    ratios, _ = row_vectors(binary, stack.aspect, settings)
    return _draw_rows(chosen, binary, stack.aspect, ratios, reading.scores, card)


def draw_polarities(char: CharAttempts, card: ModelCard) -> Image:
    """A single character in each polarity that it may have, a row each, the one that was taken in green."""
    inverted, stack = char.candidates.inverted, char.stack
    if not len(inverted):
        return enlarge(stack.gray[0], SIDE)
    binary = otsu(np.repeat(stack.gray, len(inverted), axis=0))
    binary[inverted] = 255 - binary[inverted]
    rows = _draw_rows(
        [stack.gray[0]] * len(inverted),
        binary,
        np.repeat(stack.aspect, len(inverted)),
        char.candidates.ratios,
        char.probabilities,
        card,
    )
    taken = (char.probabilities == char.scores).all(1)
    for n, (dark, plausible) in enumerate(zip(inverted, char.candidates.plausible, strict=True)):
        text = f"{'dark' if dark else 'bright'} glyph, plausibility {plausible:.2f}"
        color = GREEN if taken[n] else RED
        draw_text(rows, text, (520, _top(n) + SIDE - 6), 13, color)
        draw_text(rows, "taken" if taken[n] else "less confident", (520, _top(n) + SIDE - 22), 13, color)
    return rows


def _top(n: int) -> int:
    """Of the n-th row, pixels."""
    return 22 + n * (SIDE + 10)


def _draw_rows(
    pieces: Sequence[Image],
    binary: NDArray[np.uint8],
    aspect: NDArray[np.float64],
    ratios: NDArray[np.float32],
    scores: NDArray[np.float32],
    card: ModelCard,
) -> Image:
    """Each character: its grey piece, its framed binary under the tiles, its ratios, its top three.

    Args:
        pieces: N grey pictures.
        binary: uint8 ``(N, height, width)``, glyphs white.
        aspect: float64 ``(N,)``: width over height.
        ratios: float32 ``(N, values)``.
        scores: float32 ``(N, classes)``.
        card: of the model.

    Returns:
        uint8 ``(H, W, 3)``: a row a character.
    """
    settings = card.preprocessing
    isolated, frames = frame_characters(binary, aspect, settings)
    canvas = blank(_top(len(pieces)) - 2, 760)
    for x, title in (
        (10, "grey"),
        (130, "binary, a window"),
        (310, "white-pixel ratios"),
        (480, "top three"),
    ):
        draw_text(canvas, title, (x, 15), 13)
    for n, row in enumerate(scores):
        top = _top(n)
        _put(canvas, enlarge(pieces[n], SIDE), top, 10, 110)
        _put(canvas, _framed(isolated.binary[n], frames[n], float(aspect[n]), settings, SIDE), top, 130, 170)
        zones = (ratios[n].reshape(settings.grid) * 255).astype(np.uint8)
        size = max(1, round(SIDE * settings.aspect)), SIDE
        zones = np.asarray(cv2.resize(zones, size, interpolation=cv2.INTER_NEAREST), np.uint8)
        _put(canvas, zones, top, 310, 160)
        for k, i in enumerate(np.argsort(-row, kind="stable")[:3]):
            y = top + 34 + 44 * k
            draw_text(canvas, card.alphabet[int(i)], (480, y), 26)
            cv2.rectangle(canvas, (520, y - 20), (520 + int(150 * row[i]), y), GREEN if k == 0 else BLUE, -1)
            draw_text(canvas, f"{row[i]:.3f}", (680, y - 3), 16)
    return canvas


def _framed(
    own: Image, box: NDArray[np.float64], aspect: float, settings: Preprocessing, height: int
) -> Image:
    """A character's binary picture within its frame, with the tiles of its windows, and one window in red."""
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
    # A window reaches beyond its tile by half of the overlap on each side.
    tile, middle = np.array([width / columns, height / rows]), np.array([columns // 2, rows // 2])
    beyond = settings.overlap / 2
    low, high = ((middle - beyond) * tile).round(), ((middle + 1 + beyond) * tile).round()
    cv2.rectangle(large, [int(v) for v in low], [int(v) for v in high], RED, 2 if columns < 10 else 1)
    return large


def _put(canvas: Image, picture: Image, top: int, left: int, max_width: int) -> None:
    part = to_color(picture)[:, :max_width]
    canvas[top : top + part.shape[0], left : left + part.shape[1]] = part
