"""``plate-ocr batch``: whole batches, on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plate_ocr.app import progress
from plate_ocr.app.commands import batch as command
from plate_ocr.app.commands.batch import BatchEngine
from plate_ocr.batch import local, read_part
from plate_ocr.batch.manifest import Manifest
from plate_ocr.batch.run import Engine, read_batch
from plate_ocr.batch.storage import Folder
from plate_ocr.errors import OutputError
from tests.app.conftest import Run
from tests.batch import tasks
from tests.batch.conftest import CROPS, rows_of, write_manifest

OPTIONS = ("--input", "plate")


def read_here(parts: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """An engine in this process."""
    for part in parts:
        read_part(part)
        yield part, None


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches run in this process."""

    def engine(engine: BatchEngine, jobs: int | None, address: str | None) -> Engine:
        return read_here

    monkeypatch.setattr(command, "_engine", engine)


@pytest.mark.slow
def test_processes_read_every_picture_once(run: Run, shots: Path, tmp_path: Path) -> None:
    done = run("batch", shots, "-o", tmp_path, "-j", 2, "--part-size", 3, *OPTIONS)
    assert done[:2] == (1, f"13 pictures, 2 of them not readable, 11 plates: {tmp_path}/results\n")
    assert done[2].splitlines()[-1].startswith("13 of 13 pictures, ")
    rows = rows_of(tmp_path)
    assert [row["path"] for row in rows] == sorted(
        str(path) for path in shots.rglob("*") if path.suffix in (".png", ".jpg")
    )
    read_batch(write_manifest(tmp_path / "here", shots), read_here, lambda done: None)
    for row, other in zip(rows, rows_of(tmp_path / "here"), strict=True):
        assert {**row, "ms": 0} == {**other, "ms": 0}


@pytest.mark.usefixtures("here")
def test_folders_may_have_the_names_of_models_and_regions(
    run: Run, shots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("chars", "de", "plates"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    code, out, _ = run("batch", shots, "-o", "out", *OPTIONS, "--region", "de")
    assert (code, out.partition(":")[0]) == (1, "13 pictures, 2 of them not readable, 11 plates")


@pytest.mark.usefixtures("here")
def test_a_batch_goes_on_where_it_was_stopped(run: Run, shots: Path, tmp_path: Path) -> None:
    arguments = ("batch", shots, "-o", tmp_path, "--part-size", 1, *OPTIONS)
    first = run(*arguments)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").iterdir()}
    assert len(times) == 13
    lost = tmp_path / "results" / "part-00007.parquet"
    lost.unlink()
    again = run(*arguments)
    assert again[:2] == first[:2]
    assert again[2].startswith("12 of 13 pictures\n13 of 13 pictures, ")
    assert {path for path in times if path.stat().st_mtime_ns != times[path]} == {lost}


@pytest.mark.usefixtures("here")
def test_a_list_that_was_not_finished_is_made_again(run: Run, shots: Path, tmp_path: Path) -> None:
    write_manifest(tmp_path, shots, 2)
    (tmp_path / "manifest" / "manifest.json").unlink()
    assert run("batch", shots / "more", "-o", tmp_path, "--part-size", 3, *OPTIONS)[0] == 0
    assert len(rows_of(tmp_path)) == 5


@pytest.mark.usefixtures("here")
def test_results_of_other_pictures_or_options_are_not_mixed(
    run: Run, shots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("batch", shots / "more", "-o", tmp_path, *OPTIONS)
    assert run("batch", shots, "-o", tmp_path, *OPTIONS) == (
        2, "", f"plate-ocr: {tmp_path} has the results of {shots / 'more'}; give another --out\n"
    )  # fmt: skip
    monkeypatch.chdir(shots)
    run("batch", "more", "-o", tmp_path / "relative", *OPTIONS)
    monkeypatch.chdir(tmp_path)
    assert run("batch", "more", "-o", tmp_path / "relative", *OPTIONS)[0] == 2
    assert run("batch", shots / "more", "-o", tmp_path, "--rotate", 90, *OPTIONS) == (
        2, "",
        f"plate-ocr: {tmp_path} was begun with other options (rotate 0); give the same, or another --out\n",
    )  # fmt: skip


@pytest.mark.usefixtures("here")
def test_the_summary_counts(run: Run, shots: Path, tmp_path: Path) -> None:
    run("batch", shots, "-o", tmp_path, "--region", "de,br", *OPTIONS)
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["settings"]["region"] == ["de", "br"]
    del summary["settings"]
    assert summary == {
        "version": 1, "source": str(shots), "parts": 2, "pictures": 13, "errors": 2, "plates": 11,
        "failed_parts": {},
    }  # fmt: skip


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("kind", ["csv", "parquet", "glob"])
def test_pictures_are_listed_in_files_and_globs(run: Run, shots: Path, tmp_path: Path, kind: str) -> None:
    names = ["01.png", "03.png", "05.png", "07.png", "09.png"]
    (tmp_path / "more").symlink_to(shots / "more")
    if kind == "csv":
        (tmp_path / "list.csv").write_text("path\n" + "".join(f"more/{name}\n" for name in names))
    elif kind == "parquet":
        pq.write_table(pa.table({"path": [f"more/{name}" for name in names]}), tmp_path / "list.parquet")
    source = tmp_path / ("more/0*" if kind == "glob" else f"list.{kind}")
    assert run("batch", source, "-o", tmp_path / "out", *OPTIONS)[0] == 0
    assert [row["path"] for row in rows_of(tmp_path / "out")] == [str(tmp_path / "more" / n) for n in names]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["gone"], 1, "gone: there is no picture"),
        (["gone.csv"], 1, "cannot read gone.csv: No such file or directory"),
        (["gone.parquet"], 1, "cannot read gone.parquet: "),
        (["none.parquet"], 1, "none.parquet: no column path"),
        (["nowhere://bucket/a"], 1, "cannot open nowhere://bucket: "),
        (["."], 1, ".: there is no picture"),
        ([".", "--address", "auto"], 2, "--address belongs to --engine ray"),
        ([".", "--model", "none"], 2, "none"),
    ],
)
def test_what_cannot_be_read_is_one_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    pq.write_table(pa.table({"name": ["a.png"]}), "none.parquet")
    code, out, err = run("batch", *arguments, "-o", tmp_path / "out")
    assert (code, out) == (status, "")
    assert message in err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("here")
def test_a_folder_that_cannot_be_listed_is_a_row_with_an_error(
    run: Run, shots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = os.walk

    def one_is_locked(folder: str, onerror: Callable[[OSError], None]) -> Iterator[object]:
        onerror(PermissionError(13, "Permission denied", f"{folder}/locked"))
        yield from walk(folder)

    monkeypatch.setattr("plate_ocr.app.sources.os.walk", one_is_locked)
    assert run("batch", shots / "more", "-o", tmp_path, *OPTIONS)[0] == 1
    (name,) = (row["path"] for row in rows_of(tmp_path) if row["error"])
    assert name == f"{shots}/more/locked"


def test_a_name_that_is_not_utf8_is_a_row_with_an_error(shots: Path, tmp_path: Path) -> None:
    manifest = Manifest.write(Folder(str(tmp_path)), "x", CROPS, [os.fsdecode(b"/a\xff.png")], 9)
    read_part(manifest.part(0))
    (row,) = rows_of(tmp_path)
    assert (row["path"], row["error"]) == (
        r"/a\udcff.png", r"cannot read /a\udcff.png: No such file or directory"
    )  # fmt: skip


def test_small_jobs_are_cut_into_many_parts(tmp_path: Path) -> None:
    def sizes(count: int, part_size: int) -> list[int]:
        names = map(str, range(count))
        manifest = Manifest.write(Folder(str(tmp_path / f"{count}")), "x", CROPS, names, part_size)
        found = [len(pq.read_table(manifest.part(n))) for n in range(manifest.parts)]
        assert sum(found) == manifest.pictures == count
        return found

    assert sizes(20, 1000) == [8, 8, 4]
    assert sizes(645, 1000) == [*[11] * 58, 7]
    assert sizes(700, 10) == [10] * 70


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="there are no such signals")
def test_a_part_that_ends_its_process_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "read_part", tasks.die)
    done = dict(local.read_parts(["a", "b", "c", "d"], 2))
    assert done == {"a": None, "b": local.ENDED, "c": None, "d": None}


@pytest.mark.slow
def test_results_that_cannot_be_written_end_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "read_part", tasks.complain)
    with pytest.raises(OutputError, match="No space left on device"):
        list(local.read_parts(["a", "b", "c"], 1))


def test_failed_parts_are_named(
    run: Run, shots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def engine(parts: Iterable[str]) -> Iterator[tuple[str, str | None]]:
        first, *rest = parts
        yield first, local.ENDED
        yield from read_here(rest)

    monkeypatch.setattr(command, "_engine", lambda *_: engine)
    code, out, err = run("batch", shots / "more", "-o", tmp_path, "--part-size", 1, *OPTIONS)
    name = f"{tmp_path}/manifest/part-00000.parquet"
    assert code == 1
    assert out.startswith("4 pictures, 0 of them not readable, 4 plates")
    assert err.splitlines()[-2:] == [
        f"plate-ocr: {name}: {local.ENDED}",
        "plate-ocr: parts without results: 1; the same command reads them again",
    ]
    assert json.loads((tmp_path / "summary.json").read_text())["failed_parts"] == {name: local.ENDED}


def test_rate_and_time_left_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0
    monkeypatch.setattr("plate_ocr.app.progress.time.monotonic", lambda: now)
    counter = progress.RateCounter("pictures", 20_000)
    for seconds, done in ((0, 5_000), (5, 5_500), (100, 10_000), (200, 20_000)):
        now = seconds
        counter.update(done)
    counter.end()
    assert capsys.readouterr().err.splitlines() == [
        "5,000 of 20,000 pictures",
        "10,000 of 20,000 pictures, 50 per second, 3 min left",
        "20,000 of 20,000 pictures, 75 per second, 0 s left",
    ]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="there are no such signals")
def test_ctrl_c_stops_with_one_line(shots: Path, tmp_path: Path) -> None:
    names = [str(shots / "00.png")] * 5000
    (tmp_path / "list.csv").write_text("path\n" + "\n".join(names))
    command = [sys.executable, "-m", "plate_ocr", "batch", str(tmp_path / "list.csv"), "-o", str(tmp_path)]
    process = subprocess.Popen(
        [*command, *OPTIONS, "--part-size", "20", "-j", "1"],
        stderr=subprocess.PIPE, start_new_session=True, text=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )  # fmt: skip
    while not list(tmp_path.glob("results/part-*.parquet")):
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "plate-ocr: stopped; the same command resumes it"
    assert len(list(tmp_path.glob("results/part-*.parquet"))) < 250
