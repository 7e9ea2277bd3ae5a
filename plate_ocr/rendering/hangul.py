"""Korean syllables drawn as strokes of their jamo, as plates show them.

Plates have lettering of their own: strokes of one width and jamo that fill the cell, in other proportions
than those of fonts. A syllable is divided into boxes for its initial, vowel and final; each jamo is a
skeleton in its box.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from plate_ocr.region_files.schema import Box
from plate_ocr.rendering.letterforms import Path, loop
from plate_ocr.rendering.masks import HEIGHT
from plate_ocr.rendering.strokes import DETAIL, Pen, draw_paths, shrunk
from plate_ocr.vision.images import Image

N_STYLES = 12
"""Number of styles."""

FIRST, N_VOWELS, N_FINALS = 0xAC00, 21, 28
"""The first syllable in Unicode, and how many vowels and finals, with none, each initial has."""

INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
FINALS = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"

PARTS = {"ㅘ": "ㅗㅏ", "ㅚ": "ㅗㅣ", "ㅝ": "ㅜㅓ", "ㅟ": "ㅜㅣ", "ㅢ": "ㅡㅣ"}
"""Vowels of a part below the initial and one on its right."""

UPRIGHT: Mapping[str, tuple[int, int, tuple[float, ...]]] = {
    "ㅏ": (1, 1, (0.47,)), "ㅑ": (1, 1, (0.3, 0.6)), "ㅓ": (1, -1, (0.47,)), "ㅕ": (1, -1, (0.28, 0.68)),
    "ㅐ": (2, 0, (0.48,)), "ㅔ": (2, -1, (0.48,)), "ㅣ": (1, 0, ()),
}  # fmt: skip
"""Of upright vowels: stems, the side of their arms (0: between stems), and the arms' heights from the top."""

LEVEL: Mapping[str, tuple[float, tuple[float, ...]]] = {
    "ㅗ": (-1, (0.5,)), "ㅛ": (-1, (0.32, 0.68)), "ㅜ": (1, (0.5,)), "ㅠ": (1, (0.32, 0.68)), "ㅡ": (0, ()),
}  # fmt: skip
"""Of level vowels: the side of the stems, and their places from the left."""

SPAN: Mapping[str, float] = {
    "ㄱ": 1.2, "ㄴ": 1.1, "ㄷ": 1.4, "ㄹ": 2.5, "ㅁ": 1.4, "ㅂ": 1.9, "ㅅ": 1.4, "ㅇ": 1.6, "ㅈ": 1.7,
    "ㅊ": 2.4, "ㅋ": 1.6, "ㅌ": 2.0, "ㅍ": 1.5, "ㅎ": 3.0,
}  # fmt: skip
"""Heights of consonants where others are above or below, against a gap."""

MAX_STROKE = 0.56
"""Maximum width of a stroke as a part of the distance between two that are above one another."""


@dataclass(frozen=True)
class HangulStyle:
    """The style of the lettering.

    Attributes:
        stroke: width of a stroke, as a part of the height.
        aspect: width of a syllable, as a part of the height.
        split: width of an initial left of a vowel, as a part of the syllable's.
        lower: height of a final against its usual one.
        rounding: radius of corners, as a part of the height.
        weight: of the conic curves of ㅇ: 0.7 is an ellipse, more is squarer.
        flat: strokes end in straight cuts, not in half circles.
        arm: length of a vowel's arm, as a part of the width.
        rise: space over and under an initial beside a vowel, as a part of the height.
        lean: how far the foot of ㄱ is from its corner, as a part of the box.
        foot: form of ㅅ: its legs part at the top, below it, or one of them begins on the other.
        bent: ㅈ is drawn as a bent stroke and a leg, not as a bar and ㅅ.
        tick: the top of ㅊ and ㅎ is an upright stroke, not a level one.
    """

    stroke: float
    aspect: float
    split: float
    lower: float
    rounding: float
    weight: float
    flat: bool
    arm: float
    rise: float
    lean: float
    foot: int
    bent: bool
    tick: bool


@cache
def hangul_style(number: int) -> HangulStyle:
    """A style, 0 to :data:`N_STYLES` - 1."""
    rng = np.random.default_rng([number, 0xAC00])

    def steps(low: float, high: float, order: int) -> float:
        # Evenly spread, in another order for each property.
        place = float(np.random.default_rng([order, 0xAC00]).permutation(N_STYLES)[number])
        return low + (high - low) * (place + rng.random()) / N_STYLES

    return HangulStyle(
        stroke=steps(0.085, 0.145, 0),
        aspect=steps(0.72, 1.12, 1),
        split=steps(0.5, 0.58, 2),
        lower=steps(0.88, 1.15, 3),
        rounding=float(rng.choice([0.0, 0.0, 0.04, 0.1])),
        weight=float(rng.uniform(0.7, 1.1)),
        flat=bool(rng.random() < 0.65),
        arm=steps(0.19, 0.25, 4),
        rise=steps(0.02, 0.14, 5),
        lean=float(rng.uniform(0.5, 0.95)),
        foot=number % 3,
        bent=number % 4 == 1,
        tick=number % 5 in (1, 3),
    )


@cache
def _consonants(style: HangulStyle, place: str) -> Mapping[str, Sequence[Path]]:
    """Skeletons of consonants in a unit box; ``"beside"`` or ``"above"`` a vowel, or ``"final"``."""
    bar: Path = [(0, 0), (1, 0)]
    square = loop(0, 0, 1, 1)
    ring: Path = [(*point, 99.0) for point in square]  # as round as the box allows
    hook: Path = [(0, 0), (1, 0, 0.6), (1, 1)]
    if place == "beside":
        hook = [(0, 0), (0.98, 0, 0.6), (0.9, 0.5, 6), (1 - style.lean, 1)]
    elif place == "above":
        hook = [(0, 0), (1, 0, 0.6), (0.97, 1)]
    feet: Sequence[Sequence[Path]] = (
        [[(0, 1), (0.5, 0, 0), (1, 1)]],
        [[(0.5, 0), (0.5, 0.3, 3), (0, 1)], [(0.5, 0.3), (1, 1)]],
        [[(0.5, 0), (0.44, 0.35, 3), (0, 1)], [(0.45, 0.36), (1, 1)]],
    )
    legs = feet[style.foot]
    tee: Sequence[Path] = [bar, *legs]
    if style.bent:
        tee = [[(0.02, 0), (0.95, 0, 0.4), (0, 1)], [(0.56, 0.45), (1, 1)]]
    tick: Path = [(0.5, 0), (0.5, 0.28)] if style.tick else [(0.3, 0), (0.7, 0)]
    return {
        "ㄱ": [hook],
        "ㄴ": [[(0, 0), (0, 1), (1, 1)]],
        "ㄷ": [[(1, 0), (0, 0), (0, 1), (1, 1)]],
        "ㄹ": [[(0, 0), (1, 0), (1, 0.5), (0, 0.5), (0, 1), (1, 1)]],
        "ㅁ": [square],
        "ㅂ": [[(0, 0), (0, 1), (1, 1), (1, 0)], [(0, 0.46), (1, 0.46)]],
        "ㅅ": legs,
        "ㅇ": [ring],
        "ㅈ": tee,
        "ㅊ": [tick, *_placed(tee, (0, 0.32, 1, 1))],
        "ㅋ": [hook, [(0, 0.46), (0.92, 0.46)]],
        "ㅌ": [[(1, 0), (0, 0), (0, 1), (1, 1)], [(0, 0.5), (0.96, 0.5)]],
        "ㅍ": [bar, [(0.28, 0), (0.28, 1)], [(0.72, 0), (0.72, 1)], [(0, 1), (1, 1)]],
        "ㅎ": [tick, *_placed([bar], (0, 0.27, 1, 1)), *_placed([ring], (0.1, 0.53, 0.9, 1))],
    }


def _placed(paths: Sequence[Path], box: Box) -> list[Path]:
    """Skeletons of the unit box in another."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    return [[(left + p[0] * width, top + p[1] * height, *p[2:]) for p in path] for path in paths]


class _Rows(NamedTuple):
    """Heights from the top of what is above one another, as parts of a syllable's height.

    Attributes:
        unit: the least distance of two strokes.
        initial: bottom of the initial.
        line: of a level vowel's long stroke.
        tip: ends of its short strokes.
        foot: bottom of an upright vowel.
        final: height of the final, in units.
    """

    unit: float
    initial: float
    line: float
    tip: float
    foot: float
    final: float


def _rows(initial: str, level: str, final: str, style: HangulStyle) -> _Rows:
    side = LEVEL[level][0] if level != " " else 0
    # In units: initial, final, gap over a level vowel, its stems below, gap over the final.
    above, below, gap, stem, between = SPAN[initial], 0.0, 0.0, 0.0, 0.0
    if final != " ":
        below, between = SPAN[final] * style.lower, 0.5 if side > 0 else 0.95
    if level != " ":
        above = max(above, 0.0 if below else 1.7)
        gap = (1.0 if side < 0 else 0.9) + (0.0 if below else 0.15)
        stem = 0.0 if side <= 0 else 0.7 if below else 0.7 + 0.6
    elif below:
        above *= 1.2
    unit = 1 / (above + gap + stem + between + below)
    line, end = (above + gap) * unit, (above + gap + stem) * unit
    tip = line - 0.45 * gap * unit if side < 0 else end
    foot = max(end, 1 - (below + 0.6) * unit) if below else 1.0
    return _Rows(unit, above * unit, line, tip, foot, below)


def _upright(
    vowel: str, style: HangulStyle, thick: float, rows: _Rows, with_level: bool
) -> tuple[list[Path], float]:
    """The strokes of an upright vowel, and the right end of the initial beside it.

    Args:
        vowel: of :data:`UPRIGHT`.
        style: of the lettering.
        thick: width of a stroke, as a part of the syllable's width, as are all lengths across.
        rows: heights.
        with_level: whether there is a level vowel below the initial.
    """
    stems, side, arms = UPRIGHT[vowel]
    arm = max(style.arm, 1.3 * thick)
    last = 1 - arm if side > 0 else 1.0
    first = last if stems == 1 else last - max(0.2, 1.7 * thick)
    start, end = (last, last + arm) if side > 0 else (first, first - arm if side else last)
    paths: list[Path] = [[(x, 0), (x, rows.foot)] for x in sorted({first, last})]
    for share in arms:
        y = share * rows.foot
        if with_level:
            y = 0.4 * rows.foot if side > 0 else (rows.line + rows.foot) / 2 + 0.04
        paths.append([(start, y), (end, y)])
    return paths, min(style.split, first - max(1.75 * thick, 0.0 if side >= 0 else 0.7 * arm + 0.7 * thick))


def _skeleton(
    initial: str, vowel: str, final: str, style: HangulStyle
) -> tuple[list[Path], tuple[float, float]]:
    """The strokes of a syllable in the unit square, and the least distances of two, across and down."""
    level, upright = tuple(PARTS.get(vowel, vowel if vowel in LEVEL else " " + vowel).ljust(2))
    rows = _rows(initial, level, final, style)
    across, down = 0.25, rows.unit
    left, top, right, bottom, reach = 0.1, 0.0, 0.9, rows.initial, 1.0
    paths: list[Path] = []
    thick = min(style.stroke, MAX_STROKE * rows.unit) / style.aspect
    if upright != " ":
        stems, _, arms = UPRIGHT[upright]
        thick = min(thick, 0.165 if stems == 1 and initial != "ㅍ" else 0.13)
        paths, right = _upright(upright, style, thick, rows, level != " ")
        left, across, reach = 0.0, thick / MAX_STROKE, right + 0.08
        down = min(down, (arms[1] - arms[0]) * rows.foot) if len(arms) > 1 else down
        if level == final == " ":
            top, bottom = style.rise, 1 - style.rise
    if level != " ":
        paths.append([(0, rows.line), (reach, rows.line)])
        paths += [[(x * reach, rows.tip), (x * reach, rows.line)] for x in LEVEL[level][1]]
    place = "beside" if level == " " else "above"
    paths += _placed(_consonants(style, place)[initial], (left, top, right, bottom))
    if final != " ":
        indent = 0.12 if final in "ㅇㄴ" or upright == " " else 0.16
        paths += _placed(
            _consonants(style, "final")[final], (indent, 1 - rows.final * down, 1 - indent / 2, 1)
        )
    return paths, (min(across, thick / MAX_STROKE), down)


def draw_hangul(char: str, style: int) -> Image | None:
    """Draw a syllable white on black.

    Args:
        char: the syllable.
        style: of its lettering, below :data:`N_STYLES`.

    Returns:
        uint8 ``(HEIGHT, W)``; None if it is none or has jamo that no plate has.
    """
    number = ord(char) - FIRST
    if not 0 <= number < len(INITIALS) * N_VOWELS * N_FINALS:
        return None
    initial = INITIALS[number // (N_VOWELS * N_FINALS)]
    vowel, final = VOWELS[number // N_FINALS % N_VOWELS], FINALS[number % N_FINALS]
    if initial not in SPAN or final not in {" ", *SPAN} or vowel not in {*PARTS, *UPRIGHT, *LEVEL}:
        return None
    form = hangul_style(style)
    paths, (across, down) = _skeleton(initial, vowel, final, form)
    stroke = min(form.stroke, MAX_STROKE * across * form.aspect, MAX_STROKE * down)
    full = DETAIL * HEIGHT
    pen = Pen(max(2, round(full * stroke)), max(form.rounding, 0.012) * full, form.weight, form.flat)
    return shrunk(draw_paths(paths, (round(full * form.aspect) - pen.thick, full - pen.thick), pen))
