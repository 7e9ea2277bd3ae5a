"""Measures a plate network on rendered plates, and calibrates its confidence."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from plate_ocr.alphabet import UNKNOWN, Alphabet
from plate_ocr.metrics import expected_calibration_error
from plate_ocr.model.cards import PlateCard
from plate_ocr.model.sessions import softmax
from plate_ocr.networks.plate import PlateNetwork
from plate_ocr.readers.ctc import greedy_decode
from plate_ocr.rendering.shards import HELD_OUT, Rendering, Shard, render_all
from plate_ocr.text import correct_characters
from plate_ocr.training.core.calibration import fit_min_confidence, fit_temperature
from plate_ocr.training.core.callbacks import Callback, Stage
from plate_ocr.training.core.model_card import CardPage
from plate_ocr.training.core.run import Finished
from plate_ocr.training.plates.data import NO_REGION, encode_regions
from plate_ocr.training.rendered.run import has_real, stage_lines
from plate_ocr.vision.images import Image

MAX_FALSE_UNKNOWN = 0.0003
"""Share of right characters that the bias may turn into unknown ones: the higher, the fewer unknown ones pass
for others."""


def plate_logits(
    network: nn.Module, pictures: Image, batch: int = 128
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Run a network on pictures.

    Args:
        network: in evaluation mode.
        pictures: uint8 ``(N, height, width)``.
        batch: pictures at a time.

    Returns:
        float32 ``(N, steps, classes + 1)``, and of the regions ``(N, regions)``.
    """
    device = next(network.parameters()).device
    parts = []
    with torch.no_grad():
        for i in range(0, len(pictures), batch):
            views = torch.from_numpy(pictures[i : i + batch])[:, None].to(device).float() / 255
            logits, _, regions, _ = network(views)
            parts.append((logits.float().cpu().numpy(), regions.float().cpu().numpy()))
    texts, regions = (np.concatenate(part) for part in zip(*parts, strict=True))
    return np.asarray(texts, np.float32), np.asarray(regions, np.float32)


def plate_accuracy(network: nn.Module, shard: Shard, alphabet: Alphabet) -> float:
    """Share of plates read without a mistake."""
    read = [
        alphabet.decode(s.char for s in greedy_decode(row)) for row in plate_logits(network, shard.images)[0]
    ]
    target = map(alphabet.spell, shard.texts)
    return float(np.mean([text == other for text, other in zip(read, target, strict=True)]))


@dataclass(frozen=True)
class PlateReadings:
    """The greedy readings of many pictures.

    Attributes:
        texts: what was read.
        logits: float32 ``(M, classes + 1)``: of each character of all pictures.
        classes: int64 ``(M,)``: the decoded class.
        owner: int64 ``(M,)``: index of the character's picture.
        regions: float32 ``(N, regions)``: logits of each picture's region.
    """

    texts: tuple[str, ...]
    logits: NDArray[np.float32]
    classes: NDArray[np.int64]
    owner: NDArray[np.int64]
    regions: NDArray[np.float32]

    @classmethod
    def of(cls, network: nn.Module, pictures: Image, alphabet: Alphabet) -> PlateReadings:
        """Read pictures uint8 ``(N, height, width)``."""
        logits, regions = plate_logits(network, pictures)
        decoded = [greedy_decode(row) for row in logits]
        places = np.array(
            [(i, s.timestep, s.char + 1) for i, row in enumerate(decoded) for s in row], np.int64
        )
        owner, step, classes = places.reshape(-1, 3).T
        texts = tuple(alphabet.decode(s.char for s in row) for row in decoded)
        return cls(texts, logits[owner, step], classes, owner, regions)

    def confidences(self, temperature: float) -> NDArray[np.float32]:
        """float32 ``(M,)``: of each character."""
        probs = softmax(self.logits / np.float32(temperature))
        return np.asarray(probs[np.arange(len(probs)), self.classes], np.float32)

    def correct(self, target: Sequence[str]) -> NDArray[np.bool_]:
        """Bool ``(M,)``: which characters are right."""
        rows = (correct_characters(text, label) for text, label in zip(self.texts, target, strict=True))
        return np.array([value for row in rows for value in row], bool)

    def plate_confidences(self, temperature: float) -> NDArray[np.float32]:
        """float32 ``(N,)``: the mean of each picture's characters, 0 where there are none."""
        count = np.bincount(self.owner, minlength=len(self.texts))
        total = np.bincount(self.owner, self.confidences(temperature), len(self.texts))
        return np.asarray(total / np.maximum(count, 1), np.float32)


def fit_plate_temperature(readings: PlateReadings, target: Sequence[str]) -> float:
    """The temperature with the lowest cross-entropy between confidences and correctness of characters.

    It is 1 if nothing was read.
    """
    if not len(readings.classes):
        return 1.0
    correct = readings.correct(target)

    def cross_entropy(temperature: float) -> float:
        confident = np.clip(readings.confidences(temperature).astype(np.float64), 1e-7, 1 - 1e-7)
        return float(-np.where(correct, np.log(confident), np.log1p(-confident)).mean())

    return fit_temperature(cross_entropy)


def fit_unknown_bias(readings: PlateReadings, target: Sequence[str]) -> float:
    """The largest bias, 0 or more, for the logit of the last class, the unknown one.

    With it a share of :data:`MAX_FALSE_UNKNOWN` of the right characters becomes unknown.

    Args:
        readings: of N plates.
        target: the N texts.
    """
    unknown = readings.logits.shape[1] - 1
    right = readings.correct(target) & (readings.classes != unknown)
    if not right.any():
        return 0.0
    logits, classes = readings.logits[right], readings.classes[right]
    margins = logits[np.arange(len(logits)), classes] - logits[:, unknown]
    return max(0.0, float(np.quantile(margins, MAX_FALSE_UNKNOWN)))


def fit_region_temperature(readings: PlateReadings, target: NDArray[np.int64]) -> float:
    """The temperature with the lowest cross-entropy of the regions, int64 ``(N,)`` as of
    :func:`encode_regions`; 1 if none is known.
    """
    known = np.flatnonzero(target != NO_REGION)
    if not len(known) or not readings.regions.shape[1]:
        return 1.0

    def cross_entropy(temperature: float) -> float:
        probs = softmax(readings.regions[known] / np.float32(temperature))
        return float(-np.log(np.maximum(probs[np.arange(len(known)), target[known]], 1e-9)).mean())

    return fit_temperature(cross_entropy)


def region_accuracy(readings: PlateReadings, target: NDArray[np.int64]) -> float | None:
    """Share of plates whose region is the likeliest one; None if none is known."""
    known = target != NO_REGION
    if not known.any() or not readings.regions.shape[1]:
        return None
    return float((readings.regions.argmax(1) == target)[known].mean())


def finish_plates(
    network: PlateNetwork,
    card: PlateCard,
    rendering: Rendering,
    executor: Executor,
    counts: Sequence[int],
    callback: Callback,
    base: tuple[PlateCard, PlateNetwork] | None = None,
) -> Finished:
    """Calibrate on rendered plates that no training sees, and measure once on others.

    Args:
        network: in evaluation mode, on the CPU; without a base, its bias of the unknown class is changed.
        card: of the network, with what it learnt from.
        rendering: how plates are rendered.
        executor: renders.
        counts: plates to calibrate on, pictures without a plate and plates to measure on.
        callback: receives progress.
        base: the model that the training started from, to measure on the same plates.

    Returns:
        The network, and its card with temperature, bounds and accuracy.
    """
    plates = dataclasses.replace(rendering, not_plates=0.0)
    stage = Stage(callback, "rendering held-out plates", sum(counts))
    fitted = render_all(plates, HELD_OUT, counts[0], executor, stage)
    tested = render_all(plates, HELD_OUT + counts[0], counts[2], executor, stage)
    no_plates = dataclasses.replace(rendering, not_plates=1.0)
    negatives = render_all(no_plates, HELD_OUT, counts[1], executor, stage)
    callback.on_message(f"reading {sum(counts):,} held-out plates to calibrate and measure the model")
    readings = PlateReadings.of(network, fitted.images, card.alphabet)
    texts = [*map(card.alphabet.spell, fitted.texts)]
    # Rendered plates do not tell what real ones, which were learnt from, lose by it.
    if card.alphabet.unknown and not base and (bias := fit_unknown_bias(readings, texts)):
        with torch.no_grad():
            network.output.bias[-1] += bias
        readings = PlateReadings.of(network, fitted.images, card.alphabet)
    temperature = fit_plate_temperature(readings, texts)
    confidences, correct = readings.confidences(temperature), readings.correct(texts)
    # Readings with an unknown character do not count: their confidence is halved.
    whole = np.array([a == b and UNKNOWN not in b for a, b in zip(readings.texts, texts, strict=True)])
    empty = PlateReadings.of(network, negatives.images, card.alphabet).plate_confidences(temperature)
    card = dataclasses.replace(
        card,
        temperature=temperature,
        region_temperature=fit_region_temperature(readings, encode_regions(fitted.regions, card.regions)),
        min_confidence=_char_bound(confidences[correct], confidences[~correct]),
        min_plate_confidence=_plate_bound(readings.plate_confidences(temperature)[whole]),
    )
    metrics = {
        **_measured(network, card, tested),
        **({"before": _measured(base[1], base[0], tested)} if base else {}),
        "negatives": counts[1],
        "false_positive_rate": float((empty >= max(card.min_plate_confidence, 1e-9)).mean()),
    }
    named = {"rendered": metrics["plates"]["accuracy"]}
    named |= {"regions": right} if (right := metrics["region_accuracy"]) is not None else {}
    named |= {f"rendered {region}": values["accuracy"] for region, values in metrics["regions"].items()}
    card = dataclasses.replace(card, accuracy={name: round(value, 5) for name, value in named.items()})
    line = (
        f"{metrics['plates']['accuracy']:.2%} of {metrics['plates']['count']:,} held-out rendered plates read"
    )
    return Finished(network, card, metrics, partial(plate_page, card, metrics), [line])


def _char_bound(correct: NDArray[np.float32], wrong: NDArray[np.float32]) -> float:
    """A bound as of :func:`fit_min_confidence`; 0 without data to fit it on."""
    return fit_min_confidence(correct, wrong) if len(correct) and len(wrong) else 0.0


def _plate_bound(correct: NDArray[np.float32], max_lost: float = 0.0005, upper: float = 0.9) -> float:
    """The highest bound that rejects at most a share of ``max_lost`` of the correct plates.

    Rendered pictures without a plate are too easy to fit it on: a higher bound rejects more of
    what looks like letters on real cars and streets.
    """
    return round(min(upper, float(np.quantile(correct, max_lost))), 3) if len(correct) else 0.0


def _measured(network: nn.Module, card: PlateCard, shard: Shard) -> dict[str, Any]:
    """Metrics of all plates and of each region; rejected readings count as wrong."""
    readings = PlateReadings.of(network, shard.images, card.alphabet)
    texts = [*map(card.alphabet.spell, shard.texts)]
    confidences, correct = readings.confidences(card.temperature), readings.correct(texts)
    confident = readings.plate_confidences(card.temperature) >= card.min_plate_confidence
    uncertain = np.bincount(readings.owner, confidences < card.min_confidence, len(texts)) > 0
    equal = np.array([a == b for a, b in zip(readings.texts, texts, strict=True)])
    exact = equal & confident & ~uncertain
    regions = np.array(shard.regions)

    def figures(those: NDArray[np.bool_]) -> dict[str, float]:
        chars = those[readings.owner]
        return {
            "count": int(those.sum()),
            "accuracy": float(exact[those].mean()),
            "character_calibration_error": expected_calibration_error(confidences[chars], correct[chars]),
        }

    return {
        "region_accuracy": region_accuracy(readings, encode_regions(shard.regions, card.regions)),
        "plates": figures(np.ones(len(equal), bool)),
        "regions": {str(name): figures(regions == name) for name in sorted(set(shard.regions))},
    }


def plate_page(card: PlateCard, metrics: Mapping[str, Any], sizes: Mapping[str, int]) -> CardPage:
    """The card of a plate model, from its metrics and the sizes of its files in bytes."""
    real, right = has_real(card.training), metrics["region_accuracy"]
    return CardPage(
        title="Reads whole plates",
        alphabet=card.alphabet.characters,
        network=f"Grey image of {card.height}×{card.width} → convolutions of "
        f"{', '.join(map(str, card.channels))} channels → two rows of features as {card.steps} steps → "
        f"{card.layers} transformer layers of {card.transformer} → CTC; "
        f"{sizes['model.safetensors']:,} bytes of weights. A character below "
        f"{card.min_confidence} is unknown; a mean below {card.min_plate_confidence} is no plate.",
        trained_on=[
            f"Trained on rendered {'and real plates' if real else 'plates, and on no real one'}:",
            stage_lines(card.training, "plates", "pictures of real plates"),
        ],
        measured="Measured once on held-out rendered plates; an unknown character counts as wrong:",
        columns=("region", "plates", "plate accuracy", "calibration error of characters"),
        rows=[
            (name, f"{v['count']:,}", f"{v['accuracy']:.2%}", f"{v['character_calibration_error']:.2%}")
            for name, v in [("all", metrics["plates"]), *metrics["regions"].items()]
        ],
        notes=[
            f"False positives: {metrics['false_positive_rate']:.2%} of {metrics['negatives']:,} rendered "
            "images without a plate.",
            *([f"Region right: {right:.2%} of the plates of a country."] if right is not None else []),
        ],
    )
