"""What is measured of a plate network, and what its confidence means."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from plate_ocr.alphabet import PLATE_CHARACTERS, Alphabet
from plate_ocr.errors import ModelError
from plate_ocr.metrics import expected_calibration_error
from plate_ocr.model.cards import PlateCard
from plate_ocr.networks.export import save_model
from plate_ocr.rendering.shards import Rendering
from plate_ocr.training.core.callbacks import NullCallback
from plate_ocr.training.core.model_card import CardPage, code
from plate_ocr.training.plates.evaluate import (
    MAX_FALSE_UNKNOWN,
    PlateReadings,
    finish_plates,
    fit_plate_temperature,
    fit_region_temperature,
    fit_unknown_bias,
    plate_page,
    region_accuracy,
)
from plate_ocr.training.plates.run import transferred
from tests.conftest import new_plate_network

NO_REGIONS = np.zeros((4000, 0), np.float32)
SMALL = PlateCard(Alphabet(PLATE_CHARACTERS), channels=(4, 4, 4, 4), transformer=8, layers=1)


def test_names_are_escaped_on_the_page_of_a_model() -> None:
    page = CardPage("t", "A`|", "n", [code("my`s\n## x")], "m", ("source", "n"), [("a|b\n<i>_c_", "1.5%")])
    lines = page.markdown().splitlines()
    assert lines[2] == "`` A`| ``"
    assert lines[6] == "`` my`s ## x ``"
    assert lines[10:13] == ["| source | n |", "|---|---|", "| a\\|b \\<i\\>\\_c\\_ | 1.5% |"]


def test_the_temperature_makes_confidence_the_share_of_right_characters(rng: np.random.Generator) -> None:
    # True odds are those of logits halved: the temperature is 2.
    logits = np.zeros((4000, 3), np.float32)
    logits[:, 1] = rng.uniform(0, 6, 4000)
    share = np.exp(logits[:, 1] / 2) / (2 + np.exp(logits[:, 1] / 2))
    target = ["A" if value else "X" for value in rng.random(4000) < share]
    answers = PlateReadings(("A",) * 4000, logits, np.ones(4000, np.int64), np.arange(4000), NO_REGIONS)
    temperature = fit_plate_temperature(answers, target)
    assert temperature == pytest.approx(2, rel=0.15)
    assert expected_calibration_error(answers.confidences(temperature), answers.correct(target)) < 0.03


def test_the_bias_of_the_unknown_class_costs_few_right_characters() -> None:
    margins = np.linspace(0, 10, 5001, dtype=np.float32)
    logits = np.stack([np.zeros_like(margins), margins, np.zeros_like(margins)], 1)
    classes = np.ones(5001, np.int64)
    # The last reading is unknown, and so is its label.
    logits[-1], classes[-1] = (0, 0, 9), 2
    answers = PlateReadings(("A",) * 5000 + ("?",), logits, classes, np.arange(5001), NO_REGIONS)
    bias = fit_unknown_bias(answers, ["A"] * 5000 + ["?"])
    assert bias == pytest.approx(10 * MAX_FALSE_UNKNOWN, rel=0.01)
    assert (margins[:-1] < bias).mean() == pytest.approx(MAX_FALSE_UNKNOWN, abs=2e-4)
    assert fit_unknown_bias(answers, ["X"] * 5001) == 0


def test_the_temperature_of_the_regions_and_how_many_are_right(rng: np.random.Generator) -> None:
    logits = rng.uniform(-6, 6, (4000, 2)).astype(np.float32)
    share = 1 / (1 + np.exp((logits[:, 1] - logits[:, 0]) / 2))
    target = np.where(rng.random(4000) < share, 0, 1)
    target[:500] = -1
    answers = PlateReadings(("A",) * 4000, logits, np.ones(4000, np.int64), np.arange(4000), logits)
    assert fit_region_temperature(answers, target) == pytest.approx(2, rel=0.15)
    right = (logits.argmax(1) == target)[500:].mean()
    assert region_accuracy(answers, target) == pytest.approx(right)
    assert 0.6 < right < 0.95
    unknown = np.full(4000, -1)
    assert (fit_region_temperature(answers, unknown), region_accuracy(answers, unknown)) == (1.0, None)


def test_a_plate_is_as_sure_as_its_characters_are_on_the_mean() -> None:
    logits = np.log(np.array([[0.1, 0.9], [0.3, 0.7], [0.5, 0.5]], np.float32))
    answers = PlateReadings(("AA", "", "A"), logits, np.ones(3, np.int64), np.array([0, 0, 2]), NO_REGIONS)
    np.testing.assert_allclose(answers.plate_confidences(1.0), [0.8, 0, 0.5], atol=1e-6)


def test_a_card_has_a_line_for_each_stage_of_the_training() -> None:
    first = {"drawn": 6000, "rendered": 2000, "regions": ["cn", "us"], "seed": 1}
    second = {"drawn": 500, "rendered": 10, "regions": ["cn", "us"], "from": first}
    learnt = {"drawn": 512, "rendered": 256, "regions": ["my_ua"], "from": second}
    figures = {"count": 1, "accuracy": 1.0, "character_calibration_error": 0.0}
    metrics = {
        "plates": figures,
        "regions": {},
        "negatives": 1,
        "false_positive_rate": 0,
        "region_accuracy": 0.5,
    }
    page = plate_page(dataclasses.replace(SMALL, training=learnt), metrics, {"model.safetensors": 1})
    assert (
        "\n\nTrained on rendered plates, and on no real one:\n\n"
        "- 6,500 augmented samples of 2,010 rendered plates of the regions cn, us (2 runs)\n"
        "- 512 augmented samples of 256 rendered plates of the regions my\\_ua\n\n"
    ) in page.markdown()


def test_a_network_is_finished_into_a_model_that_says_what_it_can() -> None:
    with ThreadPoolExecutor(1) as executor:
        finished = finish_plates(
            new_plate_network(SMALL),
            SMALL,
            Rendering(regions=("us", "br")),
            executor,
            (6, 4, 8),
            NullCallback(),
        )
    card, metrics = finished.card, finished.metrics
    assert set(card.accuracy) <= {"rendered", "rendered us", "rendered br"}
    assert metrics["plates"]["count"] == 8
    assert sum(values["count"] for values in metrics["regions"].values()) == 8
    assert "\n| all | 8 | " in finished.page({"model.safetensors": 1}).markdown()


def test_weights_of_another_alphabet_are_taken_over(tmp_path: Path) -> None:
    source = dataclasses.replace(SMALL, alphabet=Alphabet("A0B"))
    given, network = new_plate_network(source, 1), new_plate_network(SMALL, 2)
    save_model(given, source, tmp_path / "model")
    before = network.output.weight.detach().clone()
    card, line = transferred(str(tmp_path), network, SMALL)
    assert line.endswith("tensors loaded")
    assert card == dataclasses.replace(SMALL, training={"from": source.training})
    assert torch.equal(network.project.weight, given.project.weight)
    assert torch.equal(network.finder.output.bias, given.finder.output.bias)
    rows = [0, *(SMALL.alphabet.encode("A0B") + 1)]
    assert torch.equal(network.output.weight[rows], given.output.weight)
    others = [i for i in range(len(before)) if i not in rows]
    assert torch.equal(network.output.weight[others], before[others])
    bigger = dataclasses.replace(SMALL, alphabet=Alphabet(PLATE_CHARACTERS + "Ĳ", unknown=True))
    network = new_plate_network(bigger, 3)
    transferred(str(tmp_path), network, bigger)
    assert torch.equal(network.output.weight[rows], given.output.weight)
    with pytest.raises(ModelError, match="no model"):
        transferred(str(tmp_path / "nowhere"), network, SMALL)


def test_a_wider_network_begins_with_what_a_narrower_one_does(tmp_path: Path) -> None:
    given = new_plate_network(SMALL, 1).eval()
    wide = dataclasses.replace(SMALL, channels=(6, 8, 8, 12), finder=(20, 40, SMALL.finder[2]))
    save_model(given, SMALL, tmp_path / "model")
    network = new_plate_network(wide, 2).eval()
    transferred(str(tmp_path), network, wide)
    pictures = torch.rand(3, 1, SMALL.height, SMALL.width, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        for ours, theirs in zip(network(pictures), given(pictures), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
