"""Draws a plate flat, sharp and evenly lit, in shades of grey."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.random import Generator

from plate_ocr.alphabet import UNKNOWN
from plate_ocr.region_files.native import SAUDI
from plate_ocr.region_files.schema import TEXT, Box, Color, Field, Layout, plate_text
from plate_ocr.rendering.canvas import Painter, random_index, uniform, widened
from plate_ocr.rendering.decorations import (
    add_frame,
    draw_badge,
    draw_bolts,
    draw_decoration,
    draw_seals,
    is_square,
)
from plate_ocr.rendering.glyphs import Glyphs
from plate_ocr.rendering.marks import plain_letters
from plate_ocr.rendering.masks import HEIGHT
from plate_ocr.rendering.scripts import OF_SCRIPTS
from plate_ocr.rendering.wear import add_dirt, paint_text
from plate_ocr.vision.images import Image

MAX_STRETCH = 1.3
"""Maximum stretch of glyphs and gaps to fill a plate."""

MIN_TEXT_ASPECT = 2.0
"""Minimum width of the box of a single line against its height: the network's view of it has four times its
height, and one character would fill it."""

STACKED = (1.15, 1.6)
"""Bounds of the width of letters above one another against letters of the same form."""

MIN_ACCENT = 0.5
"""Minimum contrast of accented characters as a part of the others'."""


@dataclass(frozen=True)
class FlatPlate:
    """A drawn plate.

    Attributes:
        gray: uint8 ``(H, W)``.
        opaque: uint8 ``(H, W)``: 255 on the plate, 0 beyond its round corners.
        groups: the text, split at spaces, marks and badges and between fields.
        rows: number of lines.
        text_box: left, top, right, bottom of the text, pixels.
        plate_box: of the plate without a frame around it, pixels.
        text_height: of the smallest line of text, pixels.
        levels: grey levels of background and foreground.
    """

    gray: Image
    opaque: Image
    groups: tuple[str, ...]
    rows: int
    text_box: Box
    plate_box: Box
    text_height: float
    levels: tuple[float, float]

    @property
    def text(self) -> str:
        """What is written on it."""
        return "".join(self.groups)


def draw_plate(
    rng: Generator, layout: Layout, glyphs: Glyphs, scale: float, frame: float, unknown: float = 0.0
) -> FlatPlate:
    """Draw a plate with a random text.

    Args:
        rng: random generator.
        layout: the type of plate.
        glyphs: the fonts.
        scale: pixels per unit of the layout's lengths.
        frame: probability of a dealer's frame.
        unknown: share of characters that give way to some of no alphabet.
    """
    painter = Painter(rng, layout, glyphs, scale)
    drawn = [item for item in layout.decorations if rng.random() < item.chance]
    for item in drawn:
        if item.type != "bolts":
            draw_decoration(painter, item)
    _draw_border(painter)
    foreground: Image = np.zeros(painter.shape, np.uint8)
    accents: dict[Color, Image] = {
        field.accent: np.zeros(painter.shape, np.uint8) for field in layout.fields if field.accented
    }
    groups: list[str] = []
    boxes: list[Box] = []
    heights: list[float] = []
    for field in layout.fields:
        accent = accents.get(field.accent, foreground)
        written, box, smallest = _draw_field(painter, field, foreground, accent, unknown)
        if field.native:
            _draw_native(painter, "".join(written), painter.pixels(field.native), foreground)
        groups += written
        boxes.append(box)
        heights.append(smallest * (box[3] - box[1]))
    text_height = min(heights)
    _blend_foreground(painter, foreground, text_height, painter.foreground)
    for color, mask in accents.items():
        _blend_foreground(painter, mask, text_height, _accent_level(painter, color))
    for item in drawn:
        # Bolts are drawn last: they overlap characters.
        if item.type == "bolts":
            draw_bolts(painter, painter.pixels(item.box))
    if rng.random() < 0.3:
        add_dirt(painter, text_height)
    left, top, right, bottom = zip(*boxes, strict=True)
    text_box = min(left), min(top), max(right), max(bottom)
    rows = len({field.row for field in layout.fields})
    if rows == 1:
        text_box = widened(text_box, MIN_TEXT_ASPECT, painter.shape[1])
    gray = np.asarray(np.clip(painter.canvas, 0, 255), np.uint8)
    opaque = _rounded_mask(painter)
    height, width = painter.shape
    plate_box: Box = (0.0, 0.0, float(width), float(height))
    if rng.random() < frame:
        gray, opaque, text_box, plate_box = add_frame(painter, gray, text_box)
    levels = painter.background, painter.foreground
    return FlatPlate(gray, opaque, tuple(groups), rows, text_box, plate_box, text_height, levels)


@dataclass(frozen=True)
class _Piece:
    """A glyph, mark, badge or gap in a line, with its width, top and bottom as parts of the text's height."""

    type: str
    char: str
    width: float
    glyph: Image | None = None
    top: float = 0.0
    bottom: float = 1.0


@dataclass(frozen=True)
class _Typesetting:
    """How the glyphs of a line are set.

    Attributes:
        cell: maximum width, as a part of the text's height; 0: any.
        stretch: of widths.
        min_digit_width: of a digit's glyph, pixels.
        top: of characters of other scripts, as a part of the text's height.
        bottom: of these, likewise.
    """

    cell: float
    stretch: float
    min_digit_width: int
    top: float
    bottom: float

    def piece(self, char: str, glyph: Image) -> _Piece:
        """A glyph in its place."""
        if glyph.shape[1] < self.min_digit_width and char.isdecimal():
            side = (self.min_digit_width - glyph.shape[1]) // 2
            glyph = np.asarray(cv2.copyMakeBorder(glyph, 0, 0, side, side, cv2.BORDER_CONSTANT), np.uint8)
        width = glyph.shape[1] / HEIGHT * self.stretch
        width = min(width, self.cell) if self.cell else width
        if self.bottom - self.top == 1 or char not in OF_SCRIPTS:
            return _Piece("glyph", char, width, glyph)
        return _Piece("glyph", char, width * (self.bottom - self.top), glyph, self.top, self.bottom)


def _choose_typesetting(painter: Painter, field: Field, font: str) -> _Typesetting:
    rng = painter.rng
    cell = uniform(rng, field.cell)
    usual = max(painter.glyphs.width(font, painter.style), 0.2)
    stretch = cell / usual if cell else 0.9 + 0.25 * float(rng.random())
    min_digit_width = round(usual * HEIGHT) if field.tabular and rng.random() < field.tabular else 0
    top, share = 0.0, 1.0
    if field.script_height != (1.0, 1.0):
        share = uniform(rng, field.script_height)
        # In the middle of the line or on its foot.
        top = (1 - share) * (0.4 + 0.6 * float(rng.random()))
    return _Typesetting(cell, stretch, min_digit_width, top, top + share)


def _draw_field(
    painter: Painter, field: Field, foreground: Image, accent: Image, unknown: float
) -> tuple[list[str], Box, float]:
    """Write a random text into a field.

    Returns:
        The text, split at spaces, marks and badges, its bounding box, pixels, and the height of its smallest
        character as a part of the box's.
    """
    rng = painter.rng
    pattern = field.patterns[random_index(rng, len(field.patterns))]
    font = field.fonts[random_index(rng, len(field.fonts))] if field.fonts else painter.font
    setting = _choose_typesetting(painter, field, font)
    gap, group = uniform(rng, field.gap), uniform(rng, field.group)
    groups, smallest = [""], 1.0
    pieces: list[_Piece] = []
    for token in pattern:
        if token.type in TEXT:
            word = token.choices[random_index(rng, len(token.choices))]
            chosen = [_choose_glyph(painter, font, char, unknown) for char in word]
            groups[-1] += "".join(read for read, _ in chosen)
            glyphs = [glyph for _, glyph in chosen]
            part = 1.0
            if token.type == "stack":
                part = 1 / len(word)
                glyphs = [_stacked(rng, glyphs, word[0] in OF_SCRIPTS)]
            new = [setting.piece(char, glyph) for char, glyph in zip(word, glyphs, strict=False)]
            smallest = min([smallest, *(part * (piece.bottom - piece.top) for piece in new)])
            pieces += new
        elif token.type == "gap":
            pieces.append(_Piece("gap", " ", group))
        elif token.type == "mark":
            mark = token.choices[0]
            pieces.append(_Piece("mark", mark, 0.12 if mark != "-" else 0.15 + 0.25 * float(rng.random())))
        else:
            pieces.append(_Piece("badge", "*", 0.4 + 0.5 * float(rng.random())))
        if token.type not in TEXT:
            groups.append("")
    left, top, right, bottom = painter.pixels(field.box)
    height = (bottom - top) * uniform(rng, field.height)
    total = sum(piece.width for piece in pieces) + gap * (len(pieces) - 1)
    squeeze = min(1.0, (right - left) / (total * height))
    if squeeze < 0.75:
        # Long texts get smaller rather than narrower.
        height *= max(0.75, squeeze / 0.75)
        squeeze = min(1.0, (right - left) / (total * height))
    room = (right - left) / (total * height)
    if squeeze < room and rng.random() < 0.4:
        # Many plates are filled from side to side.
        squeeze = min(room * (0.85 + 0.15 * float(rng.random())), MAX_STRETCH)
        squeeze = max(squeeze, min(1.0, room))
    rest = (right - left) - total * height * squeeze
    x = left + rest * (0.5 if rng.random() < 0.7 else float(rng.random()))
    y = top + (bottom - top - height) * float(rng.random())
    start = x
    for piece in pieces:
        width = piece.width * height * squeeze
        mask = accent if piece.char in field.accented else foreground
        _draw_piece(painter, piece, mask, (x, y + piece.top * height, x + width, y + piece.bottom * height))
        x += width + gap * height * squeeze
    box = (start, y, x - gap * height * squeeze, y + height)
    return [group for group in groups if group], box, smallest


def _draw_native(painter: Painter, text: str, box: tuple[int, int, int, int], foreground: Image) -> None:
    """Write a text in Arabic letters and digits, each in the middle of its part of a box."""
    left, top, right, bottom = box
    step = (right - left) / len(text)
    for i, char in enumerate(text):
        _, glyph = _choose_glyph(painter, painter.font, SAUDI.get(char, char), 0.0)
        width = min(step, glyph.shape[1] * (bottom - top) / HEIGHT)
        x = left + (i + 0.5) * step - width / 2
        _draw_piece(painter, _Piece("glyph", char, 0.0, glyph), foreground, (x, top, x + width, bottom))


def _choose_glyph(painter: Painter, font: str, char: str, unknown: float) -> tuple[str, Image]:
    """What is read of a character, and its glyph; or those of an unknown one."""
    number = int(painter.rng.random() * 4096)
    # What is unknown in one line of a plate is so in the other.
    if char == UNKNOWN or (unknown and painter.rng.random() < unknown):
        return UNKNOWN, painter.glyphs.unknown(number, font, painter.style)
    glyph = painter.glyphs.glyph(font, _shown(char), painter.style, number)
    if glyph is None:
        raise AssertionError(f"no glyph for {char}: regions are checked before")
    return plate_text(char), glyph


def _stacked(rng: Generator, glyphs: list[Image], square: bool) -> Image:
    """Glyphs ``(HEIGHT, W)`` above one another, as high together as each of them."""
    # Syllables are as wide as high and nearly touch; letters keep apart where strokes grow.
    stretch, gap = (1.3, 1 + random_index(rng, 4)) if square else (uniform(rng, STACKED), 6)
    height = HEIGHT // len(glyphs) - gap
    width = max(3, round(stretch * max(glyph.shape[1] for glyph in glyphs) / len(glyphs)))
    stack: Image = np.zeros((HEIGHT, width), np.uint8)
    for i, glyph in enumerate(glyphs):
        top = i * (HEIGHT - height) // max(1, len(glyphs) - 1)
        stack[top : top + height] = cv2.resize(glyph, (width, height), interpolation=cv2.INTER_AREA)
    return stack


@cache
def _shown(char: str) -> str:
    """The character to draw: marks are drawn even where they are not read, look-alikes as what is read."""
    return char if plain_letters(char).isascii() else plate_text(char)


def _draw_piece(painter: Painter, piece: _Piece, foreground: Image, box: Box) -> None:
    left, top, bottom = round(box[0]), round(box[1]), round(box[3])
    right = max(left + 2, round(box[2]))
    height = bottom - top
    rng = painter.rng
    if piece.glyph is not None:
        size = (right - left, max(2, height))
        glyph = np.asarray(cv2.resize(piece.glyph, size, interpolation=cv2.INTER_AREA), np.uint8)
        part = foreground[max(top, 0) : top + size[1], max(left, 0) : left + size[0]]
        np.maximum(part, glyph[max(-top, 0) :, max(-left, 0) :][: part.shape[0], : part.shape[1]], out=part)
    elif piece.type == "mark":
        thick = max(1, round(height * (0.07 + 0.09 * float(rng.random()))))
        middle = bottom - thick if piece.char == "." else (top + bottom - thick) // 2
        if piece.char == "-":
            foreground[middle : middle + thick, max(left, 0) : right] = 255
        else:
            foreground[middle : middle + thick, max(left, 0) : left + thick] = 255
    elif piece.type == "badge" and rng.random() < 0.85:
        if rng.random() < (0.12 if is_square(painter) else 0.4):
            draw_seals(painter, (left, top, right, bottom))
        else:
            # As high as the text, or less.
            above, below = rng.random(2) * height / (4, 5)
            draw_badge(painter, (left, top + round(above), right, bottom - round(below)))


def _blend_foreground(painter: Painter, foreground: Image, height: float, shade: float) -> None:
    """Blend the text into the plate, with thicker or thinner strokes and rounded corners."""
    rng = painter.rng
    sigma = max(0.4, (0.012 + 0.02 * float(rng.random())) * height)
    growth = uniform(rng, painter.layout.stroke) * height
    level = 0.5 * math.erfc(growth / sigma / math.sqrt(2))
    level = min(max(level, 0.06), 0.62)
    slope = max(1.0, 2.0 * sigma)
    table = np.clip(((np.arange(256) / 255 - level) * slope + 0.5) * 255, 0, 255).astype(np.uint8)
    table[0] = 0
    mask = cv2.LUT(cv2.GaussianBlur(foreground, (0, 0), sigma), table).astype(np.float32) * np.float32(
        1 / 255
    )
    paint_text(painter, mask, height, shade)


def _accent_level(painter: Painter, color: Color) -> float:
    """Grey level of accented characters, which stay legible: between those of background and foreground."""
    nearest = painter.background + MIN_ACCENT * (painter.foreground - painter.background)
    low, high = sorted((nearest, painter.foreground))
    return min(max(painter.shade(color), low), high)


def _rounded_mask(painter: Painter) -> Image:
    height = painter.shape[0]
    radius = min(round(painter.layout.radius * painter.scale), height // 3)
    mask: Image = np.full(painter.shape, 255, np.uint8)
    if radius >= 2:
        corner = _round_corner(radius)
        mask[-radius:, -radius:] = corner
        mask[:radius, -radius:] = corner[::-1]
        mask[-radius:, :radius] = corner[:, ::-1]
        mask[:radius, :radius] = corner[::-1, ::-1]
    return mask


@cache
def _round_corner(radius: int) -> Image:
    """The lower right quarter of a disc."""
    away = np.hypot(*np.mgrid[0.5:radius, 0.5:radius])
    return np.asarray(np.clip(radius - away + 0.5, 0, 1) * 255, np.uint8)


def _draw_border(painter: Painter) -> None:
    layout, rng = painter.layout, painter.rng
    thick = uniform(rng, layout.border) * painter.scale
    if thick <= 0.3:
        return
    inset = round(layout.inset * painter.scale)
    level = painter.foreground if rng.random() < 0.8 else painter.background * 0.7
    mask: Image = np.zeros(painter.shape, np.uint8)
    _round_rectangle(mask, inset, layout.radius * painter.scale, thick)
    painter.blend(mask, 0, 0, level)


def _round_rectangle(mask: Image, inset: int, radius: float, thick: float) -> None:
    """Draw the outline of a rectangle with round corners, ``inset`` pixels from the edges of the mask."""
    left, top, right, bottom = inset, inset, mask.shape[1] - 1 - inset, mask.shape[0] - 1 - inset
    r = max(1, round(min(radius, (bottom - top) / 3)))
    # Lines thinner than a pixel are fainter.
    strength, t = min(255, round(255 * thick)), max(1, round(thick))
    for x in (left, right):
        cv2.line(mask, (x, top + r), (x, bottom - r), strength, t)
    for y in (top, bottom):
        cv2.line(mask, (left + r, y), (right - r, y), strength, t)
    turns = ((left + r, top + r), (right - r, top + r), (right - r, bottom - r), (left + r, bottom - r))
    for center, angle in zip(turns, (180, 270, 0, 90), strict=True):
        cv2.ellipse(mask, center, (r, r), angle, 0, 90, strength, t, cv2.LINE_AA)
