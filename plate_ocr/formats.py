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
        names: texts begin with one of these; empty: with any characters of the first places.
    """

    places: tuple[str, ...]
    shortest: int = 1
    alike: tuple[tuple[str, str], ...] = ()
    prior: float = 0.0
    subdivision: str = ""
    names: tuple[str, ...] = ()

    def spelt(self) -> list[tuple[str, ...]]:
        """The characters that may stand in each place, once for each of the names."""
        return [(*name, *self.places[len(name) :]) for name in self.names] or [self.places]
