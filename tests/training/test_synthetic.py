"""Data sets of rendered characters."""

from __future__ import annotations

import numpy as np
import PIL.ImageFont
import pytest

from plate_ocr.alphabet import Alphabet
from plate_ocr.rendering.fonts import bundled_fonts
from plate_ocr.training.characters.synthetic import render_dataset
from plate_ocr.vision.settings import Preprocessing


@pytest.fixture(scope="module")
def fonts() -> list[PIL.ImageFont.FreeTypeFont]:
    return bundled_fonts()


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
