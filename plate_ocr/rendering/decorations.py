"""Decorations of a plate, which are not read: bands, badges, stickers, bolts, frames."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from plate_ocr.region_files.schema import Box, Decoration
from plate_ocr.rendering.canvas import Painter, random_index, smooth_noise
from plate_ocr.rendering.masks import scaled
from plate_ocr.rendering.pictograms import draw_pictogram
from plate_ocr.vision.images import Image

WORDS = (
    "AUTO", "CENTAR", "www.autohaus.de", "tel. 01/6155-020", "Toyota of Dallas", "FORD", "GARAGE", "Motors",
    "GOLD COAST", "LEXUS", "dealer.com", "Premium Cars", "SALON", "HONDA", "1-800-555-0199", "SERVICE",
    "CHEVROLET", "AUTOCENTRO", "Renault", "BMW", "I LOVE", "ALUMNI", "UNIVERSITY", "Kraft", "Auto kuća",
)  # fmt: skip
"""Texts on dealers' frames."""

UNDER_TEXT = 0.33
"""Maximum contrast of a badge under characters, as a part of theirs."""


def draw_decoration(painter: Painter, item: Decoration) -> None:
    """Draw a decoration; bolts are drawn by :func:`draw_bolts`."""
    rng = painter.rng
    left, top, right, bottom = painter.pixels(item.box)
    level = (
        painter.shade(item.colors[random_index(rng, len(item.colors))]) if item.colors else painter.foreground
    )
    match item.type:
        case "text":
            _draw_small_text(
                painter, item.texts[random_index(rng, len(item.texts))], (left, top, right, bottom), level
            )
        case "fill":
            painter.canvas[top:bottom, left:right] = level
        case "outline":
            thick = max(1, round((bottom - top) * 0.03))
            cv2.rectangle(painter.canvas, (left, top), (right - 1, bottom - 1), level, thick)
        case "badge":
            _draw_own_badge(painter, item.box, (left, top, right, bottom))
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
                painter, texts[random_index(rng, len(texts))], inner, paper + (130 if paper < 128 else -130)
            )
        case "picture":
            _draw_picture(painter, (left, top, right, bottom))
        case "stack":
            text = item.texts[random_index(rng, len(item.texts))] if item.texts else _random_stack(rng)
            step, stretch = (bottom - top) / len(text), 1 + 0.4 * float(rng.random())
            for i, char in enumerate(text):
                y = round(top + i * step)
                _draw_small_glyph(painter, char, (left, y, right, round(y + 0.87 * step)), stretch)


def _draw_small_text(painter: Painter, text: str, box: tuple[int, int, int, int], level: float) -> None:
    left, top, right, bottom = box
    if bottom - top < 3 or right - left < 3:
        return
    strip = painter.glyphs.strip(text, int(painter.rng.random() * 4096))
    mask = scaled(strip, bottom - top, right - left)
    painter.blend(mask, left + (right - left - mask.shape[1]) // 2, top, level)


def _draw_small_glyph(painter: Painter, char: str, box: tuple[int, int, int, int], stretch: float) -> None:
    """Draw a character in the plate's own font, at most as wide as a box."""
    left, top, right, bottom = box
    glyph = painter.glyphs.glyph(painter.font, char, painter.style, 0)
    if glyph is None or bottom - top < 3:
        return
    width = min(right - left, max(2, round(stretch * glyph.shape[1] * (bottom - top) / glyph.shape[0])))
    small = np.asarray(cv2.resize(glyph, (width, bottom - top), interpolation=cv2.INTER_AREA), np.uint8)
    painter.blend(small, (left + right - width) // 2, top, painter.foreground)


def _random_stack(rng: Generator) -> str:
    """Two or three letters or digits."""
    signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if rng.random() < 0.7 else "0123456789ABCDEH"
    return "".join(signs[random_index(rng, len(signs))] for _ in range(2 + (rng.random() < 0.35)))


def is_square(painter: Painter) -> bool:
    """Whether a plate is high enough for pictures beside or between the characters."""
    width, height = painter.layout.size
    return width < 2.5 * height


def _draw_own_badge(painter: Painter, place: Box, box: tuple[int, int, int, int]) -> None:
    """A badge with a place of its own, on square plates moved a little so that it may touch characters.

    Under characters it is fainter.

    Args:
        painter: the plate.
        place: left, top, right, bottom of the badge, as of the layout.
        box: the same, pixels.
    """
    if not is_square(painter):
        draw_badge(painter, box)
        return
    rng = painter.rng
    left, top, right, bottom = box
    grown = 0.7 + 0.4 * float(rng.random())
    width, height = round((right - left) * grown), round((bottom - top) * grown)
    x = (left + right - width) // 2 + round(0.1 * (right - left) * (2 * float(rng.random()) - 1))
    y = (top + bottom - height) // 2 + round(0.08 * (bottom - top) * (2 * float(rng.random()) - 1))
    # How much of the badge lies under characters.
    beside = [f.box for f in painter.layout.fields if place[1] < f.box[3] and f.box[1] < place[3]]
    under = max((min(place[2], text[2]) - max(place[0], text[0]) for text in beside), default=0.0)
    if under > 0.2 * (place[2] - place[0]):
        draw_pictogram(painter, (x, y, x + width, y + height), UNDER_TEXT)
    else:
        draw_badge(painter, (x, y, x + width, y + height))


def draw_badge(painter: Painter, box: tuple[int, int, int, int]) -> None:
    """A coat of arms, a seal, a sticker or a pictogram: not a character."""
    rng = painter.rng
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    if width < 4 or height < 4:
        return
    # Long plates have seals and arms, square ones mostly pictures.
    if rng.random() < (0.7 if is_square(painter) else 0.12):
        draw_pictogram(painter, box)
        return
    choice = rng.random()
    if choice < 0.4:
        # A shield of squares.
        rows, columns = 3 + random_index(rng, 4), 3 + random_index(rng, 3)
        board = (np.indices((rows, columns)).sum(0) % 2).astype(np.float32)
        part = cv2.resize(board, (width, height), interpolation=cv2.INTER_NEAREST) * float(
            rng.uniform(40, 150)
        )
        part = part + painter.background - float(rng.uniform(60, 160))
    elif choice < 0.65:
        # Of a few fields of any colours.
        fields = rng.uniform(0, 255, (2 + random_index(rng, 3), 1 + random_index(rng, 3)))
        part = cv2.resize(fields, (width, height), interpolation=cv2.INTER_NEAREST)
        part = part + float(rng.uniform(0, 60)) * smooth_noise(rng, (height, width), 4, 3)
    else:
        part = painter.background + float(rng.uniform(20, 90)) * smooth_noise(rng, (height, width), 4, 3)
        part = part - float(rng.uniform(0, 90))
    mask: Image = np.zeros((height, width), np.uint8)
    if rng.random() < 0.6:
        middle, radii = (width // 2, height // 2), (width // 2 - 1, height // 2 - 1)
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        corners = np.array(middle) + np.stack([np.cos(angles), np.sin(angles)], 1) * radii
    else:
        corners = np.array(
            [[0, 0], [width, 0], [width, height * 0.55], [width / 2, height], [0, height * 0.55]]
        )
    outline = [np.rint(corners).astype(np.int32)]
    cv2.fillPoly(mask, outline, 255, cv2.LINE_AA)
    part = np.ascontiguousarray(part, np.float32)
    if choice < 0.65 and rng.random() < 0.6:
        # Never around an empty field: it would be an O.
        level = painter.foreground if rng.random() < 0.6 else float(rng.random() * 255)
        cv2.polylines(part, outline, True, level, max(1, round(0.06 * width)), cv2.LINE_AA)
    canvas_part = painter.canvas[max(top, 0) : bottom, max(left, 0) : right]
    share = (mask * np.float32(rng.uniform(0.5, 1) / 255))[max(-top, 0) :, max(-left, 0) :]
    part = part[max(-top, 0) :, max(-left, 0) :]
    rows, columns = canvas_part.shape
    canvas_part += (part[:rows, :columns] - canvas_part) * share[:rows, :columns]


def draw_seals(painter: Painter, box: tuple[int, int, int, int]) -> None:
    """Two round stickers, one above the other, as on German and Czech plates: no 8."""
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


def _draw_picture(painter: Painter, box: tuple[int, int, int, int]) -> None:
    """A picture behind the text: it has less contrast than the text."""
    rng = painter.rng
    left, top, right, bottom = box
    part = painter.canvas[top:bottom, left:right]
    height, width = part.shape
    strength = abs(painter.background - painter.foreground) * (0.3 + 0.4 * float(rng.random()))
    toward = 1.0 if painter.foreground > painter.background else -1.0
    if rng.random() < 0.6:
        # Fading from the top, from the bottom, or from both.
        rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
        fade = float(rng.random()) * np.clip(1 - rows * float(rng.uniform(1.5, 4)), 0, 1)
        fade = fade + float(rng.random()) * np.clip(1 - (1 - rows) * float(rng.uniform(1.5, 4)), 0, 1)
        part += np.float32(toward * strength * rng.uniform(0.6, 1.6)) * np.asarray(fade, np.float32)
    if rng.random() < 0.4:
        part += np.float32(strength * 0.5) * smooth_noise(
            rng, part.shape, 3 + random_index(rng, 6), 4 + random_index(rng, 10)
        )
    if rng.random() < 0.3:
        # Hills along the bottom.
        xs = np.linspace(0, width, 9)
        ys = height * (0.75 + 0.2 * rng.random(9))
        outline = np.vstack([np.stack([xs, ys], 1), [[width, height], [0, height]]])
        mask: Image = np.zeros(part.shape, np.uint8)
        cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], 255)
        part += np.float32(toward * strength * rng.uniform(0.6, 2)) * (mask * np.float32(1 / 255))
    for _ in range(random_index(rng, 7)):
        x, y = random_index(rng, width), random_index(rng, height)
        size = (1 + random_index(rng, max(1, width // 8)), 1 + random_index(rng, max(1, height // 3)))
        blob: Image = np.zeros(part.shape, np.uint8)
        if rng.random() < 0.5:
            cv2.ellipse(blob, (x, y), size, float(rng.random() * 180), 0, 360, 255, -1, cv2.LINE_AA)
        else:
            points = np.array([x, y]) + rng.normal(0, 1, (5, 2)) * np.array(size)
            cv2.polylines(
                blob, [np.rint(points).astype(np.int32)], bool(rng.random() < 0.5), 255, 1, cv2.LINE_AA
            )
        part += np.float32(toward * strength * rng.uniform(0.3, 0.9)) * (blob * np.float32(1 / 255))


def draw_bolts(painter: Painter, box: tuple[int, int, int, int]) -> None:
    """Two or four bolts or holes at the corners of a box."""
    rng = painter.rng
    left, top, right, bottom = box
    radius = max(1, round(painter.shape[0] * (0.02 + 0.025 * float(rng.random()))))
    level = float(rng.random() * 255)
    which = rng.random()
    shift = rng.normal(0, 0.025 * painter.shape[0], 2)
    for x in (left + round(shift[0]), right - round(shift[0])):
        for edge, present in ((top, which < 0.8), (bottom, which > 0.45)):
            if present and rng.random() < 0.9:
                y = edge + round(shift[1])
                cv2.circle(painter.canvas, (x, y), radius, level, -1, cv2.LINE_AA)
                if rng.random() < 0.5:
                    cv2.circle(painter.canvas, (x, y + 1), radius, 255 - level, 1, cv2.LINE_AA)


def add_frame(painter: Painter, gray: Image, text_box: Box) -> tuple[Image, Image, Box, Box]:
    """Surround a plate by a dealer's frame, which may cover its edges but not its text."""
    rng = painter.rng
    height, width = gray.shape
    unit = height * 0.02
    sides = [unit * (1 + 3 * float(rng.random())) for _ in range(4)]
    wide = rng.random()
    # Room for the dealer's name: mostly below, or the name above and the town below.
    for side, has_text in ((3, wide < 0.7), (1, 0.4 < wide < 0.85)):
        if has_text:
            sides[side] = height * (0.1 + 0.14 * float(rng.random()))
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
    foreground = level + (150 if level < 128 else -150)
    for y, size in ((0, top), (framed.shape[0] - bottom, bottom)):
        if size >= 4 and rng.random() < 0.8:
            text = " ".join(WORDS[random_index(rng, len(WORDS))] for _ in range(1 + random_index(rng, 2)))
            box = (
                left + random_index(rng, width // 3),
                y + 1,
                left + width - random_index(rng, width // 3),
                y + size - 1,
            )
            _draw_small_text(painter, text, box, foreground)
    opaque: Image = np.full(framed.shape, 255, np.uint8)
    moved: Box = (text_box[0] + left, text_box[1] + top, text_box[2] + left, text_box[3] + top)
    return (
        np.asarray(np.clip(canvas, 0, 255), np.uint8),
        opaque,
        moved,
        (left, top, left + width, top + height),
    )
