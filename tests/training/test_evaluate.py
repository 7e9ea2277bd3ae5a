"""Measures against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from torch import Tensor, nn

from plate_ocr.metrics import accuracy, class_calibration_error, confusion_matrix, top_k
from plate_ocr.readers.classical import CharClassifier
from plate_ocr.training.characters.evaluate import (
    FeatureSet,
    class_probabilities,
    extract_features,
    fit_class_temperature,
)
from plate_ocr.training.core.calibration import fit_min_confidence
from plate_ocr.vision.preprocessing import Candidates
from tests.conftest import Learnt

PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.2, 0.5, 0.3], [0.1, 0.3, 0.6], [0.4, 0.35, 0.25]], np.float32)
LABELS = np.array([0, 2, 2, 1])
BLANK = np.zeros((1, 3), np.float32)


class Given(nn.Module):
    """A network that answers with its input."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Parameter(torch.ones(()))

    def forward(self, logits: Tensor) -> Tensor:
        """Logits to the same logits."""
        return logits * self.one


def prepared(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> FeatureSet:
    """Pictures with one candidate each, for whom the network answers with the given logits."""
    count = len(labels)
    one_each = Candidates(
        logits.astype(np.float32), np.arange(count), np.zeros(count, np.bool_), np.ones(count)
    )
    return FeatureSet(one_each, count, labels)


def test_accuracy_is_the_share_of_right_answers() -> None:
    assert accuracy(PROBABILITIES, LABELS) == 0.5
    assert accuracy(PROBABILITIES, PROBABILITIES.argmax(1)) == 1


@pytest.mark.parametrize(("bound", "share"), [(0.6, 0.5), (0.65, 0.25), (0.71, 0.0)])
def test_what_is_not_sure_enough_counts_as_wrong(bound: float, share: float) -> None:
    assert accuracy(PROBABILITIES, LABELS, bound) == share


@pytest.mark.parametrize(("k", "share"), [(1, 0.5), (2, 1.0), (3, 1.0)])
def test_top_k_is_the_share_among_the_k_likeliest(k: int, share: float) -> None:
    assert top_k(PROBABILITIES, LABELS, k) == share


@pytest.mark.parametrize("label", [0, 2])
def test_a_blank_picture_is_wrong_whatever_its_label(label: int) -> None:
    labels = np.array([label])
    assert accuracy(BLANK, labels) == 0
    assert top_k(BLANK, labels, 3) == 0


def test_the_confusion_matrix_counts_what_was_read_as_what() -> None:
    np.testing.assert_array_equal(confusion_matrix(PROBABILITIES, LABELS), [[1, 0, 0], [1, 0, 0], [0, 1, 1]])


def test_a_blank_picture_was_not_read_as_the_first_class() -> None:
    assert confusion_matrix(BLANK, np.array([2]))[2, 0] == 0


@given(arrays(np.float32, (30, 4), elements=st.floats(0.125, 1, width=32)))
def test_the_confusion_matrixs_diagonal_is_the_accuracy(rows: NDArray[np.float32]) -> None:
    probabilities = rows / rows.sum(1, keepdims=True)
    labels = np.arange(30) % 4
    matrix = confusion_matrix(probabilities, labels)
    assert matrix.sum() == 30
    assert matrix.trace() / 30 == pytest.approx(accuracy(probabilities, labels))
    np.testing.assert_array_equal(matrix.sum(1), np.bincount(labels))
    assert accuracy(probabilities, labels) == pytest.approx(top_k(probabilities, labels, 1))


def sure_of(confidences: list[float], right: list[bool]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Two classes; the first is the likelier one."""
    rows = np.array([[c, 1 - c] for c in confidences], np.float32)
    return rows, np.array([0 if r else 1 for r in right])


def test_the_calibration_error_is_the_mean_gap_between_confidence_and_accuracy() -> None:
    # Two bins: 4 answers of 60 % of which 3 are right, 2 of 90 % of which 1 is.
    rows, labels = sure_of([0.6] * 4 + [0.9] * 2, [True, True, True, False, True, False])
    expected = 4 / 6 * abs(0.75 - 0.6) + 2 / 6 * abs(0.5 - 0.9)
    assert class_calibration_error(rows, labels, bins=15) == pytest.approx(expected, abs=1e-6)
    # In a single bin the errors of both sides make up for each other.
    mean = (4 * 0.6 + 2 * 0.9) / 6
    assert class_calibration_error(rows, labels, bins=1) == pytest.approx(abs(4 / 6 - mean), abs=1e-6)


def test_sure_and_right_is_perfectly_calibrated() -> None:
    rows, labels = sure_of([1.0] * 5, [True] * 5)
    assert class_calibration_error(rows, labels) == 0


def test_a_blank_picture_that_nobody_is_sure_of_is_calibrated() -> None:
    assert class_calibration_error(BLANK, np.array([0])) == 0


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_undoes_too_much_and_too_little_confidence(
    temperature: float, rng: np.random.Generator
) -> None:
    logits = rng.normal(0, 2, (6000, 5))
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (rng.random((6000, 1)) < chances.cumsum(1)).argmax(1)
    data = prepared(temperature * logits, labels)
    found = fit_class_temperature(Given(), data)
    assert found == pytest.approx(temperature, rel=0.08)
    before = class_calibration_error(class_probabilities(Given(), data), labels)
    after = class_calibration_error(class_probabilities(Given(), data, found), labels)
    assert after < 0.03
    assert after <= before + 1e-3


def test_temperature_changes_confidence_but_no_answer(rng: np.random.Generator) -> None:
    data = prepared(rng.normal(0, 2, (50, 5)), np.zeros(50, np.int64))
    mild, sharp = class_probabilities(Given(), data, 2.0), class_probabilities(Given(), data, 0.5)
    np.testing.assert_array_equal(mild.argmax(1), sharp.argmax(1))
    assert (mild.max(1) < sharp.max(1)).all()


def test_the_bound_refuses_no_character_but_hardly_any_right_reading() -> None:
    right = np.linspace(0.2, 1.0, 801, dtype=np.float32)

    def bound(*nothing: float, lost: float = 0.001, most: float = 1.0) -> float:
        return fit_min_confidence(right, np.array(nothing, np.float32), lost, most)

    assert bound(0.1, 0.1, 0.1) == pytest.approx(0.1)  # refuses what is no character
    assert bound(0.9, 0.9, 0.9, lost=0.25) == pytest.approx(0.4, abs=2e-3)  # but loses few right readings
    assert bound(0.9, 0.9, 0.9, lost=0.9, most=0.3) == pytest.approx(0.3)  # and is never higher


def test_measuring_reads_exactly_as_reading_does(learnt: Learnt, classifier: CharClassifier) -> None:
    test = learnt.split.test
    data = extract_features(test.stack, test.labels, learnt.card.preprocessing)
    measured = class_probabilities(learnt.network, data, learnt.card.temperature)
    read = classifier.classify(test.stack.gray)
    scores, _ = classifier.scores(test.stack)
    np.testing.assert_allclose(measured, scores, atol=1e-5)
    assert len(read) == len(measured)
    assert accuracy(measured, test.labels) == pytest.approx(np.mean(scores.argmax(1) == test.labels))
