"""Sightings as files: CSV, JSON lines, and labelled crops for training."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from plate_ocr.label_files import CSV_COLUMNS
from plate_ocr.labels import LABELS
from plate_ocr.server.keeping import SightingStore
from plate_ocr.server.store.search import Query, export
from plate_ocr.server.store.sightings import Sighting

COLUMNS = (
    "id", "first_seen", "last_seen", "camera", "text", "read", "corrected", "confidence", "min_confidence",
    "region", "direction", "frames", "origin", "ignored", "note", "lists",
)  # fmt: skip


def to_csv(sightings: Iterable[Sighting]) -> Iterator[str]:
    """The lines of a CSV file; what a spreadsheet would take for a formula is text."""
    yield csv_line(COLUMNS)
    for sighting in sightings:
        values = sighting.to_dict()
        values["region"] = sighting.row.region
        values["lists"] = "; ".join(match.list for match in sighting.matches)
        yield csv_line([values[name] for name in COLUMNS])


def to_json_lines(sightings: Iterable[Sighting]) -> Iterator[str]:
    """The lines of a file with an object of each sighting."""
    for sighting in sightings:
        yield json.dumps(sighting.to_dict(), ensure_ascii=False) + "\n"


def labels_zip(store: SightingStore, query: Query) -> Iterator[bytes]:
    """The parts of a ZIP file of the crops of corrected sightings, with ``labels.csv``."""
    buffer, table = _Buffer(), io.StringIO()
    writer = csv.writer(table)
    writer.writerow([*CSV_COLUMNS, "region"])
    with zipfile.ZipFile(buffer, "w") as archive, store.database.read() as connection:
        for sighting in export(connection, replace(query, corrected=True), store.plates):
            if sighting.row.crop and (crop := store.pictures.read(sighting.row.crop)):
                name = f"{sighting.uuid}.jpg"
                archive.writestr(name, crop)
                country = (sighting.row.region or "").partition("-")[0]
                writer.writerow([name, sighting.text, country])
                yield buffer.take()
        archive.writestr(LABELS, table.getvalue())
    yield buffer.take()


class _Buffer(io.RawIOBase):
    """Holds what is written until it is taken."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._written += data
        return len(data)

    def take(self) -> bytes:
        """What was written since."""
        taken = bytes(self._written)
        self._written.clear()
        return taken


def csv_line(values: Iterable[Any]) -> str:
    """A line of a CSV file, in which nothing is a formula."""
    text = io.StringIO()
    csv.writer(text).writerow([_cell(value) for value in values])
    return text.getvalue()


def _cell(value: Any) -> Any:
    """A value that no spreadsheet calculates."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value
