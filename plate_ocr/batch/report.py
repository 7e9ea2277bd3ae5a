"""A page of HTML about the results of a batch, by DuckDB."""

from __future__ import annotations

import base64
import html
import os
from collections.abc import Iterable, Iterator
from typing import Any

import duckdb
import numpy as np
import pyarrow.dataset as ds
import pyarrow.fs

from plate_ocr.batch.manifest import Manifest
from plate_ocr.batch.schema import RESULTS
from plate_ocr.batch.storage import Folder, fetched, locate
from plate_ocr.errors import DataError, ImageError
from plate_ocr.files import is_url
from plate_ocr.readers.view import View
from plate_ocr.vision.drawing import to_png
from plate_ocr.vision.geometry import rectify
from plate_ocr.vision.images import read_image

MAX_SUSPICIOUS = 100
"""Plates that are shown, at most."""

PLATES = "(SELECT path, taken, unnest(plates) AS plate FROM results)"

TABLES = {
    "Pictures": """
        SELECT CASE WHEN error IS NOT NULL THEN 'not readable'
                    WHEN len(plates) = 0 THEN 'without a plate' ELSE 'with plates' END, count(*)
        FROM results GROUP BY 1 ORDER BY 1""",
    "Plates by region": f"""
        SELECT coalesce(plate.region, 'unknown'), count(*) FROM {PLATES} GROUP BY 1 ORDER BY 2 DESC, 1""",
    "Plates by hour": f"""
        SELECT coalesce(strftime(taken, '%H:00'), 'unknown'), count(*) FROM {PLATES} GROUP BY 1 ORDER BY 1""",
    "Plates by confidence": f"""
        SELECT format('{{:.1f}}–{{:.1f}}', low, low + 0.1), count(*)
        FROM (SELECT least(floor(plate.confidence * 10), 9) / 10 AS low FROM {PLATES})
        GROUP BY low ORDER BY low DESC""",
    "Errors": """
        SELECT replace(error, path, '…'), count(*) FROM results WHERE error IS NOT NULL
        GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20""",
}
"""A name and a count each."""

SUSPICIOUS = f"""
    SELECT path, plate.text, plate.confidence, plate.min_confidence, plate.corners FROM {PLATES}
    ORDER BY plate.min_confidence, path LIMIT {MAX_SUSPICIOUS}"""
"""The plates with the least sure characters."""

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px system-ui, sans-serif; margin: 2em; }}
table {{ border-collapse: collapse; margin-bottom: 1em; }}
td {{ border-bottom: 1px solid #ddd; padding: .3em 1em .3em 0; vertical-align: middle; }}
td:nth-child(2) {{ text-align: right; }}
td div {{ background: #48a; height: .8em; }}
.text {{ font: 20px monospace; text-align: left !important; }}
img {{ height: 48px; }}
</style>
<h1>{title}</h1>
{tables}
<h2>The least sure plates</h2>
<table>{rows}</table>
</html>
"""


def report_page(manifest: Manifest) -> bytes:
    """The page: counts by region, hour and confidence, and the least sure plates with their crops.

    Memory does not grow with the results. Crops are taken of the pictures, if they are still there.

    Raises:
        DataError: if there are no results.
    """
    results = _dataset(manifest.folder)
    with duckdb.connect() as connection:
        connection.register("results", results)
        tables = "".join(_table(name, connection.execute(query).fetchall()) for name, query in TABLES.items())
        suspicious = connection.execute(SUSPICIOUS).fetchall()
    rows = "\n".join(_rows(suspicious, manifest))
    title = f"Plates of {html.escape(manifest.source)}"
    return PAGE.format(title=title, tables=tables, rows=rows).encode(errors="xmlcharrefreplace")


def _dataset(folder: Folder) -> Any:
    system, path = locate(folder.path("results"))
    files = [f"{path}/{name}" for name in sorted(folder.names("results"))]
    if not files:
        raise DataError(f"{folder.name}: there are no results yet")
    return ds.dataset(
        files, schema=RESULTS, format="parquet", filesystem=pyarrow.fs.SubTreeFileSystem("", system)
    )


def _table(title: str, counts: list[tuple[str, int]]) -> str:
    most = max((count for _, count in counts), default=1)
    rows = "\n".join(
        f'<tr><td>{html.escape(name)}<td>{count:,}<td><div style="width: {300 * count / most:.0f}px"></div>'
        for name, count in counts
    )
    return f"<h2>{title}</h2>\n<table>{rows}</table>\n" if counts else ""


def _rows(plates: list[tuple[Any, ...]], manifest: Manifest) -> Iterator[str]:
    for (path, text, confidence, least, _), crop in zip(plates, _crops(plates, manifest), strict=True):
        shown = f'<img alt="" src="data:image/png;base64,{base64.b64encode(crop).decode()}">' if crop else ""
        yield (
            f'<tr><td>{shown}<td class="text">{html.escape(text)}<td>{confidence:.2f}<td>{least:.2f}'
            f"<td>{html.escape(path)}"
        )


def _crops(plates: Iterable[tuple[Any, ...]], manifest: Manifest) -> Iterator[bytes]:
    """PNG of each plate; empty where its picture is gone."""
    view = View(manifest.settings.rotate)
    plates = list(plates)
    names = (path if is_url(path) else os.path.join(manifest.working_folder, path) for path, *_ in plates)
    for content, (*_, corners) in zip(fetched(names), plates, strict=True):
        try:
            picture = view.rotated(read_image(content)) if isinstance(content, bytes) else None
        except ImageError:
            picture = None
        yield b"" if picture is None else to_png(rectify(picture, np.array(corners)).picture)
