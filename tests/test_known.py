"""Known plates, by what was read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from plate_ocr import DataError, KnownPlates, Reading
from plate_ocr.app.answers import of_video
from plate_ocr.app.commands.predict import _identification
from plate_ocr.app.output import to_line, to_values
from plate_ocr.app.pictures import PictureFolders
from plate_ocr.known import LIKELY
from plate_ocr.readers.results import Char, Known, Plate, plate_of
from plate_ocr.vision.images import Image

CORNERS = ((0.0, 0.0), (9.0, 0.0), (9.0, 3.0), (0.0, 3.0))


def plate(text: str, **alternatives: float) -> Plate:
    """A plate whose last character has these alternatives; ``?`` is unknown."""
    chars = [Char(None if char == "?" else char, 0.9, ()) for char in text]
    chars[-1] = Char(chars[-1].char, 0.5, tuple(alternatives.items()))
    return plate_of(tuple(chars), CORNERS)


@pytest.mark.parametrize(
    ("known", "read", "found"),
    [
        (["ab-12 3"], plate("AB123"), Known("0", "ab-12 3", 0, "exact")),
        (["Ü 1", "U2"], plate("U1"), Known("0", "Ü 1", 0, "exact")),
        # An exact one, whatever else is near.
        (["B0", "BO"], plate("B0", O=0.4), Known("0", "B0", 0, "exact")),
        (["BO1"], plate("801"), Known("0", "BO1", 2, "look-alike")),
        (["SG1Z"], plate("561Z"), Known("0", "SG1Z", 2, "look-alike")),
        # The nearest of several; of two as near none.
        (["B001", "BOO1"], plate("BO01"), None),
        (["BO01", "BOOI"], plate("B001"), Known("0", "BO01", 1, "look-alike")),
        (["AB7"], plate("AB1", **{"7": LIKELY}), Known("0", "AB7", 1, "alternative")),
        (["AB7"], plate("AB1", **{"7": LIKELY - 0.01}), None),
        (["AB7"], plate("AB?", **{"7": 0.3}), Known("0", "AB7", 1, "alternative")),
        (["AB7", "AB4"], plate("AB1", **{"7": 0.3, "4": 0.2}), None),
        (["AB7"], plate("?B1", **{"7": 0.3}), None),
        (["AB17"], plate("AB1", **{"7": 0.3}), None),
        ([], plate("AB1"), None),
    ],
)
def test_plates_are_recognised(known: list[str], read: Plate, found: Known | None) -> None:
    plates = KnownPlates((text, str(i)) for i, text in enumerate(known))
    assert len(plates) == len(known)
    assert plates.find(read) == found
    reading = plates.identify(Reading(9, 3, 1.0, (read, plate("NONE"))))
    assert [one.known for one in reading.plates] == [found, None]
    written = reading.to_dict()["plates"][0]["known"]
    assert written == (
        found and {"name": found.name, "plate": found.plate, "distance": found.distance, "why": found.why}
    )


def test_a_file_of_known_plates(tmp_path: Path) -> None:
    table = tmp_path / "known.csv"
    table.write_text("plate;name\nŠK-1;Żaneta\nSK1;Żaneta\nB2;\n", encoding="utf-8-sig")
    known = KnownPlates.read(table)
    assert len(known) == 2
    assert known.find(plate("SK1")) == Known("Żaneta", "ŠK-1", 0, "exact")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("plate\nA1\n", "line 1: no column name"),
        ("plate,name\nA1,x\n -,y\n", "line 3: the plate of y is missing"),
        ("plate,name\nA1,x\na-1,y\n", "line 3: the plate a-1 has two names, x and y"),
    ],
)
def test_mistakes_are_named_by_their_line(tmp_path: Path, content: str, says: str) -> None:
    table = tmp_path / "known.csv"
    table.write_text(content)
    with pytest.raises(DataError, match=f"known.csv {says}"):
        KnownPlates.read(table)
    with pytest.raises(DataError, match="cannot read"):
        KnownPlates.read(tmp_path / "missing.csv")


def test_to_find_one_takes_no_longer_among_many() -> None:
    def lookups(count: int) -> int:
        known = KnownPlates((f"A{i}", "") for i in range(count))
        return max(len(others) for others in known._by_look.values())

    assert lookups(10_000) == lookups(100)


def test_the_cars_of_a_video_are_named(tmp_path: Path) -> None:
    video, table = tmp_path / "v.avi", tmp_path / "known.csv"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 10, (96, 64))
    for _ in range(6):
        writer.write(np.full((64, 96, 3), 200, np.uint8))
    writer.release()
    table.write_text("plate,name\nAB 12,Ann\n")

    def read(picture: Image) -> Reading:
        chars = tuple(Char(char, 0.95, ()) for char in "AB12")
        return Reading(96, 64, 1.0, (plate_of(chars, ((20, 20), (60, 20), (60, 40), (20, 40))),))

    answers = of_video(str(video), read, PictureFolders().draw, print)
    (answer,) = map(_identification(table), answers)
    assert answer.reading is not None
    assert answer.track is not None
    values = to_values(answer.name, answer.reading, track=answer.track, video=True)
    expected: dict[str, Any] = {"name": "Ann", "plate": "AB 12", "distance": 0, "why": "exact"}
    assert values["plates"][0]["known"] == expected
    assert to_line("v.avi", answer.reading, answer.track) == "v.avi  AB12  0.95  0.0–0.5 s  Ann"
    assert KnownPlates.read(table).find(answer.track.plate) == Known(**expected)
