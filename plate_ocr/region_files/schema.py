"""The contents of region files: layouts, decorations, formats and capture settings of a region's plates.

A region file is TOML. Lengths are in millimetres (any unit will do), colours ``"#rrggbb"``, boxes
``[left, top, right, bottom]``.

Patterns of a text: ``#`` is a digit, ``@`` a letter, ``?`` a letter or a digit, ``{name}`` one of the words
under ``[words]``; a space is a gap between groups, ``-``, ``.`` and ``·`` are drawn but not read, ``*`` is a
badge (a sticker, a coat of arms) between groups; ``[name]`` is a word in small characters above one another;
every other character stands for itself.

Reading expects the texts of these patterns and, at a lower prior, any letters and digits. ``[[format]]``
replaces these formats: ``patterns`` of whole texts; ``shortest``, the minimum number of characters if a text
may be shorter than its pattern; ``prior``, the log-prior of such a text (0); ``alike``, pairs of a character
that these plates lack and the one to read instead (``["O0", "I1"]``); ``subdivision``, the state or province
that alone has such texts, as its ISO 3166-2 code without the country's (``"ca"`` for US-CA); ``names``, the
word that its patterns begin with, if that is one of a few names and never a mixture of their characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

from plate_ocr.alphabet import PLATE_CHARACTERS
from plate_ocr.formats import PlateFormat
from plate_ocr.text import normalize_text

Box: TypeAlias = tuple[float, float, float, float]
Color: TypeAlias = tuple[int, int, int]
DecorationType: TypeAlias = Literal[
    "text", "fill", "outline", "badge", "flag", "sticker", "picture", "stack", "bolts"
]
TokenType: TypeAlias = Literal["any", "word", "char", "stack", "gap", "mark", "badge"]

MARKS = "-.·"

TEXT = ("any", "word", "char", "stack")
"""Types of tokens that are read."""


@cache
def plate_text(written: str) -> str:
    """What the plate network is to read of what is written on a plate."""
    return normalize_text(written, PLATE_CHARACTERS)


@dataclass(frozen=True)
class Token:
    """A piece of a pattern.

    Attributes:
        type: what the token stands for.
        choices: the texts to choose from; for a mark, the mark.
    """

    type: TokenType
    choices: Sequence[str] = ()


@dataclass(frozen=True)
class Field:
    """A place for text that is read.

    Attributes:
        box: its place on the plate.
        patterns: each a sequence of tokens; one is chosen.
        row: which line of the plate it belongs to, from 1.
        fonts: names of fonts, see :class:`~plate_ocr.rendering.glyphs.Glyphs`; those of the layout if empty.
        cell: width of a character's cell as a part of the text's height; 0: natural widths.
        tabular: probability that narrow digits, such as 1, have as much room as an 8.
        gap: between characters, as a part of the height.
        group: additional gap between groups.
        height: bounds of the text's height, as a part of the box's.
        script_height: height of characters of other scripts than Latin and Chinese, as a part of the text's.
        accented: characters that are written in another colour than the others, as 警 is.
        accent: that colour.
        native: place of the same text in Arabic letters, which is not read; None: there is none.
    """

    box: Box
    patterns: tuple[tuple[Token, ...], ...]
    row: int
    fonts: tuple[str, ...]
    cell: tuple[float, float]
    tabular: float
    gap: tuple[float, float]
    group: tuple[float, float]
    height: tuple[float, float]
    script_height: tuple[float, float]
    accented: str
    accent: Color
    native: Box | None


@dataclass(frozen=True)
class Decoration:
    """Something on the plate that is not read.

    Attributes:
        type: what is drawn.
        box: its place on the plate.
        chance: probability that it is drawn.
        texts: of the types ``text``, ``stack`` and ``sticker``; one is chosen. A stack without any has random
            letters or digits.
        colors: one is chosen.
    """

    type: DecorationType
    box: Box
    chance: float
    texts: tuple[str, ...]
    colors: tuple[Color, ...]


@dataclass(frozen=True)
class Layout:
    """A type of plate.

    Attributes:
        name: what sort of plates it is; may be empty.
        weight: relative frequency among the layouts of the region.
        size: width and height.
        colors: pairs of background and foreground; one is chosen.
        fonts: names of fonts, see :class:`~plate_ocr.rendering.glyphs.Glyphs`; one is chosen per plate.
        fields: texts, in reading order.
        decorations: in drawing order.
        border: bounds of the border's width; 0: none.
        inset: of the border from the edge.
        radius: of the corners.
        embossed: probability that the text is embossed.
        stroke: bounds of how far strokes grow, as a part of the text's height.
    """

    name: str
    weight: float
    size: tuple[float, float]
    colors: tuple[tuple[Color, Color], ...]
    fonts: tuple[str, ...]
    fields: tuple[Field, ...]
    decorations: tuple[Decoration, ...]
    border: tuple[float, float]
    inset: float
    radius: float
    embossed: float
    stroke: tuple[float, float]


@dataclass(frozen=True)
class CaptureConfig:
    """How pictures of a region's plates are taken and cut out.

    Attributes:
        crops: relative frequencies of crops around the text, crops around the plate, and loose crops.
        loose: maximum margin of a loose crop per side, as parts of the plate's width and height.
        heights: bounds of the crop's height, pixels.
        turn: standard deviations of yaw, pitch and roll, degrees.
        shear: standard deviation of an additional slant.
        frame: probability that a dealer's frame surrounds the plate.
        blur: maximum standard deviation of the blur, as a part of the text's height.
        contrast: bounds of the contrast as a part of the plate's own.
    """

    crops: tuple[float, float, float] = (1.0, 4.0, 3.0)
    loose: tuple[float, float] = (0.3, 0.5)
    heights: tuple[float, float] = (18.0, 90.0)
    turn: tuple[float, float, float] = (14.0, 10.0, 3.0)
    shear: float = 0.06
    frame: float = 0.25
    blur: float = 0.06
    contrast: tuple[float, float] = (0.25, 1.2)


@dataclass(frozen=True)
class Region:
    """Plates of a country.

    Attributes:
        name: as in ``--region``.
        layouts: types of plates.
        camera: how its plates are photographed and cropped.
        formats: of the texts on its plates, for reading.
    """

    name: str
    layouts: tuple[Layout, ...]
    camera: CaptureConfig
    formats: tuple[PlateFormat, ...]

    def characters(self) -> str:
        """Every character that is read on its plates, sorted."""
        return "".join(
            sorted(
                {
                    char
                    for layout in self.layouts
                    for field in layout.fields
                    for pattern in field.patterns
                    for token in pattern
                    if token.type in TEXT
                    for choice in token.choices
                    for char in plate_text(choice)
                }
            )
        )
