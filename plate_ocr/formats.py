"""What stands where on a kind of plate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PlateFormat:
    """What stands where on a kind of plate.

    Attributes:
        places: for each place the characters that may stand there.
        shortest: the least number of characters.
        alike: pairs of a character that the format lacks and the one that it must be instead.
        prior: log of how much likelier a text of this form is than any other text that was read as surely.
        subdivision: the state or province whose plates alone have this form, its code of ISO 3166-2 without
            the country's, in lower case; empty: not one alone.
    """

    places: tuple[str, ...]
    shortest: int = 1
    alike: tuple[tuple[str, str], ...] = ()
    prior: float = 0.0
    subdivision: str = ""
