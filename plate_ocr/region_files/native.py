"""What stands on plates that say the same in two scripts, beside their Latin line."""

from __future__ import annotations

from collections.abc import Mapping

from plate_ocr.alphabet import ARABIC_DIGITS, DIGITS

SAUDI: Mapping[str, str] = dict(
    zip(DIGITS + "ABJDRSXTEGKLZNHUV", ARABIC_DIGITS + "أبحدرسصطعقكلمنهوى", strict=True)
)
"""The Arabic digits and letters of Saudi plates by the Latin ones below them."""


def native_text(text: str, region: str | None) -> str | None:
    """The text of a plate's other line, from left to right; None if its region has no such line.

    Args:
        text: of the Latin line.
        region: its code.
    """
    if region != "sa" or not text or not set(text) <= SAUDI.keys():
        return None
    return "".join(map(SAUDI.__getitem__, text))
