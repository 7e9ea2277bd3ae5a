"""Families of stroke fonts after the standards of plates.

A family bounds the proportions and names the usual forms of characters; its styles vary within, so that a
network learns shapes, not one font.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.random import Generator

from plate_ocr.rendering.letterforms import letter_forms
from plate_ocr.rendering.strokes import FontStyle

Bounds = tuple[float, float]

N_STYLES = 24
"""Number of styles of a family; glyphs of each are cached."""

USUAL = 0.85
"""Probability of a usual form where a family names them."""


RARE = ("slit", "slashed", "tipped")
"""Forms that only families which name them have."""


@dataclass(frozen=True)
class FontFamily:
    """What the styles of a family share; see :class:`~plate_ocr.rendering.strokes.FontStyle`.

    Attributes:
        flat: probability of strokes that end in straight cuts.
        bridge: of a stencil.
        forms: names of the usual forms of characters, one of which is chosen; of others, any form is usual.
    """

    stroke: Bounds
    aspect: Bounds
    digits: Bounds = (0.95, 1.0)
    rounding: Bounds = (0.36, 0.5)
    weight: Bounds = (0.7, 1.0)
    flat: float = 1.0
    contrast: Bounds = (1.0, 1.06)
    slant: Bounds = (0.0, 0.0)
    tail: Bounds = (0.2, 0.3)
    waist: Bounds = (0.44, 0.5)
    wobble: Bounds = (0.0, 0.0)
    bridge: Bounds = (0.0, 0.0)
    forms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def _any(stroke: Bounds) -> FontFamily:
    """Any forms and proportions."""
    return FontFamily(
        stroke,
        aspect=(0.38, 0.7),
        digits=(0.9, 1.0),
        rounding=(0.17, 0.5),
        weight=(0.7, 1.3),
        flat=0.4,
        contrast=(1.0, 1.15),
        slant=(-0.02, 0.04),
        tail=(0.18, 0.32),
        forms={"0": ("ring", "ring", "narrow", "ring", "narrow", "ring", "slit", "slashed")},
    )


_PLAIN = {"E": ("plain", "even"), "H": ("plain",), "N": ("plain",), "T": ("plain",), "L": ("plain",)}
_GROTESQUE = {
    **_PLAIN,
    "0": ("ring",), "1": ("flag",), "2": ("straight", "swan"), "3": ("round",), "4": ("closed",),
    "5": ("slanted", "upright"), "6": ("curve", "hook"), "7": ("straight",), "8": ("small top", "rings"),
    "9": ("curve", "hook"), "A": ("pointed", "blunt"), "B": ("plain", "small top"), "C": ("plain",),
    "D": ("plain",), "F": ("plain", "even"), "G": ("bar",), "I": ("stem",), "J": ("hook",),
    "K": ("branch", "arms"), "M": ("middle", "deep"), "P": ("plain",), "Q": ("crossing", "inner"),
    "R": ("middle", "outer"), "S": ("plain", "diagonal"), "V": ("plain", "blunt"), "W": ("high", "low"),
    "Y": ("plain", "low"),
}  # fmt: skip

FAMILIES: Mapping[str, FontFamily] = {
    # Germany since 1994 and many after it: no letter can be made from another with a pen.
    "fe-schrift": FontFamily(
        (0.115, 0.145), (0.58, 0.68), (0.9, 0.97), (0.33, 0.46), (0.75, 1.1), flat=0.85,
        forms={
            **_GROTESQUE,
            "0": ("narrow", "ring"), "1": ("flag", "long flag"), "3": ("flat", "flat steep", "pointed"),
            "4": ("open", "steep"), "6": ("straight", "short"), "8": ("small top", "rings"),
            "9": ("short", "curve"), "B": ("spurred", "small top"), "D": ("spurred", "plain"),
            "E": ("footed",), "F": ("low", "plain"), "G": ("crossed", "spurred"),
            "I": ("slabs", "short slabs"), "J": ("barred", "crossed"), "M": ("short", "narrow"),
            "O": ("wide", "ring"), "P": ("low", "plain"), "Q": ("long", "crossing"),
            "R": ("upright", "inner"), "W": ("upright", "steep"),
        },
    ),
    # Germany before it, Scandinavia, Turkey, Greece, Austria, the Balkans, Czechia.
    "din-1451": FontFamily(
        (0.115, 0.155), (0.42, 0.64), (0.96, 1.0), (0.42, 0.5), (0.7, 0.95), flat=0.8,
        forms={**_GROTESQUE, "1": ("flag",), "6": ("curve", "straight"), "9": ("curve", "straight")},
    ),
    # The United Kingdom, Ireland, and many members of the Commonwealth.
    "charles-wright": FontFamily(
        (0.14, 0.185), (0.58, 0.72), (0.98, 1.0), (0.4, 0.5), (0.75, 1.1), flat=0.95,
        forms={
            **_GROTESQUE,
            "1": ("stem", "flag", "bar"), "2": ("swan", "square"), "4": ("upright", "closed"),
            "5": ("upright",), "6": ("hook",), "9": ("hook",), "7": ("straight",), "I": ("stem",),
            "J": ("hook",), "M": ("middle", "short"), "W": ("upright", "steep", "low"),
        },
    ),
    # Argentina, Brazil, Paraguay and Uruguay since 2015: after FE-Schrift, narrower.
    "mercosul": FontFamily(
        (0.115, 0.15), (0.48, 0.62), (0.92, 1.0), (0.36, 0.5), (0.75, 1.1), flat=0.85,
        forms={
            **_GROTESQUE,
            "1": ("flag", "long flag"), "3": ("flat", "pointed", "round"), "4": ("open", "closed", "steep"),
            "6": ("straight", "short", "curve"), "9": ("short", "straight"), "E": ("footed", "plain"),
            "G": ("crossed", "bar", "spurred"), "I": ("slabs", "short slabs"), "J": ("barred", "crossed"),
            "M": ("short", "narrow", "middle"), "O": ("wide", "ring"), "Q": ("long", "crossing"),
            "R": ("upright", "inner", "middle"), "W": ("upright", "steep"),
        },
    ),
    # Brazil's grey and red plates of 1990 to 2018.
    "brazil-grey": FontFamily(
        (0.13, 0.19), (0.56, 0.86), (0.92, 1.0), (0.3, 0.5), (0.75, 1.2), flat=0.7,
        forms={
            **_GROTESQUE,
            "1": ("flag", "stem", "hook"), "2": ("swan", "straight"), "4": ("upright", "closed", "wide"),
            "6": ("hook", "short"), "9": ("hook", "short"), "I": ("stem", "short slabs"),
            "M": ("middle", "short", "deep"), "N": ("plain", "narrow", "inset"),
            "Q": ("crossing", "outer", "inner", "long"), "V": ("plain", "blunt"),
            "W": ("upright", "steep", "low", "high"),
        },
    ),
    # Latin letters and digits of Korea, Taiwan and Japan.
    "east-asian": FontFamily(
        (0.095, 0.15), (0.44, 0.64), (0.94, 1.0), (0.36, 0.5), (0.7, 1.1), flat=0.6, contrast=(1.0, 1.15),
        forms={
            **_GROTESQUE,
            "0": ("ring", "narrow"), "1": ("flag", "stem", "hook"), "4": ("closed", "open", "wide"),
            "7": ("straight", "lipped", "curved"), "G": ("bar", "spurred"), "M": ("middle", "deep", "short"),
            "Q": ("crossing", "outer"), "W": ("high", "upright", "low"),
        },
    ),
    # China's digits and letters after GA 36.
    "ga36-strokes": FontFamily(
        (0.1, 0.14), (0.46, 0.56), (0.95, 1.0), (0.32, 0.48), (0.75, 1.15), flat=0.9,
        forms={
            **_GROTESQUE,
            "1": ("flag", "stem"), "2": ("straight",), "4": ("closed", "upright"), "5": ("upright",),
            "6": ("hook", "curve"), "9": ("hook", "curve"), "J": ("hook", "barred"), "M": ("middle", "short"),
            "Q": ("crossing", "inner"), "W": ("upright", "steep"),
        },
    ),
    # Painted by hand: India, and wherever plates are.
    "hand-painted": FontFamily(
        (0.09, 0.16), (0.42, 0.72), (0.88, 1.06), (0.2, 0.5), (0.7, 1.1), flat=0.3, contrast=(0.9, 1.25),
        slant=(-0.04, 0.16), tail=(0.16, 0.3), wobble=(0.006, 0.022),
    ),
    # Pressed thin letters as on Indonesian plates.
    "indonesia": FontFamily(
        (0.08, 0.125), (0.36, 0.52), (0.95, 1.02), (0.38, 0.5), (0.7, 1.0), flat=0.3,
        forms={
            **_GROTESQUE,
            "1": ("flag", "stem", "hook"), "4": ("closed", "wide"), "5": ("upright", "slanted"),
            "9": ("hook", "straight", "curve"), "6": ("hook", "straight", "curve"), "J": ("hook", "short"),
            "M": ("middle", "short", "narrow"), "O": ("ring", "slashed"), "V": ("blunt", "round", "plain"),
            "W": ("upright", "low", "steep"),
        },
    ),
    # Sprayed or cut, with bridges.
    "stencil": FontFamily(
        (0.12, 0.18), (0.5, 0.68), (0.95, 1.0), (0.3, 0.5), (0.75, 1.2), flat=0.9, bridge=(0.04, 0.08),
        forms=_GROTESQUE,
    ),
    # Dies of the states of the United States, of Canada and Mexico.
    "us-dies": FontFamily(
        (0.09, 0.135), (0.38, 0.54), (0.95, 1.0), (0.28, 0.5), (0.75, 1.2), flat=0.6, contrast=(1.0, 1.25),
        forms={
            **_GROTESQUE,
            "0": ("ring", "ring", "ring", "ring", "slashed"), "1": ("flag", "stem", "foot", "hook"),
            "3": ("round", "flat", "round"), "4": ("closed", "open", "upright"),
            "6": ("hook", "straight", "short"), "7": ("straight", "lipped", "curved"), "9": ("hook", "short"),
            "A": ("pointed", "blunt", "square"), "E": ("plain", "even", "tipped"),
            "F": ("plain", "even", "tipped"), "G": ("bar", "spurred", "no bar", "low"),
            "I": ("short slabs", "slabs", "stem"), "J": ("hook", "short", "barred"),
            "M": ("middle", "short", "narrow", "deep"), "N": ("plain", "narrow", "inset"),
            "Q": ("crossing", "outer", "long", "inner"), "T": ("plain", "plain", "tipped"),
            "V": ("plain", "blunt", "kneed"), "W": ("upright", "low", "steep", "high"),
            "Y": ("plain", "low", "cup", "bowl"),
        },
    ),
    # Russia, and Central Asia after it.
    "gost-r-50577": FontFamily(
        (0.125, 0.165), (0.6, 0.78), (0.82, 0.95), (0.4, 0.5), (0.7, 1.0), flat=0.95,
        forms={
            **_GROTESQUE,
            "1": ("flag", "long flag"), "2": ("straight", "swan"), "4": ("closed", "wide"),
            "7": ("straight",), "6": ("curve", "straight"), "9": ("curve", "straight"),
            "M": ("middle", "deep", "short"), "Y": ("plain",), "K": ("arms", "branch", "bridge"),
        },
    ),
    # Uzbekistan: a slit tells a 0 from an O, and a 1 stands on a foot.
    "uzbekistan": FontFamily(
        (0.105, 0.155), (0.5, 0.68), (0.92, 1.0), (0.3, 0.45), (0.75, 1.2), flat=0.9,
        forms={
            **_GROTESQUE,
            "0": ("slit",), "1": ("foot",), "4": ("closed", "open", "wide"), "6": ("straight", "curve"),
            "9": ("straight", "curve"), "G": ("bar", "spurred"), "J": ("barred", "hook"),
            "M": ("middle", "deep", "short"), "Q": ("crossing", "inner"), "W": ("low", "steep", "high"),
        },
    ),
    # The Netherlands.
    "kenteken": FontFamily(
        (0.1, 0.14), (0.58, 0.74), (0.9, 1.0), (0.4, 0.5), (0.7, 0.95), flat=0.4,
        forms={
            **_GROTESQUE,
            "1": ("flag",), "3": ("round", "flat"), "4": ("closed", "wide"), "6": ("curve", "straight"),
            "9": ("curve", "straight"), "G": ("bar", "no bar", "low"), "J": ("hook", "short"),
            "K": ("arms", "branch"), "M": ("middle", "deep", "splayed"), "R": ("middle", "inner", "outer"),
        },
    ),
    # Poland.
    "arklatrs": FontFamily(
        (0.105, 0.14), (0.5, 0.62), (0.92, 1.0), (0.34, 0.48), (0.8, 1.2), flat=0.85,
        forms={
            **_GROTESQUE,
            "1": ("flag", "hook"), "3": ("round", "pointed"), "4": ("open", "closed"),
            "6": ("short", "hook"), "9": ("short", "hook"), "J": ("barred", "hook"), "M": ("short", "middle"),
            "W": ("upright", "steep"), "7": ("straight", "lipped"),
        },
    ),
    # France, Belgium, Italy, Spain: wide grotesques.
    "romance": FontFamily(
        (0.115, 0.165), (0.5, 0.7), (0.92, 1.0), (0.38, 0.5), (0.7, 1.0), flat=0.9, contrast=(1.0, 1.12),
        forms={
            **_GROTESQUE,
            "1": ("flag", "hook", "stem"), "4": ("closed", "wide"), "G": ("bar", "spurred", "low"),
            "M": ("middle", "deep", "splayed"), "R": ("middle", "outer", "upright"),
            "7": ("straight", "curved"),
        },
    ),
    "stroke-font-thin": _any((0.085, 0.115)),
    "stroke-font-medium": _any((0.11, 0.14)),
    "stroke-font-thick": _any((0.14, 0.17)),
}  # fmt: skip
"""By the names that region files use."""


@cache
def font_style(name: str, number: int) -> FontStyle:
    """A style of a family.

    Args:
        name: of the family.
        number: which style, 0 to :data:`N_STYLES` - 1.
    """
    family = FAMILIES[name]
    rng = np.random.default_rng([number, 20260, *name.encode()])
    stroke = _uniform(rng, family.stroke)
    low, high = family.aspect
    # Thick strokes must not close the gap over a tail: a 9 or S would be an 8.
    tail = _stepped(min(_uniform(rng, family.tail), 0.42 - 1.7 * stroke))
    waist = _stepped(_uniform(rng, family.waist))
    forms = letter_forms(tail, waist)
    return FontStyle(
        seed=number,
        stroke=stroke,
        # A counter stays at least as wide as a stroke.
        aspect=_uniform(rng, (max(low, 3.6 * stroke), max(high, 3.6 * stroke))),
        digits=_uniform(rng, family.digits),
        rounding=_uniform(rng, family.rounding),
        weight=_uniform(rng, family.weight),
        flat=bool(rng.random() < family.flat),
        contrast=_uniform(rng, family.contrast),
        slant=_uniform(rng, family.slant),
        tail=tail,
        waist=waist,
        wobble=_uniform(rng, family.wobble),
        bridge=_uniform(rng, family.bridge),
        forms={
            char: _form(tuple(every), family.forms.get(char), *choices)
            for (char, every), choices in zip(
                forms.items(), rng.random((len(forms), 2)).tolist(), strict=True
            )
        },
    )


def _stepped(share: float) -> float:
    """The nearest of a few values: their forms are cached."""
    return round(share * 50) / 50


def _form(every: tuple[str, ...], usual: tuple[str, ...] | None, odd: float, which: float) -> str:
    names = usual
    if names is None or odd > USUAL:
        names = tuple(name for name in every if name not in RARE)
    return names[int(which * len(names))]


def _uniform(rng: Generator, bounds: Bounds) -> float:
    return float(rng.uniform(*bounds))
