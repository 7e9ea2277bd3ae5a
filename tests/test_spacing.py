"""Where characters stand, and the groups that they make, on drawn lines."""

from __future__ import annotations

import gc
import pickle
import weakref
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plate_ocr import PlateReader
from plate_ocr.model.sessions import PlateModel
from plate_ocr.readers import extents
from plate_ocr.readers.plates import NetworkReader
from plate_ocr.readers.spacing import cut_lines, find_group_starts, locate_chars
from plate_ocr.rendering.plates import PlateGenerator
from plate_ocr.vision.images import Image, read_image, to_gray

WIDE, HIGH = 30, 50


def draw(written: str, *, touching: bool = False, small: str = "") -> tuple[Image, list[tuple[int, int]]]:
    """A line of blocks, dark on bright; ``-`` and spaces make groups."""
    line: Image = np.full((HIGH, 12 * WIDE), 220, np.uint8)
    x, ends = 2, list[tuple[int, int]]()
    for char in written:
        if char == "-":
            line[HIGH // 2 - 3 : HIGH // 2 + 3, x + 2 : x + 12] = 30
        elif char != " ":
            line[2:-2, x : x + 20] = 30
            line[7:-7, x + 4 : x + 16] = 220
            if char in small:
                line[:14, x : x + 20] = 220
            ends.append((x, x + 20))
        x += 18 if char in " -" else 20 if touching else 28
    return line[:, : ends[-1][1] + 2], ends


@pytest.mark.parametrize(
    ("written", "starts"),
    [("ABCDEF", []), ("AB CDEF", [2]), ("AB-CDE F", [2, 5]), ("A BCDE", [1]), ("AB", []), ("A", [])],
)
def test_spaces_and_hyphens_begin_groups(written: str, starts: list[int]) -> None:
    line, ends = draw(written)
    centers = np.array(ends).mean(1) / line.shape[1]
    text = "".join(char for char in written if char.isalpha())
    for picture in (line, 255 - line):
        assert find_group_starts(picture, text, centers) == starts


def test_what_touches_or_disagrees_is_not_told() -> None:
    line, ends = draw("ABCDEF", touching=True)
    assert find_group_starts(line, "ABCDEF", np.array(ends).mean(1) / line.shape[1]) is None
    # Where the network's distances tell of a gap and the ink of none.
    line, ends = draw("ABCDEF")
    centers = np.array(ends).mean(1) + np.array([0, 0, -7, 7, 0, 0])
    assert find_group_starts(line, "ABCDEF", centers / line.shape[1]) is None
    assert find_group_starts(line, "ABCDEF", centers[::-1] / line.shape[1]) is None
    # A smaller one may be of another group, although no gap is there.
    line, ends = draw("ABCDEF", small="A")
    assert find_group_starts(line, "ABCDEF", np.array(ends).mean(1) / line.shape[1]) is None
    assert find_group_starts(np.full((9, 99), 7, np.uint8), "AB", np.array([0.2, 0.8])) is None


@pytest.mark.parametrize("lines", [1, 2])
def test_places_lie_along_the_plate(lines: int) -> None:
    top, ends = draw("AB CDE")
    picture = np.full((40 + HIGH * lines, top.shape[1] + 100), 220, np.uint8)
    rows = []
    for i in range(lines):
        picture[20 + HIGH * i : 20 + HIGH * (i + 1), 60 : 60 + top.shape[1]] = top
        centers = (np.array(ends).mean(1) / top.shape[1]) * 0.9 + 0.05
        rows.append(("ABCDE", centers))
    width, bottom = top.shape[1], 20 + HIGH * lines
    text = [[60, 20], [60 + width, 20], [60 + width, bottom], [60, bottom]]
    plate = [[40, 5], [80 + width, 5], [80 + width, bottom + 15], [40, bottom + 15]]
    found, starts = locate_chars(cut_lines(picture, text, plate, lines), rows)
    assert starts == ([2] if lines == 1 else [2, 5, 7])
    expected = [((x0 + 20) / (width + 40), (x1 + 20) / (width + 40)) for x0, x1 in ends * lines]
    np.testing.assert_allclose(found, expected, atol=0.01)


@pytest.mark.parametrize("region", ["eu", "us", "gb", "tr", "vn"])
def test_groups_of_rendered_plates_are_right_or_not_told(region: str, shipped_plates: Path) -> None:
    generator = PlateGenerator(None, [region], not_plates=0)
    reader = NetworkReader(PlateModel(shipped_plates, threads=1))
    drawn = [generator(11, i) for i in range(60)]
    found = Counter[str]()
    for plate, read in zip(drawn, reader.read([plate.image for plate in drawn]), strict=True):
        if read and read[0].text == plate.text:
            groups = read[0].groups
            found["none" if groups is None else "right" if groups == plate.groups else "wrong"] += 1
    assert found["right"] >= 0.5 * found.total()
    assert found["wrong"] <= 0.06 * found.total()


def test_both_readers_give_places_and_groups(shipped_plates: Path) -> None:
    for reader in (PlateReader(input="plate"), PlateReader("chars")):
        (plate,) = reader("data/plate.png").plates
        assert plate.groups == (plate.text[:2], plate.text[2:])
        ends = [(char.x0, char.x1) for char in plate.chars]
        assert all(a is not None and b is not None and 0 <= a < b <= 1 for a, b in ends)
        assert ends == sorted(ends)
    (digit,) = PlateReader("digits", input="char")("data/7.png").plates
    assert (digit.groups, digit.chars[0].x0, digit.chars[0].x1) == (("7",), 0, 1)


def test_places_are_located_when_somebody_asks(shipped_plates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = list[int]()

    def counted(*given: Any) -> Any:
        calls.append(1)
        return locate_chars(*given)

    monkeypatch.setattr(extents, "locate_chars", counted)
    reader = PlateReader(shipped_plates, input="plate", threads=1)
    picture = to_gray(read_image("data/plate.png"))
    kept = weakref.ref(picture)
    plate = reader(picture).plates[0].placed((5, 5), (900, 900))
    del picture
    gc.collect()
    assert (calls, kept()) == ([], None)
    assert plate.groups is not None
    assert all(char.x0 is not None for char in plate.chars)
    assert calls == [1]
    assert pickle.loads(pickle.dumps(plate)) == plate
