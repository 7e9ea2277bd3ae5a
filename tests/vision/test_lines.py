"""Straightening a plate, proposing cuts, choosing among them."""

from __future__ import annotations

from itertools import combinations, pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from plate_ocr.vision.images import Image
from plate_ocr.vision.lines import LINE_HEIGHT, MARGIN, Segments, best_path, propose_segments, straighten
from tests.conftest import draw_plate

HEIGHT = LINE_HEIGHT + 2 * MARGIN


def sheared(plate: Image, slope: float, slant: float = 0.0) -> tuple[Image, NDArray[np.float64]]:
    """A plate seen from the side, and the map of its pixels."""
    height, width = plate.shape
    room = round(abs(slope) * width / 2) + 4
    matrix = np.array([[1, slant, -slant * height / 2], [slope, 1, room - slope * width / 2]])
    ground = int(plate[0, 0])
    seen = cv2.warpAffine(plate, matrix, (width, height + 2 * room), borderValue=ground)
    return np.asarray(seen, np.uint8), matrix


def in_plate(matrix: NDArray[np.float64], x: float, y: float) -> NDArray[np.float64]:
    return np.asarray(matrix @ [x, y, 1])


@pytest.mark.parametrize("slope", [-0.2, -0.1, 0.0, 0.1, 0.2])
@pytest.mark.parametrize("dark", [True, False])
def test_a_sloping_line_becomes_level(slope: float, dark: bool) -> None:
    plate = draw_plate("AB12C45", glyph=30 if dark else 230, ground=230 if dark else 30)
    seen, to_seen = sheared(plate, slope)
    line = straighten(seen)[0]
    assert line.inverted is dark
    assert line.gray.shape == line.binary.shape == (HEIGHT, line.gray.shape[1])
    assert line.gray.shape[0] == HEIGHT
    # Characters reach from y = 24 to y = 62 on the upright plate; at both ends they do so in the line too.
    for x in (40.0, 280.0):
        for y, expected in ((24, MARGIN), (62, MARGIN + LINE_HEIGHT)):
            back = np.linalg.inv(np.vstack([line.to_plate, [0, 0, 1]]))
            found = (back @ [*in_plate(to_seen, x, y), 1])[1]
            assert found == pytest.approx(expected, abs=5)


@pytest.mark.parametrize("dark", [True, False])
def test_the_straightened_line_is_white_where_the_glyphs_are(dark: bool) -> None:
    plate = draw_plate("20475", glyph=30 if dark else 230, ground=230 if dark else 30)
    line = straighten(plate)[0]
    size = (line.binary.shape[1], line.binary.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    mask = cv2.warpAffine(draw_plate("20475", glyph=255, ground=0), line.to_plate, size, flags=flags) > 127
    white = line.binary > 0
    assert (mask & white).sum() > 0.9 * mask.sum()
    assert (mask & white).sum() > 0.75 * white.sum()
    assert line.gray[mask].mean() > line.gray[~mask].mean() + 60


def test_slanted_characters_become_upright() -> None:
    upright = straighten(draw_plate("11111"))[0]
    slanted = straighten(sheared(draw_plate("11111"), 0.0, 0.25)[0])[0]
    for line in (upright, slanted):
        columns = (line.binary[MARGIN + 8 : -MARGIN - 8] > 0).mean(0)
        assert (columns > 0.95).sum() >= 10


@pytest.mark.parametrize("value", [0, 128, 255])
@pytest.mark.parametrize("shape", [(40, 160), (1, 1), (3, 500), (500, 3)])
def test_a_picture_without_contrast_has_no_line(value: int, shape: tuple[int, int]) -> None:
    assert straighten(np.full(shape, value, np.uint8)) == []


@pytest.mark.parametrize("shape", [(1, 7), (7, 1), (2, 900), (900, 2), (300, 400)])
def test_pictures_of_any_shape_are_borne(shape: tuple[int, int], rng: np.random.Generator) -> None:
    for line in straighten(rng.integers(0, 256, shape).astype(np.uint8)):
        segments = propose_segments(line.binary)
        assert len(segments.cut(line.gray)) == len(segments.first)


def blocks(*columns: tuple[int, int], width: int = 120) -> Image:
    """A line with full-height characters between the given columns."""
    binary = np.zeros((HEIGHT, width), np.uint8)
    for left, right in columns:
        binary[MARGIN:-MARGIN, left:right] = 255
    return binary


def spans(segments: Segments) -> set[tuple[int, int]]:
    return {
        (int(segments.cuts[i]), int(segments.cuts[j]))
        for i, j in zip(segments.first, segments.last, strict=True)
    }


def test_every_separate_character_is_a_piece() -> None:
    characters = [(10, 30), (36, 42), (50, 75), (80, 110)]
    assert set(characters) <= spans(propose_segments(blocks(*characters)))


def test_touching_characters_are_cut_where_the_ink_is_least() -> None:
    binary = blocks((10, 32), (34, 58))
    binary[MARGIN + 18 : MARGIN + 22, 32:34] = 255
    found = spans(propose_segments(binary))
    assert any(abs(left - 10) <= 1 and abs(right - 33) <= 2 for left, right in found)
    assert any(abs(left - 33) <= 2 and abs(right - 58) <= 1 for left, right in found)


def test_dots_and_the_frames_sides_are_no_pieces() -> None:
    binary = blocks((10, 30), (60, 80))
    binary[HEIGHT // 2 - 3 : HEIGHT // 2 + 3, 42:48] = 255  # a dot
    binary[:, 110:115] = 255  # the frame goes on above and below
    found = spans(propose_segments(binary))
    assert {(10, 30), (60, 80)} <= found
    assert (42, 48) not in found
    assert (110, 115) not in found


def test_pieces_are_as_wide_as_characters_can_be() -> None:
    for left, right in spans(propose_segments(blocks((0, 1), (5, 7), (10, 60), (62, 119)))):
        assert 0.08 * LINE_HEIGHT <= right - left <= 0.95 * LINE_HEIGHT


@pytest.mark.parametrize("columns", [[], [(0, 120)]], ids=["empty", "full"])
def test_a_line_without_characters_has_no_pieces(columns: list[tuple[int, int]]) -> None:
    assert spans(propose_segments(blocks(*columns))) == set()


def test_pieces_are_cut_from_the_picture_between_their_columns() -> None:
    gray = np.arange(120, dtype=np.uint8)[None].repeat(HEIGHT, 0)
    segments = propose_segments(blocks((10, 30), (50, 75)))
    for piece, i, j in zip(segments.cut(gray), segments.first, segments.last, strict=True):
        np.testing.assert_array_equal(piece[0], np.arange(segments.cuts[i], segments.cuts[j]))
        assert LINE_HEIGHT <= len(piece) < HEIGHT


def line_of(cuts: list[int], pieces: list[tuple[int, int]], skip: list[float]) -> Segments:
    """A line by hand: pieces as pairs of cuts, in order of their first cut."""
    first, last = np.array(pieces, np.int64).reshape(-1, 2).T
    return Segments(np.array(cuts, np.int64), first, last, np.array(skip))


HAND_MADE = line_of(
    # Two characters of 20 columns; the second may be cut in two narrow halves; a gap with a dot between them.
    [0, 20, 26, 36, 46],
    [(0, 1), (2, 3), (2, 4), (3, 4)],
    [0.0, 1.0, 1.02, 1.5, 2.0],
)


def test_the_likeliest_path_through_a_line() -> None:
    rewards = np.log([[0.9, 0.3, 0.8, 0.3]] * 4)
    chosen, value = best_path(HAND_MADE, rewards, clutter=5)
    assert chosen == [0, 2]
    assert value == pytest.approx(np.log(0.9) + np.log(0.8) - 5 * 0.02)


def test_halves_are_taken_where_they_are_likelier_than_the_whole() -> None:
    rewards = np.log([[0.9, 0.95, 0.01, 0.9]] * 4)
    assert best_path(HAND_MADE, rewards)[0] == [0, 1, 3]


def test_what_may_stand_at_a_place_decides() -> None:
    rewards = np.log(np.full((3, 4), 0.9))
    assert best_path(HAND_MADE, rewards)[0] == [0, 2]
    rewards[1, 2] = np.log(1e-6)
    assert best_path(HAND_MADE, rewards)[0] == [0, 1, 3]


def test_unexplained_ink_costs_less_at_the_ends() -> None:
    # A doubtful first piece is left as clutter only where clutter before the first character is cheap.
    rewards = np.log([[0.05, 0.2, 0.9, 0.2]] * 4)
    assert best_path(HAND_MADE, rewards, clutter=5, ends=1)[0] == [0, 2]
    assert best_path(HAND_MADE, rewards, clutter=5, ends=0.1)[0] == [2]


def test_a_text_has_its_least_length_or_is_not_read() -> None:
    rewards = np.log(np.full((5, 4), 0.5))
    assert best_path(HAND_MADE, rewards, 3)[0] == [0, 1, 3]
    assert best_path(HAND_MADE, rewards, 4) == ([], -np.inf)
    assert best_path(line_of([0, 9], [], [0.0, 0.0]), np.empty((3, 0))) == ([], -np.inf)


@st.composite
def lines(draw: st.DrawFn) -> tuple[Segments, NDArray[np.float64], int]:
    """A line with up to six cuts, any of the pieces between them, and rewards."""
    count = draw(st.integers(2, 6))
    pairs = list(combinations(range(count), 2))
    pieces = sorted(draw(st.sets(st.sampled_from(pairs), min_size=1)))
    ink = draw(st.lists(st.floats(0, 2), min_size=count - 1, max_size=count - 1))
    places = draw(st.integers(1, 4))
    reward = st.floats(-14, 0)
    rewards = [draw(st.lists(reward, min_size=len(pieces), max_size=len(pieces))) for _ in range(places)]
    segments = line_of([10 * i for i in range(count)], pieces, [0.0, *np.cumsum(ink).tolist()])
    return segments, np.array(rewards), draw(st.integers(1, 3))


@given(lines(), st.sampled_from([0.0, 1.0, 5.0]), st.sampled_from([0.3, 1.0]))
def test_no_other_choice_of_pieces_is_worth_more(
    case: tuple[Segments, NDArray[np.float64], int], clutter: float, ends: float
) -> None:
    segments, rewards, shortest = case

    def worth(chosen: tuple[int, ...]) -> float:
        """The definition: rewards, less the ink before, between and after the pieces."""
        before = segments.skip[segments.first[chosen[0]]]
        after = segments.skip[-1] - segments.skip[segments.last[chosen[-1]]]
        between = sum(
            segments.skip[segments.first[b]] - segments.skip[segments.last[a]] for a, b in pairwise(chosen)
        )
        gained = sum(rewards[place, piece] for place, piece in enumerate(chosen))
        return float(gained - clutter * (ends * (before + after) + between))

    every = range(len(segments.first))
    possible = [
        chosen
        for size in range(shortest, len(rewards) + 1)
        for chosen in combinations(every, size)
        if all(segments.last[a] <= segments.first[b] for a, b in pairwise(chosen))
    ]
    chosen, value = best_path(segments, rewards, shortest, clutter=clutter, ends=ends)
    if not possible:
        assert (chosen, value) == ([], -np.inf)
    else:
        assert value == pytest.approx(max(worth(other) for other in possible))
        assert worth(tuple(chosen)) == pytest.approx(value)
