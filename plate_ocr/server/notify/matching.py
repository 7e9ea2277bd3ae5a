"""Which lists a plate is on, and why."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from plate_ocr.alphabet import UNKNOWN
from plate_ocr.readers.results import Plate
from plate_ocr.server.store.lists import Entry, PlateList, all_lists, entries, lists_version
from plate_ocr.server.store.schema import LIST_MATCH, PLATE, SIGHTING
from plate_ocr.server.store.sightings import Match
from plate_ocr.server.store.times import parse_hours, within_hours
from plate_ocr.text import normalize_text

UNSURE = 0.9
"""A character below this confidence is unsure."""

_LOOK_ALIKES = str.maketrans("OQDIZSGB", "00012568")


@dataclass(frozen=True)
class Hit:
    """An entry of a list that a plate is.

    Attributes:
        entry: of the list.
        distance: characters that were read as others.
        why: in words.
    """

    entry: Entry
    distance: int
    why: str


class ListIndex:
    """The plates of a list, ready to be looked up.

    Args:
        plates: on the list.
        tolerance: see :class:`~plate_ocr.server.store.lists.ListSettings`.
    """

    def __init__(self, plates: Iterable[Entry], tolerance: int) -> None:
        self.tolerance = tolerance
        self._exact: dict[str, Entry] = {}
        self._patterns: list[tuple[re.Pattern[str], Entry]] = []
        self._folded: dict[int, list[str]] = {}
        self._by_length: dict[int, list[Entry]] = {}
        for entry in plates:
            if {"*", "?"} & set(entry.pattern):
                self._patterns.append((_compiled(entry.pattern), entry))
                continue
            self._exact[entry.pattern] = entry
            length = len(entry.pattern)
            self._by_length.setdefault(length, []).append(entry)
            self._folded.setdefault(length, []).append(entry.pattern.translate(_LOOK_ALIKES))

    def find(self, plate: Plate) -> Hit | None:
        """The entry that a plate is: the one with the fewest characters read as others; None if it is none,
        or may be one of several.
        """
        chars = list(_characters(plate))
        text = "".join(char for char, _ in chars)
        if text in self._exact:
            return Hit(self._exact[text], 0, "exact")
        if patterns := [entry for pattern, entry in self._patterns if pattern.fullmatch(text)]:
            return _nearest([Hit(entry, len(text) - _literals(entry), f"pattern {entry.pattern}")
                             for entry in patterns])  # fmt: skip
        return _nearest(list(self._similar(text, chars))) if self.tolerance else None

    def _similar(self, text: str, chars: Sequence[tuple[str, bool]]) -> Iterator[Hit]:
        from rapidfuzz.distance import Hamming
        from rapidfuzz.process import extract

        known = self._by_length.get(len(text), [])
        folded = text.translate(_LOOK_ALIKES)
        near = extract(
            folded,
            self._folded.get(len(text), []),
            scorer=Hamming.distance,
            processor=None,
            score_cutoff=self.tolerance,
            limit=None,
        )
        for other, others, i in near:
            del others
            entry = known[i]
            if hit := _explained(entry, other, chars, folded):
                yield hit


def _explained(entry: Entry, folded_entry: str, chars: Sequence[tuple[str, bool]], folded: str) -> Hit | None:
    """Why a plate is an entry of as many characters; None where a character differs that was sure."""
    alike: list[str] = []
    differing = 0
    for i, ((char, unsure), wanted) in enumerate(zip(chars, entry.pattern, strict=True)):
        if char == wanted:
            continue
        if folded[i] == folded_entry[i]:
            alike.append(f"{char}={wanted}")
        elif unsure:
            differing += 1
        else:
            return None
    reasons = list(dict.fromkeys(alike))
    if differing == 1:
        reasons.append("one character, which was unsure")
    elif differing:
        reasons.append(f"{differing} characters, which were unsure")
    return Hit(entry, len(alike) + differing, ", ".join(reasons))


def _characters(plate: Plate) -> Iterator[tuple[str, bool]]:
    """The characters of a plate's normalised text, and whether each was unsure."""
    for char in plate.chars:
        unsure = char.char is None or char.confidence < UNSURE
        yield from ((one, unsure) for one in normalize_text(char.char or UNKNOWN))


def _compiled(pattern: str) -> re.Pattern[str]:
    signs = {"*": ".*", "?": "."}
    return re.compile("".join(signs.get(char, re.escape(char)) for char in pattern), re.DOTALL)


def _literals(entry: Entry) -> int:
    return sum(char not in "*?" for char in entry.pattern)


def _nearest(hits: Sequence[Hit]) -> Hit | None:
    ranked = sorted(hits, key=lambda hit: hit.distance)
    if not ranked or (len(ranked) > 1 and ranked[0].distance == ranked[1].distance):
        return None
    return ranked[0]


class Matcher:
    """Looks plates up in all lists; reads these again when they have changed.

    Safe to call from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version: int | None = None
        self._lists: list[tuple[PlateList, ListIndex]] = []

    def match(
        self, connection: Connection, plate: Plate, camera: str, started: float, minute: int
    ) -> list[Match]:
        """The lists that a plate is on.

        Args:
            connection: the one in which the sighting will be kept.
            plate: what was read.
            camera: which saw it; empty: none.
            started: when it was first seen, seconds since 1970, UTC.
            minute: the same, of the local day.
        """
        matches = []
        for found, index in self._current(connection):
            settings = found.settings
            if settings.cameras and camera not in settings.cameras:
                continue
            if not within_hours(minute, parse_hours(settings.hours)):
                continue
            if hit := index.find(plate):
                alerted = settings.kind != "ignore" and not _alerted_before(
                    connection, found, hit.entry.pattern, normalize_text(plate.text), started
                )
                matches.append(
                    Match(settings.name, settings.kind, hit.entry.pattern, hit.entry.name, hit.distance,
                          hit.why, alerted)
                )  # fmt: skip
        return matches

    def _current(self, connection: Connection) -> list[tuple[PlateList, ListIndex]]:
        with self._lock:
            version = lists_version(connection)
            if version != self._version:
                self._lists = [
                    (found, ListIndex(entries(connection, found.id), found.settings.tolerance))
                    for found in all_lists(connection)
                ]
                self._version = version
            return self._lists


def _alerted_before(
    connection: Connection, found: PlateList, pattern: str, text: str, started: float
) -> bool:
    """Whether a list alerted of a plate within its cooldown, by a clock that may have been set back."""
    cooldown = found.settings.cooldown
    query = select(LIST_MATCH.c.sighting_id).where(
        LIST_MATCH.c.list_id == found.id,
        LIST_MATCH.c.pattern == pattern,
        LIST_MATCH.c.alerted,
        LIST_MATCH.c.at > started - cooldown,
        LIST_MATCH.c.at < started + cooldown,
    )
    if {"*", "?"} & set(pattern):
        query = query.join(SIGHTING, SIGHTING.c.id == LIST_MATCH.c.sighting_id)
        query = query.join(PLATE, PLATE.c.id == SIGHTING.c.plate_id).where(PLATE.c.text == text)
    return connection.execute(query.limit(1)).first() is not None
