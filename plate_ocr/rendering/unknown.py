"""Characters that are in no alphabet: of other scripts, mirrored, upside down, and strokes at random.

The plate network learns from them what it must not take for a letter. Greek, Hebrew, Devanagari and Amharic
are never drawn: they show what it does with letters that it has never seen (``benchmarks.unknown``).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import PIL.ImageFont

from plate_ocr.alphabet import PLATE_CHARACTERS
from plate_ocr.rendering.fonts import draw_text_mask, has_glyph
from plate_ocr.vision.images import Image

SCRIPTS = (
    "ԱԲԴԵԷԸԹԺԻԽԾԿՂՃՄՆՉՊՎՒՔ"  # Armenian
    "გდიკლმოჟრტუფქღყშჩცწჭჯჰ"  # Georgian
    "خذضظ"  # Arabic
    "おしオカキクケサシスセタチツテナヌネホマミモヲ"  # kana
    "김박최윤임한민유진선성현동상명문용달별꽃집밤"  # Hangul
    "ЉЊЋЂЫЪѢѪ"  # Cyrillic
    "臺灣省縣龍鳳車牌機場租農林交全公司"  # Chinese
    "Əⵣⵥᐁᐃᐊᐅᓂᓄᓇᖑᖓᕿᖃ@&"
)
"""Of some scripts, letters that look like none that is read."""

LOOKALIKES = "已巳戍戊由田甴末木千干王主玉五王户尸夕人入八几儿乃刀力工土士口日曰目且二三十川州丁了寸万"
"""Chinese characters that look like some that are read."""

IDEOGRAPHS = [chr(code) for code in range(0x4E07, 0x9FA0, 83)]
"""Chinese characters from all over the table."""

MIRRORED, UPSIDE_DOWN = "FGK4", "ATR4"
"""Characters that look like no other when turned."""

_CHARS = [char for char in (*SCRIPTS, *IDEOGRAPHS) if char not in PLATE_CHARACTERS + LOOKALIKES]
N_TURNED, N_STROKES = 64, 130
N_FORMS = len(_CHARS) + N_TURNED + N_STROKES
"""Number of forms."""


def draw_unknown(number: int, faces: Sequence[PIL.ImageFont.FreeTypeFont]) -> Image:
    """A character white on black.

    Args:
        number: which form, below :data:`N_FORMS`.
        faces: fonts to draw with; strokes at random stand in for what they lack.
    """
    rng = np.random.default_rng([number, 47])
    if number < len(_CHARS):
        char = _CHARS[number]
        drawn = (draw_text_mask(char, face) for face in faces if has_glyph(face, char))
        pictures = [picture for picture in drawn if picture is not None]
        if pictures:
            thick = int(rng.integers(1, 4))
            picture = pictures[int(rng.integers(len(pictures)))]
            return np.asarray(cv2.dilate(picture, np.ones((thick, thick))), np.uint8)
    elif number < len(_CHARS) + N_TURNED:
        mirrored = number % 2 == 0
        chars = MIRRORED if mirrored else UPSIDE_DOWN
        latin = [face for face in faces if has_glyph(face, "A")]
        upright = draw_text_mask(chars[number // 2 % len(chars)], latin[int(rng.integers(len(latin)))])
        if upright is not None:
            return np.ascontiguousarray(upright[:, ::-1] if mirrored else upright[::-1])
    return _strokes(rng)


def _strokes(rng: np.random.Generator) -> Image:
    """Six to nine strokes between the points of a grid, some of them bent: more than letters have."""
    height, width = 64, int(rng.integers(36, 66))
    picture = np.zeros((height, width), np.uint8)
    thick = int(rng.integers(4, 8))
    across = np.linspace(thick / 2, width - 1 - thick / 2, 3)
    down = np.linspace(thick / 2, height - 1 - thick / 2, int(rng.integers(3, 5)))
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
