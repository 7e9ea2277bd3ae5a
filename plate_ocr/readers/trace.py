"""What a reader does with a picture, step by step, kept for whoever wants to see it.

Readers tell it as they read, if somebody asked::

    with recording() as trace:
        reading = reader(picture)

Every call of the command line imports this: named tuples are made in a seventh of a frozen dataclass's time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from plate_ocr.readers.ctc import DecodedChar, first_line
from plate_ocr.readers.results import Char, Plate
from plate_ocr.vision.detection import Detection, DetectorRun
from plate_ocr.vision.geometry import Crop
from plate_ocr.vision.images import Image

if TYPE_CHECKING:
    from plate_ocr.model.cards import ModelCard
    from plate_ocr.readers.three_lines import ThreeLines
    from plate_ocr.vision.lines import Line, Segments
    from plate_ocr.vision.preprocessing import Candidates, CharStack


SearchPurpose: TypeAlias = Literal["photo", "full", "closer", "far"]
"""Plates at half the scale that the detector is made for, at that scale, those that a window at twice the
scale shows better, and small ones at larger scales."""


class Search(NamedTuple):
    """A run of the detector.

    Attributes:
        purpose: what it looked for.
        picture: uint8 ``(H, W)``: the photo or a window of it.
        origin: x and y of the window's top left in the photo, pixels.
        about: the detection that the window is about; None for a whole photo.
        min_score: minimum score of detections.
        run: its scores.
        detections: the most confident first, their corners in the photo.
    """

    purpose: SearchPurpose
    picture: Image
    origin: tuple[int, int]
    about: Detection | None
    min_score: float
    run: DetectorRun
    detections: tuple[Detection, ...]


class CropReading(NamedTuple):
    """One run of the plate network.

    Attributes:
        crop: the grey piece of the picture.
        input: uint8 ``(height, width)``: what the network got of it.
        probabilities: float32 ``(steps, classes + 1)``: of each CTC step, the blank first.
        points: float32 ``(8, 2)``: corners of the text, then of the plate, as parts of the input's width and
            height.
        decoded: the characters in that.
        plate: what they say, with its corners in the crop; None where no character is named.
        regions: float32 ``(regions,)``: probabilities of the regions that the model's card names.
    """

    crop: Crop
    input: Image
    probabilities: NDArray[np.float32]
    points: NDArray[np.float32]
    decoded: Sequence[DecodedChar]
    plate: Plate | None
    regions: NDArray[np.float32]

    @property
    def text_corners(self) -> NDArray[np.float32]:
        """Of the text, which is read in the view :func:`plate_ocr.vision.plate_input.text_view`."""
        return self.points[:4]

    @property
    def corners(self) -> NDArray[np.float32]:
        """Of the plate."""
        return self.points[4:]

    @property
    def has_two_rows(self) -> bool:
        """Whether there are characters in both rows of steps."""
        return first_line(self.decoded, len(self.probabilities), least=1) < len(self.decoded)

    @property
    def plate_chars(self) -> tuple[Char, ...]:
        """The characters that are named."""
        return self.plate.chars if self.plate else ()


class CropAttempt(NamedTuple):
    """A crop that was read for a plate.

    Attributes:
        turn: which of the plate's crops, from 0.
        tighter: whether it is the crop once more, cut tighter about the corners that were read in it.
        reading: what was read.
        min_confidence: of its mean, at least, or it shows no plate.
        three_lines: how the crop was rearranged, if it was read as one of three lines.
    """

    turn: int
    tighter: bool
    reading: CropReading
    min_confidence: float
    three_lines: ThreeLines | None = None


@dataclass(eq=False, repr=False)
class Candidate:
    """What may be a plate.

    Attributes:
        attempts: its crops, in the order in which they were read.
        plate: the most confident reading; None if that is no plate.
        detection: where the detector saw it; None for a whole picture.
        turned: the same place, read upside down; None where it was not.
        upside_down: whether that reading is the better one, so that no plate is reported.
    """

    attempts: tuple[CropAttempt, ...]
    plate: Plate | None
    detection: Detection | None = None
    turned: Candidate | None = None
    upside_down: bool = False


class CharAttempts(NamedTuple):
    """A picture of a character, in each polarity that it may have.

    Attributes:
        stack: the picture, stretched to the model's size.
        candidates: row vectors of one or two polarities; of none where the picture is blank.
        probabilities: float32 ``(M, classes)``: of each candidate.
        scores: float32 ``(classes,)``: of the candidate that was taken.
    """

    stack: CharStack
    candidates: Candidates
    probabilities: NDArray[np.float32]
    scores: NDArray[np.float32]


class LineReading(NamedTuple):
    """How a line of characters was read classically.

    Attributes:
        line: the straightened line.
        segments: the pieces that were considered.
        chosen: indices of the pieces that were taken for characters.
        scores: float32 ``(len(chosen), classes)``: probabilities of the chosen ones; 0 for what the
            plate's format excludes there.
        value: log-probability of the whole reading, less the cost of unexplained ink; where several guesses
            of the line give the same text, of all of them together.
    """

    line: Line
    segments: Segments
    chosen: tuple[int, ...]
    scores: NDArray[np.float32]
    value: float

    @property
    def ends(self) -> NDArray[np.float64]:
        """Where the characters begin and end in the line: float64 ``(len(chosen), 2)``, pixels."""
        cuts, chosen = self.segments.cuts, list(self.chosen)
        return np.stack([cuts[self.segments.first[chosen]], cuts[self.segments.last[chosen]]], 1).astype(
            float
        )


@dataclass(eq=False, repr=False)
class Trace:
    """What a reader did with a picture; empty where a step was not taken.

    Attributes:
        picture_type: what the picture was taken for, if the reader had to tell: ``"photo"``, ``"plate"`` or
            ``"char"``.
        searches: runs of the detector.
        candidates: what may be plates.
        dropped: detections and plates that were left out, and why.
        suppressed: of two readings of one plate, the one that was left out and the one that was kept.
        offset: x and y of what was looked at in the picture, pixels; all coordinates of the trace are in it.
        placed: plates as they were read, and with their corners in the picture.
        card: of the model that reads single characters, if one did.
        char: the picture, read as a single character.
        lines: the picture, read classically: guesses of where the line of characters is, the best first.
    """

    picture_type: str = ""
    searches: list[Search] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    dropped: list[tuple[Detection | Plate, str]] = field(default_factory=list)
    suppressed: list[tuple[Plate, Plate]] = field(default_factory=list)
    offset: tuple[int, int] = (0, 0)
    placed: list[tuple[Plate, Plate]] = field(default_factory=list)
    card: ModelCard | None = None
    char: CharAttempts | None = None
    lines: list[LineReading] = field(default_factory=list)

    def add_detections(
        self,
        places: Sequence[Detection],
        plates: Sequence[Plate | None],
        doubtful: Sequence[int],
        upside_down: Collection[int],
    ) -> None:
        """Say what the latest candidates are.

        Args:
            places: where the first of them were detected.
            plates: what was read at these.
            doubtful: indices of those that the rest are, read upside down.
            upside_down: of these, the ones that are better so.
        """
        start = len(self.candidates) - len(places) - len(doubtful)
        upright, turned = self.candidates[start:][: len(places)], self.candidates[start + len(places) :]
        del self.candidates[start + len(places) :]
        for candidate, place, plate in zip(upright, places, plates, strict=True):
            candidate.detection, candidate.plate = place, plate
        for index, candidate in zip(doubtful, turned, strict=True):
            upright[index].turned, upright[index].upside_down = candidate, index in upside_down


_CURRENT: ContextVar[Trace | None] = ContextVar("trace", default=None)


def current_trace() -> Trace | None:
    """Where to tell what is done; None if nobody asked."""
    return _CURRENT.get()


def tell_dropped(found: Sequence[Detection | Plate], kept: Sequence[Detection | Plate], reason: str) -> None:
    """Say of detections or plates that are not kept why they are left out."""
    if trace := current_trace():
        trace.dropped += [(one, reason) for one in found if all(one is not other for other in kept)]


@contextmanager
def recording() -> Iterator[Trace]:
    """Keep what readers do in this thread, until the block ends: one picture at a time."""
    token = _CURRENT.set(trace := Trace())
    try:
        yield trace
    finally:
        _CURRENT.reset(token)
