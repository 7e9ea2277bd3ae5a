"""One part: the rows of ``predict --json``, whole or not at all, once."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from plate_ocr.batch import part, read_part, storage
from plate_ocr.batch.manifest import Manifest, Settings
from plate_ocr.batch.part import Counts
from plate_ocr.batch.schema import MANIFEST, RESULTS, to_row
from plate_ocr.batch.storage import Folder
from plate_ocr.errors import DataError, OutputError
from plate_ocr.readers.lazy import ready
from plate_ocr.readers.results import Char, PlateRegion, Reading, plate_of
from plate_ocr.vision.images import read_image
from tests.app.conftest import Run
from tests.batch.conftest import CROPS, as_json, rows_of, write_manifest
from tests.conftest import fill_disk

DOCS = Path(__file__).parents[2] / "docs" / "batch.md"


def read_all(manifest: Manifest) -> None:
    for number in range(manifest.parts):
        read_part(manifest.part(number))


def test_rows_are_the_objects_of_predict(run: Run, shots: Path, tmp_path: Path) -> None:
    _, out, _ = run("predict", "--json", "--input", "plate", shots)
    objects = [json.loads(line) for line in out.splitlines()]
    for one in objects:
        del one["ms"]
        for plate in one["plates"]:
            for key in ("known", "detection", "text_latin_digits", "text_native"):
                del plate[key]
            plate["region"] = plate["region"] and plate["region"]["code"]
    read_all(write_manifest(tmp_path, shots, 5))
    rows = rows_of(tmp_path)
    assert [as_json(row) for row in rows] == sorted(objects, key=lambda one: str(one["image"]))
    assert {bool(row["error"]) for row in rows} == {True, False}
    assert all((row["ms"] is None) == bool(row["error"]) for row in rows)


def test_when_a_picture_was_taken_is_told_where_it_says_so(shots: Path, tmp_path: Path) -> None:
    read_all(write_manifest(tmp_path, shots))
    taken = {Path(row["path"]).name: row["taken"] for row in rows_of(tmp_path) if row["taken"]}
    assert taken == {"taken.jpg": datetime(2026, 11, 26, 8, 15)}


def test_a_part_is_read_once(shots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = write_manifest(tmp_path, shots)
    result = Path(read_part(manifest.part(0)))
    before = result.stat().st_mtime_ns
    monkeypatch.setattr(part, "_read_manifest", lambda _: pytest.fail("it is read again"))
    assert Path(read_part(manifest.part(0))) == result
    assert result.stat().st_mtime_ns == before


def test_a_full_disk_leaves_no_results(shots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = write_manifest(tmp_path, shots)
    with monkeypatch.context() as context:
        fill_disk(context, ".parquet")
        with pytest.raises(OutputError, match="No space left"):
            read_part(manifest.part(0))
    assert not list((tmp_path / "results").iterdir())
    read_part(manifest.part(0))
    assert len(rows_of(tmp_path)) == len(pq.read_table(manifest.part(0)))


def test_relative_paths_are_found_from_everywhere(
    shots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shots)
    manifest = Manifest.write(Folder(str(tmp_path)), "more", CROPS, ["more/01.png", "gone.png"], 10)
    monkeypatch.chdir(tmp_path)
    read_all(manifest)
    gone, there = rows_of(tmp_path)
    assert (gone["path"], gone["error"]) == (
        "gone.png", "cannot read gone.png: No such file or directory"
    )  # fmt: skip
    assert (there["path"], there["error"], there["width"]) == ("more/01.png", None, 320)


def test_a_box_outside_of_a_picture_is_an_error_of_its_row(shots: Path, tmp_path: Path) -> None:
    settings = Settings("plates", "photo", roi=(5000, 5000, 9, 9))
    name = str(shots / "00.png")
    read_all(Manifest.write(Folder(str(tmp_path)), name, settings, [name], 10))
    (row,) = rows_of(tmp_path)
    assert row["error"].startswith(f"{name}: ")
    assert "outside" in row["error"]


def test_what_is_drawn_lies_beside_the_results(shots: Path, tmp_path: Path) -> None:
    settings = replace(CROPS, annotate=True, crops=True, blur=True)
    name = str(shots / "taken.jpg")
    read_all(Manifest.write(Folder(str(tmp_path)), name, settings, [name], 10))
    (row,) = rows_of(tmp_path)
    assert row["annotated"] == "annotated/00000/000000-taken.jpg"
    assert row["blurred"] == "blurred/00000/000000-taken.jpg"
    assert [plate["crop"] for plate in row["plates"]] == ["crops/00000/000000-taken.1.png"]
    whole, hidden = (read_image(tmp_path / row[key]) for key in ("annotated", "blurred"))
    assert whole.shape[:2] == hidden.shape[:2] == (row["height"], row["width"])
    assert read_image(tmp_path / row["plates"][0]["crop"]).size


def test_counts_are_in_the_file(shots: Path, tmp_path: Path) -> None:
    read_all(write_manifest(tmp_path, shots, 20))
    rows = rows_of(tmp_path)
    plates = sum(len(row["plates"]) for row in rows)
    files = (tmp_path / "results").iterdir()
    assert sum((Counts.of(str(file)) for file in files), Counts()) == Counts(13, 2, plates)
    with pytest.raises(DataError, match="is no results file of a batch"):
        Counts.of(write_manifest(tmp_path / "other", shots).part(0))


@pytest.mark.parametrize("content", [b"", b"no Parquet"])
def test_a_damaged_part_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest").mkdir()
    name = tmp_path / "manifest" / "part-00000.parquet"
    name.write_bytes(content)
    with pytest.raises(DataError, match="is no part of a batch's manifest"):
        read_part(str(name))


def test_a_part_of_a_newer_version_is_refused(
    shots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = write_manifest(tmp_path, shots)
    monkeypatch.setattr(part, "VERSION", 0)
    with pytest.raises(DataError, match="newer plate-ocr"):
        read_part(manifest.part(0))


def test_files_are_fetched_ahead_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()

    def fetch(name: str) -> bytes:
        asked.append(name)
        return name.encode()

    monkeypatch.setattr(storage, "_read", fetch)
    names = [str(i) for i in range(100)]
    found = storage.fetched(iter(names))
    assert next(found) == b"0"
    assert len(asked) <= storage.AHEAD
    assert [b"0", *found] == [name.encode() for name in names]


def columns(schema: Any) -> list[str]:
    return [field.name for field in schema]


def test_the_columns_are_documented() -> None:
    tables = re.findall(r"^\| `(\w+)` \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    plate = RESULTS.field("plates").type.value_type
    character = plate.field("characters").type.value_type
    assert tables == [*columns(RESULTS), *columns(plate), *columns(character)]
    assert columns(MANIFEST) == ["path"]


@pytest.mark.parametrize("region", [PlateRegion("cn-皖", 0.9, ()), None])
def test_a_row_has_the_code_of_a_region(region: PlateRegion | None) -> None:
    corners = ((0.0, 0.0), (9.0, 0.0), (9.0, 3.0), (0.0, 3.0))
    plate = replace(plate_of((Char("A", 0.9, ()),), corners), origin=ready(region))
    row = to_row("a.png", Reading(9, 3, 1.0, (plate,)), None)
    assert row["plates"][0]["region"] == (region and region.code)
