"""Characters that are in no alphabet."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from plate_ocr.alphabet import PLATE_CHARACTERS, UNKNOWN, Alphabet
from plate_ocr.rendering.glyphs import HEIGHT, Glyphs
from plate_ocr.rendering.plates import PlateGenerator
from plate_ocr.rendering.unknown import IDEOGRAPHS, N_FORMS, SCRIPTS
from plate_ocr.text import normalize_text


def test_what_is_drawn_is_no_character_of_plates_and_of_no_script_that_is_held_out() -> None:
    drawn = [*SCRIPTS, *(char for char in IDEOGRAPHS if char not in PLATE_CHARACTERS)]
    assert not {normalize_text(char) for char in drawn} & set(PLATE_CHARACTERS)
    scripts = {unicodedata.name(char).split()[0] for char in drawn}
    assert not scripts & {"GREEK", "HEBREW", "DEVANAGARI", "ETHIOPIC"}


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
