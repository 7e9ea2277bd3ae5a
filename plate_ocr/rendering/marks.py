"""Letters with marks, put together from a font's plain letters, as few plate fonts have them."""

from __future__ import annotations

import unicodedata

import cv2
import numpy as np

from plate_ocr.vision.images import Image

_STRUCK = {"Ø": "O", "Đ": "D", "Ð": "D", "Ł": "L"}
"""Letters with a stroke, which Unicode does not take for a mark, and the plain ones."""

_BELOW = "\u0327\u0328"
"""Cedilla and ogonek."""


def plain_letters(char: str) -> str:
    """The plain letters that a character is put together from; the character itself if it is none such."""
    return {"Æ": "AE", "Œ": "OE", **_STRUCK}.get(char, unicodedata.normalize("NFD", char)[0])


def joined(left: Image, right: Image) -> Image:
    """A ligature of two letters of one height."""
    overlap = left.shape[1] // 3
    picture = np.zeros((left.shape[0], left.shape[1] + right.shape[1] - overlap), np.uint8)
    picture[:, : left.shape[1]] = left
    np.maximum(picture[:, left.shape[1] - overlap :], right, out=picture[:, left.shape[1] - overlap :])
    return picture


def marked(letter: Image, char: str, share: float) -> Image:
    """Put the mark of a character on a plain letter.

    Args:
        letter: uint8 ``(H, W)``, 255 on the letter.
        char: with one mark.
        share: of the height, that a letter below or above its mark keeps.

    Returns:
        uint8, of the letter's size.
    """
    height, width = letter.shape
    thick = max(2, round(height * 0.11))
    if char in _STRUCK:
        picture = letter.copy()
        tilt = {"Đ": 0.0, "Ð": 0.0, "Ł": 0.18}.get(char, 0.5) * height
        right = width // 2 if tilt < 1 else width
        start, end = (0, round(height / 2 + tilt)), (right, round(height / 2 - tilt))
        cv2.line(picture, start, end, 255, round(thick * 0.8), cv2.LINE_AA)
        return picture
    body = round(height * share)
    room = height - body
    mark = unicodedata.normalize("NFD", char)[1]
    picture = np.zeros_like(letter)
    small = cv2.resize(letter, (width, body), interpolation=cv2.INTER_AREA)
    top = 0 if mark in _BELOW else room
    picture[top : top + body] = small
    middle, reach = width // 2, min(width // 2 - 1, round(0.16 * height))
    thick = min(thick, max(2, room // 2))
    high, low = thick // 2, room - 2 - thick // 2
    left, right = middle - reach, middle + reach

    def line(*points: tuple[int, int]) -> None:
        cv2.polylines(picture, [np.array(points, np.int32)], False, 255, max(2, thick * 3 // 4), cv2.LINE_AA)

    if mark in _BELOW:
        line((middle, body), (middle + thick, body + room // 2), (middle - thick, height - 2))
    elif mark == "\u0308":
        for x in (left + thick // 2, right - thick // 2):
            cv2.circle(picture, (x, (high + low) // 2), max(2, thick * 2 // 3), 255, -1, cv2.LINE_AA)
    elif mark == "\u030c":
        line((left, high), (middle, low), (right, high))
    elif mark == "\u0302":
        line((left, low), (middle, high), (right, low))
    elif mark == "\u0303":
        line((left, low), (middle - reach // 3, high), (middle + reach // 3, low), (right, high))
    elif mark == "\u030a":
        radius = max(2, (low - high) // 2)
        cv2.circle(picture, (middle, (high + low) // 2), radius, 255, max(1, thick // 2), cv2.LINE_AA)
    elif mark == "\u0300":
        line((left, high), (middle, low))
    elif mark in "\u0307\u0306\u0304":
        line((middle - thick // 2, low), (middle + thick // 2, low))
    else:
        line((right, high), (middle, low))
    return picture
