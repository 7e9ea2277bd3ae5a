"""How a picture was read, drawn: one sheet a picture, step below step."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike

from plate_ocr.app.classical_sheets import draw_boxes, draw_characters, draw_polarities
from plate_ocr.app.inspection import (
    Inspection,
    attempt_line,
    attempts,
    best_classes,
    search_line,
    taken_attempt,
)
from plate_ocr.readers.pictures import annotated
from plate_ocr.readers.results import Char
from plate_ocr.readers.trace import Candidate, CropReading, Search
from plate_ocr.vision.detection import CELL
from plate_ocr.vision.drawing import BLACK, BLUE, GREEN, RED, blank, draw_text, enlarge, to_color
from plate_ocr.vision.images import Image
from plate_ocr.vision.plate_input import text_view

WIDTH, GAP = 1200, 12
"""Of a sheet, and between what is on it, pixels."""

GREY, PALE, BAND, BRIGHT = (120, 120, 120), (190, 190, 190), (236, 232, 228), (80, 255, 80)
ORANGE = (0, 120, 220)

MAX_REJECTED = 4
"""Candidates that are drawn although they were not taken, at most."""

MAX_HEIGHT = 560
"""Pictures are not drawn higher, pixels."""

SCALE = 4
"""Pixels of a drawing for each pixel of a straightened line."""

LOW_CONFIDENCE, HIGH_CONFIDENCE = 0.5, 0.9
"""Probabilities below the one are red, from the other on green."""


class Sheet:
    """Rows of pictures and lines of text on white, all :data:`WIDTH` pixels wide."""

    def __init__(self) -> None:
        self._rows = list[Image]()

    def line(self, text: str, size: int = 15, color: tuple[int, int, int] = BLACK) -> None:
        """A line of text; what is too long is cut."""
        row = blank(size + 9, WIDTH)
        draw_text(row, text, (GAP, size + 2), size, color)
        self._rows.append(row)

    def band(self, text: str) -> None:
        """A heading."""
        self._rows.append(blank(GAP, WIDTH))
        row = np.full((30, WIDTH, 3), BAND, np.uint8)
        draw_text(row, text, (GAP, 21), 17)
        self._rows += [row, blank(6, WIDTH)]

    def row(self, *panels: Image) -> None:
        """Pictures side by side, each with a thin frame."""
        row = blank(max(len(panel) for panel in panels) + 8, WIDTH)
        left = GAP
        for panel in panels:
            part = to_color(panel)[:, : WIDTH - left]
            row[2 : 2 + len(part), left : left + part.shape[1]] = part
            cv2.rectangle(row, (left - 1, 1), (left + part.shape[1], 2 + len(part)), PALE, 1)
            left += part.shape[1] + GAP
        self._rows.append(row)

    def image(self) -> Image:
        """uint8 ``(H, WIDTH, 3)`` BGR."""
        return np.concatenate([blank(6, WIDTH), *self._rows, blank(GAP, WIDTH)])


def draw_sheet(inspection: Inspection) -> Image:
    """All steps of reading a picture.

    Returns:
        uint8 ``(H, WIDTH, 3)`` BGR.
    """
    sheet, trace, picture = Sheet(), inspection.trace, inspection.picture
    height, width = picture.shape[:2]
    sheet.line(inspection.title(), 22)
    sheet.line(f"{width}×{height} pixels, read as {inspection.type_in_words}", color=GREY)
    if trace.searches:
        _draw_detector(sheet, inspection)
    else:
        sheet.row(fitted(picture, WIDTH // 2, 240))
    if trace.char is not None and trace.card is not None:
        sheet.band("single character: each polarity that it may have")
        sheet.row(draw_polarities(trace.char, trace.card))
    taken = len(inspection.reading.plates) if trace.candidates else 0
    for number, candidate in enumerate(inspection.candidates[: taken + MAX_REJECTED]):
        sheet.band(inspection.heading(number))
        _draw_candidate(sheet, candidate, inspection.alphabet)
        sheet.line(inspection.conclusion(candidate))
    if (more := len(inspection.candidates) - taken - MAX_REJECTED) > 0:
        sheet.line(f"and {more} more candidates that are no plates", color=GREY)
    if trace.lines and trace.card is not None:
        best = trace.lines[0]
        for name, drawn in (
            ("straightened line of characters", enlarge(best.line.gray, SCALE * len(best.line.gray))),
            ("binary: glyphs white", enlarge(best.line.binary, SCALE * len(best.line.binary))),
            ("where it may be cut, and what was taken for a character", draw_boxes(best, trace.card, SCALE)),
        ):
            sheet.band(name)
            sheet.row(fitted(drawn, WIDTH - 2 * GAP, MAX_HEIGHT))
        if best.chosen:
            sheet.band("each character: what the network gets, and what it says")
            sheet.row(draw_characters(best, trace.card))
    return sheet.image()


def fitted(picture: Image, width: int, height: int) -> Image:
    """A picture shrunk or enlarged until it is so wide or so high: uint8 ``(h, w, 3)``."""
    scale = min(width / picture.shape[1], height / picture.shape[0])
    size = [max(1, round(side * scale)) for side in picture.shape[1::-1]]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return to_color(np.asarray(cv2.resize(picture, size, interpolation=method), np.uint8))


def _draw_detector(sheet: Sheet, inspection: Inspection) -> None:
    """Each run's scores over what it looked at, and where plates were read."""
    searches, picture = inspection.trace.searches, inspection.picture
    columns = min(3, len(searches) + 1)
    width = (WIDTH - GAP) // columns - GAP
    panels = [heat_map(inspection, search, width) for search in searches]
    captions = [search_line(search, inspection.trace.offset).replace(": ", ":\n") for search in searches]
    panels.append(fitted(annotated(picture, inspection.reading.plates), width, MAX_HEIGHT))
    captions.append("what was read")
    sheet.band(
        "detector: where middles of plates may be, orange; corners of what is read, green, or not, red"
    )
    for start in range(0, len(panels), columns):
        some = [_captioned(*panel) for panel in zip(panels, captions, strict=True)][start : start + columns]
        sheet.row(*some)
    for search in searches:
        for place in search.detections:
            if inspection.skipped_reason(place) is not None:
                sheet.line(f"not read: {inspection.detection_line(place)}", color=GREY)


def heat_map(inspection: Inspection, search: Search, width: int) -> Image:
    """The detector's scores over what it looked at: uint8 ``(h, w, 3)``."""
    panel = fitted(search.picture, width, MAX_HEIGHT)
    run, scale = search.run, panel.shape[1] / search.picture.shape[1]
    matrix = np.diag([scale * CELL / run.scale, scale * CELL / run.scale, 1])[:2]
    size = panel.shape[1::-1]
    scores = cv2.warpAffine(run.scores.astype(np.float32), matrix, size, flags=cv2.INTER_NEAREST)
    gray = cv2.cvtColor(cv2.cvtColor(panel, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR) * 0.6
    # Low scores are to be seen too.
    opacity = scores[:, :, None] ** 0.7
    panel = np.asarray(gray * (1 - opacity) + opacity * (0, 140, 255), np.uint8)
    for place in search.detections:
        corners, is_read = (place.corners - search.origin) * scale, inspection.skipped_reason(place) is None
        outline(panel, corners, GREEN if is_read else RED)
        (x, above), (_, below) = corners.min(0), corners.max(0)
        y = above - 4 if above > 18 else below + 15
        draw_text(panel, f"{place.score:.2f}", (x, y), 14, BRIGHT if is_read else PALE)
    return panel


def outline(panel: Image, corners: ArrayLike, color: tuple[int, int, int]) -> None:
    """Draw a quadrilateral ``(4, 2)``, with a dot at its own top left."""
    points = np.rint(np.asarray(corners, np.float64)).astype(np.int32)
    cv2.polylines(panel, [points], True, color, 1, cv2.LINE_AA)
    cv2.circle(panel, [int(v) for v in points[0]], 3, color, -1, cv2.LINE_AA)


def _captioned(panel: Image, caption: str) -> Image:
    lines = caption.split("\n")
    below = blank(5 + 17 * len(lines), panel.shape[1])
    for i, line in enumerate(lines):
        draw_text(below, line, (2, 15 + 17 * i), 13, GREY)
    return np.concatenate([panel, below])


def _draw_candidate(sheet: Sheet, candidate: Candidate, alphabet: str) -> None:
    """Its crops, and how the one that was taken was read."""
    width = (WIDTH - GAP) // 3 - GAP
    for attempt in attempts(candidate):
        reading = attempt.reading
        sheet.line(attempt_line(candidate, attempt))
        crop = fitted(reading.crop.picture, width, width // 4 + 40)
        size = crop.shape[1::-1]
        outline(crop, reading.corners * size, GREEN)
        outline(crop, reading.text_corners * size, BLUE)
        crop = np.concatenate([crop, blank(len(crop), width - size[0])], axis=1)
        view = text_view(reading.input, reading.text_corners)
        sheet.row(
            _captioned(crop, "crop; corners of plate green, of text blue"),
            _captioned(fitted(reading.input, width, MAX_HEIGHT), "input of the network"),
            _captioned(fitted(view, width, MAX_HEIGHT), "view of the text"),
        )
    if (taken := taken_attempt(candidate)) is not None:
        sheet.line(
            "its CTC steps: the likeliest class and its probability in %; – is the blank, equal "
            "neighbours are one character"
        )
        sheet.row(draw_steps(taken.reading, alphabet))
        sheet.line("characters with their alternatives")
        sheet.row(draw_chars(taken.reading.plate_chars))


def draw_steps(reading: CropReading, alphabet: str) -> Image:
    """The view of the text, and below each of its two rows of CTC steps: uint8 ``(H, W, 3)``."""
    classes, probabilities = best_classes(reading)
    half = len(classes) // 2
    cell = (WIDTH - 2 * GAP) // half
    width, height = cell * half, 144
    view = text_view(reading.input, reading.text_corners)
    parts = [to_color(np.asarray(cv2.resize(view, (width, height)), np.uint8))]
    for name, first in (("upper row", 0), ("lower row", half)):
        row = blank(64, width)
        draw_text(row, name, (2, 11), 11, GREY)
        for column in range(half):
            left, index = column * cell, first + column
            probability, color = float(probabilities[index]), _color(float(probabilities[index]))
            cv2.line(row, (left, 14), (left, 64), BAND, 1)
            if classes[index]:
                bar = round(36 * probability)
                cv2.rectangle(row, (left + 2, 63 - bar), (left + 7, 63), color, -1)
                draw_text(row, alphabet[classes[index] - 1], (left + 11, 40), 22, color)
                draw_text(row, f"{100 * probability:.0f}", (left + 11, 58), 11, GREY)
            else:
                draw_text(row, "–", (left + 13, 38), 16, PALE)
        parts.append(row)
    return np.concatenate(parts)


def draw_chars(chars: Sequence[Char]) -> Image:
    """Characters side by side, each with its alternatives below: uint8 ``(H, W, 3)``."""
    cell = min(120, (WIDTH - 2 * GAP) // max(1, len(chars)))
    canvas = blank(128, cell * len(chars))
    for i, char in enumerate(chars):
        left, color = i * cell, _color(char.confidence)
        draw_text(canvas, char.char or "?", (left + 8, 36), 32, color)
        draw_text(canvas, f"{char.confidence:.2f}", (left + 46, 32), 16, color)
        cv2.rectangle(
            canvas, (left + 8, 44), (left + 8 + round((cell - 20) * char.confidence), 50), color, -1
        )
        for k, (other, probability) in enumerate(char.alternatives):
            top = 72 + 22 * k
            draw_text(canvas, other, (left + 12, top), 17, GREY)
            draw_text(canvas, f"{probability:.2f}", (left + 46, top), 14, GREY)
    return canvas


def _color(probability: float) -> tuple[int, int, int]:
    if probability >= HIGH_CONFIDENCE:
        return GREEN
    return ORANGE if probability >= LOW_CONFIDENCE else RED
