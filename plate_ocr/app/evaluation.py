"""Measuring a reader on labelled plates: figures for people, and a page with what it got wrong."""

from __future__ import annotations

import base64
import dataclasses
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import cv2
import numpy as np

from plate_ocr.labels import LabelledPlate
from plate_ocr.metrics import GroupAccuracy, PlateMetrics, Sample, match_boxes
from plate_ocr.readers.results import Plate, Reading
from plate_ocr.readers.trace import recording
from plate_ocr.text import correct_characters
from plate_ocr.vision.drawing import GREEN, RED, to_color, to_png
from plate_ocr.vision.images import Image, read_image

MAX_CONFUSIONS = 10
"""How many are named."""

MAX_SHOWN = 1000
"""Mistakes on a page; of more, the surest."""

PICTURE_SIDE = 360
"""The longer one of pictures on the page, pixels; smaller ones are enlarged as often as they fit."""

MARGIN = 0.5
"""Shown about a plate on each side, as a part of its width."""

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 16px/1.4 sans-serif; margin: 2em; }}
td, th {{ padding: .3em 1.2em .3em 0; text-align: left; }}
.text {{ font: 22px monospace; }}
b {{ color: #c00; }}
small {{ color: #666; }}
</style>
<h1>{title}</h1>
<p>{legend}</p>
<table>
<tr><th>{columns}
{rows}
</table>
</html>
"""


@dataclass(frozen=True)
class BoxMetrics:
    """How well plates are found where labels have boxes.

    Attributes:
        plates: labelled ones.
        found: of these, where a plate was read, see :func:`plate_ocr.metrics.match_boxes`.
        read: of these, with every character right.
        extra: plates that were read where none is labelled.
    """

    plates: int
    found: int
    read: int
    extra: int


@dataclass(frozen=True)
class NegativeMetrics:
    """What is read in pictures that are labelled as without a plate.

    Attributes:
        pictures: labelled so.
        false_alarms: of these, where a plate was read.
    """

    pictures: int
    false_alarms: int


@dataclass
class Evaluation:
    """Readings laid against labels, picture by picture.

    Attributes:
        samples: one for each labelled plate.
        negatives: one for each label that says that there is no plate.
        boxed: those whose labels have boxes.
        extra: plates that were read where none is labelled, in pictures with boxes.
    """

    samples: list[Sample] = field(default_factory=list)
    negatives: list[Sample] = field(default_factory=list)
    boxed: list[Sample] = field(default_factory=list)
    extra: int = 0

    def add(self, plates: Sequence[LabelledPlate], reading: Reading) -> None:
        """Take what was read in the picture of these plates.

        A plate with a box was read as what lies there, one without as the picture's first plate.
        """
        boxes = [plate.box for plate in plates if plate.box]
        matches = match_boxes([plate.corners for plate in reading.plates], boxes)
        turns = iter(matches)
        for plate in plates:
            there = reading
            if plate.box:
                match = next(turns)
                found = () if match is None else (reading.plates[match],)
                there = dataclasses.replace(reading, plates=found)
            sample = Sample(str(plate.path), plate.text, there, plate.region, plate.box)
            (self.samples if plate.text else self.negatives).append(sample)
            if plate.box:
                self.boxed.append(sample)
        if boxes:
            self.extra += len(reading.plates) - len(boxes) + matches.count(None)

    @property
    def without_plate(self) -> NegativeMetrics | None:
        """The figures of pictures without a plate; None where no label says so."""
        if not self.negatives:
            return None
        return NegativeMetrics(len(self.negatives), sum(bool(sample.text) for sample in self.negatives))

    @property
    def boxes(self) -> BoxMetrics | None:
        """The figures of labels with boxes; None where there are none."""
        if not self.boxed:
            return None
        found = sum(bool(sample.text) for sample in self.boxed)
        read = sum(sample.is_correct() for sample in self.boxed)
        return BoxMetrics(len(self.boxed), found, read, self.extra)


def to_lines(result: Evaluation) -> list[str]:
    """Figures for people, one a line."""
    lines = _of_plates(PlateMetrics.of(result.samples), result.boxes) if result.samples else []
    if negatives := result.without_plate:
        lines.append(
            f"pictures without a plate: {negatives.pictures:,}, {negatives.false_alarms:,} false alarms"
        )
    return lines


def to_values(result: Evaluation) -> dict[str, Any]:
    """Figures as JSON has them; without a labelled plate there are none of plates but their number."""
    figures = asdict(PlateMetrics.of(result.samples)) if result.samples else {"plates": 0}
    boxes, negatives = result.boxes, result.without_plate
    return {**figures, "boxes": boxes and asdict(boxes), "without_plate": negatives and asdict(negatives)}


def _of_plates(figures: PlateMetrics, boxes: BoxMetrics | None) -> list[str]:
    lines = [
        f"plates: {figures.plates:,}, {figures.not_found:,} of them not found",
        f"plate accuracy: {figures.accuracy:.2%}; with O=0 and I=1 {figures.folded_accuracy:.2%}",
        f"character accuracy: {figures.character_accuracy:.2%}",
        f"right character among its three likeliest: {figures.character_top3:.2%}",
        f"calibration error of characters: {figures.calibration_error:.2%}",
        f"time per plate: {figures.ms:.1f} ms (median)",
    ]
    if boxes:
        counts = f"{boxes.found:,} found, {boxes.read:,} read, {boxes.extra:,} extra"
        lines.append(f"of {boxes.plates:,} plates with boxes: {counts}")
    lines += _of_each("characters", figures.lengths)
    lines += _of_each("region", figures.regions)
    if common := figures.confusions[:MAX_CONFUSIONS]:
        named = (f"{c.target or 'nothing'} as {c.read or 'nothing'} {c.count:,}" for c in common)
        lines.append(f"commonest confusions: {', '.join(named)}")
    return lines


def _of_each(kind: str, groups: Mapping[str, GroupAccuracy]) -> list[str]:
    return [f"{kind} {name}: {share.accuracy:.2%} of {share.count:,}" for name, share in groups.items()]


def refused_plate(read: Callable[[Image], Reading], sample: Sample, picture: Image) -> Plate | None:
    """The most confident plate that a reader read in a sample's picture, or its box, but did not report.

    Args:
        read: a :class:`plate_ocr.PlateReader` with the settings of the sample's reading.
        sample: its picture is read again.
        picture: of the sample, uint8 ``(H, W)`` or ``(H, W, 3)``.
    """
    with recording() as trace:
        read(picture)
    plates = [plate for plate, _ in trace.dropped if isinstance(plate, Plate)]
    for attempt in (attempt for candidate in trace.candidates for attempt in candidate.attempts):
        if plate := attempt.reading.plate:
            corners = attempt.reading.crop.to_image(plate.corners).tolist()
            plates.append(dataclasses.replace(plate, corners=tuple(map(tuple, corners))))
    if sample.box:
        plates = [plate for plate in plates if match_boxes([plate.corners], [sample.box]) == [0]]
    return max(plates, key=lambda plate: plate.confidence, default=None)


def mistakes_page(
    samples: Sequence[Sample], refused: Callable[[Sample, Image], Plate | None] = lambda sample, picture: None
) -> str:
    """A page of HTML with what was misread, or read where no plate is, and the pictures.

    Args:
        samples: all that were read.
        refused: the plate that was read but not reported, of a sample without a reading and its picture.
    """
    wrong = [sample for sample in samples if not sample.is_correct()]
    wrong.sort(key=lambda sample: -(sample.reading.plates[0].confidence if sample.text else 0))
    title = f"{len(wrong):,} of {len(samples):,} labels misread"
    if len(wrong) > MAX_SHOWN:
        title += f", the surest {MAX_SHOWN:,}"
    return PAGE.format(
        title=title,
        legend="The surest first: a sure mistake may be a wrong label. Green: where the plate was found; "
        "red: where it was read, but refused.",
        columns="picture<th>written<th>read<th>confidence",
        rows="\n".join(_row(sample, refused) for sample in wrong[:MAX_SHOWN]),
    )


def picture_cell(png: bytes, name: str) -> str:
    """A cell of a table with a picture and its name below it."""
    shown = base64.b64encode(png).decode()
    return f'<td><img alt="" src="data:image/png;base64,{shown}"><br><small>{html.escape(name)}</small>'


def _row(sample: Sample, find_refused: Callable[[Sample, Image], Plate | None]) -> str:
    picture = read_image(sample.name)
    refused = None if sample.text else find_refused(sample, picture)
    marks = zip(sample.text, correct_characters(sample.text, sample.target), strict=True)
    text = "".join(html.escape(char) if correct else f"<b>{html.escape(char)}</b>" for char, correct in marks)
    sure = f"{sample.reading.plates[0].confidence:.2f}" if sample.text else ""
    doubt = (
        f"<br><small>refused: {html.escape(refused.text)} {refused.confidence:.2f}</small>" if refused else ""
    )
    return (
        f"<tr>{picture_cell(_picture(sample, to_color(picture), refused), sample.name)}"
        f'<td class="text">{html.escape(sample.target) or "no plate"}'
        f'<td class="text">{text or "<b>nothing</b>"}{doubt}<td>{sure}'
    )


def _picture(sample: Sample, picture: Image, refused: Plate | None) -> bytes:
    """PNG of the plate and what is about it, or of the whole picture, with the corners that were found."""
    drawn = [(plate, GREEN) for plate in sample.reading.plates] + ([(refused, RED)] if refused else [])
    points = [np.array(plate.corners, np.float64) for plate, _ in drawn[:1]]
    if sample.box:
        x, y, width, height = sample.box
        points.append(np.array([[x, y], [x + width, y + height]], np.float64))
    offset = np.zeros(2)
    if points:
        ends = np.stack([np.concatenate(points).min(0), np.concatenate(points).max(0)])
        ends += MARGIN * (ends[1, 0] - ends[0, 0]) * np.array([[-1], [1]])
        size = picture.shape[1::-1]
        (left, top), (right, bottom) = np.clip(np.rint(ends), 0, size).astype(int).tolist()
        if left < right and top < bottom:  # a box may lie beyond the picture
            picture, offset = picture[top:bottom, left:right], np.array([left, top])
    scale = PICTURE_SIDE / max(picture.shape[:2])
    scale = scale if scale < 1 else float(int(scale))
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    picture = np.asarray(cv2.resize(picture, (width, height), interpolation=method), np.uint8)
    for plate, color in drawn:
        corners = np.rint((np.array(plate.corners) - offset) * scale).astype(np.int32)
        cv2.polylines(picture, [corners], True, color)
    return to_png(picture)
