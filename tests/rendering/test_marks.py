"""Letters with marks."""

from __future__ import annotations

import numpy as np
import pytest

from plate_ocr.alphabet import CYRILLIC, MARKED
from plate_ocr.rendering.glyphs import Glyphs
from plate_ocr.rendering.marks import plain_letters
from plate_ocr.rendering.masks import HEIGHT


@pytest.mark.parametrize("font", ["stroke-font", "font"])
def test_letters_with_marks_are_told_from_plain_ones_and_from_each_other(font: str) -> None:
    glyphs = Glyphs(None)
    assert plain_letters("Ж") == "Ж"
    masks = dict[str, bytes]()
    for char in (*MARKED, *CYRILLIC, *"AEOUSCZDN"):
        glyph = glyphs.glyph(font, char, 5, 0)
        assert glyph is not None
        assert glyph.shape[0] == HEIGHT
        assert np.ptp(glyph.astype(int)) > 200
        masks[char] = glyph.tobytes()
    assert len(set(masks.values())) == len(masks)
