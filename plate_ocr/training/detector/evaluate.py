"""Detection metrics on rendered scenes and on photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from plate_ocr.metrics import MATCH_IOU, SearchedPhoto, match_boxes
from plate_ocr.model.cards import DetectorCard
from plate_ocr.rendering.shards import SceneShard
from plate_ocr.training.detector.dataset import RealPhoto
from plate_ocr.vision.detection import decode_detections, preprocess_photo
from plate_ocr.vision.geometry import overlap


@dataclass(frozen=True)
class DetectionMetrics:
    """Detection metrics on rendered scenes.

    Attributes:
        true_positives: plates that were found.
        false_positives: detections without a plate.
        false_negatives: plates that were missed.
        corner_error: mean distance between predicted and true corners of the plates that were found, as a
            fraction of the plate's width; None if none was found.
    """

    true_positives: int
    false_positives: int
    false_negatives: int
    corner_error: float | None

    @property
    def plates(self) -> int:
        """Number of labelled plates."""
        return self.true_positives + self.false_negatives

    @property
    def recall(self) -> float:
        """Share of the plates that were found, 0..1."""
        return self.true_positives / max(1, self.plates)

    @property
    def precision(self) -> float:
        """Share of the detections that are plates, 0..1."""
        return self.true_positives / max(1, self.true_positives + self.false_positives)

    @property
    def f_measure(self) -> float:
        """Harmonic mean of precision and recall, 0..1."""
        return (
            2
            * self.true_positives
            / max(1, 2 * self.true_positives + self.false_positives + self.false_negatives)
        )


def evaluate_detector(
    network: nn.Module, scenes: SceneShard, min_score: float, batch: int = 32
) -> DetectionMetrics:
    """Run a detector, in evaluation mode, on rendered scenes.

    Args:
        network: a detector.
        scenes: rendered scenes with the corners of their plates.
        min_score: minimum score of a detection, 0..1.
        batch: batch size.
    """
    device = next(network.parameters()).device
    size = scenes.images.shape[2], scenes.images.shape[1]
    true_positives = false_positives = false_negatives = 0
    corner_error: list[float] = []
    for start in range(0, len(scenes.images), batch):
        pictures = torch.from_numpy(scenes.images[start : start + batch])[:, None].to(device).float() / 255
        with torch.no_grad():
            answers = network(pictures).float().cpu().numpy()
        for answer, points in zip(answers, scenes.points[start : start + batch], strict=True):
            labelled = [
                box * size for box in points.astype(np.float64).reshape(-1, 4, 2) if np.isfinite(box).all()
            ]
            for place in decode_detections(answer, 1.0, min_score):
                ious = [overlap(place.corners, box) for box in labelled]
                if ious and max(ious) >= MATCH_IOU:
                    corner_error.append(_corner_error(place.corners, labelled.pop(int(np.argmax(ious)))))
                else:
                    false_positives += 1
            false_negatives += len(labelled)
    true_positives = len(corner_error)
    return DetectionMetrics(
        true_positives,
        false_positives,
        false_negatives,
        float(np.mean(corner_error)) if corner_error else None,
    )


def search_photos(
    network: nn.Module, card: DetectorCard, photos: Sequence[RealPhoto], *, partial: bool
) -> list[SearchedPhoto]:
    """Run a detector, in evaluation mode, on whole photos.

    A plate is found by the upright box round its corners, since most labels are such boxes.

    Args:
        network: a detector.
        card: of the network.
        photos: with labelled plates.
        partial: whether other plates may be there.
    """
    device = next(network.parameters()).device
    searched = []
    for photo in photos:
        picture, scale = preprocess_photo(photo.picture, card.longest)
        with torch.no_grad():
            answer = network(torch.from_numpy(picture)[None, None].to(device).float() / 255)[0]
        detections = decode_detections(answer.float().cpu().numpy(), scale, card.min_score)
        found = np.array([place.corners for place in detections], np.float64).reshape(-1, 4, 2)
        low, high = photo.corners.min(1), photo.corners.max(1)
        boxes = [(float(x), float(y), float(w), float(h)) for x, y, w, h in np.hstack([low, high - low])]
        matches = match_boxes([[(x, y) for x, y in corners] for corners in found], boxes)
        searched.append(SearchedPhoto(str(photo.path), photo.corners, found, matches, partial))
    return searched


def photo_metrics(searched: Sequence[SearchedPhoto], photos: Sequence[RealPhoto]) -> DetectionMetrics:
    """Metrics of a search in photos; corners are compared where labels have them."""
    corner_error = [
        _corner_error(seen.found[match], corners)
        for seen, photo in zip(searched, photos, strict=True)
        for match, corners, exact in zip(seen.matches, photo.corners, photo.exact, strict=True)
        if match is not None and exact
    ]
    missed = sum(len(seen.missed) for seen in searched)
    return DetectionMetrics(
        sum(len(seen.matches) for seen in searched) - missed,
        sum(len(seen.extra) for seen in searched),
        missed,
        float(np.mean(corner_error)) if corner_error else None,
    )


def evaluate_on_photos(
    network: nn.Module, card: DetectorCard, photos: Sequence[RealPhoto], *, partial: bool
) -> DetectionMetrics:
    """:func:`photo_metrics` of :func:`search_photos`."""
    return photo_metrics(search_photos(network, card, photos, partial=partial), photos)


def _corner_error(corners: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(corners - true, axis=1).mean() / np.linalg.norm(true[1] - true[0]))
