"""What ``plate-ocr train`` takes, refuses and shows, without training."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from plate_ocr.training.tasks import CONFIGS
from tests.app.conftest import Run

GIVEN = {
    "data": ["pictures"],
    "fonts": ["--fonts", "fonts"],
    "base": ["--from", "model"],
    "regions": ["--region", "us"],
    "group": ["--group", "(x)"],
    "alphabet": ["--alphabet", "AB"],
    "windows": ["--windows", "5x5"],
    "hidden": ["--hidden", "3"],
    "epochs": ["--epochs", "3"],
    "per_epoch": ["--per-epoch", "512"],
    "passes": ["--passes", "2"],
    "batch_size": ["--batch-size", "64"],
    "rate": ["--rate", "0.001"],
    "warmup": ["--warmup", "lr=linear:5"],
    "decline": ["--decline", "step"],
    "loss": ["--loss", "squared_error"],
    "patience": ["--patience", "3"],
    "share": ["--share", "0.2"],
    "seed": ["--seed", "3"],
    "device": ["--device", "cpu"],
    "accumulate": ["--accumulate", "2"],
    "compile": ["--compile"],
}
"""An option for each setting."""

INTERNAL = {"model", "workers", "assets", "font_share"}
"""Settings without an option."""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of its own, without glyphs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PLATE_OCR_DATA", raising=False)


def test_every_setting_has_an_option_and_every_option_a_setting() -> None:
    settings = {field.name for kind in CONFIGS.values() for field in dataclasses.fields(kind)}
    assert settings - INTERNAL == set(GIVEN)


@pytest.mark.parametrize("model", CONFIGS)
@pytest.mark.parametrize("setting", [*GIVEN, "strict"])
def test_an_option_is_taken_by_the_models_that_have_the_setting_and_refused_by_the_others(
    run: Run, model: str, setting: str
) -> None:
    fields = {field.name for field in dataclasses.fields(CONFIGS[model])}
    belongs = ("data" if setting == "strict" else setting) in fields
    option = GIVEN.get(setting, ["--strict"])
    code, out, err = run("train", "--model", model, "--plan", *option)
    name = option[0] if setting != "data" else "DATA"
    if belongs:
        assert (code, err) == (0, "")
        assert "steps" in out
    else:
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith(f"plate-ocr: {name} belongs to --model ")
        assert model not in err.partition("--model ")[2].partition(",")[0].split(" and ")


@pytest.mark.parametrize("setting", [*GIVEN, "model"])
def test_a_run_goes_on_as_it_was_begun_and_takes_no_option(run: Run, setting: str) -> None:
    option = GIVEN.get(setting, ["--model", "chars"])
    code, out, err = run("train", "--resume", "runs/some", *option)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "belongs to a new run" in err
    assert (option[0] if setting != "data" else "DATA") in err


@pytest.mark.parametrize(
    ("model", "loss"),
    [
        ("digits", "cross_entropy"),
        ("chars", "cross_entropy"),
        ("plates", "CTC and corners"),
        ("locator", "focal loss and corners"),
    ],
)
def test_a_plan_is_told_and_drawn_and_no_run_begun(run: Run, tmp_path: Path, model: str, loss: str) -> None:
    code, out, err = run("train", "--model", model, "-o", "runs/some", "--plan")
    assert (code, err) == (0, "")
    assert f", loss {loss}\n" in out
    assert out.endswith("plan.png\n")
    assert [path.name for path in tmp_path.iterdir()] == ["plan.png"]
    assert (tmp_path / "plan.png").read_bytes().startswith(b"\x89PNG")
    left_out = "region cn is left out: no glyphs or fonts for " in out
    assert left_out == (model in ("plates", "locator"))
    assert ("plates of us, " in out) == left_out


def test_the_plan_of_a_stored_run(run: Run, tmp_path: Path) -> None:
    config = CONFIGS["plates"].new(epochs=3, seed=5, workers=1)
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "config.toml").write_text(config.to_toml(), encoding="utf-8")
    code, out, _ = run("train", "--resume", "some", "--plan")
    assert (code, "384 steps, 49,152 pictures drawn" in out) == (0, True)
    assert {path.name for path in tmp_path.rglob("*")} == {"some", "config.toml", "plan.png"}


def test_the_help_shows_the_defaults_of_all_models(run: Run) -> None:
    code, out, _ = run("train", "--help")
    text = " ".join(out.split())
    assert code == 0
    assert "20 (digits, chars), 60 (plates), 32 (locator)" in text
    assert "256 (digits), 1792 (chars)" in text
    assert "0.004 (digits, chars), 0.002 (plates, locator)" in text


@pytest.mark.parametrize("model", CONFIGS)
@pytest.mark.parametrize(
    "warmup", ["lr=linear:5", "batch=8:16:5", "layers=5", "data=0.5:5", "loss=smoothing:5"]
)
def test_a_warm_up_is_taken_or_refused(run: Run, model: str, warmup: str) -> None:
    code, _, err = run("train", "--model", model, "--plan", "--warmup", warmup)
    if warmup.partition("=")[0] in CONFIGS[model].WARMUPS:
        assert (code, err) == (0, "")
    else:
        assert (code, err.count("\n")) == (2, 1)
        assert f"--warmup {warmup} does not belong to --model {model}, which takes lr" in err


def test_data_that_is_not_learnt_from_is_not_checked_either(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIGS["plates"]().to_toml(), encoding="utf-8")
    code, _, err = run("train", "--resume", tmp_path, "--strict", "--plan")
    assert (code, "--strict belongs to --model digits and chars" in err) == (2, True)


def test_a_stored_run_of_no_known_model_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('model = "dogs"\n', encoding="utf-8")
    code, out, err = run("train", "--resume", tmp_path)
    assert (code, out) == (1, "")
    assert "there is no model 'dogs'; there are digits, chars, plates, locator" in err
