"""``-q`` and ``-v``, and what shells complete."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from plate_ocr.app.cli import COMMANDS
from plate_ocr.app.progress import LogCallback, QuietCallback, duration, train_callback
from plate_ocr.app.verbosity import set_verbosity
from plate_ocr.training.core.callbacks import NullCallback, Stage
from tests.app.conftest import Run
from tests.conftest import draw_plate


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "KA365CP.png"), draw_plate("KA365CP"))
    return tmp_path / "KA365CP.png"


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_device_models_and_times_are_told_if_wanted(
    run: Run, picture: Path, command: str, shipped_plates: Path, shipped_detector: Path
) -> None:
    given = picture if command == "predict" else picture.parent
    code, out, err = run(command, given, "-v")
    told = err.splitlines()
    assert (code, len(told)) == (0, 5)
    assert told[0].startswith("plate-ocr: device: cpu, ")
    assert told[1] == f"plate-ocr: model: {shipped_plates}"
    assert told[2] == f"plate-ocr: detector: {shipped_detector}"
    assert told[3].startswith("plate-ocr: opened in ")
    assert told[4].startswith("plate-ocr: done in ")
    code, again, err = run(command, given)
    assert (code, err) == (0, "")
    if command == "predict":
        assert again == out


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_errors_are_told_in_any_case(run: Run, tmp_path: Path, picture: Path, command: str) -> None:
    (tmp_path / "A1.png").write_text("no picture")
    code, out, err = run(command, tmp_path, "-q", "--model", "chars")
    assert code == 1
    assert out
    assert "A1.png: not a picture" in err


@pytest.mark.parametrize("command", ["predict", "evaluate", "train"])
def test_both_are_wrong_usage(run: Run, command: str) -> None:
    code, out, err = run(command, *([] if command == "train" else ["x"]), "-q", "-v")
    assert (code, out, err) == (2, "", "plate-ocr: give either -q or -v\n")


def test_training_tells_device_and_times_or_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plate_ocr.training import tasks

    def train(config: object, folder: object, told: NullCallback, **settings: object) -> object:
        told.on_message("a line")
        return type("Result", (), {"metrics": {"some": 1}, "folder": folder, "samples": (), "searched": ()})

    monkeypatch.setattr(tasks, "train", train)
    options = "train", "-o", tmp_path / "run", "--device", "cpu"
    code, out, err = run(*options, "-v")
    assert (code, out) == (0, f"{tmp_path / 'run'}\n")
    device, model, line, done = err.splitlines()
    assert device.startswith("plate-ocr: device: cpu, ")
    assert (model, line) == ("plate-ocr: model: digits", "a line")
    assert done.startswith("plate-ocr: done in ")
    assert run(*options)[2] == "a line\n"
    assert run(*options, "-q") == (0, f"{tmp_path / 'run'}\n", "")


def test_the_stages_of_a_training_are_told_with_the_time_that_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = iter([0.0, 4.0, 12.0, 20.0, 21.0, 22.0])
    monkeypatch.setattr("plate_ocr.app.progress.time.monotonic", lambda: next(now))
    callback = LogCallback()
    render = Stage(callback, "rendering plates", 4096)
    for _ in range(4):
        render(1024)
    Stage(callback, "reading plates", 10)
    assert capsys.readouterr().err.splitlines() == [
        "rendering plates: 0 of 4,096",
        "rendering plates: 2,048 of 4,096, 12 s left",
        "rendering plates: 4,096 of 4,096",
        "reading plates: 0 of 10",
    ]


def test_a_duration_is_given_in_the_unit_that_fits() -> None:
    assert [duration(seconds) for seconds in (0.4, 89, 90, 5399, 9000)] == [
        "0 s",
        "89 s",
        "2 min",
        "90 min",
        "2.5 h",
    ]


def test_no_bar_is_shown_where_errors_alone_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    set_verbosity(quiet=True, verbose=False)
    quiet = train_callback()
    set_verbosity(quiet=False, verbose=False)
    assert isinstance(quiet, QuietCallback)
    assert not isinstance(train_callback(), QuietCallback)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["plate-ocr", ""], set(COMMANDS)),
        (["plate-ocr", "ev"], {"evaluate"}),
        (["plate-ocr", "evaluate", "--inp"], {"--input"}),
        (["plate-ocr", "train", "--lr-schedule", "c"], {"cosine", "constant"}),
        (["plate-ocr", "models", "l"], {"list"}),
    ],
)
def test_shells_complete_commands_and_options(words: list[str], expected: set[str]) -> None:
    # As the script that --install-completion installs asks.
    asked = {
        "_PLATE_OCR_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    code = "import sys; sys.argv = ['plate-ocr']; from plate_ocr.app.cli import main; main()"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env={**os.environ, **asked}, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == expected


def test_the_help_names_all_commands_and_completion(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert {"--install-completion", "--show-completion", *COMMANDS} < set(out.split())
