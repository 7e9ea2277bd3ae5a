"""Results as people and programs read them."""

from __future__ import annotations

import json
from typing import Any

from plate_ocr.reader import Plate, Reading


def to_json(name: str, reading: Reading | None, error: str | None = None) -> str:
    """One object a picture, on one line.

    Args:
        name: the path as it was given.
        reading: what was read; None after an error.
        error: one sentence.
    """
    values: dict[str, Any] = {
        "image": name,
        "width": reading.width if reading else None,
        "height": reading.height if reading else None,
        "ms": round(reading.ms, 2) if reading else None,
        "error": error,
        "plates": [_plate(plate) for plate in reading.plates] if reading else [],
    }
    return json.dumps(values, ensure_ascii=False)


def to_line(name: str, reading: Reading) -> str:
    """``PATH  TEXT  CONFIDENCE`` for people; a dash where nothing was found."""
    if not reading.plates:
        return f"{name}  -"
    return "\n".join(f"{name}  {plate.text}  {plate.confidence:.2f}" for plate in reading.plates)


def _plate(plate: Plate) -> dict[str, Any]:
    return {
        "text": plate.text,
        "confidence": round(plate.confidence, 4),
        "min_confidence": round(plate.min_confidence, 4),
        "lines": plate.lines,
        "corners": [[round(x, 1), round(y, 1)] for x, y in plate.corners],
        "chars": [
            {
                "char": char.char,
                "confidence": round(char.confidence, 4),
                "alternatives": [[other, round(share, 4)] for other, share in char.alternatives],
            }
            for char in plate.chars
        ],
    }
