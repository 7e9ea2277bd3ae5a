"""How a picture becomes a row vector: settings that are kept in the header of a model."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

GRID = (5, 5)
"""Rows and columns of windows when none are named: 25 values."""


@dataclass(frozen=True)
class Preprocessing:
    """How a picture of a character becomes a row vector.

    Attributes:
        height: working size, pixels; every picture is stretched to it and its proportion remembered.
        width: working size, pixels.
        grid: rows and columns of windows over the character's frame.
        overlap: by how much a window is larger than its tile of the frame, as a part of the tile.
        aspect: width over height of the frame; narrower characters get black on both sides.
        reach: how far parts of a character may lie beside its main component, as a part of the
            picture's height. 0: characters are one piece each, as letters and digits are.
        ambiguous: where the share of white on the picture's border is between this and one
            minus this, the border does not tell the polarity and both are tried.
        contrast: pictures whose grey values span less than this are blank.
        edge: pictures are blank, too, where nowhere over a tenth of their height the grey value changes
            by more than this part of its span: bare ground in uneven light.
    """

    height: int = 36
    width: int = 28
    grid: tuple[int, int] = GRID
    overlap: float = 0.5
    aspect: float = 0.5
    reach: float = 0.0
    ambiguous: float = 0.3
    contrast: int = 12
    edge: float = 0.3

    @property
    def values(self) -> int:
        """Length of the row vector."""
        return self.grid[0] * self.grid[1]

    def differences(self, expected: Preprocessing) -> list[str]:
        """Each setting that is not as in another one, in words."""
        return [
            f"its {field.name} is {getattr(self, field.name)} instead of {getattr(expected, field.name)}"
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != getattr(expected, field.name)
        ]
