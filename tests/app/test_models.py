"""``plate-ocr models``, by what it prints and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from onnxruntime import InferenceSession

from plate_ocr.alphabet import Alphabet
from plate_ocr.model.cards import DetectorCard, ModelCard, PlateCard
from plate_ocr.networks.detector import detector_network_for
from plate_ocr.networks.export import save_model
from plate_ocr.networks.mlp import network_for
from plate_ocr.networks.plate import plate_network_for
from plate_ocr.training.convert import PACKAGES, SUFFIXES, Part
from plate_ocr.vision.settings import Preprocessing
from tests.app.conftest import Run

PLATE_CARD = PlateCard(
    Alphabet("0A皖"), channels=(4, 4, 4, 4), transformer=8, layers=1, min_plate_confidence=0.3, region="cn"
)
CARD = ModelCard(Alphabet("0123"), Preprocessing(), hidden=6, accuracy={"rendered": 0.9375})

WITHOUT_EXTRAS = """
import sys
for name in ("torch", "onnx", "safetensors", "sklearn", "matplotlib"):
    sys.modules[name] = None
from plate_ocr.app.cli import main
main()
"""


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the one of the models that come with the package."""
    for name in ("digits", "chars"):
        save_model(network_for(CARD), CARD, tmp_path / name)
    save_model(plate_network_for(PLATE_CARD), PLATE_CARD, tmp_path / "plates")
    save_model(detector_network_for(DetectorCard()), DetectorCard(), tmp_path / "detector")
    monkeypatch.setattr("plate_ocr.model.registry._FOLDERS", (tmp_path,))
    return tmp_path


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A file of torch.save."""
    network = network_for(CARD)
    torch.save({"model": network.state_dict(), "epoch": 3}, tmp_path / "some.pt")
    return tmp_path / "some.pt"


@pytest.mark.parametrize("suffix", [".safetensors", ".onnx"])
def test_info_of_a_model(run: Run, shipped: Path, suffix: str) -> None:
    path = shipped / f"digits{suffix}"
    code, out, err = run("models", "info", path)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert (
        lines[0]
        == f"{path}: plate-ocr model, {suffix[1:].replace('onnx', 'ONNX')}, {path.stat().st_size:,} bytes"
    )
    assert any(line.split() == ["hidden.weight", "300", "float16", "6×25"] for line in lines)
    assert {"alphabet: 0123", "hidden units: 6", "accuracy: 93.75% on rendered"} <= set(lines)


def test_info_of_a_plate_model(run: Run, shipped: Path) -> None:
    code, out, _ = run("models", "info", shipped / "plates.onnx")
    assert code == 0
    assert {
        "alphabet: 0A皖",
        "input: 64×256",
        "network: 4-4-4-4 channels, 1 transformer layers of 8",
        "mean confidence below 0.3 is no plate",
        "region: cn",
    } <= set(out.splitlines())


@pytest.mark.parametrize("suffix", [".safetensors", ".onnx"])
def test_info_of_a_detector(run: Run, shipped: Path, suffix: str) -> None:
    code, out, err = run("models", "info", shipped / f"detector{suffix}")
    assert (code, err) == (0, "")
    assert {
        "input: up to 640 pixels per side",
        "network: 16-24-48-72-96 channels, fused to 64",
        "score below 0.3 is no plate",
    } <= set(out.splitlines())
    assert "alphabet" not in out


def test_info_by_name(run: Run, shipped: Path) -> None:
    assert run("models", "info", "digits")[1].startswith(f"{shipped / 'digits.safetensors'}: ")


def test_info_as_json(run: Run, shipped: Path, checkpoint: Path) -> None:
    for path in (shipped / "chars.onnx", checkpoint):
        code, out, _ = run("models", "info", "--json", path)
        values = json.loads(out)
        assert (code, values["path"]) == (0, str(path))
        assert sum(part["bytes"] for part in values["parts"]) == values["bytes"] == path.stat().st_size


def test_info_of_a_checkpoint(run: Run, checkpoint: Path) -> None:
    code, out, _ = run("models", "info", checkpoint)
    assert code == 0
    rows = [line.split() for line in out.splitlines()[1:]]
    assert rows[0][:2] == ["model", "736"]
    assert rows[0][3:] == ["4", "tensors"]
    assert rows[1][0] == "epoch"


def test_strip(run: Run, checkpoint: Path) -> None:
    code, out, _ = run("models", "strip", checkpoint, "-o", checkpoint.parent / "new" / "w.safetensors")
    lines = out.splitlines()
    assert (code, lines[0]) == (0, str(checkpoint.parent / "new" / "w.safetensors"))
    assert lines[1].endswith("to 1")
    assert lines[2] == "left behind: epoch"


def test_list(run: Run, shipped: Path) -> None:
    code, out, _ = run("models", "list")
    sizes = [
        f"{sum((shipped / f'{file}.onnx').stat().st_size for file in files):,} bytes"
        for files in (("plates", "plates.finder"), ("chars",), ("digits",))
    ]
    assert (code, out.splitlines()) == (
        0,
        [
            f"plates  whole plates  3 classes  {sizes[0]}",
            f"chars  single characters  4 classes  {sizes[1]}",
            f"digits  single characters  4 classes  {sizes[2]}",
        ],
    )
    (shipped / "chars.onnx").write_bytes(b"short")
    (shipped / "digits.onnx").write_bytes((shipped / "detector.onnx").read_bytes())
    code, out, err = run("models", "list", "--json")
    assert code == 1
    (line,) = map(json.loads, out.splitlines())
    assert line | {"path": "", "bytes": 0} == {
        "name": "plates",
        "path": "",
        "bytes": 0,
        "alphabet": "0A皖",
        "accuracy": {},
    }
    assert "chars.onnx is not a whole" in err
    assert "digits.onnx reads nothing" in err


@pytest.mark.slow
def test_models_are_listed_without_extras(shipped: Path, checkpoint: Path) -> None:
    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", WITHOUT_EXTRAS, "models", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    for suffix in (".safetensors", ".onnx"):
        done = call("info", shipped / f"digits{suffix}")
        assert (done.returncode, done.stderr) == (0, "")
    done = call("info", checkpoint)
    assert (done.returncode, done.stdout) == (1, "")
    assert "install it with: pip install 'plate-ocr[train]'" in done.stderr


def test_bad_files_are_one_line(run: Run, shipped: Path) -> None:
    (shipped / "text.pt").write_text("no checkpoint")
    for command, file, says in [
        ("info", shipped / "nothing.pt", "there is no file"),
        ("info", shipped / "nothing.onnx", "there is no file"),
        ("info", shipped / "text.pt", "is not a whole checkpoint"),
        ("strip", shipped / "text.pt", "is not a whole checkpoint"),
        ("strip", shipped, "is a folder"),
        ("strip", shipped / "digits.onnx", "only weights"),
    ]:
        code, out, err = run("models", command, file)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert says in err


def test_export_writes_the_graphs_that_training_writes(
    run: Run, tiny_plate_model: Path, tiny_detector: Path, tmp_path: Path
) -> None:
    for folder, suffixes in ((tiny_plate_model, (".onnx", ".finder.onnx")), (tiny_detector, (".onnx",))):
        out = tmp_path / "new" / "copy.onnx"
        code, text, err = run("export", folder, "-o", out)
        assert (code, err) == (0, "")
        assert text.splitlines() == [str(out.with_suffix(suffix)) for suffix in suffixes]
        for suffix in suffixes:
            assert out.with_suffix(suffix).read_bytes() == (folder / f"model{suffix}").read_bytes()


@pytest.mark.parametrize("format", ["onnx", "openvino", "ncnn"])
def test_exported_models_compute_the_same_with_fixed_shapes(
    run: Run,
    tiny_plate_model: Path,
    tiny_detector: Path,
    tiny_model: Path,
    tmp_path: Path,
    format: str,
) -> None:
    for package in PACKAGES[format]:
        pytest.importorskip(package)
    for folder in (tiny_plate_model, tiny_detector, tiny_model):
        out = (tmp_path / "exported" / folder.name / "copy").with_suffix(SUFFIXES[format])
        code, text, err = run("export", folder, "-o", out, "--format", format, "--batch", 1)
        assert (code, err) == (0, "")
        files = [Path(line) for line in text.splitlines()]
        assert files[0] == out
        assert all(file.stat().st_size for file in files)
        assert sorted(files) == sorted(out.parent.iterdir())
        if format == "onnx":
            for session in map(InferenceSession, files):
                for end in (*session.get_inputs(), *session.get_outputs()):
                    assert all(isinstance(size, int) for size in end.shape)


def test_a_conversion_that_computes_something_else_is_not_written(
    run: Run, tiny_plate_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(part: Part, target: Path) -> Any:
        target.write_bytes(part.graph)
        return lambda inputs: np.zeros((len(inputs), 64, 4), np.float32)

    monkeypatch.setattr("plate_ocr.training.convert._to_onnx", broken)
    code, _, err = run("export", tiny_plate_model, "-o", tmp_path / "a.onnx")
    assert code == 1
    assert "the onnx model computes something else than the weights; nothing was written" in err
    assert not (tmp_path / "a.onnx").exists()


def test_a_converter_that_is_missing_is_named(
    run: Run, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PACKAGES, "ncnn", ("ncnn", "no_such_converter"))
    monkeypatch.setattr("plate_ocr.training.convert.find_spec", lambda name: name == "ncnn" or None)
    code, _, err = run("export", tiny_model, "-o", tmp_path / "a.ncnn.param", "--format", "ncnn")
    assert code == 1
    assert "ncnn needs no-such-converter; install with: pip install no-such-converter" in err
    monkeypatch.setitem(PACKAGES, "ncnn", ())
    code, _, err = run(
        "export", tiny_model, "-o", tmp_path / "a.ncnn.param", "--format", "ncnn", "--batch", 2
    )
    assert code == 1
    assert "--batch 2: ncnn takes one picture at a time" in err


def test_export_names_its_file_and_needs_weights(run: Run, tiny_model: Path, tmp_path: Path) -> None:
    code, _, err = run("export", tiny_model, "-o", tmp_path / "a.pt")
    assert code == 2
    assert "a name that ends in .onnx is expected" in err
    code, _, err = run("export", tmp_path / "none", "-o", tmp_path / "a.onnx")
    assert code == 1
    assert "there is no model" in err
