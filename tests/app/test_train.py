"""What ``plate-ocr train`` takes, refuses and shows, without training."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from plate_ocr.training.characters.config import CharRunConfig
from plate_ocr.training.core.config import RunConfig
from plate_ocr.training.core.folder import locked
from plate_ocr.training.plates.config import PlateRunConfig
from plate_ocr.training.rendered.config import RenderRunConfig
from plate_ocr.training.tasks import CONFIGS, stored_config
from tests.app.conftest import Run

GIVEN = {
    "data": ["pictures"],
    "fonts": ["--fonts", "fonts"],
    "weights": ["--weights", "model"],
    "regions": ["--region", "us"],
    "backgrounds": ["--backgrounds", "photographs"],
    "group": ["--group", "(x)"],
    "alphabet": ["--alphabet", "AB"],
    "mix": ["--mix", "0.3"],
    "keep": ["--keep", "0.25"],
    "freeze": ["--freeze"],
    "partial": ["--partial"],
    "grid": ["--grid", "5x5"],
    "hidden": ["--hidden", "3"],
    "epochs": ["--epochs", "3"],
    "samples_per_epoch": ["--samples-per-epoch", "512"],
    "repeats": ["--repeats", "2"],
    "batch_size": ["--batch-size", "64"],
    "lr": ["--lr", "0.001"],
    "warmup": ["--warmup", "lr=linear:5"],
    "lr_schedule": ["--lr-schedule", "step"],
    "loss": ["--loss", "squared_error"],
    "patience": ["--patience", "3"],
    "val_fraction": ["--val-fraction", "0.2"],
    "test_fraction": ["--test-fraction", "0.2"],
    "seed": ["--seed", "3"],
    "device": ["--device", "cpu"],
    "grad_accum": ["--grad-accum", "2"],
    "compile": ["--compile"],
}
"""An option for each setting."""

INTERNAL = {"model", "workers", "assets", "font_fraction"}
"""Settings without an option."""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of its own, without glyphs; nothing is trained for an estimate."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("plate_ocr.training.estimate.estimated_seconds", lambda config: 61.0)
    monkeypatch.delenv("PLATE_OCR_DATA", raising=False)


def test_every_setting_has_an_option_and_every_option_a_setting() -> None:
    settings = {field.name for kind in CONFIGS.values() for field in dataclasses.fields(kind)}
    assert settings - INTERNAL == set(GIVEN)


@pytest.mark.parametrize("model", CONFIGS)
@pytest.mark.parametrize("setting", GIVEN)
def test_an_option_is_taken_by_the_models_that_have_the_setting_and_refused_by_the_others(
    run: Run, model: str, setting: str
) -> None:
    fields = {field.name for field in dataclasses.fields(CONFIGS[model])}
    belongs = setting in fields
    option = GIVEN[setting]
    if belongs and setting in getattr(CONFIGS[model], "NEED_DATA", ()):
        option = ["pictures", *option]
    if belongs and setting in ("keep", "freeze"):
        option = [*option, "--weights", "model"]
    code, out, err = run("train", "--model", model, "--dry-run", *option)
    name = option[0] if setting != "data" else "DATA"
    if belongs:
        assert (code, err) == (0, "")
        assert "steps" in out
    else:
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith(f"plate-ocr: {name} belongs to --model ")
        assert model not in err.partition("--model ")[2].partition(",")[0].split(" and ")


@pytest.mark.parametrize("setting", [*GIVEN, "model", "config"])
def test_a_run_goes_on_as_it_was_begun_and_takes_no_option(run: Run, setting: str) -> None:
    option = GIVEN.get(setting, [f"--{setting}", "chars"])
    code, out, err = run("train", "--resume", "runs/some", *option)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "belongs to a new run" in err
    assert (option[0] if setting != "data" else "DATA") in err


@pytest.mark.parametrize(
    ("model", "loss"),
    [
        ("digits", "cross_entropy"),
        ("chars", "cross_entropy"),
        ("plates", "CTC, corners and regions"),
        ("detector", "focal loss and corners"),
    ],
)
def test_a_plan_is_told_and_drawn_and_no_run_begun(run: Run, tmp_path: Path, model: str, loss: str) -> None:
    code, out, err = run("train", "--model", model, "-o", "runs/some", "--dry-run")
    assert (code, err) == (0, "")
    assert f", loss {loss}\nabout 61 s on this machine\n" in out
    assert out.endswith("runs/some/schedule.png\n")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "runs/some/schedule.png"]
    assert (tmp_path / "runs/some/schedule.png").read_bytes().startswith(b"\x89PNG")
    left_out = "region cn is left out: no glyphs or fonts for " in out
    assert left_out == (model in ("plates", "detector"))
    assert bool(re.search(r"^plates of \d+ regions are rendered$", out, re.MULTILINE)) == left_out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["nowhere.csv", "-o", "new"], "there is no data set nowhere.csv"),
        (["nowhere.csv", "--model", "plates", "-o", "new"], "there is no data set nowhere.csv"),
        (["table.csv", "-o", "new"], "table.csv line 1: no column label"),
        (
            ["plates.csv", "-o", "new"],
            "plates.csv labels whole plates (plate_text), and characters are expected (image_path,label): "
            "measure on it with plate-ocr evaluate plates.csv, train on plates with --model plates",
        ),
        (["-o", "old"], "old already holds a run: resume it with --resume old, or give another folder"),
        (["--resume", "bare"], "bare holds no run to resume: there is no last.ckpt"),
    ],
)
def test_mistakes_are_told_before_torch_is_imported(tmp_path: Path, given: list[str], says: str) -> None:
    Path("table.csv").write_text("image_path,text\n1.png,A\n", encoding="utf-8")
    Path("plates.csv").write_text("image_path,plate_text\n1.png,AB1\n", encoding="utf-8")
    for folder, name in (("old", "last.ckpt"), ("bare", "config.toml")):
        Path(folder).mkdir()
        Path(folder, name).write_text(CONFIGS["digits"].new().to_toml(), encoding="utf-8")
    code = "import sys; sys.modules['torch'] = None; from plate_ocr.app.cli import main; main()"
    command = [sys.executable, "-c", code, "train", *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"plate-ocr: {says}")


def test_the_plan_of_a_stored_run(run: Run, tmp_path: Path) -> None:
    config = CONFIGS["plates"].new(epochs=3, seed=5, workers=1)
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "config.toml").write_text(config.to_toml(), encoding="utf-8")
    code, out, _ = run("train", "--resume", "some", "--dry-run")
    assert (code, "384 steps, 49,152 samples" in out) == (0, True)
    assert {path.name for path in tmp_path.rglob("*")} == {"some", "config.toml"}


def test_a_plan_leaves_a_run_as_it_is_and_no_picture_unasked(run: Run, tmp_path: Path) -> None:
    assert run("train", "--dry-run")[0] == 0
    assert not list(tmp_path.iterdir())
    for name in ("last.ckpt", "schedule.png"):
        (tmp_path / name).write_text("mine")
    code, out, err = run("train", "--dry-run", "-o", tmp_path)
    assert (code, out) == (1, "")
    assert f"{tmp_path} already holds a run" in err
    assert (tmp_path / "schedule.png").read_text() == "mine"


def test_a_folder_takes_one_training_at_a_time(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with locked(folder):
        code, out, err = run("train", "-o", folder, "--epochs", 1)
        assert (code, out) == (1, "")
        assert f"process {os.getpid()} is training in {folder}" in err
        assert [path.name for path in folder.iterdir()] == ["train.lock"]
    assert not folder.exists()


def test_the_help_shows_the_defaults_of_all_models(run: Run) -> None:
    code, out, _ = run("train", "--help")
    text = " ".join(out.split())
    assert code == 0
    assert "20 (digits, chars), 60 (plates), 32 (detector)" in text
    assert "256 (digits), 1792 (chars)" in text
    assert "[default: (" not in text
    assert "0.004 (digits, chars), 0.002 (plates, detector)" in text


@pytest.mark.parametrize("model", CONFIGS)
@pytest.mark.parametrize(
    "warmup", ["lr=linear:5", "batch=8:16:5", "layers=5", "data=0.5:5", "loss=smoothing:5"]
)
def test_a_warm_up_is_taken_or_refused(run: Run, model: str, warmup: str) -> None:
    code, _, err = run("train", "--model", model, "--dry-run", "--warmup", warmup)
    if warmup.partition("=")[0] in CONFIGS[model].WARMUPS:
        assert (code, err) == (0, "")
    else:
        assert (code, err.count("\n")) == (2, 1)
        assert f"--warmup {warmup} does not belong to --model {model}, which takes lr" in err


def test_the_help_shows_every_option_once_in_a_panel(run: Run) -> None:
    code, out, _ = run("train", "--help")
    assert code == 0
    panels = re.findall(r"^(\w+):$", out, re.MULTILINE)
    assert panels == ["Arguments", "Run", "Data", "Network", "Schedule", "Machine"]
    shown = re.findall(r"^  (?:-\w, )?(--[\w-]+)", out, re.MULTILINE)
    options = {option for given in GIVEN.values() for option in given if option.startswith("--")}
    others = {
        "--out",
        "--resume",
        "--config",
        "--model",
        "--dry-run",
        "--quiet",
        "--verbose",
        "--strict",
        "--help",
    }
    assert sorted(shown) == sorted(options | others)
    assert out.index("Machine:") < out.index("--device") < out.index("--compile")


def test_a_stored_run_of_no_known_model_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('model = "dogs"\n', encoding="utf-8")
    code, out, err = run("train", "--resume", tmp_path)
    assert (code, out) == (1, "")
    assert "there is no model 'dogs'; there are digits, chars, plates, detector" in err


@pytest.fixture
def scheduled(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., RunConfig]:
    """The configuration that a command line begins a run with."""
    begun: list[RunConfig] = []
    monkeypatch.setattr("plate_ocr.app.commands.train._show_schedule", lambda config, _: begun.append(config))

    def schedule(*options: object) -> RunConfig:
        code, _, err = run("train", "--dry-run", *options)
        assert (code, err) == (0, "")
        return begun.pop()

    return schedule


def test_a_run_starts_from_a_file_and_options_win(
    scheduled: Callable[..., RunConfig], tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text(
        'model = "chars"\nepochs = 3\nlr = 1\ngrid = [4, 6]\nwarmup = []\n', encoding="utf-8"
    )
    config = scheduled("--config", "mine.toml", "--epochs", 5, "--seed", 2)
    assert config == CONFIGS["chars"].new(epochs=5, lr=1, grid=(4, 6), warmup=(), seed=2)
    assert scheduled("--config", "mine.toml", "--model", "digits").model == "digits"
    # Without a model it is the one that the data asks for, as without a file.
    (tmp_path / "mine.toml").write_text('data = ["pictures"]\n', encoding="utf-8")
    assert scheduled("--config", "mine.toml").model == "chars"
    (tmp_path / "mine.toml").write_text("epochs = 1\n", encoding="utf-8")
    assert scheduled("--config", "mine.toml").model == "digits"


def test_paths_in_a_file_are_relative_to_it(scheduled: Callable[..., RunConfig], tmp_path: Path) -> None:
    folder = tmp_path / "some" / "place"
    folder.mkdir(parents=True)
    (folder / "a.toml").write_text(
        f'data = ["pictures", "{(tmp_path / "whole").as_posix()}"]\nfonts = "../fonts"\nweights = "chars"\n',
        encoding="utf-8",
    )
    config = scheduled("--config", "some/place/a.toml")
    assert isinstance(config, CharRunConfig)
    assert config.data == (os.path.join("some", "place", "pictures"), str(tmp_path / "whole"))
    assert (config.fonts, config.weights) == (os.path.join("some", "fonts"), "chars")
    (folder / "b.toml").write_text(
        'model = "plates"\nweights = "plates/model"\nregions = ["US", "mine.toml"]\nassets = "glyphs"\n',
        encoding="utf-8",
    )
    config = scheduled("--config", folder / "b.toml")
    assert isinstance(config, RenderRunConfig)
    assert config.regions == ("US", str(folder / "mine.toml"))
    assert (config.weights, config.assets) == (str(folder / "plates" / "model"), str(folder / "glyphs"))


def test_the_file_of_a_run_starts_another_one_from_anywhere(
    scheduled: Callable[..., RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = scheduled("pictures", "--fonts", "fonts", "--weights", "some/model", "--epochs", 2)
    folder = Path("runs") / "first"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(config.to_toml(folder), encoding="utf-8")
    assert stored_config(folder) == config
    assert scheduled("--config", folder / "config.toml") == config
    monkeypatch.chdir(folder)
    elsewhere = stored_config(Path())
    assert isinstance(elsewhere, CharRunConfig)
    assert elsewhere.data == (os.path.join("..", "..", "pictures"),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("epochs = 0", "mine.toml: epochs = 0: 0 is not in the range x>=1"),
        (
            'lr_schedule = "fast"',
            "mine.toml: lr_schedule = 'fast'; one of cosine, step, constant is expected",
        ),
        ("val_fraction = 0.6", "mine.toml: val_fraction = 0.6: 0.6 is not in the range"),
        ('epochs = "3"', "mine.toml: epochs = '3'; int is expected"),
        ("workers = -1", "mine.toml: workers = -1; int is expected and not below 0"),
        ("lr = nan", "mine.toml: lr = nan; float is expected"),
        ("grid = [5]", "mine.toml: grid = [5]; tuple[int, int] is expected"),
        ("grid = [0, 5]", "mine.toml: grid = [0, 5]: rows and columns are expected"),
        ("warmup = [1]", "mine.toml: warmup = [1]; tuple[str, ...] is expected"),
        ('warmup = ["x"]', "there is no warm-up 'x'"),
        ("colour = 1", "mine.toml: unknown setting colour; expected model, epochs, "),
        ('model = "plates"\nhidden = 3', "mine.toml: unknown setting hidden"),
        ('model = "dogs"', "mine.toml: there is no model 'dogs'; there are digits"),
        ("epochs = ", "mine.toml is not a TOML file"),
        (None, "cannot read mine.toml: No such file"),
    ],
)
def test_mistakes_in_a_file_are_named(run: Run, tmp_path: Path, text: str | None, says: str) -> None:
    if text is not None:
        (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    code, out, err = run("train", "--config", "mine.toml", "--dry-run")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert says in err


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--mix", "0.3"], "--mix belongs to a training on real pictures: give DATA"),
        (["--val-fraction", "0.3"], "--val-fraction belongs to a training on real pictures: give DATA"),
        (["--keep", "0.3"], "--keep 0.3 of what? Name a base model with --weights"),
        (["--freeze"], "--freeze keeps what? Name a base model with --weights"),
        (["--alphabet", "labels"], "--alphabet labels belongs to a training on real pictures: give DATA"),
        (
            ["pictures", "--batch-size", "1"],
            "a mix of 0.5 in a batch of 1 leaves no rendered or no real picture",
        ),
    ],
)
def test_what_belongs_to_real_plates_is_refused_without(run: Run, given: list[str], says: str) -> None:
    code, out, err = run("train", "--model", "plates", *given, "--dry-run")
    assert (code, out, err.startswith(f"plate-ocr: {says}")) == (1, "", True)


def test_a_training_on_own_plates_has_its_own_defaults(scheduled: Callable[..., RunConfig]) -> None:
    config = scheduled("plates.csv", "--model", "plates", "--weights", "plates", "--epochs", 3)
    expected = CONFIGS["plates"].new(data=("plates.csv",), weights="plates", epochs=3)
    assert config == expected
    assert isinstance(config, PlateRunConfig)
    assert (config.epochs, config.samples_per_epoch, config.lr, config.keep) == (3, 960, 1e-3, 0.3)
    assert config.freeze
    none = CONFIGS["plates"].new(data=("plates.csv",), weights="plates", epochs=3, lr=None, keep=None)
    assert none == expected
    assert CONFIGS["plates"].new().samples_per_epoch == 16384


def test_the_help_names_the_share_that_own_plates_keep(run: Run) -> None:
    _, out, _ = run("train", "--help")
    assert f"{PlateRunConfig.KEEP_WITH_DATA} with DATA, else 0" in " ".join(out.split())
