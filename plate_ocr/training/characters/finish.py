"""The end of a run of a character model: calibrate, measure once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch

from plate_ocr.metrics import confusion_matrix
from plate_ocr.model.cards import ModelCard
from plate_ocr.networks.export import fp16_roundtrip
from plate_ocr.networks.mlp import network_for
from plate_ocr.training.characters.augment import make_negatives
from plate_ocr.training.characters.config import CharRunConfig
from plate_ocr.training.characters.data_module import CharDataModule
from plate_ocr.training.characters.dataset import CharData
from plate_ocr.training.characters.evaluate import (
    FeatureSet,
    class_probabilities,
    extract_features,
    fit_class_temperature,
    measures,
)
from plate_ocr.training.characters.plots import plot_confusion, plot_mistakes
from plate_ocr.training.core.calibration import fit_min_confidence
from plate_ocr.training.core.model_card import CardPage, code
from plate_ocr.training.core.run import Finished
from plate_ocr.training.core.trainer import Trainer
from plate_ocr.vision.preprocessing import CharStack


def finish(
    config: CharRunConfig,
    data_module: CharDataModule,
    card: ModelCard,
    trainer: Trainer,
    validation: FeatureSet,
    folder: Path,
) -> Finished:
    """Calibrate on the validation part, measure once on the test part, and draw what was misread."""
    network = network_for(card)
    network.load_state_dict({name: fp16_roundtrip(value) for name, value in trainer.best.items()})
    network.eval()
    settings = card.preprocessing
    temperature = fit_class_temperature(network, validation)
    chosen = class_probabilities(network, validation, temperature)
    generator = torch.Generator().manual_seed(config.seed)
    pictures = torch.from_numpy(data_module.split.validation.stack.gray)[:, None].float() / 255
    nothing = (make_negatives(pictures, generator)[:, 0] * 255).byte().numpy()
    blank = extract_features(
        CharStack(nothing, data_module.split.validation.stack.aspect), validation.labels, settings
    )
    min_confidence = fit_min_confidence(
        chosen.max(1)[chosen.argmax(1) == validation.labels],
        class_probabilities(network, blank, temperature).max(1),
    )

    def measured(data: CharData) -> dict[str, float]:
        ready = extract_features(data.stack, data.labels, settings)
        return measures(
            class_probabilities(network, ready, temperature),
            data.labels,
            data_module.alphabet,
            min_confidence,
        )

    accuracies = {
        name: measured(split.test) for name, split in data_module.sources.items() if len(split.test)
    }
    test = data_module.split.test
    probabilities = class_probabilities(
        network, extract_features(test.stack, test.labels, settings), temperature
    )
    card = dataclasses.replace(
        card,
        temperature=temperature,
        min_confidence=min_confidence,
        training={
            "trained_on": {name: len(split.train) for name, split in data_module.sources.items()},
            "rendered": 0 if data_module.rendered is None else len(data_module.rendered),
            "drawn": sum(trainer.schedule.batch_size_at(step) for step in range(trainer.step))
            // config.repeats,
            "repeats": config.repeats,
            "seed": config.seed,
        },
        accuracy={name: round(values["accuracy"], 5) for name, values in accuracies.items()},
    )
    if len(test):
        plot_confusion(
            confusion_matrix(probabilities, test.labels), data_module.alphabet, folder / "confusion.png"
        )
        plot_mistakes(test.stack, probabilities, test.labels, data_module.alphabet, folder / "mistakes.png")
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
    times = "" if repeats == 1 else f", each used {repeats} times"
    sources = [f"- {count:,} pictures of {code(name)}" for name, count in card.training["trained_on"].items()]
    if card.training["rendered"]:
        sources.append(f"- {card.training['rendered']:,} characters rendered from fonts")
    return CardPage(
        title=f"Reads {len(card.alphabet)} characters",
        alphabet=card.alphabet.characters,
        network=f"{rows}×{columns} white-pixel ratios → {card.hidden} hidden units → "
        f"{len(card.alphabet)} one-hot outputs; {sizes['model.safetensors']:,} bytes of weights. "
        f"Confidence below {card.min_confidence} means unknown.",
        trained_on=[
            f"Trained on {card.training['drawn']:,} augmented pictures{times}, "
            f"drawn with seed {card.training['seed']} from:",
            "\n".join(sources),
        ],
        measured="Measured on the test split of the same sources; an unknown character counts as wrong:",
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
