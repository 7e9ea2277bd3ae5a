"""The end of a run of a character model: calibrate, measure once, save."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from plate_ocr.files import write_whole
from plate_ocr.model.cards import ModelCard
from plate_ocr.networks.export import as_kept, save_model
from plate_ocr.networks.mlp import network_for
from plate_ocr.training.characters.augment import no_character
from plate_ocr.training.characters.config import RunConfig
from plate_ocr.training.characters.dataset import CharData
from plate_ocr.training.characters.evaluate import (
    Prepared,
    class_probabilities,
    confusion_matrix,
    fit_temperature,
    measures,
    prepare,
)
from plate_ocr.training.characters.material import Material
from plate_ocr.training.characters.model_card import card_page
from plate_ocr.training.characters.plots import plot_confusion, plot_mistakes
from plate_ocr.training.core.calibration import fit_min_confidence
from plate_ocr.training.core.checkpoint import CHECKPOINT
from plate_ocr.training.core.plots import plot_curves
from plate_ocr.training.core.reporting import Reporter
from plate_ocr.training.core.trainer import Trainer
from plate_ocr.vision.preprocessing import CharStack


@dataclass(frozen=True)
class RunResult:
    """What a finished run left.

    Attributes:
        folder: the run folder.
        card: of the model in it.
        metrics: as in ``metrics.json``; empty in all but the first of several processes.
    """

    folder: Path
    card: ModelCard
    metrics: dict[str, Any] = field(repr=False)


def finish(
    config: RunConfig,
    material: Material,
    card: ModelCard,
    trainer: Trainer,
    validation: Prepared,
    folder: Path,
    reporter: Reporter,
) -> RunResult:
    """Calibrate on the validation part, measure once on the test part, save."""
    network = network_for(card)
    network.load_state_dict({name: as_kept(value) for name, value in trainer.best.items()})
    network.eval()
    settings = card.preprocessing
    temperature = fit_temperature(network, validation)
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
            "learnt_from": {name: len(split.train) for name, split in material.sources.items()},
            "rendered": 0 if material.rendered is None else len(material.rendered),
            "drawn": sum(trainer.plan.size_at(step) for step in range(trainer.step)) // config.passes,
            "passes": config.passes,
            "seed": config.seed,
        },
        accuracy={name: round(values["accuracy"], 5) for name, values in accuracies.items()},
    )
    save_model(network, card, folder / "model")
    weights, checkpoint = (folder / n for n in ("model.safetensors", CHECKPOINT))
    sizes = {path.name: path.stat().st_size for path in (weights, folder / "model.onnx", checkpoint)}
    metrics = {
        "validation": trainer.history[trainer.best_epoch - 1].validation,
        "best_epoch": trainer.best_epoch,
        "test": accuracies,
        "temperature": temperature,
        "min_confidence": min_confidence,
        "bytes": sizes,
    }
    write_whole(folder / "card.md", card_page(card, sizes, accuracies).encode())
    write_whole(folder / "metrics.json", json.dumps(metrics, ensure_ascii=False, indent=2).encode())
    plot_curves(trainer.history, folder / "curves.png")
    if len(test):
        plot_confusion(
            confusion_matrix(probabilities, test.labels), material.alphabet, folder / "confusion.png"
        )
        plot_mistakes(test.stack, probabilities, test.labels, material.alphabet, folder / "mistakes.png")
    for name, values in accuracies.items():
        figures = ", ".join(
            f"{key.replace('_', ' ')} {value:.2%}" for key, value in values.items() if key != "count"
        )
        reporter.say(f"test on {values['count']:,} pictures of {name}: {figures}")
    reporter.say(
        f"{weights} has {sizes['model.safetensors']:,} bytes, {checkpoint.name} "
        f"{sizes[CHECKPOINT] / sizes['model.safetensors']:.1f} times as many: it keeps the weights in full "
        f"precision, their average, AdamW's two running means of every weight, the best weights so far and "
        f"the loss of every sample, to go on from"
    )
    return RunResult(folder, card, metrics)
