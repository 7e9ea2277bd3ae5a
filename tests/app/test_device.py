"""``--device``: what runs the networks, and what is told where it is not there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import pytest

from plate_ocr.app import workers
from plate_ocr.app.commands import benchmark
from plate_ocr.app.sources import Source
from tests.app.conftest import Run
from tests.conftest import draw_plate

LACKING = "plate-ocr: this ONNX Runtime has no provider 'openvino', it has cpu"
GET_IT = "; to get it, put onnxruntime-openvino in the place of onnxruntime\n"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "KA365CP.png"), draw_plate("KA365CP"))
    return tmp_path / "KA365CP.png"


@pytest.mark.parametrize("command", ["predict", "evaluate", "benchmark"])
def test_a_device_that_is_not_there_is_wrong_usage(
    run: Run, picture: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    given = {"predict": [picture], "evaluate": [picture.parent], "benchmark": []}[command]
    assert run(command, *given, "--device", "openvino") == (2, "", LACKING + GET_IT)


@pytest.mark.usefixtures("with_broken_cuda")
def test_what_runs_is_told(run: Run, picture: Path, shipped_plates: Path) -> None:
    code, out, err = run("predict", picture, "-v", "--device", "auto")
    broken, device, *_ = err.splitlines()
    assert (code, "KA365CP" in out) == (0, True)
    assert "cannot be run by CUDAExecutionProvider: it does not start (libcudnn.so.9: no such file)" in broken
    assert device.startswith("plate-ocr: device: openvino, else cpu, ")
    code, out, err = run("predict", picture, "--device", "cuda")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "cannot be run by CUDAExecutionProvider" in err


@pytest.mark.usefixtures("with_broken_cuda")
def test_a_benchmark_names_its_device(
    run: Run, monkeypatch: pytest.MonkeyPatch, shipped_plates: Path, shipped_detector: Path
) -> None:
    monkeypatch.setattr(benchmark, "N_RUNS", 1)
    monkeypatch.setattr(benchmark, "SECONDS", 0.01)
    code, out, _ = run("benchmark", "--device", "openvino")
    assert (code, out.startswith("device: openvino, else cpu, ")) == (0, True)


@pytest.mark.usefixtures("with_broken_cuda")
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_processes_that_read_get_it_too(
    run: Run, picture: Path, command: str, shipped_plates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[dict[str, Any]]()

    def answered(
        jobs: int, sources: Iterator[Source], for_worker: object, opens: partial[Any], draw: object
    ) -> Iterator[tuple[Source, None]]:
        asked.append(opens.keywords)
        return ((source, None) for source in sources)

    monkeypatch.setattr(workers, "answered", answered)
    given = picture if command == "predict" else picture.parent
    assert run(command, given, "-j", 2, "--device", "openvino")[0] == 0
    assert [keywords["providers"] for keywords in asked] == ["openvino"]
