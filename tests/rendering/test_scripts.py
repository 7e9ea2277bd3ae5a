"""Characters of other scripts than Latin and Chinese."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plate_ocr.alphabet import ARABIC, ARABIC_DIGITS, PERSIAN_DIGITS, SCRIPTS
from plate_ocr.region_files.native import SAUDI, native_text
from plate_ocr.rendering.glyphs import Glyphs
from plate_ocr.rendering.masks import HEIGHT
from plate_ocr.rendering.plates import PlateGenerator
from plate_ocr.rendering.scripts import N_STYLES

ROW = """
camera = { frame = 0 }
[words]
"@" = "BR"
[[plate]]
size = [300, 150]
colors = [["#ffffff", "#000000"]]
fonts = ["stroke-font"]
embossed = 0
[[plate.field]]
box = [10, 90, 290, 140]
patterns = ["#@"]
"""


@pytest.mark.data
def test_every_character_is_drawn_and_looks_like_no_other(data_folder: Path) -> None:
    glyphs = Glyphs(data_folder)
    for style in (0, N_STYLES // 2 + 1, N_STYLES - 1):
        drawn = [glyphs.glyph("din-1451", char, style, 0) for char in SCRIPTS]
        assert all(glyph is not None and np.ptp(glyph.astype(int)) > 200 for glyph in drawn)
        assert len({glyph.tobytes() for glyph in drawn if glyph is not None}) == len(SCRIPTS)


def test_arabic_letters_keep_their_sizes_and_persian_digits_are_those_of_iran() -> None:
    glyphs = Glyphs(None)

    def rows(char: str) -> int:
        glyph = glyphs.glyph("din-1451", char, 0, 0)
        assert glyph is not None
        assert glyph.shape[0] == HEIGHT
        return int((glyph > 127).any(1).sum())

    assert rows("د") < 0.7 * rows("ا")
    assert rows("٠") < 0.6 * rows("١")
    digits = {char: glyphs.glyph("din-1451", char, 0, 0) for char in PERSIAN_DIGITS + "٤٥٦"}
    assert len({None if glyph is None else glyph.tobytes() for glyph in digits.values()}) == 6
    assert glyphs.missing(ARABIC + ARABIC_DIGITS) == ""


def test_the_text_is_written_once_more_in_arabic_but_read_once(tmp_path: Path) -> None:
    ink = []
    for native in ("", "native = [10, 10, 290, 60]"):
        (tmp_path / "mine.toml").write_text(ROW + native, encoding="utf-8")
        generator = PlateGenerator(None, [tmp_path / "mine.toml"], not_plates=0)
        flats = [generator.draw_flat(np.random.default_rng(seed)) for seed in range(12)]
        assert all(set(flat.text) <= SAUDI.keys() and len(flat.text) == 2 for flat in flats)
        ink.append(np.median([(flat.gray[: flat.gray.shape[0] * 2 // 5] < 100).mean() for flat in flats]))
    assert ink[1] > ink[0] + 0.01


def test_the_other_line_of_a_saudi_plate() -> None:
    assert native_text("7354RXA", "sa") == "٧٣٥٤رصأ"
    assert native_text("7354RXA", "qa") is None
    assert native_text("7354RXA", None) is None
    assert native_text("٧٣٥٤رصأ", "sa") is None
    assert native_text("73?4RXA", "sa") is None
    assert native_text("", "sa") is None
