"""Characters of strokes."""

from __future__ import annotations

from plate_ocr.rendering.strokes import N_STYLES, draw_character, font_style


def test_styles_keep_characters_apart() -> None:
    for number in range(0, N_STYLES, 7):
        drawn = {c: draw_character(c, font_style(number), 64) for c in "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"}
        shares = {c: float((g > 127).mean()) for c, g in drawn.items() if g is not None}
        assert len(shares) == 34
        # Counters stay open: nothing but strokes is filled.
        assert all(share < 0.82 for c, share in shares.items() if c != "1"), number
        pictures = {g.tobytes() for g in drawn.values() if g is not None}
        assert len(pictures) == 34
