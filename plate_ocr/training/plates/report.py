"""What a training on real plates gained on them, and what it lost on rendered plates of all regions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from plate_ocr.metrics import PlateMetrics, Sample
from plate_ocr.model.cards import PlateCard
from plate_ocr.model.sessions import softmax
from plate_ocr.readers.results import ALTERNATIVES, Char, Plate, Reading, plate_of
from plate_ocr.training.core.model_card import CardPage
from plate_ocr.training.plates.dataset import RealPlate, crops_of
from plate_ocr.training.plates.evaluate import PlateReadings

COMMONEST = 5
"""Confusions that are named."""


def read_plates(network: nn.Module, card: PlateCard, plates: Sequence[RealPlate]) -> list[Sample]:
    """Read real plates once each, with the bounds of the card.

    Args:
        network: in evaluation mode.
        card: of the network.
        plates: to read.
    """
    readings = PlateReadings.of(network, crops_of(plates, card.height, card.width), card.alphabet)
    probabilities = softmax(readings.logits / np.float32(card.temperature))[:, 1:]
    ranked = np.argsort(-probabilities, axis=1, kind="stable")[:, : ALTERNATIVES + 1]
    chars: list[list[Char]] = [[] for _ in plates]
    for owner, probs, order in zip(readings.owner, probabilities, ranked, strict=True):
        likeliest = [(card.alphabet[int(i)], float(probs[i])) for i in order]
        sure = likeliest[0][1] >= card.min_confidence
        others = likeliest[1:] if sure else likeliest[:ALTERNATIVES]
        chars[owner].append(Char(likeliest[0][0] if sure else None, likeliest[0][1], tuple(others)))
    samples = []
    for plate, read in zip(plates, chars, strict=True):
        found: tuple[Plate, ...] = ()
        if read and np.mean([char.confidence for char in read]) >= card.min_plate_confidence:
            found = (plate_of(tuple(read), plate.corners),)
        reading = Reading(*plate.size, 0.0, found)
        label = plate.label
        samples.append(Sample(str(label.path), label.text, reading, label.region, label.box))
    return samples


def metrics_of(samples: Sequence[Sample]) -> dict[str, Any]:
    """Metrics of real plates, as JSON has them; they are not timed."""
    values = dataclasses.asdict(PlateMetrics.of(samples))
    del values["ms"]
    return values


def first_lines(samples: Sequence[Sample], source: str) -> list[str]:
    """How well the base model reads the plates: overall, per region and length, commonest confusions."""
    metrics = PlateMetrics.of(samples)
    lines = [f"{source} reads {metrics.accuracy:.2%} of {metrics.plates:,} pictures of the data"]
    groups = [(f"region {name}", group) for name, group in metrics.regions.items()]
    groups += [(f"{name} characters", group) for name, group in metrics.lengths.items()]
    if len(groups) > 1:
        lines.append(", ".join(f"{name}: {g.accuracy:.2%} of {g.count:,}" for name, g in groups))
    if common := metrics.confusions[:COMMONEST]:
        named = (f"{c.target or 'nothing'} as {c.read or 'nothing'} {c.count:,}" for c in common)
        lines.append(f"commonest confusions: {', '.join(named)}")
    return lines


def comparison(metrics: Mapping[str, Any]) -> list[tuple[str, int, float | None, float]]:
    """The rows of a table: plates, their number, and plate accuracy before and after training.

    Args:
        metrics: of a run on real plates, as ``metrics.json`` has them.
    """
    rows, before = [], metrics.get("before")
    for after, start, name in (
        (metrics["real"]["after"], metrics["real"]["before"], f"own plates, {metrics['real']['part']}"),
        (metrics["plates"], before and before["plates"], "rendered, all regions"),
        *(
            (values, before and before["regions"].get(region), f"rendered {region}")
            for region, values in metrics["regions"].items()
        ),
    ):
        count = after.get("count", after.get("plates"))
        rows.append((name, int(count), start and start["accuracy"], after["accuracy"]))
    return rows


def real_page(
    page: Callable[[Mapping[str, int]], CardPage], metrics: Mapping[str, Any], sizes: Mapping[str, int]
) -> CardPage:
    """The card of a model that was trained on real plates too.

    Args:
        page: the card of a plate model.
        metrics: as ``metrics.json`` has them.
        sizes: of the files by name, bytes.
    """
    how = {
        "test part": "on the test part of the own plates",
        "cross-validation": "on the own plates, each read by a model that was trained without it,",
    }[metrics["real"]["part"]]
    return dataclasses.replace(
        page(sizes),
        measured=f"Measured {how} and on held-out rendered plates of all regions, before and after the "
        "training; an unknown character counts as wrong:",
        columns=("plates", "number", "accuracy before", "accuracy after"),
        rows=[
            (name, f"{count:,}", "" if before is None else f"{before:.2%}", f"{after:.2%}")
            for name, count, before, after in comparison(metrics)
        ],
    )
