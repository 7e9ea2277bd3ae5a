"""Characters that are in no alphabet: of other scripts, letters altered or turned, and strokes at random.

The plate network learns from them what it must not take for a letter. Greek, Hebrew, Devanagari and Amharic
are never drawn, nor what looks like one of their letters: they show what it does with letters that it has
never seen (``benchmarks.unknown``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

import cv2
import numpy as np
import PIL.ImageFont
from numpy.typing import NDArray

from plate_ocr.alphabet import PLATE_CHARACTERS
from plate_ocr.rendering.families import FAMILIES, N_STYLES, font_style
from plate_ocr.rendering.fonts import draw_text_mask, has_glyph
from plate_ocr.rendering.masks import HEIGHT
from plate_ocr.rendering.pseudo_letters import PSEUDO_LETTERS
from plate_ocr.rendering.strokes import FontStyle, draw_form
from plate_ocr.vision.images import Image

FOREIGN = (
    "ԱԲԴԵԷԸԹԺԻԽԾԿՂՃՄՆՉՊՎՒՔ"  # Armenian
    "გდკლმოჟრტუფქღყშჩცწჭჯჰ"  # Georgian
    "おしオカキクケサシスセタチツテナヌネホマミモヲ"  # kana
    "김박최윤임한민유진선성현동상명문용달별꽃집밤"  # Hangul
    "ЉЊЋЂЫЪѢѪ"  # Cyrillic
    "臺灣省縣龍鳳車牌機場租農林交全公司"  # Chinese
    "Əⵣⵥᐁᐊᐅᓂᓄᓇᖑᖓᕿᖃ@&#₺₫℞"  # others, and signs
    "ԳՌՖխղմչպև"  # Armenian
    "ႡႢႥႦႧႪႫႰႻႾჀჅჺⴏⴜⴢⴥ"  # Georgian
    "ⵄⵇ"  # Tifinagh
    "ຯະຽໂໄ"  # Lao
    "ᐳᐸᓁᓅᓈᓭᓯᔐᔒᔦᔪᔭᕍᖋᖍᖠᖢᖤᖪᖬ"  # Canadian syllabics
    "ߒߝߤ"  # N'Ko
    "ꓘꓞ"  # Lisu
    "ㄅㄆㄉㄋㄍㄓㄔㄕㄗㄘㄙㄛㄞㄠㄡㄢㄤ"  # Bopomofo
    "ㄳㄶㄽㅀㅄㅆ"  # two Korean letters in one
    "ѤԂԄ"  # Cyrillic
    "ɕɝɦɧɮɱɻʆʇʭʮʯƣƪȡ"  # phonetic
)
"""Of some scripts, letters that look like none that is read."""

LOOKALIKES = "已巳戍戊由田甴末木千干王主玉五王户尸夕人入八几儿乃刀力工土士口日曰目且二三十川州丁了寸万"
"""Chinese characters that look like some that are read."""

IDEOGRAPHS = [chr(code) for code in range(0x4E07, 0x9FA0, 83)]
"""Chinese characters from all over the table."""

Turn: TypeAlias = Literal["mirrored", "flipped", "quarter turn"]
TURNS: Mapping[Turn, str] = {"mirrored": "FGK4", "flipped": "AFRTY4", "quarter turn": "ATY"}
"""Characters that look like no other when mirrored left to right, top to bottom, or turned to the left."""

_TURNED = [(turn, char) for turn, chars in TURNS.items() for char in chars]
_CHARS = [char for char in (*FOREIGN, *IDEOGRAPHS) if char not in PLATE_CHARACTERS + LOOKALIKES]
N_PSEUDO, N_TURNED, N_STROKES = len(PSEUDO_LETTERS), 6 * len(_TURNED), 200
_FIRST_PSEUDO = len(_CHARS)
_FIRST_TURNED = _FIRST_PSEUDO + N_PSEUDO
N_FORMS = _FIRST_TURNED + N_TURNED + N_STROKES
"""Number of forms."""

WIDTHS = (5, 7, 9, 11)
"""Widths of strokes, pixels of 64, that forms are drawn in."""
MIN_WIDTH = 4.2
"""Minimum width of an H against a stroke's in a family of fonts whose strokes get another width."""
ANY_WIDTH = 0.25
"""Share of forms whose strokes are not as wide as the plate's."""


def draw_unknown(number: int, faces: Sequence[PIL.ImageFont.FreeTypeFont], thick: int) -> Image:
    """A character white on black.

    Args:
        number: which form, below :data:`N_FORMS`; a turned letter is drawn as random strokes.
        faces: fonts to draw with; strokes at random stand in for what they lack.
        thick: width of the strokes, pixels.

    Returns:
        uint8 ``(HEIGHT, W)``.
    """
    rng = np.random.default_rng([number, 47])
    if rng.random() < ANY_WIDTH:
        thick = int(rng.choice(WIDTHS))
    if _FIRST_PSEUDO <= number < _FIRST_TURNED:
        family = sorted(FAMILIES)[int(rng.integers(len(FAMILIES)))]
        style = font_style(family, int(rng.integers(N_STYLES)))
        stroke = thick / HEIGHT
        aspect = max(style.aspect, MIN_WIDTH * stroke)
        return _altered(number, dataclasses.replace(style, stroke=stroke, aspect=aspect))
    if number < len(_CHARS):
        char = _CHARS[number]
        for i in rng.permutation(len(faces)).tolist():
            drawn = draw_text_mask(char, faces[i]) if has_glyph(faces[i], char) else None
            if drawn is not None:
                return _with_strokes(drawn, thick)
    return _random_strokes(rng, thick)


def draw_in_font(number: int, letter: Callable[[str], Image], style: FontStyle | None) -> Image | None:
    """A character in the plate's own font.

    Args:
        number: which form, below :data:`N_FORMS`.
        letter: draws a letter of the font: uint8 ``(HEIGHT, W)``.
        style: of the font if it is a stroke font.

    Returns:
        uint8 ``(HEIGHT, W)``; None if the font cannot draw the form: :func:`draw_unknown` can.
    """
    if style is not None and _FIRST_PSEUDO <= number < _FIRST_TURNED:
        return _altered(number, style)
    if not _FIRST_TURNED <= number < _FIRST_TURNED + N_TURNED:
        return None
    turn, char = _TURNED[(number - _FIRST_TURNED) % len(_TURNED)]
    upright = letter(char)
    if turn != "quarter turn":
        return np.ascontiguousarray(upright[:, ::-1] if turn == "mirrored" else upright[::-1])
    size = max(upright.shape[1], round(0.8 * HEIGHT)), HEIGHT
    return np.asarray(cv2.resize(np.rot90(upright), size, interpolation=cv2.INTER_AREA), np.uint8)


def usual_width(letter: Image) -> int:
    """Which of :data:`WIDTHS` is nearest to the width of a letter's strokes."""
    strokes = stroke_width(letter)
    return min(WIDTHS, key=lambda width: abs(width - strokes))


def _altered(number: int, style: FontStyle) -> Image:
    which = number - _FIRST_PSEUDO
    return draw_form(PSEUDO_LETTERS[which], dataclasses.replace(style, bridge=0.0), which)


def stroke_width(mask: Image) -> float:
    """Mean width of the strokes of a character that fills its mask, uint8 ``(H, W)``, in pixels."""
    return _mean_width(np.pad(mask > 127, 1))


def _mean_width(inked: NDArray[np.bool_]) -> float:
    distances = cv2.distanceTransform(inked.astype(np.uint8), cv2.DIST_L2, 5)
    # A pixel at the edge is half a pixel inside.
    inside = distances[distances > 0] - 0.5
    # Across a stroke, the mean distance from its edge is a quarter of its width.
    return 4 * float(inside.mean()) if len(inside) else 0.0


def _with_strokes(mask: Image, thick: int) -> Image:
    """Scale a character to a glyph's height and its strokes to a width, as far as its gaps allow."""
    size = max(3, round(mask.shape[1] * HEIGHT / mask.shape[0])), HEIGHT
    scaled = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    now = stroke_width(scaled)
    change = min(thick - now, 0.5 * _mean_width(scaled <= 127))
    reach = round(abs(change) if change > 0 else min(-change, 0.4 * now))
    if not reach:
        return scaled
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach + 1, reach + 1))
    if change < 0:
        return np.asarray(cv2.erode(scaled, kernel), np.uint8)
    wider = np.pad(scaled, (reach + 1) // 2)
    return np.asarray(cv2.resize(cv2.dilate(wider, kernel), size, interpolation=cv2.INTER_AREA), np.uint8)


def _random_strokes(rng: np.random.Generator, thick: int) -> Image:
    """Six to nine strokes between the points of a grid, some of them bent: more than letters have."""
    thick = min(thick, 7)
    width = int(rng.integers(36, 66))
    picture = np.zeros((HEIGHT, width), np.uint8)
    across = np.linspace(thick / 2, width - 1 - thick / 2, 3)
    down = np.linspace(thick / 2, HEIGHT - 1 - thick / 2, int(rng.integers(3, 5)))
    # The first stroke reaches from the top to the bottom.
    ends = [[(rng.choice(across), down[0]), (rng.choice(across), down[-1])]]
    ends += [
        [(rng.choice(across), rng.choice(down)) for _ in range(2 + int(rng.random() < 0.4))]
        for _ in range(int(rng.integers(5, 9)))
    ]
    for points in ends:
        line = np.rint(np.array(points)).astype(np.int32)
        cv2.polylines(picture, [line], bool(rng.random() < 0.2), 255, thick, cv2.LINE_AA)
    if rng.random() < 0.4:
        center = (int(rng.choice(across)), int(rng.choice(down)))
        reach = int(width * rng.uniform(0.2, 0.4))
        cv2.ellipse(
            picture, center, (reach, reach), 0, 0, int(rng.integers(150, 361)), 255, thick, cv2.LINE_AA
        )
    return picture
