"""Draws flat cars around plates."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from plate_ocr.region_files.schema import Box
from plate_ocr.rendering.clutter import add_grain, smooth_shades, write_word
from plate_ocr.rendering.decorations import WORDS
from plate_ocr.rendering.flat_plate import FlatPlate
from plate_ocr.rendering.glyphs import Glyphs
from plate_ocr.rendering.signs import draw_sign
from plate_ocr.vision.images import Image

CAR = (4.6, 2.1, 3.6)
"""Width of the flat car, and how far it reaches above and below the plate's middle, in plate widths."""


def draw_car(
    rng: Generator, flat: FlatPlate, glyphs: Glyphs, units: float, *, plate: bool
) -> tuple[Image, Image, Box]:
    """Draw a flat car around a plate.

    Args:
        rng: random generator.
        flat: the plate.
        glyphs: for letters on the car.
        units: width of the plate on the car's canvas, pixels.
        plate: whether the plate is drawn; without it, nothing is in its place or a sign.

    Returns:
        The canvas, uint8 ``(height, width)``; how opaque it is, likewise, 255 where the car is; and the
        plate's box on it.
    """
    width, up, down = (round(units * part) for part in CAR)
    height = round((up + down) * 0.62)
    middle = (
        width // 2 + round(units * 0.5 * float(rng.normal(0, 0.25))),
        round(height * (0.35 + 0.45 * float(rng.random()))),
    )
    body = smooth_shades(rng, height, width)
    if rng.random() < 0.3:
        add_grain(rng, body)
    cover = np.zeros((height, width), np.uint8)
    choice = rng.random()
    if choice < 0.12:
        # Only the plate and a little about it: on a wall, on a trailer.
        reach = units * (0.55 + 0.3 * float(rng.random()))
        cv2.rectangle(
            cover,
            (round(middle[0] - reach), round(middle[1] - reach * 0.4)),
            (round(middle[0] + reach), round(middle[1] + reach * 0.4)),
            255,
            -1,
        )
    else:
        _draw_outline(rng, cover)
        _draw_car_parts(rng, glyphs, body, middle, units)
    left, top, right, bottom = flat.plate_box
    scale = units / (right - left)
    size = max(4, round(flat.gray.shape[1] * scale)), max(3, round(flat.gray.shape[0] * scale))
    both = cv2.resize(np.dstack([flat.gray, flat.opaque]), size, interpolation=cv2.INTER_AREA)
    x, y = middle[0] - size[0] // 2, min(max(0, middle[1] - size[1] // 2), height - size[1] - 1)
    place = (x + left * scale, y + top * scale, x + right * scale, y + bottom * scale)
    if plate:
        part, mask = body[y : y + size[1], x : x + size[0]], both[..., 1].astype(np.float32) / 255
        part[:] = (part + (both[..., 0].astype(np.float32) - part) * mask).astype(np.uint8)
        cover[y : y + size[1], x : x + size[0]] = np.maximum(
            cover[y : y + size[1], x : x + size[0]], both[..., 1]
        )
    elif rng.random() < 0.5:
        # The dealer's name, as on cars for sale.
        part = body[y : y + size[1], x : x + size[0]]
        part[:] = cv2.resize(draw_sign(rng, glyphs), part.shape[::-1], interpolation=cv2.INTER_AREA)
    return body, cover, place


def _draw_outline(rng: Generator, cover: Image) -> None:
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


def _draw_car_parts(
    rng: Generator, glyphs: Glyphs, body: Image, middle: tuple[int, int], units: float
) -> None:
    """Windows, lamps, bumpers, a grille, letters: a car's face or its back."""
    width = body.shape[1]

    def quad(x: float, y: float, w: float, h: float, level: float) -> None:
        points = np.array([[x - w, y - h], [x + w, y - h], [x + w, y + h], [x - w, y + h]]) * units
        points += rng.normal(0, 0.12 * min(w, h) * units, points.shape)
        cv2.fillPoly(body, [np.rint(points + middle).astype(np.int32)], level, cv2.LINE_AA)

    def level(dark: float) -> float:
        return float(rng.random() * 70 if rng.random() < dark else rng.random() * 255)

    if rng.random() < 0.8:
        y = -(0.9 + 0.7 * float(rng.random()))
        quad(0, y, 1.3 + 0.3 * float(rng.random()), 0.25 + 0.25 * float(rng.random()), level(0.7))
        for _ in range(int(rng.random() * 3)):
            quad(
                float(rng.normal(0, 0.7)),
                y + float(rng.normal(0, 0.1)),
                0.1 + 0.3 * float(rng.random()),
                0.2 * float(rng.random()),
                level(0.2),
            )
    if rng.random() < 0.8:
        # The bumper, around or below.
        y, high = float(rng.normal(0.2, 0.3)), 0.12 + 0.35 * float(rng.random())
        quad(0, y, 1.9, high, level(0.4))
    _draw_grille(rng, body, middle, units)
    if rng.random() < 0.7:
        x, y = 1.0 + 0.5 * float(rng.random()), float(rng.normal(-0.3, 0.3))
        w, h, shade = 0.15 + 0.25 * float(rng.random()), 0.1 + 0.25 * float(rng.random()), level(0.2)
        for side in (-x, x):
            quad(side, y, w, h, shade)
            if rng.random() < 0.7:
                cv2.circle(
                    body,
                    (round(middle[0] + side * units), round(middle[1] + y * units)),
                    max(1, round(0.6 * h * units)),
                    level(0.3),
                    -1,
                    cv2.LINE_AA,
                )
    if rng.random() < 0.6:
        # The hollow that the plate sits in.
        quad(
            0,
            float(rng.normal(0, 0.04)),
            0.6 + 0.15 * float(rng.random()),
            0.16 + 0.15 * float(rng.random()),
            level(0.6),
        )
    if rng.random() < 0.25:
        _draw_dealers_strip(rng, glyphs, body, middle, units)
    for _ in range(int(rng.random() * 4)):
        y = float(rng.normal(0, 0.8))
        cv2.line(
            body,
            (0, round(middle[1] + y * units)),
            (width, round(middle[1] + (y + 0.1 * float(rng.normal())) * units)),
            level(0.5),
            max(1, round(0.02 * units * float(rng.random() * 3))),
            cv2.LINE_AA,
        )
    for _ in range(int(rng.random() * 4)):
        side = float(rng.choice([-1.1, -0.8, 0.8, 1.1, 0.0]))
        y = -0.25 - 0.5 * float(rng.random()) if side == 0 else float(rng.normal(-0.35, 0.2))
        word = WORDS[int(rng.random() * len(WORDS))]
        high = (0.05 + 0.08 * float(rng.random())) * units
        write_word(
            rng,
            glyphs,
            body,
            word,
            (middle[0] + side * units, middle[1] + y * units),
            high,
            level(0.3),
        )
    if rng.random() < 0.5:
        cv2.ellipse(
            body,
            (middle[0], round(middle[1] - 0.35 * units)),
            (max(1, round(0.09 * units)),) * 2,
            0,
            0,
            360,
            level(0.3),
            max(1, round(0.02 * units)),
            cv2.LINE_AA,
        )


def _draw_dealers_strip(
    rng: Generator, glyphs: Glyphs, body: Image, middle: tuple[int, int], units: float
) -> None:
    """The dealer's name on a strip of its own, above the plate or below."""
    y = middle[1] + units * (0.3 + 0.25 * float(rng.random())) * (1 if rng.random() < 0.7 else -1)
    wide, high = units * (0.25 + 0.3 * float(rng.random())), units * (0.03 + 0.05 * float(rng.random()))
    shade = float(rng.random() * 255)
    box = [round(v) for v in (middle[0] - wide, y - high, middle[0] + wide, y + high)]
    cv2.rectangle(body, (box[0], box[1]), (box[2], box[3]), shade, -1)
    word = WORDS[int(rng.random() * len(WORDS))]
    write_word(rng, glyphs, body, word, (middle[0], y), 1.5 * high, (shade + 128) % 256, 1.8 * wide)


def _draw_grille(rng: Generator, body: Image, middle: tuple[int, int], units: float) -> None:
    """A car's grille, a truck's, or none."""
    choice = rng.random()
    if choice > 0.62:
        return
    y, high, wide = float(rng.normal(-0.4, 0.25)), 0.1 + 0.25 * float(rng.random()), 0.4
    if choice > 0.5:
        high, wide = 0.4 + 0.7 * float(rng.random()), 1.0
        y = -0.3 - high * float(rng.random())
    wide += 0.8 * float(rng.random())
    left, right = max(0, round(middle[0] - wide * units)), round(middle[0] + wide * units)
    top, bottom = (
        max(0, round(middle[1] + (y - high) * units)),
        max(1, round(middle[1] + (y + high) * units)),
    )
    part = body[top:bottom, left:right]
    part[:] = int(rng.random() * 90)
    step, thick = max(2, round(units * (0.04 + 0.08 * float(rng.random())))), max(1, round(units * 0.03))
    shade = int(rng.random() * 256)
    if rng.random() < 0.7:
        for i in range(0, part.shape[0], step):
            part[i : i + thick] = shade
    if rng.random() < 0.5:
        for i in range(0, part.shape[1], step):
            part[:, i : i + thick] = shade
