"""Measuring a network on characters, and fitting what its confidence means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from plate_ocr.alphabet import DIGITS, LETTERS, Alphabet
from plate_ocr.metrics import accuracy, class_calibration_error, top_k
from plate_ocr.model.sessions import softmax
from plate_ocr.readers.classical import best_of_candidates
from plate_ocr.training.core.calibration import fit_temperature
from plate_ocr.vision.preprocessing import Candidates, CharStack, find_candidates
from plate_ocr.vision.settings import Preprocessing


@dataclass(frozen=True)
class FeatureSet:
    """Characters whose row vectors are computed once, to be measured after every epoch.

    Attributes:
        candidates: what may be meant in each picture.
        count: N pictures.
        labels: int64 ``(N,)``.
    """

    candidates: Candidates
    count: int
    labels: NDArray[np.int64]


def extract_features(stack: CharStack, labels: NDArray[np.int64], settings: Preprocessing) -> FeatureSet:
    """Compute the row vectors of characters exactly as reading does."""
    return FeatureSet(find_candidates(stack, settings), len(stack), labels)


def class_probabilities(
    network: nn.Module, data: FeatureSet, temperature: float = 1.0
) -> NDArray[np.float32]:
    """Probabilities by the surest candidate of each picture, as reading takes them.

    Returns:
        float32 ``(N, classes)``; 0 for blank pictures.
    """
    device = next(network.parameters()).device
    with torch.no_grad():
        logits = network(torch.from_numpy(data.candidates.ratios).to(device)).float().cpu().numpy()
    probabilities = softmax(logits / np.float32(temperature))
    return best_of_candidates(probabilities, probabilities, data.candidates, data.count)


def fit_class_temperature(network: nn.Module, data: FeatureSet) -> float:
    """The temperature with the least cross-entropy on the data."""

    def cross_entropy(temperature: float) -> float:
        probabilities = class_probabilities(network, data, temperature)
        return float(-np.log(probabilities[np.arange(data.count), data.labels] + 1e-7).mean())

    return fit_temperature(cross_entropy)


def measures(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], alphabet: Alphabet, min_confidence: float
) -> dict[str, float]:
    """The figures of one set of characters: all shares 0..1; "unknown" counts as wrong.

    Args:
        probabilities: float32 ``(N, classes)``.
        labels: int64 ``(N,)``.
        alphabet: names the classes.
        min_confidence: below it the answer is "unknown".
    """
    latin = np.array([char in DIGITS + LETTERS for char in alphabet.characters])[labels]
    figures: dict[str, float] = {
        "count": len(labels),
        "accuracy": accuracy(probabilities, labels, min_confidence),
        "top_3": top_k(probabilities, labels, 3),
        "calibration_error": class_calibration_error(probabilities, labels),
    }
    if latin.any() and not latin.all():
        figures["letters_and_digits"] = accuracy(probabilities[latin], labels[latin], min_confidence)
        figures["others"] = accuracy(probabilities[~latin], labels[~latin], min_confidence)
    return figures
