"""Which white pixels belong to one character."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from plate_ocr.vision.components import connected_components, isolate
from plate_ocr.vision.images import Image
from tests.conftest import draw_char

STACKS = arrays(
    np.uint8,
    st.tuples(st.integers(1, 4), st.integers(1, 8), st.integers(1, 8)),
    elements=st.sampled_from([0, 255]),
)


def kept(*pictures: Image, reach: float = 0.0) -> Image:
    """What is left of each picture: ``(N, H, W)``."""
    return isolate(connected_components(np.stack(pictures)), reach).binary


@given(STACKS)
def test_a_stacks_components_are_those_of_its_pictures_one_by_one(stack: Image) -> None:
    components = connected_components(stack)
    height = stack.shape[1]
    for i, picture in enumerate(stack):
        _, _, stats, centroids = cv2.connectedComponentsWithStats(picture, connectivity=8)
        mine = components.owner == i
        boxes = components.boxes[mine] - [0, i * (height + 1), 0, i * (height + 1)]
        wide_high = boxes[:, 2:] - boxes[:, :2]
        found = np.column_stack([boxes[:, :2], wide_high, components.area[mine], components.center[mine]])
        middle = (centroids[1:] + 0.5) / picture.shape[::-1] - 0.5
        expected = np.column_stack([stats[1:].astype(np.float64), middle])
        assert found.shape == expected.shape
        np.testing.assert_allclose(found[np.lexsort(found.T)], expected[np.lexsort(expected.T)], atol=1e-9)


@given(STACKS, st.floats(0, 4))
def test_isolating_only_takes_away_and_boxes_what_is_left(stack: Image, reach: float) -> None:
    _, height, width = stack.shape
    isolated = isolate(connected_components(stack), reach)
    assert isolated.binary.shape == stack.shape
    for i, (picture, left) in enumerate(zip(stack, isolated.binary, strict=True)):
        assert not (left & ~picture).any()
        assert isolated.found[i] == bool(picture.any())
        if isolated.found[i]:
            rows, columns = np.nonzero(left)
            expected = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        else:
            expected = (0, 0, width, height)
        np.testing.assert_array_equal(isolated.boxes[i], expected)


def test_pieces_of_neighbours_the_frame_and_specks_go() -> None:
    glyph = draw_char("5")
    loose = glyph.copy()
    loose[5:40, :3] = 255  # a stroke of the character to the left, cut off
    loose[3:40, -2:] = 255  # and of the one to the right
    loose[1, 1 + 16] = 255  # a speck above
    np.testing.assert_array_equal(kept(loose), glyph[None])


def test_pictures_of_a_stack_do_not_meet() -> None:
    five, empty, eight = draw_char("5"), np.zeros((48, 36), np.uint8), draw_char("8")
    full = np.full((48, 36), 255, np.uint8)
    pictures = [five, full, empty, eight]
    np.testing.assert_array_equal(kept(*pictures), pictures)


def test_parts_side_by_side_stay_within_reach() -> None:
    parts = np.zeros((40, 40), np.uint8)
    parts[6:34, 14:26] = 255  # the main part of 川, say
    parts[6:34, 8:11] = 255
    parts[6:34, 29:32] = 255
    only_main = parts.copy()
    only_main[:, :13] = only_main[:, 27:] = 0
    np.testing.assert_array_equal(kept(parts), only_main[None])
    np.testing.assert_array_equal(kept(parts, reach=8), parts[None])


def test_of_two_alike_the_one_above_the_middle_is_the_character_not_the_one_beside_it() -> None:
    both = np.zeros((40, 40), np.uint8)
    both[4:14, 15:25] = 255
    both[15:25, 29:39] = 255
    above = both.copy()
    above[:, 26:] = 0
    np.testing.assert_array_equal(kept(both), above[None])


def test_what_the_pictures_edge_cuts_off_beside_the_character_is_a_neighbours_even_within_reach() -> None:
    picture = np.zeros((40, 40), np.uint8)
    picture[6:34, 14:26] = 255
    picture[10:30, 8:10] = 255  # a part of the character
    whole = picture.copy()
    picture[10:30, 38:40] = 255  # as large, but cut off
    np.testing.assert_array_equal(kept(picture, reach=20), whole[None])


def test_parts_above_each_other_stay() -> None:
    parts = np.zeros((40, 20), np.uint8)
    parts[4:20, 4:16] = 255
    parts[24:36, 6:14] = 255
    np.testing.assert_array_equal(kept(parts), parts[None])


def test_each_picture_may_have_its_own_reach() -> None:
    parts = np.zeros((40, 40), np.uint8)
    parts[6:34, 14:26] = 255
    parts[6:34, 8:11] = 255
    isolated = isolate(connected_components(np.stack([parts, parts])), np.array([0.0, 8.0]))
    np.testing.assert_array_equal(isolated.boxes[:, 0], [14, 8])
