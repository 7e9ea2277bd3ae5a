"""Drawing a plate as it hangs in the shop: flat, sharp, evenly lit, in shades of grey."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from plate_ocr.training.plates.glyphs import HEIGHT, Glyphs
from plate_ocr.training.plates.regions import Box, Color, Field, Furniture, Layout, read_as
from plate_ocr.vision.images import Image

Canvas: TypeAlias = NDArray[np.float32]

WIDEST = 1.3
"""How far glyphs and gaps are stretched to fill a plate."""

LEAST_CONTRAST = 60.0
"""Between ground and ink before the camera takes some away, grey levels."""

WORDS = (
    "AUTO", "CENTAR", "www.autohaus.de", "tel. 01/6155-020", "Toyota of Dallas", "FORD", "GARAGE", "Motors",
    "GOLD COAST", "LEXUS", "dealer.com", "Premium Cars", "SALON", "HONDA", "1-800-555-0199", "SERVICE",
    "CHEVROLET", "AUTOCENTRO", "Renault", "BMW", "I LOVE", "ALUMNI", "UNIVERSITY", "Kraft", "Auto kuća",
)  # fmt: skip
"""What dealers print on frames."""


@dataclass(frozen=True)
class FlatPlate:
    """A drawn plate.

    Attributes:
        gray: uint8 ``(H, W)``.
        opaque: uint8 ``(H, W)``: 255 on the plate, 0 beyond its round corners.
        text: what is written on it.
        rows: number of lines.
        text_box: left, top, right, bottom of all that is read, pixels.
        plate_box: of the plate without a frame around it, pixels.
        text_height: of the smallest line that is read, pixels.
        levels: grey levels of the ground and of the ink.
    """

    gray: Image
    opaque: Image
    text: str
    rows: int
    text_box: Box
    plate_box: Box
    text_height: float
    levels: tuple[float, float]


class _Painter:
    """A canvas and what is decided once for the plate."""

    def __init__(self, rng: Generator, layout: Layout, glyphs: Glyphs, scale: float) -> None:
        self.rng, self.layout, self.glyphs, self.scale = rng, layout, glyphs, scale
        weights = np.array([0.299, 0.587, 0.114])
        # Cameras see colours differently, infrared ones most of all.
        weights = weights * np.exp(rng.normal(0, 0.25, 3)) if rng.random() < 0.9 else rng.dirichlet([0.7] * 3)
        self.weights = weights / weights.sum()
        ground, ink = layout.colors[_index(rng, len(layout.colors))]
        self.ground, self.ink = self.shade(ground), self.shade(ink)
        if abs(self.ground - self.ink) < LEAST_CONTRAST:
            bright = _luma(ground) > _luma(ink)
            self.ink = self.ground + (-LEAST_CONTRAST if bright else LEAST_CONTRAST)
        width, height = layout.size
        self.shape = max(8, round(height * scale)), max(8, round(width * scale))
        self.canvas: Canvas = np.full(self.shape, self.ground, np.float32)
        self.lettering = layout.lettering[_index(rng, len(layout.lettering))]
        self.style = int(rng.integers(1 << 16))

    def shade(self, color: Color) -> float:
        red, green, blue = color
        level = float(self.weights[0] * red + self.weights[1] * green + self.weights[2] * blue)
        return level + float(self.rng.normal(0, 6))

    def pixels(self, box: Box) -> tuple[int, int, int, int]:
        left, top, right, bottom = (round(v * self.scale) for v in box)
        return left, top, max(right, left + 1), max(bottom, top + 1)

    def blend(self, mask: Image, x: int, y: int, level: float) -> None:
        """Lay a colour over the canvas where a mask says so; what reaches out is cut off."""
        height, width = self.shape
        left, top, right, bottom = (
            max(x, 0),
            max(y, 0),
            min(x + mask.shape[1], width),
            min(y + mask.shape[0], height),
        )
        if left < right and top < bottom:
            part = self.canvas[top:bottom, left:right]
            part += (level - part) * (mask[top - y : bottom - y, left - x : right - x] * np.float32(1 / 255))


def draw_plate(rng: Generator, layout: Layout, glyphs: Glyphs, scale: float, frame: float) -> FlatPlate:
    """Draw a plate with a random text.

    Args:
        rng: source of all that is random.
        layout: the kind of plate.
        glyphs: lettering.
        scale: pixels for a unit of the layout's lengths.
        frame: how often a dealer's frame surrounds it.
    """
    painter = _Painter(rng, layout, glyphs, scale)
    wanted = [item for item in layout.furniture if rng.random() < item.chance]
    for item in wanted:
        if item.kind != "bolts":
            _draw_furniture(painter, item)
    _draw_border(painter)
    ink: Image = np.zeros(painter.shape, np.uint8)
    texts: list[str] = []
    boxes: list[Box] = []
    for field in layout.fields:
        text, box = _draw_field(painter, field, ink)
        texts.append(text)
        boxes.append(box)
    text_height = min(box[3] - box[1] for box in boxes)
    _lay_ink(painter, ink, text_height)
    for item in wanted:
        # Bolts sit on top of everything and reach into characters.
        if item.kind == "bolts":
            _draw_bolts(painter, painter.pixels(item.box))
    if rng.random() < 0.3:
        _dirt(painter)
    text_box = (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )
    gray = np.asarray(np.clip(painter.canvas, 0, 255), np.uint8)
    opaque = _rounded_mask(painter)
    height, width = painter.shape
    plate_box: Box = (0.0, 0.0, float(width), float(height))
    if rng.random() < frame:
        gray, opaque, text_box, plate_box = _add_frame(painter, gray, text_box)
    rows = len({field.row for field in layout.fields})
    levels = painter.ground, painter.ink
    return FlatPlate(gray, opaque, "".join(texts), rows, text_box, plate_box, text_height, levels)


def _index(rng: Generator, count: int) -> int:
    """A random index; several times faster than ``rng.integers``."""
    return min(int(rng.random() * count), count - 1)


def _luma(color: Color) -> float:
    return 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]


def _uniform(rng: Generator, bounds: tuple[float, float]) -> float:
    return bounds[0] + (bounds[1] - bounds[0]) * float(rng.random())


@dataclass(frozen=True)
class _Piece:
    """A glyph, mark, badge or gap in a line, with its width as a part of the text's height."""

    kind: str
    char: str
    width: float
    glyph: Image | None = None


def _draw_field(painter: _Painter, field: Field, ink: Image) -> tuple[str, Box]:
    """Write a random text into a field.

    Returns:
        What is read, and the box that it covers, pixels.
    """
    rng, glyphs = painter.rng, painter.glyphs
    pattern = field.patterns[_index(rng, len(field.patterns))]
    lettering, style = painter.lettering, painter.style
    if field.lettering:
        lettering = field.lettering[_index(rng, len(field.lettering))]
    cell = _uniform(rng, field.cell)
    usual = max(glyphs.width(lettering, style), 0.2)
    stretch = cell / usual if cell else 0.9 + 0.25 * float(rng.random())
    gap, group = _uniform(rng, field.gap), _uniform(rng, field.group)
    text = ""
    pieces: list[_Piece] = []
    for token in pattern:
        if token.kind in ("any", "word", "char"):
            word = token.choices[_index(rng, len(token.choices))]
            text += read_as(word)
            for char in word:
                glyph = glyphs.glyph(lettering, read_as(char), style, int(rng.random() * 4096))
                if glyph is None:
                    raise AssertionError(f"no glyph for {char}: regions are checked before")
                width = glyph.shape[1] / HEIGHT * stretch
                pieces.append(_Piece("glyph", char, min(width, cell) if cell else width, glyph))
        elif token.kind == "gap":
            pieces.append(_Piece("gap", " ", group))
        elif token.kind == "mark":
            mark = token.choices[0]
            pieces.append(_Piece("mark", mark, 0.12 if mark != "-" else 0.15 + 0.25 * float(rng.random())))
        else:
            pieces.append(_Piece("badge", "*", 0.4 + 0.5 * float(rng.random())))
    left, top, right, bottom = painter.pixels(field.box)
    height = (bottom - top) * _uniform(rng, field.height)
    total = sum(piece.width for piece in pieces) + gap * (len(pieces) - 1)
    squeeze = min(1.0, (right - left) / (total * height))
    if squeeze < 0.75:
        # Long texts are written smaller rather than squeezed further.
        height *= max(0.75, squeeze / 0.75)
        squeeze = min(1.0, (right - left) / (total * height))
    room = (right - left) / (total * height)
    if squeeze < room and rng.random() < 0.4:
        # Many plates are filled from side to side.
        squeeze = min(room * (0.85 + 0.15 * float(rng.random())), WIDEST)
        squeeze = max(squeeze, min(1.0, room))
    rest = (right - left) - total * height * squeeze
    x = left + rest * (0.5 if rng.random() < 0.7 else float(rng.random()))
    y = top + (bottom - top - height) * float(rng.random())
    start = x
    for piece in pieces:
        width = piece.width * height * squeeze
        _draw_piece(painter, piece, ink, (x, y, x + width, y + height))
        x += width + gap * height * squeeze
    return text, (start, y, x - gap * height * squeeze, y + height)


def _draw_piece(painter: _Painter, piece: _Piece, ink: Image, box: Box) -> None:
    left, top, bottom = round(box[0]), round(box[1]), round(box[3])
    right = max(left + 2, round(box[2]))
    height = bottom - top
    rng = painter.rng
    if piece.glyph is not None:
        size = (right - left, max(2, height))
        glyph = np.asarray(cv2.resize(piece.glyph, size, interpolation=cv2.INTER_AREA), np.uint8)
        part = ink[max(top, 0) : top + size[1], max(left, 0) : left + size[0]]
        np.maximum(part, glyph[max(-top, 0) :, max(-left, 0) :][: part.shape[0], : part.shape[1]], out=part)
        if piece.char != read_as(piece.char):
            # An accent stands above the letter, which keeps its height.
            middle, rise, thick = (left + right) // 2, max(2, height // 7), max(1, height // 14)
            tip = (middle, top - thick)
            for side in (-1, 1):
                cv2.line(ink, tip, (middle + side * rise, top - thick - rise), 255, thick, cv2.LINE_AA)
    elif piece.kind == "mark":
        thick = max(1, round(height * (0.07 + 0.07 * float(rng.random()))))
        middle = bottom - thick if piece.char == "." else (top + bottom - thick) // 2
        if piece.char == "-":
            ink[middle : middle + thick, max(left, 0) : right] = 255
        else:
            ink[middle : middle + thick, max(left, 0) : left + thick] = 255
    elif piece.kind == "badge" and rng.random() < 0.85:
        if rng.random() < 0.4:
            _draw_seals(painter, (left, top, right, bottom))
        else:
            _draw_badge(painter, (left, top + height // 6, right, bottom - height // 8))


def _lay_ink(painter: _Painter, ink: Image, height: float) -> None:
    """Put the text on the plate: strokes grow or shrink, corners wear round, paint comes off."""
    rng = painter.rng
    sigma = max(0.4, (0.012 + 0.02 * float(rng.random())) * height)
    growth = _uniform(rng, painter.layout.stroke) * height
    level = 0.5 * math.erfc(growth / sigma / math.sqrt(2))
    level = min(max(level, 0.06), 0.62)
    slope = max(1.0, 2.0 * sigma)
    table = np.clip(((np.arange(256) / 255 - level) * slope + 0.5) * 255, 0, 255).astype(np.uint8)
    table[0] = 0
    mask = cv2.LUT(cv2.GaussianBlur(ink, (0, 0), sigma), table).astype(np.float32) * np.float32(1 / 255)
    if rng.random() < 0.12:
        wear = _smooth(rng, painter.shape, 6, 18)
        mask *= np.clip(0.75 + 0.5 * wear, 0.3, 1)
    painter.canvas += (np.float32(painter.ink) - painter.canvas) * mask
    if rng.random() < painter.layout.embossed:
        step = max(1, round(height * (0.02 + 0.03 * float(rng.random()))))
        strength = float(rng.normal(0, 45))
        painter.canvas[step:, step:] += np.float32(strength) * (mask[step:, step:] - mask[:-step, :-step])


def _smooth(rng: Generator, shape: tuple[int, int], rows: int, columns: int) -> Canvas:
    """Smooth noise, about -1..1."""
    small = rng.random((rows, columns), dtype=np.float32) * 2 - 1
    return np.asarray(cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.float32)


def _dirt(painter: _Painter) -> None:
    rng = painter.rng
    strength = abs(float(rng.normal(0, 22)))
    grain = _smooth(rng, painter.shape, 3 + _index(rng, 8), 6 + _index(rng, 24))
    painter.canvas += np.float32(strength) * grain
    for _ in range(_index(rng, 4)):
        x, y = _index(rng, painter.shape[1]), _index(rng, painter.shape[0])
        radius = max(1, round(painter.shape[0] * 0.04 * float(rng.random())))
        cv2.circle(painter.canvas, (x, y), radius, float(rng.random() * 200), -1, cv2.LINE_AA)


def _rounded_mask(painter: _Painter) -> Image:
    height = painter.shape[0]
    radius = min(round(painter.layout.radius * painter.scale), height // 3)
    mask: Image = np.full(painter.shape, 255, np.uint8)
    if radius >= 2:
        corner = np.hypot(*np.mgrid[0.5:radius, 0.5:radius])
        corner = np.asarray(np.clip(radius - corner + 0.5, 0, 1) * 255, np.uint8)
        mask[-radius:, -radius:] = corner
        mask[:radius, -radius:] = corner[::-1]
        mask[-radius:, :radius] = corner[:, ::-1]
        mask[:radius, :radius] = corner[::-1, ::-1]
    return mask


def _draw_border(painter: _Painter) -> None:
    layout, rng = painter.layout, painter.rng
    thick = _uniform(rng, layout.border) * painter.scale
    if thick <= 0.3:
        return
    inset = round(layout.inset * painter.scale)
    level = painter.ink if rng.random() < 0.8 else painter.ground * 0.7
    mask: Image = np.zeros(painter.shape, np.uint8)
    _round_rectangle(mask, inset, layout.radius * painter.scale, thick)
    painter.blend(mask, 0, 0, level)


def _round_rectangle(mask: Image, inset: int, radius: float, thick: float) -> None:
    """Draw the outline of a rectangle with round corners, so far from the edges of the mask."""
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


def _draw_furniture(painter: _Painter, item: Furniture) -> None:
    rng = painter.rng
    left, top, right, bottom = painter.pixels(item.box)
    level = painter.shade(item.colors[_index(rng, len(item.colors))]) if item.colors else painter.ink
    match item.kind:
        case "text":
            _draw_small_text(
                painter, item.texts[_index(rng, len(item.texts))], (left, top, right, bottom), level
            )
        case "fill":
            painter.canvas[top:bottom, left:right] = level
        case "outline":
            thick = max(1, round((bottom - top) * 0.03))
            cv2.rectangle(painter.canvas, (left, top), (right - 1, bottom - 1), level, thick)
        case "badge":
            _draw_badge(painter, (left, top, right, bottom))
        case "flag":
            stripes = rng.random(3) * 255
            for i, stripe in enumerate(stripes):
                y = top + (bottom - top) * i // 3
                painter.canvas[y : top + (bottom - top) * (i + 1) // 3, left:right] = stripe
        case "sticker":
            paper = float(rng.random() * 255)
            painter.canvas[top:bottom, left:right] = paper
            texts = item.texts or ("04", "JAN", "2016", "99", "7", "OCT", "12-13", "05")
            inner = (left + 1, top + (bottom - top) // 5, right - 1, bottom - (bottom - top) // 5)
            _draw_small_text(
                painter, texts[_index(rng, len(texts))], inner, paper + (130 if paper < 128 else -130)
            )
        case "picture":
            _draw_picture(painter, (left, top, right, bottom))
        case "stack":
            text = item.texts[_index(rng, len(item.texts))]
            step = (bottom - top) / len(text)
            for i, char in enumerate(text):
                y = round(top + i * step)
                _draw_small_text(painter, char, (left, y, right, round(y + 0.85 * step)), painter.ink)


def _draw_small_text(painter: _Painter, text: str, box: tuple[int, int, int, int], level: float) -> None:
    left, top, right, bottom = box
    if bottom - top < 3 or right - left < 3:
        return
    strip = painter.glyphs.strip(text, int(painter.rng.random() * 4096))
    height = bottom - top
    width = min(right - left, max(3, round(strip.shape[1] * height / strip.shape[0])))
    x = left + (right - left - width) // 2
    painter.blend(
        np.asarray(cv2.resize(strip, (width, height), interpolation=cv2.INTER_AREA), np.uint8), x, top, level
    )


def _draw_badge(painter: _Painter, box: tuple[int, int, int, int]) -> None:
    """A coat of arms, a seal or a sticker: something small with an inner life that is no character."""
    rng = painter.rng
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    if width < 4 or height < 4:
        return
    kind = rng.random()
    if kind < 0.4:
        # A shield of squares.
        rows, columns = 3 + _index(rng, 4), 3 + _index(rng, 3)
        board = (np.indices((rows, columns)).sum(0) % 2).astype(np.float32)
        part = cv2.resize(board, (width, height), interpolation=cv2.INTER_NEAREST) * float(
            rng.uniform(40, 150)
        )
        part = part + painter.ground - float(rng.uniform(60, 160))
    else:
        part = painter.ground + float(rng.uniform(20, 90)) * _smooth(rng, (height, width), 4, 3)
        part = part - float(rng.uniform(0, 90))
    mask: Image = np.zeros((height, width), np.uint8)
    if rng.random() < 0.6:
        cv2.ellipse(
            mask,
            (width // 2, height // 2),
            (width // 2 - 1, height // 2 - 1),
            0,
            0,
            360,
            255,
            -1,
            cv2.LINE_AA,
        )
    else:
        corners = np.array(
            [[0, 0], [width, 0], [width, height * 0.55], [width / 2, height], [0, height * 0.55]]
        )
        cv2.fillPoly(mask, [corners.astype(np.int32)], 255, cv2.LINE_AA)
    canvas_part = painter.canvas[max(top, 0) : bottom, max(left, 0) : right]
    share = (mask * np.float32(rng.uniform(0.5, 1) / 255))[max(-top, 0) :, max(-left, 0) :]
    part = np.asarray(part, np.float32)[max(-top, 0) :, max(-left, 0) :]
    rows, columns = canvas_part.shape
    canvas_part += (part[:rows, :columns] - canvas_part) * share[:rows, :columns]


def _draw_seals(painter: _Painter, box: tuple[int, int, int, int]) -> None:
    """Two round stickers, one above the other, as on German and Czech plates, and no 8."""
    rng = painter.rng
    left, top, right, bottom = box
    widest = min(1.1 * (right - left), 0.44 * (bottom - top))
    radius = max(2, round(0.5 * widest * (0.75 + 0.25 * float(rng.random()))))
    paper, edge, mark = (float(level) for level in rng.uniform(0, 255, 3))
    thick, inner = max(1, round(0.25 * radius * float(rng.random()))), max(1, round(0.5 * radius))
    disc, ring, sign = (np.zeros((2 * radius + 1, 2 * radius + 1), np.uint8) for _ in range(3))
    middle = (radius, radius)
    cv2.circle(disc, middle, radius, 255, -1, cv2.LINE_AA)
    if rng.random() < 0.8:
        cv2.circle(ring, middle, radius - thick // 2, 255, thick, cv2.LINE_AA)
    if rng.random() < 0.7:
        axes = (inner, max(1, round(inner * float(rng.random()))))
        filled = -1 if rng.random() < 0.5 else 1
        cv2.ellipse(sign, middle, axes, float(rng.random() * 180), 0, 360, 255, filled, cv2.LINE_AA)
    x, y = (left + right) // 2 - radius, (top + bottom) // 2
    for upper in (y - 2 * radius - 1, y + 1):
        for mask, level in ((disc, paper), (ring, edge), (sign, mark)):
            painter.blend(mask, x, upper, level)


def _draw_picture(painter: _Painter, box: tuple[int, int, int, int]) -> None:
    """A picture behind the text: it has less contrast than the text."""
    rng = painter.rng
    left, top, right, bottom = box
    part = painter.canvas[top:bottom, left:right]
    height, width = part.shape
    strength = abs(painter.ground - painter.ink) * (0.3 + 0.4 * float(rng.random()))
    toward = 1.0 if painter.ink > painter.ground else -1.0
    if rng.random() < 0.6:
        # Fading from the top, from the bottom, or from both.
        rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
        fade = float(rng.random()) * np.clip(1 - rows * float(rng.uniform(1.5, 4)), 0, 1)
        fade = fade + float(rng.random()) * np.clip(1 - (1 - rows) * float(rng.uniform(1.5, 4)), 0, 1)
        part += np.float32(toward * strength * rng.uniform(0.6, 1.6)) * np.asarray(fade, np.float32)
    if rng.random() < 0.4:
        part += np.float32(strength * 0.5) * _smooth(rng, part.shape, 3 + _index(rng, 6), 4 + _index(rng, 10))
    if rng.random() < 0.3:
        # Hills along the bottom.
        xs = np.linspace(0, width, 9)
        ys = height * (0.75 + 0.2 * rng.random(9))
        outline = np.vstack([np.stack([xs, ys], 1), [[width, height], [0, height]]])
        mask: Image = np.zeros(part.shape, np.uint8)
        cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], 255)
        part += np.float32(toward * strength * rng.uniform(0.6, 2)) * (mask * np.float32(1 / 255))
    for _ in range(_index(rng, 7)):
        x, y = _index(rng, width), _index(rng, height)
        size = (1 + _index(rng, max(1, width // 8)), 1 + _index(rng, max(1, height // 3)))
        blob: Image = np.zeros(part.shape, np.uint8)
        if rng.random() < 0.5:
            cv2.ellipse(blob, (x, y), size, float(rng.random() * 180), 0, 360, 255, -1, cv2.LINE_AA)
        else:
            points = np.array([x, y]) + rng.normal(0, 1, (5, 2)) * np.array(size)
            cv2.polylines(
                blob, [np.rint(points).astype(np.int32)], bool(rng.random() < 0.5), 255, 1, cv2.LINE_AA
            )
        part += np.float32(toward * strength * rng.uniform(0.3, 0.9)) * (blob * np.float32(1 / 255))


def _draw_bolts(painter: _Painter, box: tuple[int, int, int, int]) -> None:
    """Two or four bolts or holes at the corners of a box."""
    rng = painter.rng
    left, top, right, bottom = box
    radius = max(1, round(painter.shape[0] * (0.02 + 0.025 * float(rng.random()))))
    level = float(rng.random() * 255)
    which = rng.random()
    shift = rng.normal(0, 0.025 * painter.shape[0], 2)
    for x in (left + round(shift[0]), right - round(shift[0])):
        for edge, wanted in ((top, which < 0.8), (bottom, which > 0.45)):
            if wanted and rng.random() < 0.9:
                y = edge + round(shift[1])
                cv2.circle(painter.canvas, (x, y), radius, level, -1, cv2.LINE_AA)
                if rng.random() < 0.5:
                    cv2.circle(painter.canvas, (x, y + 1), radius, 255 - level, 1, cv2.LINE_AA)


def _add_frame(painter: _Painter, gray: Image, text_box: Box) -> tuple[Image, Image, Box, Box]:
    """Surround a plate by a dealer's frame, which may cover its edges but not its text."""
    rng = painter.rng
    height, width = gray.shape
    unit = height * 0.02
    sides = [unit * (1 + 3 * float(rng.random())) for _ in range(4)]
    wide = rng.random()
    if wide < 0.75:
        # Room for the dealer's name, mostly below.
        sides[3 if wide < 0.55 else 1] = height * (0.1 + 0.12 * float(rng.random()))
    left, top, right, bottom = (max(1, round(s)) for s in sides)
    level = float(rng.random() * 60 if rng.random() < 0.7 else rng.random() * 255)
    framed = cv2.copyMakeBorder(gray, top, bottom, left, right, cv2.BORDER_CONSTANT, value=level)
    cover_top = round(max(0.0, min(text_box[1] - 1, height * 0.22)) * float(rng.random()) ** 2)
    cover_bottom = round(max(0.0, min(height - text_box[3] - 1, height * 0.22)) * float(rng.random()) ** 2)
    if rng.random() < 0.5:
        framed[: top + cover_top] = level
        framed[framed.shape[0] - bottom - cover_bottom :] = level
    canvas = framed.astype(np.float32)
    painter.canvas, painter.shape = canvas, (canvas.shape[0], canvas.shape[1])
    ink = level + (150 if level < 128 else -150)
    for y, size in ((0, top), (framed.shape[0] - bottom, bottom)):
        if size >= 4 and rng.random() < 0.8:
            text = " ".join(WORDS[_index(rng, len(WORDS))] for _ in range(1 + _index(rng, 2)))
            box = (
                left + _index(rng, width // 3),
                y + 1,
                left + width - _index(rng, width // 3),
                y + size - 1,
            )
            _draw_small_text(painter, text, box, ink)
    opaque: Image = np.full(framed.shape, 255, np.uint8)
    moved: Box = (text_box[0] + left, text_box[1] + top, text_box[2] + left, text_box[3] + top)
    return (
        np.asarray(np.clip(canvas, 0, 255), np.uint8),
        opaque,
        moved,
        (left, top, left + width, top + height),
    )


def corners(box: Box) -> NDArray[np.float64]:
    """Corners of a box, clockwise from the top left, float64 ``(4, 2)``."""
    left, top, right, bottom = box
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)
