"""Light on a plate: its slope, shadows, a lamp's glare, reflections."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

MAX_SHADOW = 0.6
"""Maximum part of the light that a shadow takes."""

MAX_REFLECTION = 0.8
"""Maximum part of the contrast that a reflection takes."""


@cache
def _ramp(size: int) -> NDArray[np.float32]:
    """From -0.5 to 0.5."""
    return np.linspace(-0.5, 0.5, size, dtype=np.float32)


def light(rng: Generator, picture: NDArray[np.float32], text_height: float) -> NDArray[np.float32]:
    """Light a picture unevenly.

    Args:
        rng: random generator.
        picture: float32 ``(H, W)``, grey levels.
        text_height: of the smallest line, pixels: bounds the size of reflections.

    Returns:
        float32 ``(H, W)``.
    """
    height, width = picture.shape
    across, down = _ramp(width), _ramp(height)[:, None]
    slopes = rng.normal(0, 0.25, 2).astype(np.float32)
    gain = np.asarray(1 + slopes[0] * across + slopes[1] * down, np.float32)
    if rng.random() < 0.22:
        # A shadow, its edge sharp or soft, at any angle; half of the plate or a stripe of it.
        angle, place = float(rng.random() * 2 * math.pi), float(rng.normal(0, 0.25))
        along = np.float32(math.cos(angle)) * across + np.float32(math.sin(angle)) * down - np.float32(place)
        if rng.random() < 0.3:
            along = np.float32(0.05 + 0.2 * float(rng.random())) - np.abs(along)
        side = along * np.float32(3 + 60 * float(rng.random()) ** 2)
        depth = MAX_SHADOW * float(rng.random()) ** 0.8
        shade = 1 - np.float32(depth) * np.clip(side + np.float32(0.5), 0, 1)
        # The exposure follows: in full shade a plate does not turn black.
        gain *= shade * np.float32(1 / float(shade[height // 2].mean()))
    picture = picture * gain
    if rng.random() < 0.06:
        # A lamp's glare: a spot or a band.
        x, y, reach = float(rng.random() - 0.5), float(rng.random() - 0.5), 0.06 + 0.3 * float(rng.random())
        away = ((across - np.float32(x)) / np.float32(reach)) ** 2
        away = (
            away + ((down - np.float32(y)) / np.float32(2 * reach * (1 + 4 * float(rng.random()) ** 2))) ** 2
        )
        picture += np.float32(30 + 90 * float(rng.random())) * np.exp(-away)
    if rng.random() < 0.07:
        for _ in range(1 + int(rng.random() * 2)):
            _reflect(rng, picture, text_height)
    return picture


def _reflect(rng: Generator, picture: NDArray[np.float32], text_height: float) -> None:
    """A lamp or the sky in the plate's gloss: a white patch or a bent streak with a sharp or soft edge."""
    height, width = picture.shape
    angle, bend = float(rng.random() * math.pi), float(rng.normal(0, 0.25))
    x, y = (0.1 + 0.8 * rng.random(2)).tolist()
    across = _ramp(width) * np.float32(width / text_height) - np.float32((x - 0.5) * width / text_height)
    down = (_ramp(height) * np.float32(height / text_height))[:, None]
    down = down - np.float32((y - 0.5) * height / text_height)
    cos, sin = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    along = cos * across + sin * down
    aside = cos * down - sin * across + np.float32(bend) * along * along
    # Parts of the text's height.
    wide = 0.05 + 0.35 * float(rng.random()) ** 1.5
    # Narrow streaks may cross the plate.
    long = 0.3 + float(rng.random()) * (1.2 if wide > 0.15 else 3.2)
    inside = 1 - (aside * np.float32(1 / wide)) ** 2 - (along * np.float32(1 / long)) ** 2
    share = np.clip(inside * np.float32(1 + 5 * float(rng.random())), 0, 1)
    share *= np.float32(0.4 + (MAX_REFLECTION - 0.4) * float(rng.random()))
    picture += (np.float32(200 + 70 * float(rng.random())) - picture) * share
