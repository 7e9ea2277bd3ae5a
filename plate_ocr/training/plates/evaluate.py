"""Measuring a plate network on rendered plates, and fitting what its confidence means."""

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

from plate_ocr.alphabet import Alphabet
from plate_ocr.metrics import calibration_gap
from plate_ocr.model.cards import PlateCard
from plate_ocr.model.sessions import softmax
from plate_ocr.networks.plate import PlateNetwork
from plate_ocr.readers.ctc import greedy
from plate_ocr.rendering.shards import HELD_OUT, Rendering, Shard, render_all
from plate_ocr.text import right_characters
from plate_ocr.training.core.calibration import fit_min_confidence, fit_temperature
from plate_ocr.training.core.model_card import CardPage
from plate_ocr.training.core.run import Finished
from plate_ocr.training.rendered.run import ever
from plate_ocr.vision.images import Image

CALIBRATED_ON, NOTHINGS, TESTED_ON = 8192, 1024, 4096
"""Plates to fit confidences on; pictures without a plate, and plates, to measure on."""


def plate_logits(network: nn.Module, pictures: Image, batch: int = 128) -> NDArray[np.float32]:
    """Run a network, as it is, on pictures.

    Args:
        network: in evaluation mode.
        pictures: uint8 ``(N, height, width)``.
        batch: pictures at a time.

    Returns:
        float32 ``(N, steps, classes + 1)``.
    """
    device = next(network.parameters()).device
    with torch.no_grad():
        parts = [
            network(torch.from_numpy(pictures[i : i + batch])[:, None].to(device).float() / 255)[0]
            .float()
            .cpu()
            for i in range(0, len(pictures), batch)
        ]
    return np.asarray(torch.cat(parts).numpy(), np.float32)


def plate_accuracy(network: nn.Module, shard: Shard, alphabet: Alphabet) -> float:
    """Share of plates of which every character is read right."""
    read = [alphabet.decode(s.char for s in greedy(row)) for row in plate_logits(network, shard.images)]
    return float(np.mean([text == wanted for text, wanted in zip(read, shard.texts, strict=True)]))


@dataclass(frozen=True)
class PlateAnswers:
    """The greedy readings of many pictures.

    Attributes:
        texts: what was read.
        logits: float32 ``(M, classes + 1)``: the network's answer for each character of all of them.
        chosen: int64 ``(M,)``: the class that was taken.
        owner: int64 ``(M,)``: the picture that the character belongs to.
    """

    texts: tuple[str, ...]
    logits: NDArray[np.float32]
    chosen: NDArray[np.int64]
    owner: NDArray[np.int64]

    @classmethod
    def of(cls, network: nn.Module, pictures: Image, alphabet: Alphabet) -> PlateAnswers:
        """Read pictures uint8 ``(N, height, width)``."""
        logits = plate_logits(network, pictures)
        spots = [greedy(row) for row in logits]
        places = np.array([(i, s.step, s.char + 1) for i, row in enumerate(spots) for s in row], np.int64)
        owner, step, chosen = places.reshape(-1, 3).T
        texts = tuple(alphabet.decode(s.char for s in row) for row in spots)
        return cls(texts, logits[owner, step], chosen, owner)

    def confidences(self, temperature: float) -> NDArray[np.float32]:
        """float32 ``(M,)``: of each character."""
        shares = softmax(self.logits / np.float32(temperature))
        return np.asarray(shares[np.arange(len(shares)), self.chosen], np.float32)

    def right(self, wanted: Sequence[str]) -> NDArray[np.bool_]:
        """Bool ``(M,)``: which characters are right."""
        rows = (right_characters(text, label) for text, label in zip(self.texts, wanted, strict=True))
        return np.array([value for row in rows for value in row], bool)

    def plate_confidences(self, temperature: float) -> NDArray[np.float32]:
        """float32 ``(N,)``: the mean of each picture's characters, 0 where there are none."""
        count = np.bincount(self.owner, minlength=len(self.texts))
        total = np.bincount(self.owner, self.confidences(temperature), len(self.texts))
        return np.asarray(total / np.maximum(count, 1), np.float32)


def fit_plate_temperature(answers: PlateAnswers, wanted: Sequence[str]) -> float:
    """The temperature whose confidences best foretell which characters are right, by cross-entropy.

    It is 1 where nothing was read.
    """
    if not len(answers.chosen):
        return 1.0
    right = answers.right(wanted)

    def cross_entropy(temperature: float) -> float:
        sure = np.clip(answers.confidences(temperature).astype(np.float64), 1e-7, 1 - 1e-7)
        return float(-np.where(right, np.log(sure), np.log1p(-sure)).mean())

    return fit_temperature(cross_entropy)


def finish_plates(
    network: PlateNetwork,
    card: PlateCard,
    rendering: Rendering,
    executor: Executor,
    *,
    counts: tuple[int, int, int] = (CALIBRATED_ON, NOTHINGS, TESTED_ON),
) -> Finished:
    """Calibrate on rendered plates that no training sees, and measure once on others.

    Args:
        network: in evaluation mode, on the CPU.
        card: of the network, with what it learnt from.
        rendering: how plates are rendered.
        executor: renders.
        counts: plates to calibrate on, pictures without a plate and plates to measure on.

    Returns:
        The network, and its card with temperature, bounds and accuracy.
    """
    plates = dataclasses.replace(rendering, not_plates=0.0)
    fitted = render_all(plates, HELD_OUT, counts[0], executor)
    tested = render_all(plates, HELD_OUT + counts[0], counts[2], executor)
    nothing = render_all(dataclasses.replace(rendering, not_plates=1.0), HELD_OUT, counts[1], executor)
    answers = PlateAnswers.of(network, fitted.images, card.alphabet)
    temperature = fit_plate_temperature(answers, fitted.texts)
    confidences, right = answers.confidences(temperature), answers.right(fitted.texts)
    whole = np.array([a == b for a, b in zip(answers.texts, fitted.texts, strict=True)])
    empty = PlateAnswers.of(network, nothing.images, card.alphabet).plate_confidences(temperature)
    card = dataclasses.replace(
        card,
        temperature=temperature,
        min_confidence=_char_bound(confidences[right], confidences[~right]),
        min_plate_confidence=_plate_bound(answers.plate_confidences(temperature)[whole]),
    )
    metrics = {
        **_measured(PlateAnswers.of(network, tested.images, card.alphabet), tested, card),
        "nothings": counts[1],
        "nothings_read": float((empty >= max(card.min_plate_confidence, 1e-9)).mean()),
    }
    named = {"rendered": metrics["plates"]["accuracy"]}
    named |= {f"rendered {region}": values["accuracy"] for region, values in metrics["regions"].items()}
    card = dataclasses.replace(card, accuracy={name: round(value, 5) for name, value in named.items()})
    line = (
        f"{metrics['plates']['accuracy']:.2%} of {metrics['plates']['count']:,} held-out rendered plates read"
    )
    return Finished(network, card, metrics, partial(plate_page, card, metrics), [line])


def _char_bound(right: NDArray[np.float32], wrong: NDArray[np.float32]) -> float:
    """A bound as of :func:`fit_min_confidence`; none where there is nothing to fit it on."""
    return fit_min_confidence(right, wrong) if len(right) and len(wrong) else 0.0


def _plate_bound(right: NDArray[np.float32], lost: float = 0.002, most: float = 0.9) -> float:
    """The highest bound that refuses no more right plates than ``lost``.

    Rendered pictures without a plate are too easy to fit it on: what cars and streets have to show
    that looks like letters is refused the better the higher it is.
    """
    return round(min(most, float(np.quantile(right, lost))), 3) if len(right) else 0.0


def _measured(answers: PlateAnswers, shard: Shard, card: PlateCard) -> dict[str, Any]:
    """Figures of all plates together and of each region; what is not sure enough counts as wrong."""
    confidences, right = answers.confidences(card.temperature), answers.right(shard.texts)
    sure = answers.plate_confidences(card.temperature) >= card.min_plate_confidence
    unsure = np.bincount(answers.owner, confidences < card.min_confidence, len(shard.texts)) > 0
    equal = np.array([a == b for a, b in zip(answers.texts, shard.texts, strict=True)])
    exact = equal & sure & ~unsure
    regions = np.array(shard.regions)

    def figures(those: NDArray[np.bool_]) -> dict[str, float]:
        chars = those[answers.owner]
        return {
            "count": int(those.sum()),
            "accuracy": float(exact[those].mean()),
            "character_calibration_error": calibration_gap(confidences[chars], right[chars]),
        }

    return {
        "plates": figures(np.ones(len(equal), bool)),
        "regions": {str(name): figures(regions == name) for name in sorted(set(shard.regions))},
    }


def plate_page(card: PlateCard, metrics: Mapping[str, Any], sizes: Mapping[str, int]) -> CardPage:
    """What the page of a plate model says, given its figures and the bytes of its files."""
    learnt = card.training
    return CardPage(
        title="Reads whole plates",
        alphabet=card.alphabet.characters,
        network=f"A grey picture of {card.height}×{card.width} → convolutions of "
        f"{', '.join(map(str, card.channels))} channels → two rows of features as {card.steps} steps → "
        f"{card.layers} transformer layers of {card.transformer} → CTC; "
        f"{sizes['model.safetensors']:,} bytes of weights. A character below "
        f"{card.min_confidence} is unknown; a mean below {card.min_plate_confidence} is no plate.",
        learnt=[
            f"It learnt from {ever(learnt, 'drawn'):,} pictures of {ever(learnt, 'rendered'):,} rendered "
            f"plates of the regions {', '.join(learnt.get('regions', ()))} and from no real plate."
        ],
        measured="Measured once, on rendered plates that it neither learnt from nor was chosen by; a "
        "character that is unknown counts as wrong:",
        columns=("region", "plates", "every character right", "characters' calibration error"),
        rows=[
            (name, f"{v['count']:,}", f"{v['accuracy']:.2%}", f"{v['character_calibration_error']:.2%}")
            for name, v in [("all", metrics["plates"]), *metrics["regions"].items()]
        ],
        notes=[
            f"Of {metrics['nothings']:,} rendered pictures without a plate, "
            f"{metrics['nothings_read']:.2%} are taken for one."
        ],
    )
