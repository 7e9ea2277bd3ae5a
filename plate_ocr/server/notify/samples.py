"""An event to test a channel with."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from plate_ocr.server.store.times import to_iso


def sample_event() -> Mapping[str, Any]:
    """An event ``test`` of a made-up sighting, now; its ``id`` is that of none."""
    now = to_iso(time.time())
    text = "TEST123"
    sighting = {
        "id": "00000000-0000-0000-0000-000000000000",
        "text": text,
        "read": text,
        "corrected": False,
        "confidence": 0.99,
        "min_confidence": 0.98,
        "lines": 1,
        "corners": [[100, 100], [300, 100], [300, 150], [100, 150]],
        "touches_edge": False,
        "chars": [
            {"char": char, "confidence": 0.99, "alternatives": [], "x0": None, "x1": None} for char in text
        ],
        "groups": None,
        "known": None,
        "camera": "test",
        "first_seen": now,
        "last_seen": now,
        "best": now,
        "frames": 1,
        "width": 640,
        "height": 480,
        "region": None,
        "direction": None,
        "origin": "plate-ocr",
        "model": None,
        "ignored": False,
        "note": "",
        "matches": [],
        "crop": None,
        "scene": None,
    }
    return {"event": "test", "time": now, "sighting": sighting}
