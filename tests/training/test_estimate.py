"""How long a run takes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from plate_ocr.training.core.config import RunConfig
from plate_ocr.training.core.trainer import Trainer
from plate_ocr.training.estimate import estimated_seconds
from plate_ocr.training.tasks import CONFIGS

SMALL = {"epochs": 1, "samples_per_epoch": 4, "batch_size": 2, "device": "cpu", "workers": 0}


@pytest.mark.parametrize("model", CONFIGS)
def test_a_run_of_ten_times_as_many_steps_takes_longer(model: str) -> None:
    config: RunConfig = CONFIGS[model].new(
        **SMALL, **({"grid": (5, 5), "hidden": 8} if model == "chars" else {})
    )
    short = estimated_seconds(config)
    assert 0 < short < estimated_seconds(dataclasses.replace(config, epochs=100))


@pytest.mark.parametrize("alphabet", ["+", "+한", "labels"])
def test_a_run_on_own_plates_has_an_estimate(alphabet: str) -> None:
    config = CONFIGS["plates"].new(**SMALL, data=("plates.csv",), weights="plates", alphabet=alphabet)
    assert estimated_seconds(config) > 0


@pytest.mark.parametrize(
    ("alphabet", "weights", "frozen"), [("+", "plates", 2), ("+한", "plates", 0), ("+", "", 0)]
)
def test_layers_that_keep_their_weights_take_no_time_to_learn_and_a_teacher_some(
    monkeypatch: pytest.MonkeyPatch, alphabet: str, weights: str, frozen: int
) -> None:
    kept = []

    class Recorded(Trainer):
        def __init__(self, *given: Any) -> None:
            kept.append((len(given[6]), given[5].teacher is not None))
            super().__init__(*given)

    monkeypatch.setattr("plate_ocr.training.estimate.Trainer", Recorded)
    estimated_seconds(
        CONFIGS["plates"].new(**SMALL, data=("plates.csv",), weights=weights, alphabet=alphabet)
    )
    assert kept == [(frozen, bool(weights))]
