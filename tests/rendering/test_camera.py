"""The camera leaves text legible: large enough, and exposed right in uneven light."""

from __future__ import annotations

import numpy as np
import pytest

from plate_ocr.region_files.parser import load_region
from plate_ocr.region_files.schema import CaptureConfig
from plate_ocr.rendering import camera, view
from plate_ocr.rendering.flat_plate import draw_plate
from plate_ocr.rendering.glyphs import glyphs_of


@pytest.mark.parametrize(("name", "rows"), [("half as high as wide", 1), ("two lines", 2)])
def test_plates_are_legible_and_few_of_them_have_the_least_size(name: str, rows: int) -> None:
    region = load_region("any")
    layout = next(layout for layout in region.layouts if layout.name == name)
    views = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        plate = draw_plate(rng, layout, glyphs_of(None), 0.5, 0.0)
        views.append(view.choose_view(rng, plate, region.camera))
    heights = np.array([seen.text_height for seen in views])
    sizes = np.array([seen.text_size for seen in views])
    least = view.MIN_PIXELS * (1.4 if rows > 1 else 1.0)
    assert heights.min() > 0.9 * least
    assert (heights < 1.04 * least).mean() < 0.35
    # Narrow characters bear less blur than their height allows.
    assert (sizes <= heights).all()
    assert sizes.min() > 0.9 * min(least, view.MIN_ADVANCE / view.USUAL_ADVANCE)
    assert rows > 1 or (sizes < heights).any()


@pytest.mark.parametrize("seed", range(20))
def test_text_keeps_its_contrast_in_the_shadow_and_in_the_sun(seed: int) -> None:
    shadow, sun = np.tile([16, 60], 20), np.tile([60, 225], 20)
    picture = np.tile(np.concatenate([shadow, sun]), (30, 1)).astype(np.float32)
    developed, contrast = camera._develop(
        np.random.default_rng(seed), picture, CaptureConfig(), (40.0, 150.0), (16.0, 225.0)
    )
    clipped = np.clip(developed, 0, 255)
    lost = camera.MAX_CLIPPED * contrast + 1e-2
    for part in (slice(0, 40), slice(40, 80)):
        assert np.ptp(clipped[:, part]) >= np.ptp(developed[:, part]) - lost
    assert contrast >= camera.MIN_CONTRAST
