"""How sure a character is that may be in no alphabet.

The plate network has a class for such characters, which it learnt from some thousand forms. A letter that it
has never seen is often most likely another one to it and, with a small probability, unknown. Of letters that
it knows it says so seldom.
"""

from __future__ import annotations

from dataclasses import replace

from plate_ocr.readers.results import ALTERNATIVES, Char, Plate, with_chars

UNKNOWN_PLACES, UNKNOWN_FACTOR = 0.3, 600
"""Share of places that are taken to have characters of no alphabet on their plates, and how many times as
common these are there as in training."""


def discount_unknown(plate: Plate, *, floor: float = 0.0, min_confidence: float = 0.0) -> Plate:
    """A plate whose characters are less sure where they may be unknown.

    Args:
        plate: what was read; once discounted it stays as it is.
        floor: no character falls below this confidence.
        min_confidence: what falls below it becomes unknown; nothing else changes the text.
    """
    if not any(char.unknown for char in plate.chars):
        return plate
    return with_chars(plate, tuple(_discounted(char, floor, min_confidence) for char in plate.chars))


def _discounted(char: Char, floor: float, min_confidence: float) -> Char:
    if not char.unknown or not char.confidence:
        return char
    factor = 1 - UNKNOWN_PLACES + UNKNOWN_PLACES / (1 + (UNKNOWN_FACTOR - 1) * char.unknown)
    confidence = max(factor * char.confidence, min(floor, char.confidence))
    scale = confidence / char.confidence
    others = tuple((other, share * scale) for other, share in char.alternatives)
    if char.char and confidence < min_confidence:
        others = ((char.char, confidence), *others)[:ALTERNATIVES]
        return replace(char, char=None, confidence=confidence, alternatives=others, unknown=0.0)
    return replace(char, confidence=confidence, alternatives=others, unknown=0.0)
