"""Characters that are in no alphabet."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from pathlib import Path

import cv2
import numpy as np
import PIL.ImageFont
import pytest
from numpy.typing import NDArray

from benchmarks.unknown import SCRIPTS
from plate_ocr.alphabet import DIGITS, LETTERS, PLATE_CHARACTERS, UNKNOWN, Alphabet
from plate_ocr.rendering.families import FAMILIES, N_STYLES, font_style
from plate_ocr.rendering.fonts import FOLDER, draw_text_mask, has_glyph
from plate_ocr.rendering.glyphs import Glyphs
from plate_ocr.rendering.masks import HEIGHT
from plate_ocr.rendering.plates import PlateGenerator
from plate_ocr.rendering.pseudo_letters import CODES, PSEUDO_LETTERS
from plate_ocr.rendering.strokes import draw_character, draw_form
from plate_ocr.rendering.unknown import FOREIGN, IDEOGRAPHS, N_FORMS, stroke_width, usual_width
from plate_ocr.text import normalize_text
from plate_ocr.vision.images import Image

MAX_ALIKE = 0.85
"""Maximum correlation of an altered letter with a letter of a script, or of plates in the same style."""


def test_what_is_drawn_is_no_character_of_plates_and_of_no_script_that_is_held_out() -> None:
    drawn = [*FOREIGN, *(char for char in IDEOGRAPHS if char not in PLATE_CHARACTERS)]
    assert not {normalize_text(char) for char in drawn} & set(PLATE_CHARACTERS)
    scripts = {unicodedata.name(char).split()[0] for char in drawn}
    assert not scripts & {"GREEK", "HEBREW", "DEVANAGARI", "ETHIOPIC"}


def test_no_altered_letter_looks_like_one_of_a_script_that_is_held_out() -> None:
    faces = [
        PIL.ImageFont.truetype(str(FOLDER / name), HEIGHT)
        for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
    ]
    chars = [char for char in "".join(SCRIPTS.values()) if all(has_glyph(face, char) for face in faces)]
    assert len(chars) > 20
    letters = [draw_text_mask(char, face) for face in faces for char in chars]
    known = np.stack([_small(letter) for letter in letters if letter is not None])
    for i, form in enumerate(PSEUDO_LETTERS):
        drawn = draw_form(form, font_style("stroke-font-medium", 3), i)
        assert float((known @ _small(drawn)).max()) < MAX_ALIKE, i


@pytest.mark.parametrize(
    ("family", "number"), [("stroke-font-medium", 11), ("fe-schrift", 3), ("din-1451", 3)]
)
def test_no_altered_letter_looks_like_one_of_plates_in_the_same_style(family: str, number: int) -> None:
    style = font_style(family, number)
    letters = [draw_character(char, style) for char in LETTERS + DIGITS]
    known = np.stack([_small(letter) for letter in letters if letter is not None])
    assert len(known) == len(letters)
    for i, form in enumerate(PSEUDO_LETTERS):
        assert float((known @ _small(draw_form(form, style, 0))).max()) < MAX_ALIKE, i


def test_codes_of_altered_letters_are_well_formed_and_distinct() -> None:
    # A stroke has two points or more.
    assert not [code for code in CODES if not re.fullmatch(r"\d\d( ([0-6][0-8]'?){2,})+", code)]
    assert len({frozenset(code.split()[1:]) for code in CODES}) == len(CODES)


def _small(mask: Image) -> NDArray[np.float64]:
    """A small blurred picture with mean 0 and norm 1."""
    small = cv2.resize(mask, (24, 32), interpolation=cv2.INTER_AREA).astype(np.float64)
    flat = cv2.GaussianBlur(np.pad(small, 3), (0, 0), 1.6).ravel()
    flat -= flat.mean()
    return np.asarray(flat / np.linalg.norm(flat), np.float64)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_width_of_strokes_is_measured(family: str) -> None:
    for number in range(0, N_STYLES, 5):
        style = dataclasses.replace(font_style(family, number), bridge=0.0)
        letter = draw_character("H", style)
        assert letter is not None
        assert stroke_width(letter) == pytest.approx(HEIGHT * style.stroke, abs=2)


@pytest.mark.parametrize("font", ["fe-schrift", "ga36", "font", "indonesia"])
def test_most_have_strokes_as_wide_as_the_plates(font: str) -> None:
    glyphs = Glyphs(None)
    widths = [usual_width(glyphs.unknown(number, font, 7)) for number in range(0, N_FORMS, 9)]
    letter = glyphs.glyph(font, "H", 7, 0)
    assert letter is not None
    near = [abs(width - usual_width(letter)) <= 2 for width in widths]
    assert sum(near) > 0.65 * len(near)


@pytest.mark.parametrize("data", [None, pytest.param("data", marks=pytest.mark.data)])
def test_every_form_is_drawn(data: str | None, request: pytest.FixtureRequest) -> None:
    folder: Path | None = request.getfixturevalue("data_folder") if data else None
    glyphs = Glyphs(folder)
    forms = [glyphs.unknown(number) for number in range(N_FORMS)]
    assert {form.shape[0] for form in forms} == {HEIGHT}
    assert all(np.ptp(form.astype(int)) > 200 for form in forms)
    assert len({form.tobytes() for form in forms}) > 0.9 * N_FORMS


def test_they_are_unknown_in_both_lines_of_a_plate_in_two_scripts() -> None:
    generator = PlateGenerator(None, ["sa"], not_plates=0, unknown=0.5)
    assert any("?" in generator(0, i).text for i in range(60))


def test_they_are_unknown_in_the_texts_of_plates() -> None:
    generator = PlateGenerator(None, ["us"], not_plates=0, unknown=0.5)
    texts = [generator(0, i).text for i in range(60)]
    assert 15 < sum(UNKNOWN in text for text in texts) < 45
    assert len(Alphabet(PLATE_CHARACTERS, unknown=True).encode("".join(texts)))
    plain = PlateGenerator(None, ["us"], not_plates=0)
    assert not any(UNKNOWN in plain(0, i).text for i in range(60))
