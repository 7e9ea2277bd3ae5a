"""Plots of character models: confusions and mistakes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plate_ocr.alphabet import Alphabet
from plate_ocr.files import write_whole
from plate_ocr.vision.drawing import BLACK, WHITE, blank, contact_sheet, draw_text, to_png
from plate_ocr.vision.preprocessing import CharStack

MAX_MISTAKES = 60
"""Mistakes shown."""


def plot_confusion(matrix: NDArray[np.int64], alphabet: Alphabet, path: Path) -> None:
    """A confusion matrix as a PNG file: rows are what was shown, columns what was read.

    Args:
        matrix: int64 ``(classes, classes)``.
        alphabet: names the classes.
        path: the file.
    """
    cell, edge = 26, 30
    rates = matrix / np.maximum(1, matrix.sum(1, keepdims=True))
    canvas = blank(edge + cell * len(matrix), edge + cell * len(matrix))
    draw_text(canvas, "shown", (1, edge - 18), 9)
    draw_text(canvas, "read →", (1, edge - 6), 9)
    for i, char in enumerate(alphabet.characters):
        draw_text(canvas, char, (8, edge + cell * i + 18), 14)
        draw_text(canvas, char, (edge + cell * i + 7, 22), 14)
    for row in range(len(matrix)):
        for column in range(len(matrix)):
            left, top = edge + cell * column, edge + cell * row
            # Squared paper, wrong cells red, right ones blue, faint where rare.
            tint = np.sqrt(rates[row, column]) * (0.9 if row == column else 1)
            faded = np.array([255, 120, 40] if row == column else [40, 40, 255])
            canvas[top + 1 : top + cell, left + 1 : left + cell] = 245 + tint * (faded - 245)
            if count := int(matrix[row, column]):
                color = WHITE if tint > 0.6 else BLACK
                draw_text(canvas, str(count), (left + 3, top + 17), 9 if count < 1000 else 8, color)
    write_whole(path, to_png(canvas))


def plot_mistakes(
    stack: CharStack,
    probabilities: NDArray[np.float32],
    labels: NDArray[np.int64],
    alphabet: Alphabet,
    path: Path,
) -> None:
    """The misreadings of which the network was surest, as a PNG file.

    Args:
        stack: N pictures.
        probabilities: float32 ``(N, classes)``.
        labels: int64 ``(N,)``.
        alphabet: names the classes.
        path: the file.
    """
    read = probabilities.argmax(1)
    wrong = np.flatnonzero(read != labels)
    worst = wrong[np.argsort(-probabilities[wrong].max(1), kind="stable")][:MAX_MISTAKES]
    if not len(worst):
        canvas = blank(40, 200)
        draw_text(canvas, "no mistakes", (12, 26))
        write_whole(path, to_png(canvas))
        return
    captions = [f"{alphabet[labels[i]]} → {alphabet[read[i]]} {probabilities[i].max():.2f}" for i in worst]
    write_whole(path, to_png(contact_sheet([stack.gray[i] for i in worst], captions, columns=10)))
