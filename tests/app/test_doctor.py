"""``plate-ocr doctor``, by what it prints and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from email.message import Message
from importlib import metadata
from pathlib import Path

import pytest

from plate_ocr import __version__
from plate_ocr.app.commands.doctor import extras, processor
from plate_ocr.model.onnx_session import available_threads
from tests.app.conftest import Run

X86 = "processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\nflags\t\t: fpu avx2 {}\npower management:\n\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd bf16\nCPU part\t: 0xd40\n"


def test_what_is_there_is_listed(run: Run, shipped_plates: Path, shipped_detector: Path) -> None:
    code, out, err = run("doctor")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == f"plate-ocr: {__version__}"
    assert f"model plates: {shipped_plates.stat().st_size:,} bytes, {shipped_plates}" in lines
    assert f"model detector: {shipped_detector.stat().st_size:,} bytes, {shipped_detector}" in lines
    assert {"current folder: can be written to", "temporary folder: can be written to"} < set(lines)
    assert lines[-1] == "ready to read"


def test_json_has_the_same(run: Run, shipped_plates: Path) -> None:
    code, out, _ = run("doctor", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["versions"]["torch"] == metadata.version("torch")
    assert report["processor"]["cores"] == available_threads()
    assert "CPUExecutionProvider" in report["providers"]
    assert report["models"]["plates"] == {
        "path": str(shipped_plates),
        "bytes": shipped_plates.stat().st_size,
    }
    assert report["problems"] == []


def test_a_damaged_model_is_broken(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plate_ocr.model.registry._FOLDERS", (tmp_path,))
    (tmp_path / "digits.onnx").write_bytes(b"no model")
    code, out, _ = run("doctor")
    assert code == 1
    assert f"broken: {tmp_path / 'digits.onnx'} is not a whole ONNX model" in out
    assert "broken: the model 'plates' is missing from this installation" in out
    assert "ready" not in out


def test_a_missing_package_is_broken(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    code, out, _ = run("doctor", "--json")
    report = json.loads(out)
    assert (code, report["providers"]) == (1, [])
    assert "onnxruntime" in report["problems"][0]


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        (X86.format("avx_vnni avx512_bf16") * 2, (True, True, True)),
        (X86.format("avx512_vnni"), (True, True, False)),
        (X86.format("sse"), (True, False, False)),
        (ARM, (False, False, True)),
        (None, (None, None, None)),
    ],
)
def test_what_the_kernel_says_of_the_processor(
    tmp_path: Path, described: str | None, expected: tuple[bool | None, ...]
) -> None:
    path = tmp_path / "cpuinfo"
    if described is not None:
        path.write_text(described, encoding="utf-8")
    about = processor(path)
    assert tuple(about[name] for name in ("AVX2", "VNNI", "bfloat16")) == expected
    if described and "model name" in described:
        assert about["name"] == "Some CPU @ 2.00GHz"


def test_the_packages_that_an_extra_lacks_are_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    record = Message()
    for name in ("train", "server"):
        record["Provides-Extra"] = name
    for requirement in (
        "numpy>=1.26",
        "torch>=2.4; extra == 'train'",
        "no-such-package>=1 ; extra == 'server'",
        f'no.other[standard]; sys_platform == "{sys.platform}" and extra == "server"',
        "not-here; sys_platform == 'no-such-system' and extra == 'server'",
        "not-now; python_version < '3' and extra == 'server'",
        "not-optional; python_version >= '3'",
    ):
        record["Requires-Dist"] = requirement
    monkeypatch.setattr(metadata, "metadata", lambda name: record)
    assert extras() == {"train": [], "server": ["no-such-package", "no.other"]}
    code, out, _ = run("doctor")
    assert code == 0
    assert "extra train: installed\n" in out
    how = "lacks no-such-package, no.other; install with: pip install 'plate-ocr[server]'"
    assert f"extra server: {how}\n" in out


def test_without_an_installer_there_are_no_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> Message:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "metadata", nothing)
    assert extras() == {}


def test_a_folder_without_write_access_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(dir: str | None) -> None:
        raise PermissionError

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    code, out, _ = run("doctor")
    assert (code, "current folder: cannot be written to" in out) == (0, True)


@pytest.mark.slow
def test_nothing_slow_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "sys.argv = ['plate-ocr', 'doctor']\n"
        "from plate_ocr.app.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print({'torch', 'matplotlib', 'sklearn', 'scipy', 'rich'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
