"""What OpenALPR's ``alpr`` prints, as JSON and as text: for its clients and for ``plate-ocr alpr``."""

from __future__ import annotations

from collections.abc import Sequence
from time import time
from typing import Any

from plate_ocr.readers.results import Plate, Reading
from plate_ocr.server.doors.candidates import COUNT, Candidate, candidates, has_format

NOTHING = "No license plates found."


def alpr_results(reading: Reading, *, count: int = COUNT, patterns: Sequence[str] = ()) -> dict[str, Any]:
    """The object ``alpr_results``.

    Args:
        reading: what was read.
        count: candidates of each plate, at most.
        patterns: codes of regions; a text that has a format of one matches the template.
    """
    return {
        "version": 2,
        "data_type": "alpr_results",
        "epoch_time": round(1000 * time()),
        "img_width": reading.width,
        "img_height": reading.height,
        "processing_time_ms": round(reading.ms, 3),
        "regions_of_interest": [{"x": 0, "y": 0, "width": reading.width, "height": reading.height}],
        "results": [
            _result(plate, index, reading.ms / len(reading.plates), count, patterns)
            for index, plate in enumerate(reading.plates)
        ],
    }


def alpr_text(reading: Reading, *, count: int = COUNT, patterns: Sequence[str] = ()) -> str:
    """The same for people, one line a candidate."""
    lines = list[str]()
    for index, plate in enumerate(reading.plates):
        texts = candidates(plate, count)
        lines.append(f"plate{index}: {len(texts)} results")
        for text in texts:
            match = f"\t pattern_match: {_matches(text, patterns)}" if patterns else ""
            lines.append(f"    - {text.text}\t confidence: {_percent(text)}{match}")
    return "\n".join(lines or [NOTHING])


def _result(plate: Plate, index: int, ms: float, count: int, patterns: Sequence[str]) -> dict[str, Any]:
    texts = [
        {"plate": one.text, "confidence": _percent(one), "matches_template": _matches(one, patterns)}
        for one in candidates(plate, count)
    ]
    return {
        **texts[0],
        "plate_index": index,
        "region": "",
        "region_confidence": 0,
        "processing_time_ms": round(ms, 3),
        "requested_topn": count,
        "coordinates": [{"x": round(x), "y": round(y)} for x, y in plate.corners],
        "candidates": texts,
    }


def _matches(candidate: Candidate, patterns: Sequence[str]) -> int:
    return int(any(has_format(candidate.text, pattern) for pattern in patterns))


def _percent(candidate: Candidate) -> float:
    return round(100 * candidate.score, 4)
