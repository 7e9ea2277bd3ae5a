"""Which region a plate is from, by its text's format and by the network; and formats as a soft prior."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from plate_ocr.alphabet import LONGEST, PROVINCES, Alphabet
from plate_ocr.readers.ctc import MISMATCH_PENALTY, DecodedChar
from plate_ocr.readers.results import ALTERNATIVES, PlateRegion
from plate_ocr.region_files.table import NO_COUNTRY, bundled_formats
from plate_ocr.text import fold_lookalikes, normalize_text

MIN_CONFIDENCE = 0.5
"""Below it a region is not told."""

MIN_SHARE = 0.9
"""Of a region's probability that the format of one state or province has, where that one is told."""

TEMPERATURE = 1.5
"""The formats' log-probabilities are divided by it: the texts of rendered plates then come from a region as
often as it is confident (calibration error 4 % over 6,000 texts; 7 % without)."""

PRIOR_WEIGHT = 0.5
"""Of the formats' log-probability against the network's: formats are soft, and not all are known."""

FOREIGN_PENALTY = -8.0
"""Log-probability added per character that no plate of a region has: another script's."""

MAX_PRIOR, MAX_PRIOR_ALIKE = 0.35, 1.0
"""The most that formats count against a character, as log-probability: they forbid none. The latter if it is
like the one that they are for, as O like 0."""

UNSURE, LIKELY = 0.95, 0.02
"""A character below the first probability may be another one of at least the second."""


class RegionFormats:
    """The formats of countries, as arrays: how likely a text is on the plates of each.

    A format gives each text that it allows the same probability; a character outside it may be any, at the
    cost of :data:`~plate_ocr.readers.ctc.MISMATCH_PENALTY`.

    Args:
        alphabet: the classes of texts.
        codes: of the regions, in any order; without formats they are left out.

    Attributes:
        codes: of the regions, sorted.
    """

    def __init__(self, alphabet: Alphabet, codes: Collection[str]) -> None:
        self.alphabet = alphabet
        self._folded = np.array([*map(fold_lookalikes, alphabet.classes)])
        # A plate is read from several crops, and in many pictures of a video.
        self._of_text = lru_cache(maxsize=256)(self._likelihoods)
        table = bundled_formats()
        self.codes = tuple(sorted(code for code in set(codes) if code in table))
        # No character stands beyond the end of a format; an unknown one may be any.
        distinct: dict[str, int] = {"": 0}
        places, shortest, priors, starts = list[list[int]](), list[int](), list[float](), list[int]()
        self._subdivisions = list[str]()
        for code in self.codes:
            starts.append(len(places))
            total = np.log(sum(np.exp(min(form.prior, 0.0)) for form in table[code]))
            for form in table[code]:
                row = [distinct.setdefault(place, len(distinct)) for place in form.places]
                places.append(row + [0] * (LONGEST - len(row)))
                shortest.append(form.shortest)
                self._subdivisions.append(form.subdivision)
                begins = form.places[: len(form.names[0])] if form.names else ()
                # There are fewer names than texts of their characters.
                fewer = sum(np.log(len(chars)) for chars in begins) - np.log(max(1, len(form.names)))
                priors.append(min(form.prior, 0.0) - total + fewer)
        allowed = np.zeros((len(distinct), len(alphabet.characters) + 1), bool)
        index = {char: i for i, char in enumerate(alphabet.characters)}
        for place, i in distinct.items():
            kept = [index[char] for char in normalize_text(place, alphabet) if char in index]
            allowed[i, kept] = True
        anything = np.log(np.float32(len(alphabet.characters)))
        sizes = np.maximum(allowed.sum(1, keepdims=True), 1).astype(np.float32)
        # Of each place and class; an unknown character may be any.
        self._values = np.where(allowed, -np.log(sizes), MISMATCH_PENALTY - anything).astype(np.float32)
        self._values[:, -1] = -anything
        allowed[:, -1] = True
        self._places, self._starts = np.array(places, np.int64), np.array(starts, np.int64)
        self._ends = np.append(self._starts[1:], len(places))
        per_format = allowed[self._places].any(1)
        own = np.logical_or.reduceat(per_format, self._starts, axis=0)
        self._foreign = np.where(own, 0, FOREIGN_PENALTY).astype(np.float32)
        self._shortest, self._priors = np.array(shortest), np.array(priors, np.float32)

    def log_likelihoods(
        self, text: NDArray[np.int64], place: int, classes: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Log-probabilities, by region, of a text with each of some classes at one of its places.

        Args:
            text: int64 ``(length,)``: classes; an unknown character is the last one.
            place: index in the text.
            classes: int64 ``(N,)``.

        Returns:
            float32 ``(regions, N)``.
        """
        others = np.delete(np.arange(len(text)), place)
        kept = others[others < LONGEST]
        columns = self._of_forms(slice(None), text, kept)[:, None]
        if place < LONGEST:
            columns = columns + self._values[self._places[:, place, None], classes]
        foreign = self._foreign[:, text[others]].sum(1)[:, None] + self._foreign[:, classes]
        return np.asarray(self._best(columns) + foreign, np.float32)

    def _of_forms(
        self, forms: slice, text: NDArray[np.int64], kept: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Log-probabilities of some formats, float32 ``(formats,)``, by a text's characters at places."""
        missing = np.maximum(0, self._shortest[forms] - len(text))
        values = np.asarray(self._priors[forms] + np.float32(MISMATCH_PENALTY) * missing, np.float32)
        return np.asarray(values + self._values[self._places[forms][:, kept], text[kept]].sum(1), np.float32)

    def _best(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of the formats of each region: ``(formats, N)`` to ``(regions, N)``."""
        return np.asarray(np.maximum.reduceat(values, self._starts, axis=0), np.float32)

    def _likelihoods(self, text: str) -> NDArray[np.float32]:
        """Log-probabilities of a text, float32 ``(regions,)``."""
        classes = self._classes(text)
        return self.log_likelihoods(classes, 0, classes[:1])[:, 0]

    def _classes(self, text: str) -> NDArray[np.int64]:
        """Of each character; that of an unknown one, -1, is the last column."""
        return np.array([self.alphabet.characters.find(char) for char in text], np.int64)

    def posterior(self, text: str, head: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of the regions, float32 ``(regions,)``.

        Args:
            text: of a plate, as it was read.
            head: float32 ``(regions,)``: those by the network; uniform where it does not tell them.
        """
        values = np.log(np.maximum(head, 1e-9)) + self._of_text(text) / TEMPERATURE
        powers = np.exp(values - values.max())
        return np.asarray(powers / powers.sum(), np.float32)

    def tell(self, text: str, head: NDArray[np.float32]) -> PlateRegion | None:
        """The region of a plate; None if it cannot be told. Arguments as of :meth:`posterior`."""
        if not text or not self.codes:
            return None
        probabilities = self.posterior(text, head)
        order = np.argsort(-probabilities, kind="stable")[: 1 + ALTERNATIVES]
        ranked = [(self._with_subdivision(int(i), text), float(probabilities[i])) for i in order]
        code, confidence = ranked[0]
        if confidence < MIN_CONFIDENCE:
            return None
        return PlateRegion(code, confidence, tuple(ranked[1:]))

    def _with_subdivision(self, region: int, text: str) -> str:
        """The code of a region, with that of a state or province where the text tells it."""
        code = self.codes[region]
        if code == "cn":
            province = next((char for char in text if char in PROVINCES), "")
            return f"{code}-{province}" if province else code
        forms = slice(self._starts[region], self._ends[region])
        if not any(self._subdivisions[forms]):
            return code
        values = self._of_forms(forms, self._classes(text), np.arange(min(len(text), LONGEST)))
        likely = np.exp(values - np.logaddexp.reduce(values))
        name = self._subdivisions[forms][int(likely.argmax())]
        return f"{code}-{name}" if name and likely.max() >= MIN_SHARE else code

    def reweigh(
        self, decoded: Sequence[DecodedChar], probabilities: NDArray[np.float32], head: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Weigh the likely classes of unsure characters by the texts that they give.

        Args:
            decoded: the characters.
            probabilities: float32 ``(characters, classes + 1)``: of each one's step, the blank first.
            head: as of :meth:`posterior`.

        Returns:
            The probabilities; the highest of each row stays as high.
        """
        weighed = probabilities.copy()
        text = np.array([char.char for char in decoded], np.int64)
        prior = np.log(np.maximum(head, 1e-9))
        for i in np.argsort(probabilities[np.arange(len(text)), text + 1]):
            row = probabilities[i, 1:]
            if row[text[i]] >= UNSURE or not self.codes:
                break
            likely = np.flatnonzero(row >= LIKELY)
            of_regions = prior[:, None] + self.log_likelihoods(text, int(i), likely)
            values = PRIOR_WEIGHT * np.logaddexp.reduce(of_regions, axis=0)
            alike = self._folded[likely] == self._folded[likely[int(values.argmax())]]
            most = np.where(alike, MAX_PRIOR_ALIKE, MAX_PRIOR)
            weighed[i, likely + 1] *= np.exp(np.maximum(values - values.max(), -most))
            # Formats decide between classes; they make none surer than the network was of any.
            weighed[i] *= row.max() / weighed[i, 1:].max()
            best = likely[int(weighed[i, likely + 1].argmax())]
            if weighed[i, best + 1] > weighed[i, text[i] + 1]:
                text[i] = best
        return weighed


@cache
def region_formats(alphabet: Alphabet, codes: tuple[str, ...] | None) -> RegionFormats:
    """The formats of some regions, by default of all countries; made once."""
    return RegionFormats(alphabet, {*bundled_formats()} - {*NO_COUNTRY} if codes is None else codes)
