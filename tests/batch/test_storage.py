"""Batches in object storage: moto's S3 server with requests that are slow or fail, and fsspec's in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.fs
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from benchmarks import flaky_s3
from benchmarks.flaky_s3 import FlakyApp
from plate_ocr.batch import storage
from plate_ocr.batch.storage import Folder, list_files, locate
from plate_ocr.errors import DataError
from tests.app.conftest import Run
from tests.batch.conftest import rows_of
from tests.batch.test_batch import OPTIONS, here

__all__ = ["here"]

COPIES = 3


@pytest.fixture(scope="module")
def bucket(shots: Path) -> Iterator[FlakyApp]:
    """A bucket with three copies of the pictures."""
    objects = (
        (f"shots/{path.parent.name} {i}/{path.name}", path.read_bytes())
        for path in shots.rglob("*.*")
        for i in range(COPIES)
    )
    with pytest.MonkeyPatch.context() as monkeypatch, flaky_s3.flaky_s3() as (variables, app):
        monkeypatch.setattr(flaky_s3, "SLOW_SECONDS", 0.2)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        flaky_s3.put_objects("bucket", objects)
        yield app
    storage._file_system.cache_clear()


@pytest.mark.usefixtures("here")
def test_a_bucket_is_read_although_requests_fail(
    run: Run, bucket: FlakyApp, shots: Path, tmp_path: Path
) -> None:
    before = bucket.failures
    arguments = ("batch", "s3://bucket/shots", "-o", "s3://bucket/out dir", "--part-size", 10, "--crops")
    code, out, _ = run(*arguments, *OPTIONS)
    assert code == 1
    assert out == "39 pictures, 6 of them not readable, 33 plates: s3://bucket/out dir/results\n"
    assert bucket.failures > before
    system, _ = locate("s3://bucket")
    pyarrow.fs.copy_files("bucket/out dir", str(tmp_path), source_filesystem=system)
    rows = rows_of(tmp_path)
    names = {path.name for path in shots.rglob("*.*")} - {"notes.txt"}
    assert len({row["path"] for row in rows}) == len(rows) == COPIES * len(names) == 39
    assert {row["path"].rpartition("/")[2] for row in rows} == names
    errors = {row["error"].partition(": ")[2] for row in rows if row["error"]}
    assert errors == {"not a picture in a known format, or a damaged one", "the file is empty"}
    assert all((tmp_path / plate["crop"]).stat().st_size for row in rows for plate in row["plates"])
    # Everything is done: pictures are neither listed nor read again.
    requests = len(bucket.log)
    assert run(*arguments, *OPTIONS)[:2] == (code, out)
    assert not [path for _, path, _ in bucket.log[requests:] if "/shots" in path]


@pytest.mark.usefixtures("here")
def test_what_is_not_in_a_bucket_is_an_error(run: Run, bucket: FlakyApp, tmp_path: Path) -> None:
    for source, message in (
        ("s3://bucket/nowhere", "cannot list s3://bucket/nowhere: No such file or directory"),
        ("s3://bucket/nowhere.parquet", "cannot read s3://bucket/nowhere.parquet: No such file or directory"),
        ("s3://bucket/shots/*.jpg", "s3://bucket/shots/*.jpg: there is no picture"),
    ):
        code, _, err = run("batch", source, "-o", tmp_path, *OPTIONS)
        assert code == 1
        assert err.startswith(f"plate-ocr: {message}")
        assert err.count("\n") == 1
    (tmp_path / "list.csv").write_text("path\ns3://bucket/shots/gone.png\n")
    assert run("batch", tmp_path / "list.csv", "-o", tmp_path / "out", *OPTIONS)[0] == 1
    (row,) = rows_of(tmp_path / "out")
    assert row["error"] == "cannot read s3://bucket/shots/gone.png: No such file or directory"


@pytest.fixture
def memory(shots: Path) -> Iterator[MemoryFileSystem]:
    """Fsspec's file system in memory, as an example of all that pyarrow does not know itself."""
    system = MemoryFileSystem()
    for name in ("01.png", "03.png"):
        system.pipe_file(f"/bucket/more/{name}", (shots / "more" / name).read_bytes())
    system.pipe_file("/bucket/list.csv", b"path\nmore/03.png\nmemory://bucket/more/01.png\n")
    yield system
    system.rm("/bucket", recursive=True)


@pytest.mark.usefixtures("here", "memory")
@pytest.mark.parametrize("source", ["more", "more/0*", "*/0[13].png", "list.csv"])
def test_fsspec_reads_what_pyarrow_does_not_know(
    run: Run, memory: MemoryFileSystem, source: str, tmp_path: Path
) -> None:
    code, _, err = run("batch", f"memory://bucket/{source}", "-o", "memory://bucket/out", *OPTIONS)
    assert code == 0, err
    with memory.open("/bucket/out/results/part-00000.parquet") as file:
        paths = pq.read_table(file)["path"].to_pylist()
    assert sorted(paths) == ["memory://bucket/more/01.png", "memory://bucket/more/03.png"]
    assert not memory.glob("/bucket/out/**/*.tmp")


def test_a_folder_is_listed_by_name(memory: MemoryFileSystem) -> None:
    memory.pipe_file("/bucket/a/b/1.png", b"1")
    names = list(list_files("memory://bucket"))
    assert names == [
        f"memory://bucket/{name}" for name in ("list.csv", "a/b/1.png", "more/01.png", "more/03.png")
    ]


def test_storage_without_its_package_is_an_error() -> None:
    with pytest.raises(DataError, match=r"cannot open az://bucket: Install adlfs"):
        Folder("az://bucket/a").names("b")
