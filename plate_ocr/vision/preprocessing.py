"""Preprocessing of characters, for training and reading: from the grey picture to its row vector.

The settings are a frozen dataclass that is stored in the model file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from plate_ocr.vision.binarize import border_share, otsu
from plate_ocr.vision.components import Isolated, connected_components, isolate
from plate_ocr.vision.features import frame, framed_ratios
from plate_ocr.vision.images import Image
from plate_ocr.vision.settings import Preprocessing

MAX_BORDER_COVERAGE = 0.25
"""Maximum share of the border that a character covers; beyond, it is more likely the background."""

CHUNK = 256
"""Number of pictures processed at once: they fit into the processor's cache."""


@dataclass(frozen=True)
class CharStack:
    """Grey pictures of characters, stretched to one size.

    Attributes:
        gray: uint8 ``(N, height, width)``.
        aspect: float64 ``(N,)``: width over height of each picture before it was stretched.
    """

    gray: NDArray[np.uint8]
    aspect: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.gray)

    def __getitem__(self, index: slice | NDArray[np.int64] | NDArray[np.bool_]) -> CharStack:
        return CharStack(self.gray[index], self.aspect[index])


@dataclass(frozen=True)
class Candidates:
    """Possible characters: row vectors, each with the index of its picture.

    A picture has one if its border determines the polarity, up to two if not, and none if
    it is blank. The network decides: it is trained to give the wrong polarity a low confidence.

    Attributes:
        ratios: float32 ``(M, values)``, 0..1.
        owner: int64 ``(M,)``: index of the picture.
        inverted: bool ``(M,)``: dark glyphs on a bright background.
        plausible: float64 ``(M,)``: 0..1, to weigh two polarities against each other.
    """

    ratios: NDArray[np.float32]
    owner: NDArray[np.int64]
    inverted: NDArray[np.bool_]
    plausible: NDArray[np.float64]


def stack_characters(pictures: Sequence[Image] | NDArray[np.uint8], settings: Preprocessing) -> CharStack:
    """Stretch grey pictures to the working size.

    Args:
        pictures: uint8 ``(H, W)`` each, of any sizes, or an array ``(N, H, W)``.
        settings: gives the working size.

    Returns:
        The stack, in the same order.
    """
    size = (settings.height, settings.width)
    gray = np.empty((len(pictures), *size), np.uint8)
    aspect = np.empty(len(pictures))
    if isinstance(pictures, np.ndarray):
        aspect[:] = pictures.shape[2] / pictures.shape[1]
        for start in range(0, len(pictures), CHUNK):
            gray[start : start + CHUNK] = _stretch(pictures[start : start + CHUNK], *size)
        return CharStack(gray, aspect)
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for i, picture in enumerate(pictures):
        aspect[i] = picture.shape[1] / picture.shape[0]
        by_shape.setdefault(picture.shape, []).append(i)
    for same in by_shape.values():
        for start in range(0, len(same), CHUNK):
            some = same[start : start + CHUNK]
            gray[some] = _stretch(np.stack([pictures[i] for i in some]), *size)
    return CharStack(gray, aspect)


def frame_characters(
    binary: NDArray[np.uint8], aspect: NDArray[np.float64], settings: Preprocessing
) -> tuple[Isolated, NDArray[np.float64]]:
    """Isolate the character in the middle of each picture and frame it with the model's aspect ratio.

    Args:
        binary: uint8 ``(N, height, width)``, 0 or 255, glyphs white.
        aspect: float64 ``(N,)``: width over height before stretching.
        settings: reach and frame.

    Returns:
        The characters and their frames, float64 ``(N, 4)``: left, top, right, bottom.
    """
    # The reach and the frame's aspect ratio refer to pictures before stretching.
    isolated = isolate(connected_components(binary), settings.reach * settings.width / aspect)
    return isolated, frame(isolated.boxes, settings.aspect / (aspect * settings.height / settings.width))


def row_vectors(
    binary: NDArray[np.uint8], aspect: NDArray[np.float64], settings: Preprocessing
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """White-pixel ratios of binary characters whose polarity is known.

    Args:
        binary: uint8 ``(N, height, width)``, 0 or 255, glyphs white.
        aspect: float64 ``(N,)``: width over height before stretching.
        settings: the frame and its windows.

    Returns:
        float32 ``(N, values)``, 0..1, and bool ``(N,)``: False where no character was found.
    """
    if not len(binary):
        return np.empty((0, settings.values), np.float32), np.empty(0, np.bool_)
    isolated, frames = frame_characters(binary, aspect, settings)
    return framed_ratios(isolated.binary, frames, settings.grid, settings.overlap), isolated.found


def find_candidates(stack: CharStack, settings: Preprocessing) -> Candidates:
    """Binarise characters; return both polarities if the border does not determine one.

    Args:
        stack: N pictures.
        settings: those of the model.
    """
    parts = [
        _candidates(stack[start : start + CHUNK], start, settings) for start in range(0, len(stack), CHUNK)
    ]
    return Candidates(
        np.concatenate([p.ratios for p in parts] or [np.empty((0, settings.values), np.float32)]),
        np.concatenate([p.owner for p in parts] or [np.empty(0, np.int64)]),
        np.concatenate([p.inverted for p in parts] or [np.empty(0, np.bool_)]),
        np.concatenate([p.plausible for p in parts] or [np.empty(0)]),
    )


def _candidates(stack: CharStack, first: int, settings: Preprocessing) -> Candidates:
    binary = otsu(stack.gray)
    share = border_share(binary)
    visible = _visible(stack.gray, settings)
    bright = np.flatnonzero(visible & (share <= 1 - settings.ambiguous))
    dark = np.flatnonzero(visible & (share >= settings.ambiguous))
    owner = np.concatenate([bright, dark])
    inverted = np.arange(len(owner)) >= len(bright)
    glyphs = np.concatenate([binary[bright], 255 - binary[dark]])
    if not len(owner):
        return Candidates(np.empty((0, settings.values), np.float32), owner, inverted, np.empty(0))
    isolated, frames = frame_characters(glyphs, stack.aspect[owner], settings)
    found = isolated.found
    ratios = framed_ratios(isolated.binary[found], frames[found], settings.grid, settings.overlap)
    # The background surrounds the character: in the wrong polarity it covers the border.
    plausible = 1 - np.clip(border_share(isolated.binary[found]) - MAX_BORDER_COVERAGE, 0, 0.2)
    return Candidates(ratios, first + owner[found], inverted[found], plausible)


def _visible(gray: NDArray[np.uint8], settings: Preprocessing) -> NDArray[np.bool_]:
    """Whether each picture ``(N, H, W)`` is not blank: bool ``(N,)``."""
    count, height, _ = gray.shape
    values = gray.reshape(count, -1)
    span = values.max(1).astype(np.int16) - values.min(1)
    reach = max(1, height // 10)
    wide = gray.astype(np.int16)
    steps = (wide[:, reach:] - wide[:, :-reach], wide[:, :, reach:] - wide[:, :, :-reach])
    steepest = np.maximum(*(np.abs(step).reshape(count, -1).max(1) for step in steps))
    return np.asarray((span >= settings.contrast) & (steepest > settings.edge * span))


def _stretch(pictures: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Resize a stack by two matrix products: resizing is linear, and its matrix is the resized identity."""
    down, across = _resize_matrix(pictures.shape[1], height), _resize_matrix(pictures.shape[2], width)
    stretched = np.matmul(np.matmul(down, pictures.astype(np.float32)), across.T)
    return np.asarray(np.clip(np.rint(stretched), 0, 255), np.uint8)


def _resize_matrix(old: int, new: int) -> NDArray[np.float32]:
    method = cv2.INTER_AREA if old > new else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(np.eye(old, dtype=np.float32), (old, new), interpolation=method), np.float32)
