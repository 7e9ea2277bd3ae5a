"""The command line, by what it prints and how it ends."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest
import torch
from typer.core import TyperGroup
from typer.main import get_command

from plate_ocr.app.answers import Answer, of_picture
from plate_ocr.app.cli import COMMANDS, command_line
from plate_ocr.app.console import print_message
from plate_ocr.app.progress import counted
from plate_ocr.app.sources import Source
from plate_ocr.region_files.parser import FOLDER
from plate_ocr.vision.drawing import blank, draw_text
from tests.app.conftest import Run
from tests.conftest import fill_disk
from tests.test_region_files import PLATE, region_file

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pictures of a 7, of a plate, of nothing, and with a file that is no picture."""
    folder = tmp_path_factory.mktemp("pictures")
    seven = blank(60, 44)
    draw_text(seven, "7", (8, 52), 64)
    cv2.imwrite(str(folder / "7.png"), seven)
    plate = blank(80, 320)
    draw_text(plate, "KA 365 CP", (20, 60), 56)
    cv2.imwrite(str(folder / "plate.png"), plate)
    cv2.imwrite(str(folder / "white.png"), blank(40, 40))
    (folder / "text.png").write_text("no picture")
    (folder / "notes.txt").write_text("not looked at")
    return folder


def objects(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_a_character_is_read(run: Run, pictures: Path) -> None:
    code, out, err = run("predict", "--model", "digits", pictures / "7.png")
    assert (code, err) == (0, "")
    path, text, confidence = out.strip().rsplit("  ", 2)
    assert (path, text) == (str(pictures / "7.png"), "7")
    assert 0.5 < float(confidence) <= 1


def test_a_plate_is_read(run: Run, pictures: Path) -> None:
    code, out, _ = run("predict", "--model", "chars", pictures / "plate.png")
    assert code == 0
    assert out.split("  ")[1] == "KA365CP"


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_photos_for_the_classical_reader_are_told_once(
    run: Run, pictures: Path, tmp_path: Path, jobs: int
) -> None:
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), np.full((300, 400), 90, np.uint8))
    inputs = tmp_path / "a.png", tmp_path / "b.png", pictures / "plate.png"
    hint = "only --model plates searches photos for plates"
    code, _, err = run("predict", "--model", "chars", "-j", jobs, *inputs)
    assert (code, err) == (0, f"plate-ocr: inputs that look like photos: 2; {hint}\n")
    for options in (
        ["--model", "plates"],
        ["--model", "chars", "--input", "char"],
        ["--model", "chars", "-q"],
    ):
        assert hint not in run("predict", *options, *inputs)[2]


def test_json_is_as_designed(run: Run, pictures: Path) -> None:
    code, out, _ = run("predict", "--json", "--input", "char", pictures / "7.png")
    (answer,) = objects(out)
    assert code == 0
    assert list(answer) == ["image", "width", "height", "ms", "error", "plates"]
    assert (answer["width"], answer["height"], answer["error"]) == (44, 60, None)
    (plate,) = answer["plates"]
    assert list(plate) == [
        "text",
        "confidence",
        "min_confidence",
        "lines",
        "corners",
        "touches_edge",
        "chars",
        "groups",
        "known",
        "detection",
        "region",
        "text_latin_digits",
        "text_native",
    ]
    assert plate["text"] == plate["chars"][0]["char"] == "7"
    assert plate["corners"] == [[0, 0], [44, 0], [44, 60], [0, 60]]
    assert plate["touches_edge"] is True
    assert len(plate["chars"][0]["alternatives"]) == 3


def test_plates_are_read_by_the_plate_network(
    run: Run, pictures: Path, shipped_plates: Path, tmp_path: Path
) -> None:
    code, out, _ = run("predict", "--json", "--region", "tr", pictures / "plate.png", pictures / "white.png")
    found, nothing = objects(out)
    assert code == 0
    (plate,) = found["plates"]
    assert (plate["text"], plate["lines"]) == ("KA365CP", 1)
    assert np.allclose(plate["corners"], [[0, 0], [320, 0], [320, 80], [0, 80]], atol=16)
    assert nothing["plates"] == []


def test_a_plate_model_reads_no_single_characters(run: Run, pictures: Path, tiny_plate_model: Path) -> None:
    code, out, err = run("predict", "--input", "char", "--model", tiny_plate_model, pictures / "7.png")
    assert (code, out) == (2, "")
    assert "single characters take chars or digits" in err


def test_corners_lie_round_the_characters_of_a_plate(run: Run, pictures: Path) -> None:
    _, out, _ = run("predict", "--json", "--model", "chars", pictures / "plate.png")
    corners = np.array(objects(out)[0]["plates"][0]["corners"])
    assert np.allclose(corners, [[20, 18], [300, 18], [300, 62], [20, 62]], atol=22)


def test_every_input_has_one_answer_in_the_order_given(run: Run, pictures: Path) -> None:
    code, out, _ = run(
        "predict", "--model", "chars", "--json", pictures / "missing.png", pictures, pictures / "7.png"
    )
    answers = objects(out)
    assert code == 1
    expected = ["missing.png", "7.png", "plate.png", "text.png", "white.png", "7.png"]
    assert [Path(answer["image"]).name for answer in answers] == expected
    assert [answer["error"] is None for answer in answers] == [False, True, True, False, True, True]
    assert answers[4]["plates"] == []


def test_globs_are_expanded(run: Run, pictures: Path) -> None:
    code, out, _ = run("predict", "--model", "chars", "--json", pictures / "p*.png")
    assert code == 0
    assert [answer["image"] for answer in objects(out)] == [str(pictures / "plate.png")]
    code, out, _ = run("predict", "--model", "chars", "--json", pictures / "x*.png")
    assert code == 1
    assert "no file matches" in objects(out)[0]["error"]


def test_a_folder_without_pictures_is_an_error(run: Run, tmp_path: Path) -> None:
    code, out, err = run("predict", "--model", "chars", tmp_path)
    assert (code, out) == (1, "")
    assert "no picture or video in this folder" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--model", "nothing"], "there is no model 'nothing'"),
        (["--model", "chars", "--input", "photo"], "reads single characters; photos take plates"),
        (["--model", "detector"], "only finds plates; plates, chars and digits read"),
        (
            ["--detector", "nothing"],
            "there is no model 'nothing'; give detector, an .onnx file or",
        ),
        (["--detector", "plates"], "a 'plate-ocr detector model' is expected: one that finds plates"),
        (["--detector", "mine.onnx", "--input", "plate"], "the detector mine.onnx belongs to photos"),
        (["--detector", "mine.onnx", "--model", "chars"], "the detector mine.onnx belongs to photos"),
        (
            ["--model", "chars", "--region", "atlantis"],
            "there is no region 'atlantis'; give one of ae, al, am, any, ar, at",
        ),
        (["--input", "car"], "Invalid value for '--input'"),
        (["--min-confidence", "2"], "Invalid value for '--min-confidence'"),
        (["--min-confidence", "nan"], "min_confidence=nan: a number from 0 to 1 is expected"),
        (["--colour"], "No such option"),
        ([], "Missing argument"),
    ],
)
def test_wrong_usage_ends_with_2(run: Run, pictures: Path, arguments: list[str], says: str) -> None:
    given = [*arguments, pictures / "7.png"] if arguments else []
    code, out, err = run("predict", *given)
    assert (code, out) == (2, "")
    assert says in err


def test_min_confidence_makes_characters_unknown(run: Run, pictures: Path) -> None:
    _, out, _ = run("predict", "--json", "--model", "digits", "--min-confidence", "1", pictures / "7.png")
    (plate,) = objects(out)[0]["plates"]
    assert plate["text"] == "?"
    assert plate["chars"][0]["char"] is None
    assert plate["chars"][0]["alternatives"][0][0] == "7"


def test_noise_is_not_read_with_confidence(run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for i in range(30):
        cv2.imwrite(str(tmp_path / f"{i:02}.png"), rng.integers(0, 255, (40, 30), np.uint8))
    _, out, _ = run("predict", "--json", "--input", "char", tmp_path)
    found = [plate for answer in objects(out) for plate in answer["plates"]]
    assert sum(plate["text"] == "?" for plate in found) >= 24
    assert max(plate["confidence"] for plate in found) < 0.5


@pytest.mark.slow
def test_standard_input_is_read(pictures: Path) -> None:
    command = [sys.executable, "-m", "plate_ocr", "predict", "--model", "digits", "--json", "-"]
    done = subprocess.run(command, input=(pictures / "7.png").read_bytes(), capture_output=True, check=True)
    (answer,) = objects(done.stdout.decode())
    assert (answer["image"], answer["plates"][0]["text"]) == ("-", "7")


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", ["predict --model digits", "predict -j 2 --model chars", "inspect --model digits"]
)
def test_a_closed_pipe_is_no_error(pictures: Path, command: str) -> None:
    names = " ".join([str(pictures / "7.png")] * 200)
    line = f"{sys.executable} -m plate_ocr {command} {names} | head -n 1"
    done = subprocess.run(line, shell=True, capture_output=True, check=True)
    assert done.stderr == b""
    assert done.stdout.count(b"\n") == 1


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no disk that is always full")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_results_that_find_no_room_end_with_one_sentence(pictures: Path, options: list[str]) -> None:
    command = [sys.executable, "-m", "plate_ocr", "predict", "--model", "digits", *options]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*command, str(pictures / "7.png")], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "plate-ocr: cannot write to standard output: No space left on device\n"


def test_standard_input_may_be_closed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    code, out, err = run("predict", "--model", "digits", "-")
    assert (code, out, err) == (1, "", "plate-ocr: cannot read standard input: it is closed\n")


@pytest.mark.parametrize("command", ["predict", "inspect"])
def test_messages_about_standard_input_name_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    for content, says in ((b"", "the file is empty"), (b"no picture", "not a picture in a known format")):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        code, out, err = run(command, "--model", "digits", "-")
        assert (code, out) == (1, "")
        assert err.startswith(f"plate-ocr: standard input: {says}")


def test_the_json_of_the_page_is_what_is_written(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    shown = re.search(r"`plate-ocr (predict --json [^`]*)`[^`]*```json\n(.*?)```", page, re.DOTALL)
    assert shown
    monkeypatch.chdir(ROOT)
    code, out, err = run(*shlex.split(shown[1]))
    assert (code, err) == (0, "")
    values, expected = json.loads(out), json.loads(shown[2])
    assert values | {"ms": 0} == expected | {"ms": 0}
    assert [*values] == [*expected]


REQUIRED = {
    "predict": ["7.png"],
    "batch": ["shots", "-o", "out"],
    "evaluate": ["labels.csv"],
    "inspect": ["7.png"],
    "generate": ["out"],
    "quantize": ["plates", "-o", "out.onnx"],
    "export": ["plates", "-o", "out.onnx"],
    "study": ["pictures", "-o", "out"],
    "label": ["shots", "-o", "plates.csv"],
    "validate": ["pictures"],
    "alpr": ["car.jpg"],
}
"""Arguments that commands cannot do without."""


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "models"])
def test_every_command_takes_its_own_defaults(name: str) -> None:
    # All options are converted and checked, as in a call; nothing is run.
    group = get_command(command_line())
    assert isinstance(group, TyperGroup)
    context = group.commands[name].make_context(name, list(REQUIRED.get(name, [])))
    assert not context.args


@pytest.mark.parametrize("arguments", [["--help"], ["models", "--help"]])
def test_the_list_of_commands_has_whole_sentences(run: Run, arguments: list[str]) -> None:
    code, out, _ = run(*arguments)
    commands = out.partition("Commands:\n")[2].splitlines()
    assert code == 0
    assert len(commands) >= 3
    for line in commands:
        assert line.endswith("."), line
        assert not line.endswith("..."), line


@pytest.mark.slow
def test_reading_imports_neither_torch_nor_matplotlib(pictures: Path) -> None:
    code = (
        "import sys; from plate_ocr import CharClassifier, PlateReader; "
        f"print(CharClassifier('digits')({str(pictures / '7.png')!r}).char, "
        f"PlateReader('chars')({str(pictures / 'plate.png')!r}).plates[0].text, "
        "sorted({'torch', 'matplotlib', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.split(maxsplit=2) == ["7", "KA365CP", "[]\n"]


@pytest.mark.slow
def test_training_without_the_extra_names_the_command(pictures: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None; sys.argv = ['plate-ocr', 'train', '-o', 'run']; "
        "from plate_ocr.app.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    assert "pip install 'plate-ocr[train]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_plates_are_rendered_with_their_labels(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("generate", tmp_path / "plates", "-n", 3, "--region", "us,br", "--seed", 1)
    labels = tmp_path / "plates" / "labels.csv"
    assert (code, out.strip()) == (0, str(labels))
    lines = labels.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "image_path,plate_text,region"
    assert len(lines) == 4
    assert all((labels.parent / line.split(",")[0]).is_file() for line in lines[1:])
    before = labels.read_bytes()
    code, out, err = run("generate", tmp_path / "plates", "-n", 1)
    assert (code, out) == (1, "")
    assert f"{tmp_path / 'plates'} already holds plates: give another folder" in err
    assert labels.read_bytes() == before
    code, out, err = run("generate", tmp_path / "other", "--region", "atlantis")
    assert (code, out) == (1, "")
    assert "atlantis" in err


@pytest.mark.slow
def test_a_region_that_cannot_be_rendered_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PLATE_OCR_DATA", raising=False)
    code, out, err = run("generate", tmp_path / "mix", "-n", 1)
    assert (code, out.strip()) == (0, str(tmp_path / "mix" / "labels.csv"))
    assert "plate-ocr: region cn is left out: no glyphs or fonts for 丙临乙…" in err
    code, _, err = run("generate", tmp_path / "us", "-n", 1, "--region", "us")
    assert (code, err.count("\n")) == (0, 1)
    assert err.startswith("plate-ocr: without PLATE_OCR_DATA, other fonts replace ")


@pytest.mark.slow
def test_the_first_command_of_training_plates_needs_no_data(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PLATE_OCR_DATA", raising=False)
    page = (Path(__file__).parents[2] / "docs" / "plates.md").read_text(encoding="utf-8")
    shown = re.search(r"## Training\n\n```console\n\$ plate-ocr (generate .*?) -n 20 (.*?) +#", page)
    assert shown
    code, out, _ = run(*shlex.split(shown[1]), "-n", 8, *shlex.split(shown[2]))
    assert (code, out) == (0, "plates/labels.csv\n")


def test_regions_are_repeated_or_separated_by_commas(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PLATE_OCR_DATA", raising=False)
    shutil.copy(FOLDER / "gb.toml", "Mine.toml")
    code, _, err = run(
        "generate", "out", "-n", 40, "--region", "US, br", "--region", "Mine.toml,", "--seed", 1
    )
    assert (code, err.count("\n")) == (0, 1)
    with open("out/labels.csv", encoding="utf-8", newline="") as file:
        assert {row["region"] for row in csv.DictReader(file)} == {"us", "br", "Mine"}


def test_formats_of_region_files_are_joined(run: Run, pictures: Path, tmp_path: Path) -> None:
    own = region_file(tmp_path, f'[[format]]\npatterns = ["@@@@@@@"]\n{PLATE}')

    def text(*options: object) -> str:
        code, out, _ = run("predict", "--model", "chars", *options, pictures / "plate.png")
        assert code == 0
        return out.split("  ")[1]

    assert not set(text("--region", own)) & set("0123456789")
    assert text("--region", own, "--region", "US") == text("--region", f"{own},us") == "KA365CP"


def test_training_on_plates_is_refused_or_planned(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plate_ocr.training.estimate.estimated_seconds", lambda config: 61.0)
    code, _, err = run("train", tmp_path / "none", "--model", "plates", "-o", tmp_path / "run")
    assert (code, err) == (1, f"plate-ocr: there is no data set {tmp_path / 'none'}\n")
    code, _, err = run("train", "--region", "us", "-o", tmp_path / "run")
    assert code == 2
    assert "--region belongs to --model plates" in err
    code, _, err = run("train", "--model", "plates", "--region", "atlantis", "-o", tmp_path / "run")
    assert code == 1
    assert "atlantis" in err
    assert not (tmp_path / "run").exists()
    code, out, _ = run("train", "--model", "plates", "--dry-run", "-o", tmp_path / "run", "--epochs", 3)
    assert code == 0
    assert "384 steps, 49,152 samples" in out


@pytest.mark.slow
def test_a_full_disk_leaves_the_checkpoint_before_whole_and_says_how_to_go_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plate_ocr.training.core.trainer.SAVE_SECONDS", float("inf"))
    size = ("--epochs", 3, "--samples-per-epoch", 512, "--device", "cpu")
    with monkeypatch.context() as patch:
        fill_disk(patch, ".ckpt", write=3)
        code, _, err = run("train", "-o", tmp_path, *size)
    assert code == 1
    assert err.splitlines()[-1] == (
        f"plate-ocr: cannot write {tmp_path / 'last.ckpt'}: No space left on device; the previous "
        f"checkpoint is intact: once there is space, resume with: plate-ocr train --resume {tmp_path}"
    )
    state = torch.load(tmp_path / "last.ckpt", weights_only=True)["trainer"]
    assert (state["step"], len(state["history"])) == (2, 1)
    assert not list(tmp_path.glob(".*"))
    code, out, _ = run("train", "--resume", tmp_path)
    assert (code, out) == (0, f"{tmp_path}\n")


def test_version(run: Run) -> None:
    code, out, _ = run("--version")
    assert (code, out.split()[0]) == (0, "plate-ocr")


def test_a_data_set_is_validated(run: Run, tmp_path: Path) -> None:
    for i in range(12):
        path = tmp_path / "data" / "AB"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.effect_noise((14, 20), 60).save(path)
    code, out, err = run("validate", tmp_path / "data", "--strict")
    assert (code, err) == (0, "")
    assert "pictures of each: A 6, B 6" in out.splitlines()
    (tmp_path / "data" / "A" / "broken.png").write_text("no picture")
    for strict, status in ([], 0), (["--strict"], 1):
        code, out, err = run("validate", tmp_path / "data", *strict)
        assert (code, err) == (status, "")
        assert out.splitlines()[0].startswith(f"{tmp_path / 'data/A/broken.png'}: unreadable picture: ")
        assert "problems: 1 (unreadable picture 1)" in out.splitlines()
    code, out, _ = run("validate", tmp_path / "data", "--alphabet", "A")
    assert "too few classes" in out
    code, out, err = run("validate", tmp_path / "nothing")
    assert (code, out) == (1, "")
    assert "there is no data set" in err
    code, _, err = run("validate", tmp_path / "data", "-o", tmp_path / "a.html")
    assert (code, "--out belongs to plates" in err) == (2, True)


def test_plates_are_validated(run: Run, tmp_path: Path, shipped_plates: Path) -> None:
    assert shipped_plates
    picture = cv2.imread("data/plate.png")
    assert picture is not None
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"{i}.png"), picture[2 * i :])
    cv2.imwrite(
        str(tmp_path / "noise.png"), np.random.default_rng(0).integers(0, 255, (40, 120)).astype(np.uint8)
    )
    rows = [
        "0.png,皖A512T3",
        "1.png,皖A512T9",
        "none.png,AB1",
        "2.png,皖A512T3",
        "noise.png,AB12",
        "0.png,א1",
    ]
    table, page = tmp_path / "plates.csv", tmp_path / "suspects.html"
    table.write_text("image_path,plate_text\n" + "\n".join(rows) + "\n", encoding="utf-8")
    code, out, err = run("validate", table, "-o", page, "--strict")
    assert (code, err) == (1, "")
    lines = out.splitlines()
    assert lines[0].startswith(f"{table} line 7: the text א1: ")
    assert lines[1].startswith(f"{table} line 4: ")
    assert any(line.startswith(f"{table} line 3: 皖A512T9 is read as 皖A512T3 ") for line in lines)
    assert "plates: 4 pictures of 3 texts" in lines
    assert "lengths: 4 1, 7 3" in lines
    assert "regions: none 4" in lines
    assert lines[-1].startswith("split: ")
    assert "1 of 1 labels misread" in page.read_text(encoding="utf-8")
    assert run("validate", table)[0] == 0
    code, _, err = run("validate", table, "--group", "(x)")
    assert (code, "--group belongs to characters" in err) == (2, True)


def test_nearly_equal_pictures_of_different_plates_are_named(
    run: Run, tmp_path: Path, shipped_plates: Path
) -> None:
    assert shipped_plates
    noise = np.random.default_rng(0).integers(0, 255, (40, 120)).astype(np.uint8)
    for name, picture in (("AB1.png", noise), ("AB2.png", noise // 2 * 2), ("AB3.png", noise[::-1])):
        cv2.imwrite(str(tmp_path / name), picture)
    code, out, _ = run("validate", tmp_path)
    assert code == 0
    (near,) = (line for line in out.splitlines() if "nearly the same picture as" in line)
    assert near.startswith(f"{tmp_path / 'AB2.png'}: nearly the same picture as {tmp_path / 'AB1.png'}, ")
    assert near.endswith("with the text AB2 instead of AB1")


def test_quantize_wants_an_onnx_file_and_a_plate_model(
    run: Run, tiny_plate_model: Path, tiny_model: Path, tmp_path: Path
) -> None:
    code, out, err = run("quantize", tiny_plate_model, "-o", tmp_path / "small.safetensors")
    assert (code, out) == (2, "")
    assert "ends in .onnx" in err
    code, out, err = run("quantize", tiny_model, "-o", tmp_path / "small.onnx")
    assert (code, out) == (1, "")
    assert "a 'plate-ocr plate model' is expected" in err


def test_a_run_goes_on_with_its_results(run: Run, pictures: Path, tmp_path: Path) -> None:
    results = tmp_path / "new" / "results.jsonl"
    command = "predict", "--model", "chars", "--resume", results
    assert run(*command, pictures / "7.png", pictures / "white.png") == (0, "", "")
    before = results.read_bytes()
    results.write_bytes(before + b'{"image": "cut sh')
    code, out, _ = run(*command, pictures)
    assert (code, out) == (1, "")
    lines = objects(results.read_text(encoding="utf-8"))
    assert results.read_bytes().startswith(before)
    names = [Path(line["image"]).name for line in lines]
    assert names == ["7.png", "white.png", "plate.png", "text.png"]
    assert [line["error"] is None for line in lines] == [True, True, True, False]
    whole = results.read_bytes()
    told = "plate-ocr: inputs that could not be read before: 1; --retry reads them again\n"
    assert run(*command, pictures) == (1, "", told)
    assert run(*command, pictures / "7.png") == (0, "", "")
    assert results.read_bytes() == whole


def test_written_files_are_named(run: Run, pictures: Path, tmp_path: Path) -> None:
    shots = tmp_path / "shots"
    (shots / "in").mkdir(parents=True)
    shutil.copy(pictures / "7.png", shots / "in" / "7.png")
    places = "--annotate", tmp_path / "a", "--crops", tmp_path / "c", "--csv", tmp_path / "t.csv"
    code, out, _ = run("predict", "--model", "digits", "--json", shots, *places)
    (answer,) = objects(out)
    expected = str(tmp_path / "a" / "in" / "7.png.jpg"), str(tmp_path / "c" / "in" / "7.png.1.png")
    assert (code, answer["files"]) == (0, {"annotated": expected[0], "blurred": None, "crops": [expected[1]]})
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["annotated"], row["blurred"], row["crop"]) == (expected[0], "", expected[1])
    assert all(os.path.isfile(path) for path in expected)


def test_what_could_not_be_read_is_read_again(run: Run, pictures: Path, tmp_path: Path) -> None:
    bad, good, other = tmp_path / "a.png", tmp_path / "b.png", tmp_path / "c.png"
    for path in (bad, other):
        path.write_text("no picture")
    good.write_bytes((pictures / "7.png").read_bytes())
    results = tmp_path / "r.jsonl"
    command = "predict", "--model", "digits", "--resume", results
    code, out, err = run(*command, bad, good, other)
    assert (code, out, [line.partition(" ")[0] for line in err.splitlines()]) == (1, "", ["plate-ocr:"] * 2)
    assert "a.png" in err.splitlines()[0]
    bad.write_bytes((pictures / "7.png").read_bytes())
    assert run(*command, "--retry", bad, good) == (0, "", "")
    lines = objects(results.read_text(encoding="utf-8"))
    names = [Path(line["image"]).name for line in lines]
    assert names == ["b.png", "c.png", "a.png"]
    assert [line["error"] is None for line in lines] == [True, False, True]
    whole = results.read_bytes()
    assert run(*command, "--retry", bad, good) == (0, "", "")
    assert results.read_bytes() == whole
    code, _, err = run(*command, "--retry", other)
    assert (code, "c.png" in err) == (1, True)
    assert objects(results.read_text(encoding="utf-8"))[-1]["error"] == lines[1]["error"]


def test_to_retry_takes_results(run: Run) -> None:
    assert run("predict", "--retry", "x.png") == (2, "", "plate-ocr: --retry belongs to --resume FILE\n")


@pytest.mark.parametrize("resumed", [True, False])
def test_a_stopped_run_says_so_and_writes_its_table(
    run: Run, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resumed: bool
) -> None:
    def stop_at_second(source: Source, read: Any, draw: Any) -> Answer:
        if source.name.endswith("white.png"):
            raise KeyboardInterrupt
        return of_picture(source, read, draw)

    monkeypatch.setattr("plate_ocr.app.answers.of_picture", stop_at_second)
    table, results = tmp_path / "t.csv", tmp_path / "r.jsonl"
    command = "predict", "--model", "digits", "--csv", table, *(("--resume", results) if resumed else ())
    code, _, err = run(*command, pictures / "7.png", pictures / "white.png")
    how = f"; the same command resumes it from {results}" if resumed else ""
    assert (code, err) == (130, f"plate-ocr: stopped{how}\n")
    first, *rest = table.read_text(encoding="utf-8").splitlines()[1:]
    assert first.startswith(f'"{pictures / "7.png"}",,"7",')
    assert rest == []


def test_a_run_that_goes_on_has_the_table_of_one_that_was_not_stopped(
    run: Run, pictures: Path, tmp_path: Path
) -> None:
    command = "predict", "--model", "chars"
    assert run(*command, "--csv", tmp_path / "whole.csv", pictures)[0] == 1
    run(*command, "--resume", tmp_path / "r.jsonl", pictures / "7.png", pictures / "plate.png")
    code, out, _ = run(*command, "--resume", tmp_path / "r.jsonl", "--csv", tmp_path / "t.csv", pictures)
    assert (code, out) == (1, "")
    assert (tmp_path / "t.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.parametrize(("one", "other"), [("--csv", "--resume"), ("--annotate", "--blur")])
def test_what_would_overwrite_the_other_is_refused(
    run: Run, pictures: Path, tmp_path: Path, one: str, other: str
) -> None:
    places = one, tmp_path / "out", other, tmp_path / "x" / ".." / "out"
    code, out, err = run("predict", "--model", "chars", pictures / "7.png", *places)
    assert (code, out) == (2, "")
    assert err.startswith(f"plate-ocr: {one} and {other}: give two ")
    assert not (tmp_path / "out").exists()


def test_a_table_that_cannot_be_written_is_told_before_pictures_are_read(
    run: Run, pictures: Path, tmp_path: Path
) -> None:
    code, out, err = run("predict", "--model", "chars", pictures / "7.png", "--csv", tmp_path)
    assert (code, out, err) == (2, "", f"plate-ocr: cannot write {tmp_path}: it is a folder\n")
    victim = tmp_path / "7.png"
    victim.write_bytes(b"the picture")
    code, out, err = run("predict", "--model", "chars", "--csv", victim, pictures / "7.png")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "that is the name of an image or video" in err
    assert victim.read_bytes() == b"the picture"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="there are no such file names")
def test_a_file_name_need_not_be_text(run: Run, pictures: Path, tmp_path: Path) -> None:
    name = os.path.join(os.fsencode(tmp_path), b"\xff.png")
    Path(os.fsdecode(name)).write_bytes((pictures / "7.png").read_bytes())
    command = "predict", "--model", "digits", os.fsdecode(name), "--csv", tmp_path / "t.csv"
    done = subprocess.run(
        [sys.executable, "-m", "plate_ocr", *command],
        env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"}, capture_output=True, check=True,
    )  # fmt: skip
    table = (tmp_path / "t.csv").read_bytes()
    assert done.stdout.startswith(name + b"  7  ")
    assert table.splitlines()[1].startswith(b'"' + name + b'",,"7",')
    assert objects(run(*command, "--json")[1])[0]["image"] == os.fsdecode(name)
    for _ in range(2):
        assert run(*command, "--resume", tmp_path / "r.jsonl") == (0, "", "")
        assert (tmp_path / "t.csv").read_bytes() == table
    assert len(objects((tmp_path / "r.jsonl").read_text(encoding="utf-8"))) == 1


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_standard_output_need_not_have_all_characters(pictures: Path, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "皖é😀.png"
    path.write_bytes((pictures / "7.png").read_bytes())

    def told(*options: str) -> str:
        command = [sys.executable, "-m", "plate_ocr", "predict", "--model", "digits", str(path), *options]
        environment = os.environ | {"PYTHONIOENCODING": encoding}
        return subprocess.run(command, env=environment, capture_output=True, check=True).stdout.decode(
            encoding
        )

    assert objects(told("--json"))[0]["image"] == str(path)
    text = told()
    assert text.startswith(str(tmp_path))
    assert text.rstrip().endswith("  7  1.00")
    assert ("皖é😀.png" in text) == (encoding == "utf-8")


def test_only_results_are_gone_on_with(run: Run, pictures: Path, tmp_path: Path) -> None:
    number = json.dumps({"image": 5, "error": None, "plates": []}) + "\n"
    for content in ("some text\n", '{"image": "a.png"}\n', number, "[]\n", "[" * 99_999 + "\n", "no end"):
        (tmp_path / "notes.txt").write_text(content)
        code, out, err = run("predict", "--resume", tmp_path / "notes.txt", pictures / "7.png")
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert "holds something else than lines of predict --json" in err
        assert (tmp_path / "notes.txt").read_text() == content


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the size of files has no such limit")
def test_lines_that_find_no_room_are_not_written_in_part(tmp_path: Path) -> None:
    code = """
import resource, sys
from pathlib import Path
from types import SimpleNamespace
from plate_ocr.app.output import ResultFile
from plate_ocr.errors import OutputError
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
results = ResultFile(Path(sys.argv[1]), frozenset(), frozenset())
results.append(["x" * 399] * 2)
try:
    results.append(["y" * 99, "z" * 199])
except OutputError as error:
    print(error)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "r.jsonl")]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stdout == f"cannot write to {tmp_path / 'r.jsonl'}: File too large\n"
    assert (tmp_path / "r.jsonl").read_text() == ("x" * 399 + "\n") * 2


def test_a_terminal_shows_how_many_pictures_are_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*, to_file: bool = False) -> str:
        assert list(counted("abc", lambda: 1234, to_file=to_file)) == ["a", "b", "c"]
        return capsys.readouterr().err

    shown = "\r0 of 1,234\r1 of 1,234\r2 of 1,234\r3 of 1,234\n"
    assert told() == told(to_file=True) == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert told() == shown
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert told() == ""
    assert told(to_file=True) == shown
    print_message("x.jpg cannot be read")
    assert capsys.readouterr().err == "\rplate-ocr: x.jpg cannot be read\n"


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_known_plates_are_named(run: Run, pictures: Path, tmp_path: Path, jobs: int) -> None:
    command = "predict", "--model", "chars", pictures / "plate.png", "-j", jobs
    (plate,) = json.loads(run(*command, "--json")[1])["plates"]
    assert plate["known"] is None
    known = tmp_path / "known.csv"
    known.write_text(f"plate,name\n{plate['text']},Ann\n", encoding="utf-8")
    table = tmp_path / "t.csv"
    code, out, err = run(*command, "--json", "--known", known, "--csv", table)
    assert (code, err) == (0, "")
    expected = {"name": "Ann", "plate": plate["text"], "distance": 0, "why": "exact"}
    assert json.loads(out)["plates"][0]["known"] == expected
    (row,) = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    assert (row["known_plate"], row["known_name"]) == (plate["text"], "Ann")
    assert run(*command, "--known", known)[1].endswith("  Ann\n")


def test_known_plates_that_cannot_be_read_are_wrong_usage(run: Run, pictures: Path, tmp_path: Path) -> None:
    code, out, err = run(
        "predict", "--known", tmp_path / "no.csv", pictures / "plate.png", "--model", "chars"
    )
    assert (code, out) == (2, "")
    assert f"cannot read {tmp_path / 'no.csv'}" in err


@pytest.mark.parametrize("option", ["--annotate", "--crops", "--blur"])
def test_pictures_are_not_written_where_they_are_read(
    run: Run, pictures: Path, tmp_path: Path, option: str
) -> None:
    before = sorted(path.name for path in pictures.iterdir())
    (tmp_path / "link").symlink_to(pictures)
    code, out, err = run("predict", pictures, option, tmp_path / "link")
    assert (code, out) == (2, "")
    assert f"{option} {tmp_path / 'link'}: the pictures there are read; give another folder" in err
    assert sorted(path.name for path in pictures.iterdir()) == before
