"""What plates of a region look like: small declarative files, read and checked.

A region file is TOML. Lengths are in millimetres (any unit will do), colours ``"#rrggbb"``, boxes
``[left, top, right, bottom]``.

Patterns of a text: ``#`` is a digit, ``@`` a letter, ``?`` a letter or a digit, ``{name}`` one of the words
under ``[words]``; a space is a gap between groups, ``-``, ``.`` and ``·`` are drawn but not read, ``*`` is a
badge (a sticker, a coat of arms) between groups; every other character stands for itself.

Reading expects whatever the plates may have on them and, as a rarity, any letters and digits. Where that does
not serve, ``[[format]]`` says instead what it expects: ``patterns`` of whole texts; ``shortest``, the least
number of characters where a text may end before its pattern does; ``prior``, log of how much likelier such a
text is than others (0); ``alike``, pairs of a character that these plates lack and the one that it must be
instead (``["O0", "I1"]``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from plate_ocr.formats import PlateFormat
from plate_ocr.text import normalize_text

Box: TypeAlias = tuple[float, float, float, float]
Color: TypeAlias = tuple[int, int, int]
FurnitureKind: TypeAlias = Literal[
    "text", "fill", "outline", "badge", "flag", "sticker", "picture", "stack", "bolts"
]
TokenKind: TypeAlias = Literal["any", "word", "char", "gap", "mark", "badge"]

MARKS = "-.·"

TEXT = ("any", "word", "char")
"""Kinds of tokens that are read."""


@dataclass(frozen=True)
class Token:
    """A piece of a pattern.

    Attributes:
        kind: what it is.
        choices: the texts to choose from; for a mark, the mark.
    """

    kind: TokenKind
    choices: Sequence[str] = ()


@dataclass(frozen=True)
class Field:
    """A place for text that is read.

    Attributes:
        box: where.
        patterns: each a sequence of tokens; one is chosen.
        row: which line of the plate it belongs to, from 1.
        lettering: where its glyphs come from; the plate's own if empty.
        cell: width of a character's cell as a part of the text's height; 0: natural widths.
        gap: between characters, as a part of the height.
        group: additional gap between groups.
        height: bounds of the text's height, as a part of the box's.
    """

    box: Box
    patterns: tuple[tuple[Token, ...], ...]
    row: int
    lettering: tuple[str, ...]
    cell: tuple[float, float]
    gap: tuple[float, float]
    group: tuple[float, float]
    height: tuple[float, float]


@dataclass(frozen=True)
class Furniture:
    """Something on the plate that is not read.

    Attributes:
        kind: what.
        box: where.
        chance: how often.
        texts: for texts and stacks.
        colors: one is chosen.
    """

    kind: FurnitureKind
    box: Box
    chance: float
    texts: tuple[str, ...]
    colors: tuple[Color, ...]


@dataclass(frozen=True)
class Layout:
    """A kind of plate.

    Attributes:
        weight: how often, against the region's other kinds.
        size: width and height.
        colors: pairs of ground and ink.
        lettering: where glyphs come from.
        fields: texts, in reading order.
        furniture: in drawing order.
        border: bounds of the border's width; 0: none.
        inset: of the border from the edge.
        radius: of the corners.
        embossed: how often the text is embossed.
        stroke: bounds of how far strokes grow, as a part of the text's height.
    """

    weight: float
    size: tuple[float, float]
    colors: tuple[tuple[Color, Color], ...]
    lettering: tuple[str, ...]
    fields: tuple[Field, ...]
    furniture: tuple[Furniture, ...]
    border: tuple[float, float]
    inset: float
    radius: float
    embossed: float
    stroke: tuple[float, float]


@dataclass(frozen=True)
class Camera:
    """How pictures of a region's plates are taken and cut out.

    Attributes:
        crops: how often a crop follows the text, follows the plate, is loose.
        loose: the most that a loose crop leaves on each side, as parts of the plate's width and height.
        heights: bounds of the crop's height, pixels.
        turn: standard deviations of yaw, pitch and roll, degrees.
        shear: standard deviation of the slant that is left over.
        frame: how often a dealer's frame surrounds the plate.
        blur: the largest blur, as a part of the text's height.
        contrast: bounds of the contrast; below 1 is less than the plate has.
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
        layouts: kinds of plates.
        camera: how they are photographed.
        formats: what reading expects of their texts.
    """

    name: str
    layouts: tuple[Layout, ...]
    camera: Camera
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
                    if token.kind in TEXT
                    for choice in token.choices
                    for char in normalize_text(choice)
                }
            )
        )
