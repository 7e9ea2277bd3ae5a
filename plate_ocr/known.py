"""Known plates: whose is the plate that was read?"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path

from plate_ocr.alphabet import UNKNOWN
from plate_ocr.errors import DataError
from plate_ocr.files import read_csv
from plate_ocr.readers.results import Known, Plate, Reading, Why
from plate_ocr.text import normalize_text

CSV_COLUMNS = ("plate", "name")

LIKELY = 0.05
"""An alternative is likely from this probability on."""

_LOOK_ALIKES = str.maketrans("OIZSGB", "012568")


class KnownPlates:
    """Plates that are known, and whose they are.

    A plate that was read is recognised by its text; or by one of which the others look the same (O and 0,
    I and 1, Z and 2, S and 5, G and 6, B and 8); or by one that has, in the place of one character, a likely
    alternative of it (see :data:`LIKELY`). The first of these three that finds any decides; of several plates
    it is the one with the fewest characters read as others, and none if two are equally near. How long that
    takes does not depend on how many are known.

    Args:
        plates: the text of each as people write it, and its name, which may be empty.

    Raises:
        DataError: if a text is empty, or a plate has two names.

    Safe to call from several threads.
    """

    def __init__(self, plates: Iterable[tuple[str, str]]) -> None:
        self._index(("", plate, name) for plate, name in plates)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> KnownPlates:
        """Read a CSV file with the columns ``plate,name``.

        Raises:
            DataError: if it cannot be read or has a mistake: says on which line.
        """
        known = cls.__new__(cls)
        rows = read_csv(Path(path), CSV_COLUMNS)
        known._index((f"{where}: ", row["plate"], row["name"]) for where, row in rows)
        return known

    def _index(self, rows: Iterable[tuple[str, str, str]]) -> None:
        self._by_text: dict[str, tuple[str, str]] = {}
        self._by_look: dict[str, list[str]] = {}
        for where, plate, name in rows:
            if not (text := normalize_text(plate)):
                raise DataError(f"{where}the plate of {name or 'no name'} is missing")
            if self._by_text.setdefault(text, (plate, name))[1] != name:
                other = self._by_text[text][1]
                raise DataError(f"{where}the plate {plate} has two names, {other} and {name}: give it one")
            same = self._by_look.setdefault(text.translate(_LOOK_ALIKES), [])
            if text not in same:
                same.append(text)

    def __len__(self) -> int:
        return len(self._by_text)

    def find(self, plate: Plate) -> Known | None:
        """The known plate that a plate is; None if it is none, or may be one of several."""
        text = normalize_text(plate.text)
        if text in self._by_text:
            return self._known(text, text, "exact")
        if alike := self._by_look.get(text.translate(_LOOK_ALIKES)):
            ranked = sorted((_distance(text, other), other) for other in alike)
            if len(ranked) > 1 and ranked[0][0] == ranked[1][0]:
                return None
            return self._known(text, ranked[0][1], "look-alike")
        found = {other for other in _alternatives(plate) if other in self._by_text}
        return self._known(text, found.pop(), "alternative") if len(found) == 1 else None

    def identify(self, reading: Reading) -> Reading:
        """A reading whose plates have :attr:`plate_ocr.Plate.known`."""
        plates = tuple(dataclasses.replace(plate, known=self.find(plate)) for plate in reading.plates)
        return dataclasses.replace(reading, plates=plates)

    def _known(self, read: str, text: str, why: Why) -> Known:
        plate, name = self._by_text[text]
        return Known(name, plate, _distance(read, text), why)


def _distance(text: str, other: str) -> int:
    """Places in which two texts of one length differ."""
    return sum(a != b for a, b in zip(text, other, strict=True))


def _alternatives(plate: Plate) -> Iterable[str]:
    """The texts that have a likely alternative in the place of one character."""
    chars = [normalize_text(char.char or UNKNOWN) for char in plate.chars]
    for i, char in enumerate(plate.chars):
        for other, probability in char.alternatives:
            if probability >= LIKELY:
                yield "".join([*chars[:i], normalize_text(other), *chars[i + 1 :]])
