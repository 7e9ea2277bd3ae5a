"""A wheel built from the tree, installed elsewhere, reads a plate with the models inside it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_the_models_are_in_the_wheel_and_small(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    (told,) = re.findall(r"a wheel of (\d+) MB", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert round(wheel.stat().st_size / 1e6) == int(told)
    for name in ("digits", "chars"):
        for suffix in ("onnx", "safetensors"):
            assert 1000 < sizes[f"plate_ocr/models/{name}.{suffix}"] <= 1_000_000
    assert "plate_ocr/py.typed" in sizes
    assert {"texts.toml", "static/page.js", "templates/base.html"} <= {
        name.removeprefix("plate_ocr/server/page/") for name in sizes
    }
    assert not [name for name in sizes if name.startswith(("tests", "benchmarks"))]


@pytest.mark.slow
def test_package_indexes_take_the_wheel(wheel: Path) -> None:
    for check in (["twine", "check", "--strict"], ["check_wheel_contents"]):
        command = [sys.executable, "-m", *check, str(wheel)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_it_reads_a_plate_where_the_source_is_not(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    # -P and an empty working folder: nothing but the unpacked wheel can provide plate_ocr. Sockets
    # are taken away, so that a download would fail.
    code = (
        "import socket, sys; socket.socket = None; import plate_ocr; print(plate_ocr.__file__); "
        "from plate_ocr.app.cli import main; "
        f"sys.argv = ['plate-ocr', 'predict', {str(ROOT / 'data' / 'plate.png')!r}]; main()"
    )
    (tmp_path / "empty").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "empty",
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        check=True,
        capture_output=True,
        text=True,
    )
    where, reading = done.stdout.splitlines()
    assert where.startswith(str(tmp_path))
    assert reading.split("  ")[1] == "皖A512T3"


@pytest.mark.slow
def test_a_type_checker_knows_the_types_of_an_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    packages = next(venv.glob("[Ll]ib*/**/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    program = "from plate_ocr import PlateReader\nreveal_type(PlateReader()('car.jpg').plates[0].text)\n"
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    python = next(venv.glob("[Bb]*in*/python*"))

    def check() -> str:
        command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python), "program.py"]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        return done.stdout

    said = check()
    assert 'Revealed type is "str"' in said
    assert "Success" in said
    (packages / "plate_ocr" / "py.typed").unlink()
    assert "py.typed marker" in check()
