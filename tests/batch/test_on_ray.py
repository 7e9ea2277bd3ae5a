"""Batches on Ray: the rows of one process, whatever happens to others."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from benchmarks.batch_runs import ray_workers
from plate_ocr.batch import on_ray
from plate_ocr.batch.manifest import Manifest
from plate_ocr.batch.run import read_batch
from plate_ocr.batch.storage import Folder
from plate_ocr.errors import DataError, DeviceError
from tests.app.conftest import Run
from tests.batch.conftest import CROPS, rows_of, write_manifest
from tests.batch.test_batch import OPTIONS, read_here

# Ray Data warns of its own settings.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.fixture(scope="module")
def _cluster() -> Iterator[None]:
    """A cluster of four logical processors."""
    ray.init("local", num_cpus=4, log_to_driver=False, include_dashboard=False)
    yield
    ray.shutdown()


@pytest.mark.long
@pytest.mark.usefixtures("_cluster")
def test_the_rows_are_those_of_one_process(run: Run, shots: Path, tmp_path: Path) -> None:
    arguments = ("batch", shots, "-o", tmp_path / "ray", "--part-size", 4, *OPTIONS, "--engine", "ray")
    code, out, _ = run(*arguments, "-j", 2)
    assert (code, out.partition(":")[0]) == (1, "13 pictures, 2 of them not readable, 11 plates")
    read_batch(write_manifest(tmp_path / "here", shots), read_here, lambda done: None)
    rows, expected = rows_of(tmp_path / "ray"), rows_of(tmp_path / "here")
    assert [{**row, "ms": 0} for row in rows] == [{**row, "ms": 0} for row in expected]


@pytest.mark.skipif(not Path("/proc").exists(), reason="processes are found in /proc")
@pytest.mark.long
@pytest.mark.usefixtures("_cluster")
def test_a_killed_worker_loses_nothing(shots: Path, tmp_path: Path) -> None:
    names = [str(shots / f"{i:02}.png") for i in (0, 2, 4, 6)] * 100
    manifest = Manifest.write(Folder(str(tmp_path)), "x", CROPS, names, 10)
    killed = list[int]()

    def kill() -> None:
        while not list(tmp_path.glob("results/part-*.parquet")):
            time.sleep(0.01)
        killed.extend(ray_workers()[:1])
        os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    done = dict(on_ray.read_parts([manifest.part(n) for n in range(manifest.parts)], 2, None))
    killer.join()
    assert killed
    assert len(done) == manifest.parts == 50
    assert [row["path"] for row in rows_of(tmp_path)] == sorted(names)


@pytest.mark.long
@pytest.mark.usefixtures("_cluster")
def test_an_error_of_a_part_is_told_as_its_own(tmp_path: Path) -> None:
    (tmp_path / "manifest").mkdir()
    part = tmp_path / "manifest" / "part-00000.parquet"
    part.write_bytes(b"")
    with pytest.raises(DataError, match="is no part of a batch's manifest"):
        list(on_ray.read_parts([str(part)], None, None))


@pytest.mark.parametrize(
    ("address", "message"),
    [("gone:1", "cannot connect to Ray at gone:1: refused"), (None, "cannot start Ray: refused")],
)
def test_a_cluster_that_is_not_there_is_an_error(
    monkeypatch: pytest.MonkeyPatch, address: str | None, message: str
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)

    def refuse(address: str | None, **_: object) -> None:
        raise ConnectionError("refused\nand more")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(DeviceError, match=f"^{message}$"):
        next(on_ray.read_parts(["a"], 1, address))
    monkeypatch.setenv("RAY_ADDRESS", "there:2")
    with pytest.raises(DeviceError, match=f"^cannot connect to Ray at {address or 'there:2'}: refused$"):
        next(on_ray.read_parts(["a"], 1, address))
