"""Fonts to render from."""

from __future__ import annotations

import shutil
from pathlib import Path

import PIL.ImageFont
import pytest

from plate_ocr.errors import DataError
from plate_ocr.rendering.fonts import bundled_fonts, load_fonts


@pytest.fixture(scope="module")
def fonts() -> list[PIL.ImageFont.FreeTypeFont]:
    return bundled_fonts()


def test_there_are_fonts_without_any_font_file(fonts: list[PIL.ImageFont.FreeTypeFont]) -> None:
    names = [font.getname() for font in fonts]
    assert len(names) == len(set(names)) >= 8


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
