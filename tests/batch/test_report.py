"""The page about a batch's results."""

from __future__ import annotations

import re
import shutil
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plate_ocr.batch.manifest import Manifest
from plate_ocr.batch.report import report_page
from plate_ocr.batch.schema import RESULTS
from plate_ocr.batch.storage import Folder
from plate_ocr.errors import DataError
from tests.app.conftest import Run
from tests.batch.conftest import CROPS
from tests.batch.test_batch import OPTIONS, here

__all__ = ["here"]


MORNING = datetime(2026, 1, 1, 8, 59)


def plate(text: str, confidence: float, region: str | None = None) -> dict[str, object]:
    corners = [[10.0, 5.0], [310.0, 5.0], [310.0, 75.0], [10.0, 75.0]]
    return {
        "text": text, "confidence": confidence, "min_confidence": confidence - 0.1, "region": region,
        "corners": corners,
    }  # fmt: skip


def table(page: str, title: str) -> dict[str, str]:
    part = page.partition(f"<h2>{title}</h2>")[2].partition("</table>")[0]
    return dict(re.findall(r"<tr><td>(.*?)<td>([\d,]+)<td>", part))


def test_counts_are_those_of_the_results(shots: Path, tmp_path: Path) -> None:
    names = [str(shots / "00.png"), str(shots / "<gone>.png"), str(shots / "05-text.png")]
    rows = [
        {"path": names[0], "plates": [plate("AB1", 0.97, "de"), plate("<b>", 0.31)], "taken": MORNING},
        {"path": names[0], "plates": [plate("AB2", 0.96, "de"), plate("X", 1.0, "br")], "taken": MORNING},
        {"path": names[1], "plates": [plate("Y", 0.9)]},
        {"path": names[1], "plates": []},
        {"path": names[2], "error": f"{names[2]}: not a picture", "plates": []},
    ]  # fmt: skip
    manifest = Manifest.write(Folder(str(tmp_path)), "shots & more", CROPS, names, 9)
    with pytest.raises(DataError, match="there are no results yet"):
        report_page(manifest)
    (tmp_path / "results").mkdir()
    for number, some in enumerate((rows[:2], rows[2:])):
        pq.write_table(
            pa.Table.from_pylist(some, RESULTS), tmp_path / "results" / f"part-{number:05}.parquet"
        )
    page = report_page(manifest).decode()
    assert table(page, "Pictures") == {"not readable": "1", "with plates": "3", "without a plate": "1"}
    assert table(page, "Plates by region") == {"de": "2", "unknown": "2", "br": "1"}
    assert table(page, "Plates by hour") == {"08:00": "4", "unknown": "1"}
    assert table(page, "Plates by confidence") == {"0.9–1.0": "4", "0.3–0.4": "1"}
    assert table(page, "Errors") == {"…: not a picture": "1"}
    assert "<b>" not in page
    assert "shots &amp; more" in page
    least = page.partition("least sure plates")[2]
    assert re.findall(r'class="text">(.*?)<td>', least) == ["&lt;b&gt;", "Y", "AB2", "AB1", "X"]
    # The picture of Y is gone.
    assert least.count("data:image/png") == 4


@pytest.mark.usefixtures("here")
def test_a_page_is_written_with_the_results_or_later(run: Run, shots: Path, tmp_path: Path) -> None:
    shutil.copytree(shots / "more", tmp_path / "more")
    arguments = ("batch", tmp_path / "more", "-o", tmp_path / "out", *OPTIONS)
    assert run(*arguments)[0] == 0
    assert run(*arguments, "--report", tmp_path / "report.html")[0] == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert table(page, "Pictures") == {"with plates": "5"}
    assert page.count("data:image/png") == 5
