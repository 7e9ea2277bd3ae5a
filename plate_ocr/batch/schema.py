"""The columns of a batch's Parquet files: one row per picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from plate_ocr.formats import PlateFormat
from plate_ocr.readers.results import Reading

VERSION = 1
"""Of the columns; a new one may be added without another version."""

METADATA_KEY = b"plate_ocr"
"""Of the JSON in the metadata of each file."""

MANIFEST = pa.schema([pa.field("path", pa.string(), nullable=False)])

_CHARACTER = pa.struct(
    [
        ("char", pa.string()),
        ("confidence", pa.float64()),
        ("alternatives", pa.list_(pa.struct([("char", pa.string()), ("confidence", pa.float64())]))),
        ("x0", pa.float64()),
        ("x1", pa.float64()),
    ]
)

_PLATE = pa.struct(
    [
        ("text", pa.string()),
        ("confidence", pa.float64()),
        ("min_confidence", pa.float64()),
        ("lines", pa.int32()),
        ("region", pa.string()),
        ("corners", pa.list_(pa.list_(pa.float64()))),
        ("touches_edge", pa.bool_()),
        ("groups", pa.list_(pa.string())),
        ("characters", pa.list_(_CHARACTER)),
        ("crop", pa.string()),
    ]
)

RESULTS = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        ("error", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("ms", pa.float64()),
        ("taken", pa.timestamp("s")),
        ("annotated", pa.string()),
        ("blurred", pa.string()),
        pa.field("plates", pa.list_(_PLATE), nullable=False),
    ]
)


def to_row(
    path: str,
    reading: Reading | None,
    error: str | None,
    formats: Mapping[str, Sequence[PlateFormat]],
) -> dict[str, Any]:
    """A row of :data:`RESULTS`.

    Args:
        path: the picture, as it is named in the manifest.
        reading: what was read; None after an error.
        error: one sentence.
        formats: of the regions that the plates may be of.
    """
    values: dict[str, Any] = reading.to_dict() if reading else {"plates": []}
    for plate in values["plates"]:
        plate["region"] = _region(plate["text"], formats)
        plate["characters"] = [
            {**char, "alternatives": [{"char": c, "confidence": p} for c, p in char["alternatives"]]}
            for char in plate["chars"]
        ]
    return {"path": path, "error": error, **values}


def _region(text: str, formats: Mapping[str, Sequence[PlateFormat]]) -> str | None:
    """The region with the likeliest format that a text has, the first of equals; None without any."""
    priors = {
        region: max((form.prior for form in forms if _fits(text, form)), default=-math.inf)
        for region, forms in formats.items()
    }
    best = max(priors, key=lambda region: priors[region], default=None)
    return None if best is None or priors[best] == -math.inf else best


def _fits(text: str, form: PlateFormat) -> bool:
    """Whether a plate of a format may have a text."""
    return form.shortest <= len(text) <= len(form.places) and all(
        char in place for char, place in zip(text, form.places, strict=False)
    )
