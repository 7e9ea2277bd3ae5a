"""Models for reading, run by ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from plate_ocr.errors import ModelError
from plate_ocr.model.cards import (
    DetectorCard,
    ModelCard,
    PlateCard,
    card_from,
    detector_card_from,
    model_card_from,
    plate_card_from,
)
from plate_ocr.model.onnx_session import Model, OpenModel
from plate_ocr.model.providers import Providers
from plate_ocr.model.registry import DETECTOR, finder_of
from plate_ocr.vision.detection import (
    MAX_UPSCALE,
    Detection,
    DetectorRun,
    decode_detections,
    preprocess_photo,
    run_tiled,
    sigmoid,
)
from plate_ocr.vision.geometry import CORNERS
from plate_ocr.vision.images import Image
from plate_ocr.vision.plate_input import text_views


def load_model(
    model: str | os.PathLike[str], *, threads: int | None = None, providers: Providers = None
) -> CharModel | PlateModel:
    """Load a character or plate model for reading.

    Args:
        model: a name in :data:`NAMES`, an ``.onnx`` file or the folder of a training run.
        threads: processor cores for the network; by default as many as the process may use.
        providers: execution providers, as in :class:`~plate_ocr.PlateReader`.

    Raises:
        ModelError: if there is no such model or it cannot be used.
        DeviceError: if a provider is not available or cannot run it.
        ValueError: if a setting is out of its range.
    """
    opened = OpenModel.of(model, threads, providers)
    card = card_from(opened.metadata, opened.path)
    if isinstance(card, DetectorCard):
        raise ModelError(f"{opened.path} only finds plates; plates, chars and digits read")
    return PlateModel(opened) if isinstance(card, PlateCard) else CharModel(opened)


class CharModel(Model[ModelCard]):
    """A character model loaded for reading: ``"digits"``, ``"chars"`` or another."""

    def _checked_card(
        self, metadata: dict[str, str], given: Sequence[Any], results: Sequence[Sequence[Any]]
    ) -> ModelCard:
        card = model_card_from(metadata, self.path)
        found = tuple(shape[-1] if shape else 0 for shape in (given, results[0]))
        expected = (card.preprocessing.values, len(card.alphabet))
        if found != expected:
            raise ModelError(
                f"{self.path}: the network maps {found[0]} values to {found[1]} classes, "
                f"its header says {expected[0]} to {expected[1]}"
            )
        return card

    def probabilities(self, ratios: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network.

        Args:
            ratios: float32 ``(N, values)``, 0..1.

        Returns:
            float32 ``(N, classes)``: calibrated probabilities; each row sums to 1.
        """
        if not len(ratios):
            return np.empty((0, len(self.card.alphabet)), np.float32)
        (logits,) = self._run(ratios)
        return softmax(np.asarray(logits, np.float32) / np.float32(self.card.temperature))


Probabilities: TypeAlias = NDArray[np.float32]
"""Each row of the last axis sums to 1."""

WHOLE = "pictures"
"""Input of the part of a plate model that finds the text, and of models whose parts are one file."""


class TextFinder(Model[PlateCard]):
    """The part of a plate model that finds the text in a crop: a file of its own."""

    def _checked_card(
        self, metadata: dict[str, str], given: Sequence[Any], results: Sequence[Sequence[Any]]
    ) -> PlateCard:
        card = plate_card_from(metadata, self.path)
        expected = _maps((1, card.height, card.width), (2 * CORNERS, 2))
        return _with_shapes(self.path, card, _maps(given[1:], *(shape[1:] for shape in results)), expected)

    def __call__(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Find the text and the plate in pictures.

        Args:
            pictures: uint8 ``(N, height, width)``, grey.

        Returns:
            float32 ``(N, 8, 2)``: x and y of the corners of the text, then of the plate, each clockwise from
            its own top left, as parts of the picture's width and height.
        """
        if not len(pictures):
            return np.empty((0, 2 * CORNERS, 2), np.float32)
        (points,) = self._run(_from_bytes(pictures))
        return np.asarray(points, np.float32)


class PlateModel(Model[PlateCard]):
    """A plate model loaded for reading: ``"plates"`` or another, with its :class:`TextFinder`.

    Attributes:
        finder: finds the text in a crop; None if the model is from before this was a file of its own.
    """

    finder: TextFinder | None = None

    def __init__(
        self,
        model: str | os.PathLike[str] | OpenModel,
        *,
        threads: int | None = None,
        providers: Providers = None,
    ) -> None:
        super().__init__(model, threads=threads, providers=providers)
        if self._input.name == WHOLE:
            return
        beside = finder_of(self.path)
        if not beside.is_file():
            raise ModelError(f"{beside} is missing, the other half of {self.path}: copy both files")
        # What did not start for one network is not tried again for the other.
        self.finder = TextFinder(beside, threads=self.settings["threads"], providers=self.providers)
        if self.finder.card != self.card:
            raise ModelError(f"{beside} belongs to another model than {self.path}: copy both files together")

    def _checked_card(
        self, metadata: dict[str, str], given: Sequence[Any], results: Sequence[Sequence[Any]]
    ) -> PlateCard:
        card = plate_card_from(metadata, self.path)
        found = _maps(given[1:], *(shape[1:] for shape in results))
        steps, points = (card.steps, len(card.alphabet) + 1), (2 * CORNERS, 2)
        regions = [(len(card.regions),)] if card.regions else []
        expected = _maps((1, card.height // 2, card.width // 2), steps, *regions)
        if self._input.name == WHOLE:
            if found == _maps((1, card.height, card.width), points):
                raise ModelError(f"{self.path} only finds the text in a crop; give the .onnx file beside it")
            expected = _maps((1, card.height, card.width), steps, points)
        return _with_shapes(self.path, card, found, expected)

    def __call__(
        self, pictures: NDArray[np.uint8]
    ) -> tuple[Probabilities, NDArray[np.float32], Probabilities]:
        """Find the text in pictures of plates and read it.

        Args:
            pictures: uint8 ``(N, height, width)``, grey.

        Returns:
            Probabilities as of :meth:`read`, points as of :class:`TextFinder`, and the regions'.
        """
        if self.finder is None and len(pictures):
            logits, points = self._run(_from_bytes(pictures))
            no_regions = np.empty((len(pictures), 0), np.float32)
            return _calibrated(logits, self.card.temperature), np.asarray(points, np.float32), no_regions
        points = self.finder(pictures) if self.finder else np.empty((0, 2 * CORNERS, 2), np.float32)
        probabilities, regions = self.read(pictures, points[:, :CORNERS])
        return probabilities, points, regions

    def read(
        self, pictures: NDArray[np.uint8], corners: NDArray[np.float32]
    ) -> tuple[Probabilities, Probabilities]:
        """Read the text between corners.

        Args:
            pictures: uint8 ``(N, height, width)``, grey.
            corners: float32 ``(N, 4, 2)``: of the text, as parts of the picture's width and height.

        Returns:
            float32 ``(N, steps, classes + 1)``: calibrated probabilities, the blank of CTC first;
            each step sums to 1. Then float32 ``(N, regions)``: those of the card's regions.
        """
        count, card = len(pictures), self.card
        if not count:
            steps = np.empty((0, card.steps, len(card.alphabet) + 1), np.float32)
            return steps, np.empty((0, len(card.regions)), np.float32)
        logits, *others = self._run(_from_bytes(text_views(pictures, corners)))
        regions = others[0] if others else np.empty((count, 0), np.float32)
        return _calibrated(logits, card.temperature), _calibrated(regions, card.region_temperature)

    def close(self) -> None:
        """Free the memory of the networks."""
        if self.finder:
            self.finder.close()
        super().close()


class Detector(Model[DetectorCard]):
    """A detector loaded to find plates in photos: ``"detector"`` or another."""

    NAMES = (DETECTOR,)

    def _checked_card(
        self, metadata: dict[str, str], given: Sequence[Any], results: Sequence[Sequence[Any]]
    ) -> DetectorCard:
        card = detector_card_from(metadata, self.path)
        found = given[1:2], results[0][1:2]
        if found != ([1], [9]):
            raise ModelError(f"{self.path}: the network maps {_maps(*found)} channels, 1 to 9 are expected")
        return card

    def detect(
        self,
        gray: Image,
        *,
        scales: Iterable[int],
        min_score: float,
        max_count: int = 64,
        max_upscale: float = MAX_UPSCALE,
        on_run: Callable[[DetectorRun], object] | None = None,
    ) -> list[Detection]:
        """Detect possible plates in a photo, highest score first; several scales are not merged.

        Args:
            gray: uint8 ``(H, W)``.
            scales: lengths of its longer side after scaling, pixels, as in
                :func:`plate_ocr.vision.detection.preprocess_photo`.
            min_score: minimum score of a detection, 0..1.
            max_count: maximum number of detections per scale.
            max_upscale: maximum factor by which the photo is enlarged.
            on_run: receives the scores of the network at each scale.
        """
        places = list[Detection]()
        for longest in scales:
            picture, scale = preprocess_photo(gray, longest, max_upscale)
            output = run_tiled(self._run_tile, picture)
            places += decode_detections(output, scale, min_score, max_count)
            if on_run is not None:
                on_run(DetectorRun(scale, sigmoid(output[0].astype(np.float64))))
        return sorted(places, key=lambda place: -place.score)

    def _run_tile(self, picture: Image) -> NDArray[np.float32]:
        (answers,) = self._run(_from_bytes(picture[None]))
        return np.asarray(answers[0], np.float32)


def _from_bytes(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Grey pictures ``(N, height, width)`` as a network takes them: ``(N, 1, height, width)``, 0..1."""
    return pictures[:, None].astype(np.float32) / np.float32(255)


def _calibrated(logits: Any, temperature: float) -> Probabilities:
    """Probabilities of logits; there may be no classes."""
    scaled = np.asarray(logits, np.float32) / np.float32(temperature)
    return softmax(scaled) if scaled.shape[-1] else scaled


def _with_shapes(path: Path, card: PlateCard, found: str, expected: str) -> PlateCard:
    """The card, if the network's shapes are as it says."""
    if found != expected:
        raise ModelError(f"{path}: the network maps {found}, its header says {expected}")
    return card


def _maps(given: Sequence[Any], *results: Sequence[Any]) -> str:
    """Shapes in words, as in ``1×64×256 to 64×4 and 8×2``."""
    first, *others = ("×".join(map(str, shape)) for shape in (given, *results))
    return f"{first} to {' and '.join(others)}"


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """exp(x) / Σ exp(x) over the last axis, safe against overflow."""
    powers = np.asarray(logits - logits.max(axis=-1, keepdims=True), np.float32)
    np.exp(powers, out=powers)
    powers /= powers.sum(axis=-1, keepdims=True)
    return powers
