"""Characters of strokes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from plate_ocr.alphabet import DIGITS, LETTERS
from plate_ocr.rendering.families import FAMILIES, N_STYLES, font_style
from plate_ocr.rendering.glyphs import Glyphs
from plate_ocr.rendering.letterforms import letter_forms
from plate_ocr.rendering.strokes import draw_character


@pytest.mark.parametrize("family", FAMILIES)
def test_styles_keep_characters_apart(family: str) -> None:
    for number in range(0, N_STYLES, 5):
        style = font_style(family, number)
        drawn = {char: draw_character(char, style) for char in letter_forms(0.25, 0.47)}
        glyphs = {char: glyph for char, glyph in drawn.items() if glyph is not None}
        assert set(DIGITS + LETTERS) < glyphs.keys() == drawn.keys()
        assert {len(glyph) for glyph in glyphs.values()} == {64}
        for char, glyph in glyphs.items():
            # From edge to edge, and counters stay open: nothing but strokes is filled.
            assert min(glyph[:3].max(), glyph[-3:].max(), glyph[:, :2].max(), glyph[:, -2:].max()) > 127
            assert char in "1IЇ" or (glyph > 127).mean() < 0.82, (number, char)
        pictures = {glyph.tobytes() for char, glyph in glyphs.items() if char not in "IO"}
        assert len(pictures) == len(glyphs) - 2


@pytest.mark.parametrize("family", FAMILIES)
def test_styles_vary_and_do_not_change(family: str) -> None:
    glyphs = [draw_character("3", font_style(family, number)) for number in range(N_STYLES)]
    assert len({glyph.tobytes() for glyph in glyphs if glyph is not None}) > 0.9 * N_STYLES
    font_style.cache_clear()
    again = draw_character("3", font_style(family, 0))
    assert again is not None
    assert glyphs[0] is not None
    assert np.array_equal(again, glyphs[0])


def test_stroke_font_is_any_family() -> None:
    glyphs = Glyphs(None)
    own = [glyphs.glyph(family, "4", 0, 0) for family in FAMILIES]
    any_of = [glyphs.glyph("stroke-font", "4", style, 0) for style in range(len(FAMILIES))]
    for one, other in zip(own, any_of, strict=True):
        assert one is not None
        assert other is not None
        assert np.array_equal(one, other)


def test_families_name_forms_that_exist() -> None:
    forms = letter_forms(0.25, 0.47)
    for family in FAMILIES.values():
        for char, names in family.forms.items():
            assert set(names) <= set(forms[char]), char


def test_the_docs_list_every_family() -> None:
    text = (Path(__file__).parents[2] / "docs" / "rendering.md").read_text("utf-8")
    table = text.split("## Lettering")[1].split("## ")[0]
    assert {name for name in FAMILIES if not name.startswith("stroke-font")} == set(
        re.findall(r"^\| `(?!stroke-font)([\w-]+)` \|", table, re.MULTILINE)
    )


def test_a_stencil_has_bridges_and_others_have_not() -> None:
    for family, bridged in (("stencil", True), ("din-1451", False)):
        glyph = draw_character("0", font_style(family, 3))
        assert glyph is not None
        assert (glyph.max(0)[4:-4].min() < 50) == bridged


def test_a_zero_of_uzbekistan_has_a_slit_and_its_one_a_foot() -> None:
    style = font_style("uzbekistan", 0)
    zero, one = (draw_character(char, style) for char in "01")
    assert zero is not None
    assert one is not None
    # Along the top there is a gap; along the foot none.
    assert (zero[3, 4:-4] < 50).any()
    assert (one[-4, 4:-4] > 200).all()
