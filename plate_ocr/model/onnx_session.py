"""Model files opened by ONNX Runtime."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from plate_ocr.errors import DeviceError, ModelError
from plate_ocr.log import warn
from plate_ocr.model.cards import DetectorCard, ModelCard, PlateCard
from plate_ocr.model.providers import CPU, Providers, check_threads, choose_providers
from plate_ocr.model.registry import READERS, find_model


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
        names: Sequence[str] = READERS,
    ) -> OpenModel:
        """Open a model by its name, file or run folder; an open one is returned unchanged.

        ``names`` are those that an error offers.

        Raises:
            ModelError: if there is no such model or it cannot be opened.
            DeviceError: if a provider is not available or cannot run it.
            ValueError: if a setting is out of its range.
        """
        if isinstance(model, OpenModel):
            return model
        check_threads(threads)
        choices = choose_providers(providers)
        path = find_model(model, ".onnx", names)
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

    NAMES: ClassVar[Sequence[str]] = READERS
    """The models of this type that come with the package, or others that read."""

    card: AnyCard

    def __init__(
        self,
        model: str | os.PathLike[str] | OpenModel,
        *,
        threads: int | None = None,
        providers: Providers = None,
    ) -> None:
        opened = OpenModel.of(model, threads, providers, self.NAMES)
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
