"""The examples of docs/batch.md run."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.app.conftest import Run
from tests.batch.conftest import rows_of
from tests.batch.test_batch import here

__all__ = ["here"]

DOCS = (Path(__file__).parents[2] / "docs" / "batch.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)


class SparkContext:
    """Runs what Spark would spread, here."""

    def parallelize(self, values: list[Any], count: int) -> SparkContext:
        assert count == len(values)
        self.values = values
        return self

    def map(self, function: Any) -> SparkContext:
        self.values = list(map(function, self.values))
        return self

    def collect(self) -> list[Any]:
        return self.values


@pytest.mark.usefixtures("here")
def test_other_engines_do_the_same(
    run: Run, shots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dask

    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.csv").write_text("path\n" + "".join(f"{shots / f'{i:02}.png'}\n" for i in (0, 2, 4)))
    pyspark, sql = ModuleType("pyspark"), ModuleType("pyspark.sql")
    builder = SimpleNamespace(getOrCreate=lambda: SimpleNamespace(sparkContext=SparkContext()))
    monkeypatch.setattr(sql, "SparkSession", SimpleNamespace(builder=builder), raising=False)
    monkeypatch.setitem(sys.modules, "pyspark", pyspark)
    monkeypatch.setitem(sys.modules, "pyspark.sql", sql)
    common, with_dask, with_spark = blocks("python")
    for engine in (with_dask, with_spark):
        for file in tmp_path.glob("results/results/*"):
            file.unlink()
        with dask.config.set(scheduler="synchronous"):
            exec(compile(common + engine, "docs/batch.md", "exec"), {})
        assert len(rows_of(tmp_path / "results")) == 3
    code, out, _ = run("batch", "list.csv", "-o", "results")
    assert code == 0
    assert out.startswith("3 pictures, 0 of them not readable, 3 plates")


def test_the_queries_run(shots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    inventory, commonest = blocks("sql")
    (tmp_path / "inventory").mkdir()
    keys = pa.table({"bucket": ["b", "b"], "key": ["x/1.jpg", "x/2.txt"]})
    pq.write_table(keys, "inventory/1.parquet")
    duckdb.execute(inventory)
    assert pq.read_table("list.parquet")["path"].to_pylist() == ["s3://b/x/1.jpg"]
    (tmp_path / "results" / "results").mkdir(parents=True)
    read = {"AB1": (0.95, 0.92), "C": (0.8,)}
    plates = [{"text": text, "confidence": sure} for text, each in read.items() for sure in each]
    pq.write_table(pa.table({"plates": [plates]}), "results/results/part-00000.parquet")
    assert duckdb.execute(commonest).fetchall() == [("AB1", 2)]
