"""How a picture was read, in words and numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from plate_ocr.app.output import PHOTO_HINT, looks_like_photo, to_line, to_values
from plate_ocr.readers.photos import CROPS, folded_confidence, sure_chars
from plate_ocr.readers.results import ALTERNATIVES, Char, Plate, Reading
from plate_ocr.readers.thresholds import REREAD_BELOW, SURE_CHAR
from plate_ocr.readers.trace import (
    Candidate,
    CropAttempt,
    CropReading,
    LineReading,
    Search,
    SearchPurpose,
    Trace,
)
from plate_ocr.vision.detection import Detection
from plate_ocr.vision.images import Image

PURPOSES: dict[SearchPurpose, str] = {
    "photo": "the photo",
    "full": "the photo, twice as large",
    "closer": "a window",
    "far": "the photo for small plates",
}
"""What a run of the detector looked at and what for, for people."""


MIN_SHOWN = 0.001
"""The least probability of the unknown class that is named."""


@dataclass(frozen=True)
class Inspection:
    """A picture, what was read of it, and how.

    Attributes:
        name: the path as it was given.
        time: of a picture of a video, seconds; else None.
        picture: uint8 ``(H, W)`` or ``(H, W, 3)``.
        reading: what was read.
        trace: recorded meanwhile.
        alphabet: of the model that read it, or of the one that reads plates; then ``?``, in case it has a
            class of unknown characters.
    """

    name: str
    time: float | None
    picture: Image
    reading: Reading
    trace: Trace
    alphabet: str

    @property
    def picture_type(self) -> str:
        """What the picture was read as: ``"photo"``, ``"plate"`` or ``"char"``."""
        trace = self.trace
        return trace.picture_type or ("char" if trace.char else "photo" if trace.searches else "plate")

    @property
    def type_in_words(self) -> str:
        """The same for people."""
        words = {"photo": "a photo", "plate": "a cropped plate", "char": "a single character"}
        return words[self.picture_type]

    @cached_property
    def candidates(self) -> list[Candidate]:
        """Those that were taken in the reading's order, then the others, the likeliest first."""

        def rank(candidate: Candidate) -> tuple[float, float]:
            index = self.plate_index(candidate)
            score = candidate.detection.score if candidate.detection else 0.0
            return len(self.reading.plates) if index is None else index, -score

        return sorted(self.trace.candidates, key=rank)

    def plate_index(self, candidate: Candidate) -> int | None:
        """Which plate of the reading a candidate is; None if it was not taken."""
        placed = self._placed(candidate)
        return next((i for i, plate in enumerate(self.reading.plates) if plate is placed), None)

    def _placed(self, candidate: Candidate) -> Plate | None:
        """The candidate's plate as it is reported."""
        own = candidate.plate
        return next((here for plate, here in self.trace.placed if plate is own), own)

    def title(self) -> str:
        """What was read, in one line."""
        name = self.name if self.time is None else f"{self.name} at {self.time:.2f} s"
        return to_line(name, self.reading).replace("\n", ", ")

    def heading(self, number: int) -> str:
        """A candidate, counted from 0, in one line."""
        candidate = self.candidates[number]
        score = f", detected with {candidate.detection.score:.2f}" if candidate.detection else ""
        plate = self._placed(candidate)
        return f"{self._name(candidate)}{score}: {_summary(plate) if plate else 'no plate'}"

    def _name(self, candidate: Candidate) -> str:
        index = self.plate_index(candidate)
        return f"candidate {self.candidates.index(candidate) + 1}" if index is None else f"plate {index + 1}"

    def _suppressor(self, candidate: Candidate) -> Candidate | None:
        """The reading of the same plate that was kept in place of a candidate's."""
        better = [other for plate, other in self.trace.suppressed if plate is candidate.plate]
        return next((other for other in self.candidates if better and other.plate is better[0]), None)

    def skipped_reason(self, place: Detection) -> str | None:
        """Why a detection was not read; None if it was."""
        if any(candidate.detection is place for candidate in self.trace.candidates):
            return None
        return self._drop_reason(place)

    def _drop_reason(self, one: Detection | Plate) -> str:
        reasons = (why for other, why in self.trace.dropped if other is one)
        return next(reasons, f"the picture is read as {self.type_in_words}")

    def conclusion(self, candidate: Candidate) -> str:
        """What became of a candidate, and why."""
        plate = candidate.plate
        if plate is None:
            return "the first crop shows no plate, so that there is none"
        if self.plate_index(candidate) is None:
            return f"left out: {self._rejection(candidate, plate)}"
        if len(candidate.attempts) > 1:
            return f"a character was below {REREAD_BELOW:.2f}, so others were read: the highest mean is taken"
        if plate.min_confidence >= REREAD_BELOW:
            return f"no character is below {REREAD_BELOW:.2f}, so that no other crop was read"
        return f"a character is below {REREAD_BELOW:.2f}, but there is no other crop to read"

    def _rejection(self, candidate: Candidate, plate: Plate) -> str:
        if candidate.upside_down and candidate.turned and candidate.turned.plate:
            upright, turned = folded_confidence(plate), folded_confidence(candidate.turned.plate)
            return f"its mean, look-alikes counted as one, is {turned:.3f} upside down, {upright:.3f} upright"
        better = self._suppressor(candidate)
        if better is None or better.plate is None:
            return self._drop_reason(plate)
        sure, more = sure_chars(plate), sure_chars(better.plate)
        why = (
            f"which has {more} characters of at least {SURE_CHAR:.2f}, this one {sure}"
            if more > sure
            else f"which is more confident with as many characters of at least {SURE_CHAR:.2f}"
        )
        return f"it is another reading of {self._name(better)}, {why}"

    def lines(self) -> Iterator[str]:
        """All of it for people."""
        found = self.reading.plates
        yield self.title()
        yield f"  read as {self.type_in_words}"
        if self._is_classical_photo():
            yield f"  this looks like a photo: {PHOTO_HINT}"
        for search in self.trace.searches:
            yield f"  detector, {search_line(search, self.trace.offset)}"
            for place in search.detections:
                yield f"    {self.detection_line(place)}"
        for polarity in self._polarities():
            yield f"  {polarity_line(polarity)}"
        if self.trace.char is not None and not self._polarities():
            yield "  blank: nothing stands out from its ground"
        for number, candidate in enumerate(self.candidates):
            yield f"  {self.heading(number)}"
            for attempt in attempts(candidate):
                yield f"    {attempt_line(candidate, attempt)}"
            if (taken := taken_attempt(candidate)) is not None:
                yield from (f"      {line}" for line in step_lines(taken.reading, self.alphabet))
                yield from (f"      {char_line(char)}" for char in taken.reading.plate_chars)
            yield f"    {self.conclusion(candidate)}"
        for line in self.trace.lines:
            verdict = "less likely" if line is not self.trace.lines[0] else "taken" if found else "unsure"
            yield f"  line {self.line_text(line) or '-'}: log-probability {line.value:.2f}, {verdict}"
        if self.trace.lines and found:
            yield from (f"    {char_line(char)}" for char in found[0].chars)

    def _is_classical_photo(self) -> bool:
        """Whether the classical reader, which takes crops of plates, was given a photo."""
        classical = self.trace.card is not None and self.trace.char is None
        return classical and looks_like_photo(self.reading)

    def detection_line(self, place: Detection) -> str:
        """A detection, and why it was not read, in one line."""
        reason = self.skipped_reason(place)
        x, y = place.corners.mean(0) + self.trace.offset
        return f"{place.score:.2f} about ({x:.0f}, {y:.0f}): {'read' if reason is None else reason}"

    def to_dict(self) -> dict[str, Any]:
        """The object of ``predict --json`` with ``trace``, and ``time`` in a video."""
        values = to_values(self.name, self.reading)
        if self.time is not None:
            values["time"] = round(self.time, 3)
        values["trace"] = {
            "picture_type": self.picture_type,
            "detector": [
                {
                    "purpose": search.purpose,
                    "window": self._window(search),
                    "about": search.about and self._detection(search.about),
                    "longest": longest(search),
                    "min_score": round(search.min_score, 4),
                    "highest": round(float(search.run.scores.max()), 4),
                    "detections": [
                        {**self._detection(place), "skipped": self.skipped_reason(place)}
                        for place in search.detections
                    ],
                }
                for search in self.trace.searches
            ],
            "candidates": [self._candidate(candidate) for candidate in self.candidates],
            "polarities": self._polarities(),
            "lines": [
                {"text": self.line_text(line), "value": round(float(line.value), 3)}
                for line in self.trace.lines
            ],
        }
        return values

    def _window(self, search: Search) -> list[int]:
        (x, y), (left, top), (height, width) = search.origin, self.trace.offset, search.picture.shape
        return [left + x, top + y, width, height]

    def _detection(self, place: Detection) -> dict[str, Any]:
        return {"score": round(place.score, 4), "corners": _rounded(place.corners + self.trace.offset)}

    def _candidate(self, candidate: Candidate) -> dict[str, Any]:
        place = candidate.detection
        return {
            "plate": self.plate_index(candidate),
            "detection": place and self._detection(place),
            "crops": [_attempt(candidate, attempt, self.alphabet) for attempt in attempts(candidate)],
            "conclusion": self.conclusion(candidate),
        }

    def _polarities(self) -> list[dict[str, Any]]:
        """Of a picture that was read as a single character: what it is with bright and with dark glyphs."""
        char, card = self.trace.char, self.trace.card
        if char is None or card is None:
            return []
        rows = zip(char.candidates.inverted, char.candidates.plausible, char.probabilities, strict=True)
        return [
            {
                "glyph": "dark" if inverted else "bright",
                "plausible": round(float(plausible), 4),
                "taken": bool((row == char.scores).all()),
                "classes": _ranked(row, card.alphabet.characters),
            }
            for inverted, plausible, row in rows
        ]

    def line_text(self, line: LineReading) -> str:
        """The likeliest class of each character of a line."""
        alphabet = self.trace.card.alphabet.characters if self.trace.card else ""
        return "".join(alphabet[int(scores.argmax())] for scores in line.scores)


def longest(search: Search) -> int:
    """Pixels that the longer side of what the detector looked at got."""
    return round(search.run.scale * float(max(search.picture.shape)))


def search_line(search: Search, offset: tuple[int, int]) -> str:
    """What a run of the detector looked at, and what it found, in one line."""
    where = PURPOSES[search.purpose]
    if search.about:
        x, y = search.about.corners.mean(0) + offset
        where += f" about ({x:.0f}, {y:.0f}), score {search.about.score:.2f},"
    return (
        f"{where} at {longest(search)} pixels: highest score {search.run.scores.max():.2f}, "
        f"{len(search.detections)} of at least {search.min_score:.2f}"
    )


def attempts(candidate: Candidate) -> tuple[CropAttempt, ...]:
    """The crops of a candidate, then those that were read upside down."""
    return candidate.attempts + (candidate.turned.attempts if candidate.turned else ())


def taken_attempt(candidate: Candidate) -> CropAttempt | None:
    """The crop whose reading was taken; None where none shows a plate."""
    if candidate.plate is None:
        return None
    chars = _without_places(candidate.plate.chars)
    return next(
        attempt for attempt in candidate.attempts if _without_places(attempt.reading.plate_chars) == chars
    )


def _without_places(chars: Sequence[Char]) -> list[tuple[str | None, float]]:
    """Characters are located in the crop that is taken alone."""
    return [(char.char, char.confidence) for char in chars]


def attempt_line(candidate: Candidate, attempt: CropAttempt) -> str:
    """A crop, what it says, and why that was taken or not, in one line."""
    plate = attempt.reading.plate
    said = f"{_summary(plate)}: " if plate else ""
    return f"{_crop_name(candidate, attempt)}: {said}{_verdict(candidate, attempt)}"


def _is_turned(candidate: Candidate, attempt: CropAttempt) -> bool:
    return all(attempt is not upright for upright in candidate.attempts)


def _crop_name(candidate: Candidate, attempt: CropAttempt) -> str:
    name = CROPS[attempt.turn] if candidate.detection else "whole picture"
    name = f"{name}, upside down" if _is_turned(candidate, attempt) else name
    name = f"{name}, three lines rearranged" if attempt.three_lines else name
    return f"{name}, tighter" if attempt.tighter else name


def _verdict(candidate: Candidate, attempt: CropAttempt) -> str:
    plate = attempt.reading.plate
    if plate is None:
        return "no character"
    if attempt is taken_attempt(candidate):
        return "taken"
    if plate.confidence < attempt.min_confidence:
        return f"mean below {attempt.min_confidence:.2f}, no plate"
    if candidate.turned and attempt is taken_attempt(candidate.turned):
        return "better than upright" if candidate.upside_down else "no better than upright"
    if attempt.three_lines and not attempt.reading.has_two_rows:
        return "a single row, no three lines"
    return "less confident"


def _summary(plate: Plate) -> str:
    return f"{plate.text} mean {plate.confidence:.2f}, least {plate.min_confidence:.2f}"


def best_classes(reading: CropReading) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The likeliest class of each CTC step, 0 for the blank, and its probability: ``(steps,)`` each."""
    best = reading.probabilities.argmax(1)
    return best, reading.probabilities[np.arange(len(best)), best]


def step_lines(reading: CropReading, alphabet: str) -> Iterator[str]:
    """Where the likeliest class is no blank: a line for each row of steps."""
    classes, probabilities = best_classes(reading)
    half = len(classes) // 2
    for name, steps in (("upper", range(half)), ("lower", range(half, 2 * half))):
        named = [f"{i} {alphabet[classes[i] - 1]} {probabilities[i]:.2f}" for i in steps if classes[i]]
        yield f"{name} row, steps {steps[0]} to {steps[-1]}: {', '.join(named) or 'blank'}"


def char_line(char: Char) -> str:
    """A character and its alternatives in one line."""
    others = ", ".join(f"{other} {probability:.2f}" for other, probability in char.alternatives)
    doubt = f", unknown {char.unknown:.3f}" if char.unknown >= MIN_SHOWN else ""
    return f"{char.char or '?'} {char.confidence:.2f}{doubt}" + (f" (or {others})" if others else "")


def polarity_line(polarity: dict[str, Any]) -> str:
    """A single character with bright or dark glyphs in one line."""
    classes = ", ".join(f"{char} {probability:.2f}" for char, probability in polarity["classes"])
    taken = "taken" if polarity["taken"] else "less confident"
    return f"{polarity['glyph']} glyph, plausibility {polarity['plausible']:.2f}: {classes}: {taken}"


def _attempt(candidate: Candidate, attempt: CropAttempt, alphabet: str) -> dict[str, Any]:
    plate = attempt.reading.plate
    classes, probabilities = best_classes(attempt.reading)
    return {
        "crop": _crop_name(candidate, attempt),
        "text": plate.text if plate else "",
        "confidence": plate and round(plate.confidence, 4),
        "min_confidence": plate and round(plate.min_confidence, 4),
        "chars": [char.to_dict() for char in attempt.reading.plate_chars],
        "verdict": _verdict(candidate, attempt),
        # The blank is null.
        "steps": [
            [alphabet[index - 1] if index else None, round(float(probability), 4)]
            for index, probability in zip(classes, probabilities, strict=True)
        ],
    }


def _ranked(scores: NDArray[np.float32], alphabet: str) -> list[tuple[str, float]]:
    order = np.argsort(-scores, kind="stable")[: ALTERNATIVES + 1]
    return [(alphabet[i], round(float(scores[i]), 4)) for i in order]


def _rounded(points: ArrayLike) -> list[list[float]]:
    return [[round(float(x), 1), round(float(y), 1)] for x, y in np.asarray(points)]
