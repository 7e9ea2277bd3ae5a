"""Rendering characters from fonts."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import PIL.ImageFont
import pytest

from plate_ocr.alphabet import DIGITS, LETTERS, Alphabet
from plate_ocr.errors import DataError
from plate_ocr.rendering.characters import cut_tight, render_character, render_characters
from plate_ocr.rendering.fonts import bundled_fonts, load_fonts
from plate_ocr.training.characters.synthetic import render_dataset
from plate_ocr.vision.preprocessing import Preprocessing


@pytest.fixture(scope="module")
def fonts() -> list[PIL.ImageFont.FreeTypeFont]:
    return bundled_fonts()


def test_there_are_fonts_without_any_font_file(fonts: list[PIL.ImageFont.FreeTypeFont]) -> None:
    names = [font.getname() for font in fonts]
    assert len(names) == len(set(names)) >= 8


@pytest.mark.parametrize("char", DIGITS + LETTERS)
def test_every_bundled_font_draws_every_digit_and_letter(
    fonts: list[PIL.ImageFont.FreeTypeFont], char: str
) -> None:
    for font in fonts:
        picture = render_character(char, font)
        assert picture is not None
        assert picture.dtype == np.uint8
        assert picture.max() == 255
        margin = round(0.08 * (len(picture) / 1.16))
        assert margin >= 3
        edge = picture.copy()
        edge[margin:-margin, margin:-margin] = 0
        assert not edge.any()
        inside = picture[margin:-margin, margin:-margin]
        assert all(line.max() > 127 for line in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))


def test_a_one_is_narrower_than_an_eight(fonts: list[PIL.ImageFont.FreeTypeFont]) -> None:
    sans = [font for font in fonts if font.getname()[0] == "DejaVu Sans"]
    for font in sans:
        one, eight = render_character("I", font), render_character("8", font)
        assert one is not None
        assert eight is not None
        assert one.shape[1] / one.shape[0] < 0.75 * eight.shape[1] / eight.shape[0]


def test_tight_cutting_keeps_the_drawing_and_adds_a_margin() -> None:
    picture = np.zeros((90, 60), np.uint8)
    picture[20:70, 10:30] = 200
    tight = cut_tight(picture)
    assert tight is not None
    assert tight.shape == (50 + 2 * 4, 20 + 2 * 4)
    np.testing.assert_array_equal(tight[4:-4, 4:-4], np.full((50, 20), 200))
    assert cut_tight(np.zeros((5, 5), np.uint8)) is None


def test_what_a_font_lacks_is_left_out(fonts: list[PIL.ImageFont.FreeTypeFont]) -> None:
    pictures, labels = render_characters("0皖A ", fonts[:2])
    assert labels == ["0", "A", "0", "A"]
    assert len(pictures) == 4


def test_fonts_are_found_in_a_folder_by_name(fonts: list[PIL.ImageFont.FreeTypeFont], tmp_path: Path) -> None:
    bold, book = (
        next(f for f in fonts if f.getname() == ("DejaVu Sans", style)) for style in ("Bold", "Book")
    )
    shutil.copy(str(bold.path), tmp_path / "b.TTF")
    shutil.copy(str(book.path), tmp_path / "a.ttf")
    (tmp_path / "readme.txt").write_text("no font")
    assert [font.getname()[1] for font in load_fonts(tmp_path)] == ["Book", "Bold"]


def test_a_folder_without_fonts_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(DataError, match=r"no fonts in .*\.ttf, \.otf or \.ttc"):
            load_fonts(folder)


def test_a_broken_font_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    with pytest.raises(DataError, match=r"cannot use the font .*broken\.ttf"):
        load_fonts(tmp_path)


def test_a_rendered_data_set_has_every_character_of_every_font_in_versions(
    fonts: list[PIL.ImageFont.FreeTypeFont],
) -> None:
    data = render_dataset(Alphabet("3A7"), fonts[:3], Preprocessing(), versions=5, seed=0)
    assert len(data) == 3 * 3 * 5
    assert data.stack.gray.shape == (45, 36, 28)
    groups = np.unique(data.groups)
    assert len(groups) == 3
    for group in groups:
        labels = data.labels[data.groups == group]
        np.testing.assert_array_equal(np.bincount(labels), [5, 5, 5])
    assert all(name.startswith("3A7"[label]) for name, label in zip(data.names, data.labels, strict=True))
    assert len(np.unique(data.stack.gray.reshape(45, -1), axis=0)) == 45
    assert (data.stack.gray.reshape(45, -1).max(1) > 127).all()


def test_a_rendered_data_set_depends_on_its_seed_alone(fonts: list[PIL.ImageFont.FreeTypeFont]) -> None:
    one, same, other = (
        render_dataset(Alphabet("3A7"), fonts[:2], Preprocessing(), versions=2, seed=seed)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.stack.gray, same.stack.gray)
    assert not np.array_equal(one.stack.gray, other.stack.gray)
