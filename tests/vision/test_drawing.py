"""Pictures for people."""

from __future__ import annotations

import numpy as np
import pytest

from plate_ocr.vision.drawing import (
    GREEN,
    blank,
    contact_sheet,
    draw_text,
    enlarge,
    text_box,
    to_color,
    to_png,
)
from plate_ocr.vision.images import Image, read_image


def ink(canvas: Image) -> Image:
    return np.asarray((canvas != 255).any(2), np.uint8)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_png_bytes_hold_the_picture(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    picture = rng.integers(0, 256, shape).astype(np.uint8)
    np.testing.assert_array_equal(read_image(to_png(picture)), picture)


@pytest.mark.parametrize("chars", ["AB", "皖京", "กข"])
def test_text_of_any_script_is_drawn(chars: str) -> None:
    drawn = []
    for char in chars:
        canvas = blank(40, 40)
        draw_text(canvas, char, (8, 30), 24)
        drawn.append(ink(canvas))
    assert min(one.sum() for one in drawn) > 20
    # A font without the character would draw the same box for both.
    assert not np.array_equal(drawn[0], drawn[1])


def test_text_stands_on_its_base_line_at_its_place() -> None:
    canvas = blank(60, 120)
    draw_text(canvas, "H", (50, 40), 24, GREEN)
    rows, columns = np.nonzero(ink(canvas))
    assert rows.max() == pytest.approx(39, abs=1)
    assert columns.min() == pytest.approx(51, abs=3)
    assert any(np.array_equal(pixel, GREEN) for pixel in canvas.reshape(-1, 3))


@pytest.mark.parametrize("text", ["AB12", "1กข 1234", "กข"])
def test_text_lies_in_its_box(text: str) -> None:
    canvas = blank(100, 300)
    left, top, width, height = text_box(text, 30)
    draw_text(canvas, text, (20, 60), 30)
    rows, columns = np.nonzero(ink(canvas))
    assert 20 + left - 2 <= columns.min() <= columns.max() < 20 + left + width + 2
    assert 60 + top - 2 <= rows.min() <= rows.max() < 60 + top + height + 2
    assert np.ptp(columns) > 0.8 * width


def test_a_grey_picture_gets_three_equal_channels(rng: np.random.Generator) -> None:
    gray = rng.integers(0, 256, (4, 5)).astype(np.uint8)
    colour = to_color(gray)
    np.testing.assert_array_equal(colour, np.dstack([gray] * 3))
    copy = to_color(colour)
    copy[:] = 0
    assert colour.any()


def test_an_enlarged_picture_shows_its_pixels() -> None:
    picture = np.array([[0, 255], [255, 0]], np.uint8)
    np.testing.assert_array_equal(enlarge(picture, 6), np.kron(picture, np.ones((3, 3), np.uint8)))
    assert enlarge(np.zeros((50, 1), np.uint8), 10).shape == (10, 1)


def test_a_contact_sheet_shows_every_picture_with_its_caption() -> None:
    pictures = [np.full((10 + i, 8 + 3 * i), 40 * i, np.uint8) for i in range(5)]
    sheet = contact_sheet(pictures, [f"picture {i}" for i in range(5)], 2, height=30)
    without = contact_sheet(pictures, [""] * 5, 2, height=30)
    assert sheet.shape[2] == 3
    for i in range(1, 5):
        assert (without == 40 * i).all(2).sum() == 30 * enlarge(pictures[i], 30).shape[1]
    assert ink(sheet).sum() > ink(without).sum() + 5 * 20


def test_a_contact_sheet_needs_a_caption_for_every_picture() -> None:
    with pytest.raises(ValueError, match="argument"):
        contact_sheet([np.zeros((4, 4), np.uint8)] * 2, ["one"], 2)


@pytest.mark.parametrize(
    ("text", "first"),
    [("١س", "١"), ("١٢ب٣", "١٢"), ("서울74사", "서울"), ("1あ", "1"), ("1กข", "1"), ("กข1", "กข")],
)
def test_text_is_drawn_from_left_to_right_in_the_order_of_the_plate(text: str, first: str) -> None:
    whole, part = blank(60, 260), blank(60, 260)
    draw_text(whole, text, (10, 40), 32)
    draw_text(part, first, (10, 40), 32)
    ink = np.flatnonzero((part < 128).any((0, 2)))
    assert len(ink)
    np.testing.assert_array_equal(whole[:, : ink[-1]], part[:, : ink[-1]])
    assert (whole[:, ink[-1] + 1 :] < 128).any()
