"""Models opened for reading, run by ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plate_ocr.errors import ModelError
from plate_ocr.model.cards import (
    LocatorCard,
    PlateCard,
    card_from,
    locator_card_from,
    model_card_from,
    plate_card_from,
)
from plate_ocr.model.registry import find_model
from plate_ocr.vision.detection import Located, in_tiles, located, photo_input
from plate_ocr.vision.images import Image


@dataclass(frozen=True)
class OpenModel:
    """A model file that ONNX Runtime has opened, of whatever kind.

    Attributes:
        path: the file.
        session: runs it.
        metadata: of the file.
    """

    path: Path
    session: Any
    metadata: dict[str, str]

    @classmethod
    def of(cls, model: str | os.PathLike[str], threads: int | None) -> OpenModel:
        """Open a model by its name, file or run folder.

        Raises:
            ModelError: if there is no such model or it cannot be opened.
        """
        path = find_model(model, ".onnx")
        session = _open_session(path, threads)
        return cls(path, session, session.get_modelmeta().custom_metadata_map)


def load_model(model: str | os.PathLike[str], *, threads: int | None = None) -> CharModel | PlateModel:
    """A model of either kind, loaded for reading.

    Args:
        model: a name in :data:`NAMES`, an ``.onnx`` file or the folder of a training run.
        threads: processor cores for the network; by default as many as the process may use.

    Raises:
        ModelError: if there is no such model or it cannot be used.
    """
    opened = OpenModel.of(model, threads)
    card = card_from(opened.metadata, opened.path)
    if isinstance(card, LocatorCard):
        raise ModelError(f"{opened.path} only finds plates; plates, chars and digits read")
    return PlateModel(opened) if isinstance(card, PlateCard) else CharModel(opened)


class CharModel:
    """A character model loaded for reading.

    Args:
        model: ``"digits"``, ``"chars"``, an ``.onnx`` file, the folder of a training run, or an open file.
        threads: processor cores for the network; by default as many as the process may use.

    Attributes:
        card: what the model reads and how.
        path: the file it came from.

    Raises:
        ModelError: if there is no such model, it is a plate model or it cannot be used.
    """

    def __init__(
        self, model: str | os.PathLike[str] | OpenModel = "chars", *, threads: int | None = None
    ) -> None:
        opened = model if isinstance(model, OpenModel) else OpenModel.of(model, threads)
        self.path, self._session = opened.path, opened.session
        self.card = model_card_from(opened.metadata, self.path)
        self._input = self._session.get_inputs()[0]
        output = self._session.get_outputs()[0]
        found = tuple(node.shape[-1] if node.shape else 0 for node in (self._input, output))
        expected = (self.card.preprocessing.values, len(self.card.alphabet))
        if found != expected:
            raise ModelError(
                f"{self.path}: the network maps {found[0]} values to {found[1]} classes, "
                f"its header says {expected[0]} to {expected[1]}"
            )

    def probabilities(self, ratios: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network.

        Args:
            ratios: float32 ``(N, values)``, 0..1.

        Returns:
            float32 ``(N, classes)``: calibrated probabilities, each row adding up to 1.
        """
        if not len(ratios):
            return np.empty((0, len(self.card.alphabet)), np.float32)
        (logits,) = self._session.run(None, {self._input.name: ratios})
        return softmax(np.asarray(logits, np.float32) / np.float32(self.card.temperature))


class PlateModel:
    """A plate model loaded for reading.

    Args:
        model: ``"plates"``, an ``.onnx`` file, the folder of a training run, or an open file.
        threads: processor cores for the network; by default as many as the process may use.

    Attributes:
        card: what the model reads and how.
        path: the file it came from.

    Raises:
        ModelError: if there is no such model, it is a character model or it cannot be used.
    """

    def __init__(
        self, model: str | os.PathLike[str] | OpenModel = "plates", *, threads: int | None = None
    ) -> None:
        opened = model if isinstance(model, OpenModel) else OpenModel.of(model, threads)
        self.path, self._session = opened.path, opened.session
        self.card = plate_card_from(opened.metadata, self.path)
        self._input = self._session.get_inputs()[0]
        outputs = self._session.get_outputs()
        found = _maps(self._input.shape[1:], *(output.shape[1:] for output in outputs))
        steps = self.card.steps, len(self.card.alphabet) + 1
        expected = _maps((1, self.card.height, self.card.width), steps, (8, 2))
        if found != expected:
            raise ModelError(f"{self.path}: the network maps {found}, its header says {expected}")

    def __call__(self, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Run the network.

        Args:
            pictures: uint8 ``(N, height, width)``, grey.

        Returns:
            float32 ``(N, steps, classes + 1)``: calibrated probabilities, the blank of CTC first;
            those of a step add up to 1. And float32 ``(N, 4, 2)``: x and y of the plate's corners, clockwise
            from its own top left, as parts of the picture's width and height.
        """
        if not len(pictures):
            return np.empty((0, self.card.steps, len(self.card.alphabet) + 1), np.float32), np.empty(
                (0, 4, 2), np.float32
            )
        inputs = pictures[:, None].astype(np.float32) / np.float32(255)
        logits, points = self._session.run(None, {self._input.name: inputs})
        probabilities = softmax(np.asarray(logits, np.float32) / np.float32(self.card.temperature))
        return probabilities, np.asarray(points[:, 4:], np.float32)


class LocatorModel:
    """A locator loaded to find plates in photos.

    Args:
        model: ``"locator"``, an ``.onnx`` file, the folder of a training run, or an open file.
        threads: processor cores for the network; by default as many as the process may use.

    Attributes:
        card: how the model looks at photos.
        path: the file it came from.

    Raises:
        ModelError: if there is no such model, it is no locator or it cannot be used.
    """

    def __init__(
        self, model: str | os.PathLike[str] | OpenModel = "locator", *, threads: int | None = None
    ) -> None:
        opened = model if isinstance(model, OpenModel) else OpenModel.of(model, threads)
        self.path, self._session = opened.path, opened.session
        self.card = locator_card_from(opened.metadata, self.path)
        self._input = self._session.get_inputs()[0]
        found = self._input.shape[1:2], self._session.get_outputs()[0].shape[1:2]
        if found != ([1], [9]):
            raise ModelError(f"{self.path}: the network maps {_maps(*found)} channels, 1 to 9 are expected")

    def detect(self, gray: Image, *, scales: Iterable[int], min_score: float) -> list[Located]:
        """Where plates may be in a photo, the surest first; what is seen at several scales, once for each.

        Args:
            gray: uint8 ``(H, W)``.
            scales: pixels to which its longer side is shrunk, as in
                :func:`plate_ocr.vision.detection.scale_cascade`; a smaller photo keeps its size.
            min_score: below it nothing is taken for a plate, 0..1.
        """
        places = list[Located]()
        for longest in scales:
            picture, scale = photo_input(gray, longest)
            places += located(in_tiles(self._look, picture), scale, min_score)
        return sorted(places, key=lambda place: -place.score)

    def _look(self, picture: Image) -> NDArray[np.float32]:
        inputs = picture[None, None].astype(np.float32) / np.float32(255)
        (answers,) = self._session.run(None, {self._input.name: inputs})
        return np.asarray(answers[0], np.float32)


def _maps(given: Sequence[Any], *results: Sequence[Any]) -> str:
    """Shapes in words, as in ``1×64×256 to 64×4 and 8×2``."""
    first, *others = ("×".join(map(str, shape)) for shape in (given, *results))
    return f"{first} to {' and '.join(others)}"


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """exp(x) / Σ exp(x) over the last axis, safe against overflow."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def available_threads() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _open_session(path: Path, threads: int | None) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or available_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Threads that spin while they wait take three times the processor time, and what others need of it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        data = path.read_bytes()
        if data[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
            raise ModelError(
                f"{path} is a pickle or a torch checkpoint, which can run code when opened; "
                f"give the model.onnx of its training run"
            )
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except ModelError:
        raise
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from None
    except Exception:  # ONNX Runtime has a dozen exception types for a bad file, no common base
        raise ModelError(f"{path} is not a whole ONNX model; copy or train it again") from None
