"""Tables of results: what is text stays text, in a CSV file and in a sheet."""

from __future__ import annotations

import csv
import dataclasses
import errno
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from plate_ocr.app.output import CSV_COLUMNS, to_rows, to_values, write_table
from plate_ocr.errors import OutputError
from tests.app.conftest import Run
from tests.app.test_pictures import plate_at, reading
from tests.conftest import fill_disk


def test_a_table_has_a_row_a_plate(tmp_path: Path) -> None:
    answers = [
        to_values("a,b.jpg", reading(plate_at(1, 2, 3, 4), plate_at(5, 6, 7, 8))),
        to_values("c.jpg", reading()),
        to_values("d.jpg", None, "cannot read d.jpg"),
    ]
    write_table(tmp_path / "t.csv", [row for values in answers for row in to_rows(values)])
    lines = (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == ",".join(f'"{column}"' for column in CSV_COLUMNS)
    assert lines[1] == '"a,b.jpg",,"皖A512T3",0.97,0.9,1,1,2,3,2,3,4,1,4,0,,,,,' + "," * 8 + ',,"皖A512T3",'
    assert lines[3] == '"c.jpg",' + "," * 29
    assert lines[4] == '"d.jpg","cannot read d.jpg"' + "," * 29


AWKWARD = [
    "001234",
    "1E10",
    "=1+1",
    "@x",
    "+5",
    "2026-11-26",
    "TRUE",
    'a "b", c;d',
    "two\nlines",
    "皖 😀 <&>",
]
"""Texts of which spreadsheets make something else, if they are let."""


def awkward_rows() -> list[list[Any]]:
    rows = list[list[Any]]()
    for text in AWKWARD:
        plate = dataclasses.replace(plate_at(1, 2, 3, 4), text=text)
        rows += to_rows(to_values(f"{text}.jpg", reading(plate)))
    return rows


def test_a_csv_file_has_the_same_texts_again(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", awkward_rows())
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == AWKWARD
    assert [row["image"] for row in rows] == [f"{text}.jpg" for text in AWKWARD]
    assert {(row["error"], row["confidence"], row["x1"]) for row in rows} == {("", "0.97", "1")}


def test_texts_are_cells_of_text_in_a_sheet(tmp_path: Path) -> None:
    rows = [*awkward_rows(), *to_rows(to_values("n\udcff.jpg", None, "cannot read it"))]
    write_table(tmp_path / "t.XLSX", rows)
    with zipfile.ZipFile(tmp_path / "t.XLSX") as file:
        assert b"<f>" not in file.read("xl/worksheets/sheet1.xml")  # a formula
    sheet = openpyxl.load_workbook(tmp_path / "t.XLSX").active
    assert sheet is not None
    names, *cells = sheet.iter_rows()
    assert [cell.value for cell in names] == list(CSV_COLUMNS)
    for text, row in zip(AWKWARD, cells, strict=False):
        assert [(cell.data_type, cell.value) for cell in (row[0], row[2])] == [
            ("s", f"{text}.jpg"),
            ("s", text),
        ]
        assert [(cell.data_type, cell.value) for cell in row[3:8]] == [
            ("n", 0.97), ("n", 0.9), ("n", 1), ("n", 1), ("n", 2)
        ]  # fmt: skip
        assert row[1].value is None
    last = [cell.value for cell in cells[-1]]
    assert last[:3] == ["n\\udcff.jpg", "cannot read it", None]
    assert len(cells) == len(rows)


def test_more_rows_than_a_sheet_has_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plate_ocr.app.output.SHEET_ROWS", 5)
    write_table(tmp_path / "t.xlsx", awkward_rows()[:4])
    before = (tmp_path / "t.xlsx").read_bytes()
    with pytest.raises(OutputError, match=r"t\.xlsx: a sheet has 5 rows; give a \.csv file"):
        write_table(tmp_path / "t.xlsx", awkward_rows()[:5])
    assert (tmp_path / "t.xlsx").read_bytes() == before
    assert os.listdir(tmp_path) == ["t.xlsx"]


def test_a_sheet_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_table(tmp_path / "t.xlsx", awkward_rows())
    before = (tmp_path / "t.xlsx").read_bytes()
    fill_disk(monkeypatch, ".xlsx")
    with pytest.raises(OutputError, match=r"cannot write .*t\.xlsx: No space left"):
        write_table(tmp_path / "t.xlsx", awkward_rows())
    assert (tmp_path / "t.xlsx").read_bytes() == before
    monkeypatch.setattr(tempfile, "mkstemp", no_space)
    with pytest.raises(OutputError, match=r"cannot write .*t\.xlsx: .*No space left"):
        write_table(tmp_path / "t.xlsx", awkward_rows())


def no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("option", ["--known", "--region", "--model", ""])
def test_a_table_does_not_replace_what_is_read(run: Run, tmp_path: Path, option: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"plate,name\n")
    (tmp_path / "link").symlink_to(file)
    given = (option, file) if option else (file,)
    code, out, err = run("predict", tmp_path / "7.png", *given, "--csv", tmp_path / "link")
    assert (code, out) == (2, "")
    assert err == f"plate-ocr: cannot write {tmp_path / 'link'}: it is read; give another file\n"
    assert file.read_bytes() == b"plate,name\n"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="there is no such name")
@pytest.mark.parametrize("option", ["--csv", "--resume"])
def test_results_are_not_written_to_a_pipe(option: str) -> None:
    command = [sys.executable, "-m", "plate_ocr", "predict", "7.png", option, "/dev/stdout"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "plate-ocr: cannot write /dev/stdout: it is a device or a pipe, not a file\n"


@pytest.mark.slow
def test_a_table_does_not_replace_the_file_of_standard_output(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "plate_ocr", "predict", "7.png", "--csv", str(tmp_path / "t.csv")]
    with (tmp_path / "t.csv").open("wb") as out:
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.endswith("t.csv: standard output goes there; give another file\n")


@pytest.mark.parametrize("name", ["t.ods", "t.XLS"])
def test_other_sheets_are_wrong_usage(run: Run, tmp_path: Path, name: str) -> None:
    code, out, err = run("predict", "x.jpg", "--csv", tmp_path / name)
    assert (code, out) == (2, "")
    assert err == f"plate-ocr: cannot write a table to {tmp_path / name}: give FILE.csv or FILE.xlsx\n"


def test_without_its_writer_a_sheet_says_how_to_install_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    code, out, err = run("predict", "x.jpg", "--csv", tmp_path / "t.xlsx")
    assert (code, out) == (1, "")
    assert err == ("plate-ocr: .xlsx files need XlsxWriter; install it with: pip install 'plate-ocr[xlsx]'\n")
