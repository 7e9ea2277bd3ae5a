"""The columns of a batch's Parquet files: one row per picture."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

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


def to_row(path: str, reading: Reading | None, error: str | None) -> dict[str, Any]:
    """A row of :data:`RESULTS`.

    Args:
        path: the picture, as it is named in the manifest.
        reading: what was read; None after an error.
        error: one sentence.
    """
    values: dict[str, Any] = reading.to_dict() if reading else {"plates": []}
    for plate in values["plates"]:
        plate["region"] = plate["region"] and plate["region"]["code"]
        plate["characters"] = [
            {**char, "alternatives": [{"char": c, "confidence": p} for c, p in char["alternatives"]]}
            for char in plate["chars"]
        ]
    return {"path": path, "error": error, **values}
