"""CTC decoding: from the plate network's probabilities to text.

Connectionist temporal classification (CTC) predicts a character or the blank, class 0, in every step. A text
results from merging equal neighbours and removing blanks.

References:
    Graves et al., *Connectionist Temporal Classification*, 2006; Hannun et al., *First-Pass Large
    Vocabulary Continuous Speech Recognition*, 2014 (prefix beam search).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from plate_ocr.alphabet import UNKNOWN, Alphabet
from plate_ocr.formats import PlateFormat
from plate_ocr.text import normalize_text

BLANK = 0

LabelSeq: TypeAlias = tuple[int, ...]
"""Classes of an alphabet from 0, that is, the network's minus 1."""

MISMATCH_PENALTY = -3.0
"""Log-probability added per character outside a format."""

UNKNOWN_MISFIT = 0.7
"""How much of a mismatch an unknown character is."""

MIN_CHARS_PER_LINE = 2
"""Minimum number of characters in a line of a two-line plate."""

CENTROID_RADIUS, CENTROID_POWER = 2, 0.2
"""Number of steps on each side for a character's centre, and the exponent of the probabilities in it."""

MIN_LOG_PRIOR = -9.0
"""Lower bound of the log-prior: texts outside all formats remain possible."""


class DecodedChar(NamedTuple):
    """A decoded character and its timestep.

    Attributes:
        char: its class in the alphabet.
        timestep: the step with its highest probability.
    """

    char: int
    timestep: int


def greedy_decode(probabilities: NDArray[np.float32]) -> list[DecodedChar]:
    """Greedy decoding: the most likely class of each step.

    Args:
        probabilities: float32 ``(steps, classes + 1)``, the blank first.
    """
    likeliest = probabilities.argmax(axis=1)
    values = probabilities[np.arange(len(likeliest)), likeliest]
    decoded = list[DecodedChar]()
    before, highest = BLANK, 0.0
    for step, (char, value) in enumerate(zip(likeliest.tolist(), values.tolist(), strict=True)):
        if char != BLANK and (char != before or value > highest):
            # A character lasts until another class is likelier.
            if char == before:
                decoded.pop()
            decoded.append(DecodedChar(char - 1, step))
            highest = value
        before = char
    return decoded


def first_line(decoded: Sequence[DecodedChar], steps: int, least: int = MIN_CHARS_PER_LINE) -> int:
    """Number of characters in the upper line; of all if one of two lines would have fewer than ``least``."""
    # The second half of the steps is the lower row of features.
    lower = sum(2 * char.timestep >= steps for char in decoded)
    upper = len(decoded) - lower
    return upper if min(lower, upper) >= least else len(decoded)


def char_centers(columns: NDArray[np.float32], timesteps: Sequence[int]) -> NDArray[np.float64]:
    """The centres of characters along their rows of steps, finer than a step.

    Each is the mean of the steps around it, weighted by its probability to the power of
    :data:`CENTROID_POWER`.

    Args:
        columns: float32 ``(steps, N)``: of each character its probability; both rows have half the steps.
        timesteps: N, of the highest probabilities.

    Returns:
        float64 ``(N,)``, 0..1.
    """
    half = len(columns) // 2
    around = np.array(timesteps, np.int64).reshape(-1, 1)
    first = around // half * half
    steps = around + np.arange(-CENTROID_RADIUS, CENTROID_RADIUS + 1)
    inside = (steps >= first) & (steps < first + half)
    found = columns[np.clip(steps, 0, len(columns) - 1), np.arange(columns.shape[1])[:, None]]
    weights = inside * np.maximum(found, 1e-6, dtype=np.float64) ** CENTROID_POWER
    return np.asarray((weights * (steps - first + 0.5)).sum(1) / weights.sum(1) / half)


class FormatPrior:
    """Prior log-probability of texts, from the formats of plates.

    Args:
        alphabet: the classes.
        formats: of plates; empty: a uniform prior.
    """

    def __init__(self, alphabet: Alphabet, formats: tuple[PlateFormat, ...]) -> None:
        self.alphabet, self.formats = alphabet, formats
        forms = [(places, form) for form in formats for places in form.spelt()]
        longest = max((len(places) for places, _ in forms), default=0)
        # For each place and format its row of misfits; the first row, behind the last place, allows nothing.
        self._places = np.zeros((longest + 1, len(forms)), np.int64)
        rows: dict[str, int] = {"": 0}
        for i, (places, _) in enumerate(forms):
            self._places[: len(places), i] = [rows.setdefault(chars, len(rows)) for chars in places]
        # Where a model does not tell Ü from U, an Ü is a U.
        fits = [normalize_text(chars, alphabet) for chars in rows]
        self._unfit = np.array([[char not in fit for char in alphabet.classes] for fit in fits], np.float64)
        # An unknown character may stand anywhere, but a known one that fits is likelier.
        self._unfit[1:, [char == UNKNOWN for char in alphabet.classes]] = UNKNOWN_MISFIT
        # Beams grow by a character: all but the last was counted before.
        self._wrong = lru_cache(maxsize=4096)(self._count)
        self._lengths = np.array([len(places) for places, _ in forms], np.int64)
        self._shortest = np.array([form.shortest for _, form in forms], np.int64)
        self._priors = np.array([form.prior for _, form in forms], np.float64)

    def __call__(self, text: LabelSeq, complete: bool) -> float:
        """Unnormalised log-prior of a text, at least :data:`MIN_LOG_PRIOR`.

        Args:
            text: the text, or its beginning.
            complete: whether the text is complete: then missing characters are penalised too.
        """
        return max(MIN_LOG_PRIOR, float(self._values(text, complete).max())) if self.formats else 0.0

    def weights(self, text: LabelSeq) -> NDArray[np.float32]:
        """Weights of each class in each place of a text, from the format that fits it best.

        Returns:
            float32 ``(len(text), classes)``: 1 for allowed characters, less for others.
        """
        weights = np.ones((len(text), len(self.alphabet)), np.float32)
        values = self._values(text, True)
        if not self.formats or values.max() <= MIN_LOG_PRIOR:
            return weights
        best = int(values.argmax())
        rows = self._places[: min(len(text), int(self._lengths[best])), best]
        weights[: len(rows)] = np.exp(MISMATCH_PENALTY * self._unfit[rows])
        return weights

    def _values(self, text: LabelSeq, complete: bool) -> NDArray[np.float64]:
        """Log-priors by each format, without their bound."""
        wrong = self._wrong(text)
        if complete:
            wrong = wrong + np.maximum(0, self._shortest - len(text))
        return np.asarray(self._priors + MISMATCH_PENALTY * wrong)

    def _count(self, text: LabelSeq) -> NDArray[np.float64]:
        """How many characters each format does not allow where they stand."""
        if not text:
            return np.zeros(len(self._lengths))
        place = min(len(text), len(self._places)) - 1
        return np.asarray(self._wrong(text[:-1]) + self._unfit[self._places[place], text[-1]])


def beam_search(
    probabilities: NDArray[np.float32],
    prior: Callable[[LabelSeq, bool], float] = lambda text, complete: 0.0,
    width: int = 8,
    min_probability: float = 1e-3,
) -> list[tuple[LabelSeq, float]]:
    """Prefix beam search: the most likely texts, each summed over all its alignments.

    Args:
        probabilities: float32 ``(steps, classes + 1)``, the blank first.
        prior: log-prior of a text; its second argument says
            whether the text is complete.
        width: beam width.
        min_probability: minimum probability of a class in a step; others are skipped.

    Returns:
        Texts with their log-probability including the prior, most likely first.
    """
    # For each prefix, the probabilities of ending in a blank and in its last character.
    beams: dict[LabelSeq, tuple[float, float]] = {(): (1.0, 0.0)}
    known: dict[LabelSeq, float] = {}

    def value(text: LabelSeq, mass: tuple[float, float]) -> float:
        if text not in known:
            known[text] = prior(text, False)
        return math.log(max(mass[0] + mass[1], 1e-300)) + known[text]

    for row in probabilities.astype(np.float64):
        found: dict[LabelSeq, tuple[float, float]] = {}
        chars = [int(i) for i in np.flatnonzero(row >= min_probability) if i != BLANK]
        for text, (blank, char) in beams.items():
            both = blank + char
            before = found.get(text, (0.0, 0.0))
            again = char * float(row[text[-1] + 1]) if text else 0.0
            found[text] = before[0] + both * float(row[BLANK]), before[1] + again
            for i in chars:
                longer = (*text, i - 1)
                # Repeating a character needs a blank in between.
                mass = (blank if text and text[-1] == i - 1 else both) * float(row[i])
                before = found.get(longer, (0.0, 0.0))
                found[longer] = before[0], before[1] + mass
        best = sorted(found, key=lambda text: -value(text, found[text]))[:width]
        beams = {text: found[text] for text in best}
    ends = [(text, value(text, mass) - known[text] + prior(text, True)) for text, mass in beams.items()]
    return sorted(ends, key=lambda end: -end[1])


def forced_align(probabilities: NDArray[np.float32], text: Sequence[int]) -> list[DecodedChar]:
    """The timesteps of a text's characters in its most likely alignment.

    Args:
        probabilities: float32 ``(steps, classes + 1)``, the blank first.
        text: classes of the alphabet.

    Raises:
        ValueError: if the text needs more steps than there are.
    """
    # Blanks before, between and after the characters.
    states = np.full(2 * len(text) + 1, BLANK)
    states[1::2] = np.asarray(text, np.int64) + 1
    skips = np.zeros(len(states), bool)
    skips[3::2] = states[3::2] != states[1:-2:2]
    logs = np.log(np.maximum(probabilities[:, states].astype(np.float64), 1e-12))
    value = np.full(len(states), -np.inf)
    value[:2] = logs[0, :2]
    came_from = np.zeros((len(logs), len(states)), np.int64)
    for step in range(1, len(logs)):
        one = np.concatenate([[-np.inf], value[:-1]])
        two = np.where(skips, np.concatenate([[-np.inf] * min(2, len(states)), value[:-2]]), -np.inf)
        choices = np.stack([value, one, two])
        came_from[step] = choices.argmax(axis=0)
        value = choices.max(axis=0) + logs[step]
    state = len(states) - 1 if len(states) == 1 or value[-1] >= value[-2] else len(states) - 2
    if not np.isfinite(value[state]):
        raise ValueError(f"{len(text)} characters do not fit into {len(logs)} steps")
    best_step: dict[int, int] = {}
    for step in range(len(logs) - 1, -1, -1):
        if state % 2 and (state not in best_step or logs[step, state] >= logs[best_step[state], state]):
            best_step[state] = step
        state -= int(came_from[step, state])
    return [DecodedChar(int(char), best_step[2 * i + 1]) for i, char in enumerate(text)]
