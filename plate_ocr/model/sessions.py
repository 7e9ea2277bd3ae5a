"""Models for reading, run by ONNX Runtime."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from plate_ocr.errors import DeviceError, ModelError
from plate_ocr.log import warn
from plate_ocr.model.cards import (
    DetectorCard,
    ModelCard,
    PlateCard,
    card_from,
    detector_card_from,
    model_card_from,
    plate_card_from,
)
from plate_ocr.model.providers import CPU, Providers, check_threads, choose_providers
from plate_ocr.model.registry import find_model
from plate_ocr.vision.detection import (
    MAX_UPSCALE,
    Detection,
    DetectorRun,
    decode_detections,
    preprocess_photo,
    run_tiled,
    sigmoid,
)
from plate_ocr.vision.images import Image


@dataclass(frozen=True)
class OpenModel:
    """A model file opened by ONNX Runtime, of any type.

    Attributes:
        path: the file.
        session: of ONNX Runtime.
        metadata: of the file.
        settings: arguments for opening it again: ``threads`` and ``providers``.
    """

    path: Path
    session: Any
    metadata: dict[str, str]
    settings: dict[str, Any]

    @classmethod
    def of(
        cls,
        model: str | os.PathLike[str] | OpenModel,
        threads: int | None,
        providers: Providers = None,
    ) -> OpenModel:
        """Open a model by its name, file or run folder; an open one is returned unchanged.

        Raises:
            ModelError: if there is no such model or it cannot be opened.
            DeviceError: if a provider is not available or cannot run it.
            ValueError: if a setting is out of its range.
        """
        if isinstance(model, OpenModel):
            return model
        check_threads(threads)
        choices = choose_providers(providers)
        path = find_model(model, ".onnx")
        session = _open_session(path, threads, choices)
        settings = {"threads": threads, "providers": providers}
        return cls(path, session, session.get_modelmeta().custom_metadata_map, settings)


AnyCard = TypeVar("AnyCard", ModelCard, PlateCard, DetectorCard)


class Model(ABC, Generic[AnyCard]):
    """Base class of models for reading.

    Args:
        model: a name, an ``.onnx`` file, the folder of a training run, or an open
            file, with its own settings.
        threads: processor cores for the network; by default as many as the process may use.
        providers: execution providers, as in :class:`~plate_ocr.PlateReader`.

    Attributes:
        card: of the model.
        path: of its file.
        settings: arguments that it was opened with: ``threads`` and ``providers``.

    Raises:
        ModelError: if there is no such model, it is of another type or it cannot be used.
        DeviceError: if a provider is not available or cannot run it.
        ValueError: if a setting is out of its range.
    """

    card: AnyCard

    def __init__(
        self,
        model: str | os.PathLike[str] | OpenModel,
        *,
        threads: int | None = None,
        providers: Providers = None,
    ) -> None:
        opened = OpenModel.of(model, threads, providers)
        self.path, self.settings = opened.path, opened.settings
        self._session = opened.session
        self._input = opened.session.get_inputs()[0]
        self.card = self._checked_card(
            opened.metadata, self._input.shape, [output.shape for output in opened.session.get_outputs()]
        )

    @abstractmethod
    def _checked_card(
        self, metadata: dict[str, str], given: Sequence[Any], results: Sequence[Sequence[Any]]
    ) -> AnyCard:
        """The card in a file's metadata; a ModelError if the network's shapes contradict it."""

    @property
    def providers(self) -> tuple[str, ...]:
        """ONNX Runtime's names of the providers in use, the preferred first.

        Raises:
            ValueError: if the model is closed.
        """
        return tuple(self._opened().get_providers())

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._session is None

    def close(self) -> None:
        """Free the memory of the network."""
        self._session = None

    def _opened(self) -> Any:
        # Another thread may close it at any time.
        if (session := self._session) is None:
            raise ValueError(f"{self.path} was closed; open it again to read with it")
        return session

    def _run(self, inputs: NDArray[np.float32]) -> Any:
        return self._opened().run(None, {self._input.name: inputs})


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


class PlateModel(Model[PlateCard]):
    """A plate model loaded for reading: ``"plates"`` or another."""

    def _checked_card(
        self, metadata: dict[str, str], given: Sequence[Any], results: Sequence[Sequence[Any]]
    ) -> PlateCard:
        card = plate_card_from(metadata, self.path)
        found = _maps(given[1:], *(shape[1:] for shape in results))
        steps = card.steps, len(card.alphabet) + 1
        expected = _maps((1, card.height, card.width), steps, (8, 2))
        if found != expected:
            raise ModelError(f"{self.path}: the network maps {found}, its header says {expected}")
        return card

    def __call__(self, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Run the network.

        Args:
            pictures: uint8 ``(N, height, width)``, grey.

        Returns:
            float32 ``(N, steps, classes + 1)``: calibrated probabilities, the blank of CTC first;
            each step sums to 1. And float32 ``(N, 8, 2)``: x and y of the corners of the text, then
            of the plate, each clockwise from its own top left, as parts of the picture's width and height.
        """
        if not len(pictures):
            return np.empty((0, self.card.steps, len(self.card.alphabet) + 1), np.float32), np.empty(
                (0, 8, 2), np.float32
            )
        inputs = pictures[:, None].astype(np.float32) / np.float32(255)
        logits, points = self._run(inputs)
        probabilities = softmax(np.asarray(logits, np.float32) / np.float32(self.card.temperature))
        return probabilities, np.asarray(points, np.float32)


class Detector(Model[DetectorCard]):
    """A detector loaded to find plates in photos: ``"detector"`` or another."""

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
        inputs = picture[None, None].astype(np.float32) / np.float32(255)
        (answers,) = self._run(inputs)
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


def _open_session(path: Path, threads: int | None, choices: Sequence[Sequence[str]]) -> Any:
    """Open a file with the first of several choices of providers that can run it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from None
    if data[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        raise ModelError(
            f"{path} is a pickle or a torch checkpoint, which can run code when opened; "
            f"give the model.onnx of its training run"
        )
    *others, last = choices
    for providers in others:
        try:
            return _session_with(path, data, threads, providers)
        except DeviceError as error:
            warn(str(error))
    return _session_with(path, data, threads, last)


def _session_with(path: Path, data: bytes, threads: int | None, providers: Sequence[str]) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or available_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Spinning threads take three times the processor time, and slow down other processes.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    reason = "see its log"
    try:
        # Otherwise ONNX Runtime falls back to the processor with a message.
        session = onnxruntime.InferenceSession(data, options, providers=[*providers], enable_fallback=0)
    except Exception as error:  # ONNX Runtime has a dozen exception types for a bad file, no common base
        if set(providers) == {CPU}:
            raise ModelError(f"{path} is not a whole ONNX model; copy or train it again") from None
        _session_with(path, data, threads, [CPU])  # it may be the file that is wrong
        reason = (str(error).splitlines() or [type(error).__name__])[0]
    else:
        if set(providers) <= set(session.get_providers()):
            return session
    raise DeviceError(f"{path} cannot be run by {' and '.join(providers)}: it does not start ({reason})")
