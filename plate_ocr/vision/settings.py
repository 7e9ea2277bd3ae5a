"""Preprocessing settings of character models, stored in the header of a model."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

GRID = (5, 5)
"""Default rows and columns of windows: 25 values."""


@dataclass(frozen=True)
class Preprocessing:
    """Settings of the preprocessing from a picture of a character to a row vector.

    Attributes:
        height: working size, pixels; every picture is stretched to it and its aspect ratio kept separately.
        width: working size, pixels.
        grid: rows and columns of windows over the character's frame.
        overlap: enlargement of a window beyond its tile of the frame, as a part of the tile.
        aspect: width over height of the frame; narrower characters are padded with black on both sides.
        reach: maximum distance of parts of a character beside its main component, as a part of the
            picture's height. 0: characters are single components, as letters and digits are.
        ambiguous: if the share of white on the picture's border is between this and one
            minus this, the polarity is ambiguous and both are tried.
        contrast: minimum range of grey values; pictures with less are blank.
        edge: minimum change of the grey value over a tenth of the picture's height, as a part of its range;
            pictures with less everywhere are blank: an empty background in uneven light.
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
        """Describes each setting that differs from another one's."""
        return [
            f"its {field.name} is {getattr(self, field.name)} instead of {getattr(expected, field.name)}"
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != getattr(expected, field.name)
        ]
