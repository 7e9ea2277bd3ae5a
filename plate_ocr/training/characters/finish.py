"""The end of a run of a character model: calibrate, measure once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch

from plate_ocr.metrics import confusion_matrix
from plate_ocr.model.cards import ModelCard
from plate_ocr.networks.export import as_kept
from plate_ocr.networks.mlp import network_for
from plate_ocr.training.characters.augment import no_character
from plate_ocr.training.characters.config import CharRunConfig
from plate_ocr.training.characters.dataset import CharData
from plate_ocr.training.characters.evaluate import (
    Prepared,
    class_probabilities,
    fit_class_temperature,
    measures,
    prepare,
)
from plate_ocr.training.characters.material import Material
from plate_ocr.training.characters.plots import plot_confusion, plot_mistakes
from plate_ocr.training.core.calibration import fit_min_confidence
from plate_ocr.training.core.model_card import CardPage
from plate_ocr.training.core.run import Finished
from plate_ocr.training.core.trainer import Trainer
from plate_ocr.vision.preprocessing import CharStack


def finish(
    config: CharRunConfig,
    material: Material,
    card: ModelCard,
    trainer: Trainer,
    validation: Prepared,
    folder: Path,
) -> Finished:
    """Calibrate on the validation part, measure once on the test part, and draw what was misread."""
    network = network_for(card)
    network.load_state_dict({name: as_kept(value) for name, value in trainer.best.items()})
    network.eval()
    settings = card.preprocessing
    temperature = fit_class_temperature(network, validation)
    chosen = class_probabilities(network, validation, temperature)
    generator = torch.Generator().manual_seed(config.seed)
    pictures = torch.from_numpy(material.split.validation.stack.gray)[:, None].float() / 255
    nothing = (no_character(pictures, generator)[:, 0] * 255).byte().numpy()
    blank = prepare(CharStack(nothing, material.split.validation.stack.aspect), validation.labels, settings)
    min_confidence = fit_min_confidence(
        chosen.max(1)[chosen.argmax(1) == validation.labels],
        class_probabilities(network, blank, temperature).max(1),
    )

    def measured(data: CharData) -> dict[str, float]:
        ready = prepare(data.stack, data.labels, settings)
        return measures(
            class_probabilities(network, ready, temperature), data.labels, material.alphabet, min_confidence
        )

    accuracies = {name: measured(split.test) for name, split in material.sources.items() if len(split.test)}
    test = material.split.test
    probabilities = class_probabilities(network, prepare(test.stack, test.labels, settings), temperature)
    card = dataclasses.replace(
        card,
        temperature=temperature,
        min_confidence=min_confidence,
        training={
            "trained_on": {name: len(split.train) for name, split in material.sources.items()},
            "rendered": 0 if material.rendered is None else len(material.rendered),
            "drawn": sum(trainer.schedule.batch_size_at(step) for step in range(trainer.step))
            // config.repeats,
            "repeats": config.repeats,
            "seed": config.seed,
        },
        accuracy={name: round(values["accuracy"], 5) for name, values in accuracies.items()},
    )
    if len(test):
        plot_confusion(
            confusion_matrix(probabilities, test.labels), material.alphabet, folder / "confusion.png"
        )
        plot_mistakes(test.stack, probabilities, test.labels, material.alphabet, folder / "mistakes.png")
    metrics = {"test": accuracies, "temperature": temperature, "min_confidence": min_confidence}
    return Finished(network, card, metrics, partial(_page, card, accuracies), _lines(accuracies))


def _lines(tests: Mapping[str, Mapping[str, float]]) -> list[str]:
    return [
        f"test on {values['count']:,} pictures of {name}: "
        + ", ".join(f"{key.replace('_', ' ')} {value:.2%}" for key, value in values.items() if key != "count")
        for name, values in tests.items()
    ]


def _page(card: ModelCard, tests: Mapping[str, Mapping[str, float]], sizes: Mapping[str, int]) -> CardPage:
    rows, columns = card.preprocessing.grid
    repeats = card.training["repeats"]
    times = "" if repeats == 1 else f", {repeats} times from each"
    learnt = [f"- {count:,} pictures of `{name}`" for name, count in card.training["trained_on"].items()]
    if card.training["rendered"]:
        learnt.append(f"- {card.training['rendered']:,} characters rendered from fonts")
    return CardPage(
        title=f"Reads {len(card.alphabet)} characters",
        alphabet=card.alphabet.characters,
        network=f"{rows}×{columns} white-pixel ratios → {card.hidden} hidden units → "
        f"{len(card.alphabet)} one-hot outputs; {sizes['model.safetensors']:,} bytes of weights. "
        f"Confidence below {card.min_confidence} means unknown.",
        learnt=[
            f"It learnt from {card.training['drawn']:,} distorted pictures{times}, "
            f"drawn with seed {card.training['seed']} from:",
            "\n".join(learnt),
        ],
        measured="Measured on pictures of the same sources from which no weights were learnt and by which no "
        "epoch was chosen; unknown counts as wrong:",
        columns=("source", "pictures", "accuracy", "top 3", "calibration error"),
        rows=[
            (
                name,
                f"{values['count']:,.0f}",
                *(f"{values[key]:.2%}" for key in ("accuracy", "top_3", "calibration_error")),
            )
            for name, values in tests.items()
        ],
    )
