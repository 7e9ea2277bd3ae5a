"""What is behind cars."""

from __future__ import annotations

from plate_ocr.rendering.backgrounds import packaged_photographs


def test_packages_bring_photographs_of_no_plates() -> None:
    photographs = packaged_photographs()
    assert len(photographs) >= 5
    assert all(photograph.ndim == 2 and min(photograph.shape) > 100 for photograph in photographs)
