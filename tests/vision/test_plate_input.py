"""Pictures as the plate network takes them."""

from __future__ import annotations

import numpy as np
import pytest

from plate_ocr.vision.plate_input import preprocess_plate


@pytest.mark.parametrize("shape", [(2, 3), (20, 4000), (24, 94), (560, 760), (64, 256)])
def test_network_input_averages_what_shrinks(shape: tuple[int, int]) -> None:
    gray = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    picture = preprocess_plate(gray)
    assert picture.shape == (64, 256)
    assert abs(float(picture.mean()) - float(gray.mean())) < 25
    if shape == (64, 256):
        assert np.array_equal(picture, gray)
    if shape[1] > 700:
        assert picture.std() < gray.std() / 2
