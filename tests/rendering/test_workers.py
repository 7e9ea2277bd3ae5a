"""What a process that renders costs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = """
# As the installed command has it: each worker process imports this file again.
from plate_ocr.app.cli import main
from plate_ocr.rendering.shards import Rendering, render_scenes, render_shard

import json, subprocess, sys, time

US = Rendering(regions=("us",))

def memory():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmRSS"))

def loaded():
    return [name for name in ("torch", "matplotlib", "skimage", "sklearn", "scipy") if name in sys.modules]

if __name__ == "__main__":
    from plate_ocr.training.core.processes import spawned

    starts, imports = [], []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import cv2"], check=True)
        imports.append(time.perf_counter() - began)
        began = time.perf_counter()
        with spawned(1) as executor:
            executor.submit(loaded).result()
            starts.append(time.perf_counter() - began)
            executor.submit(render_shard, US, 0, 1).result()
            plate = executor.submit(memory).result()
            executor.submit(render_scenes, US, 0, 1).result()
            scene = executor.submit(memory).result()
            there = executor.submit(loaded).result()
    print(json.dumps({"ratio": min(starts) / min(imports), "plate": plate, "scene": scene, "loaded": there}))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads memory from /proc")
def test_a_process_that_renders_starts_soon_and_is_small(tmp_path: Path) -> None:
    (tmp_path / "measure.py").write_text(MEASURE, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, tmp_path / "measure.py"], check=True, stdout=subprocess.PIPE, timeout=120
    )
    measured = json.loads(done.stdout)
    assert measured["loaded"] == []
    assert max(measured["plate"], measured["scene"]) <= 120, measured
    # Against a process that imports OpenCV alone.
    assert measured["ratio"] <= 3, measured
