"""A saved model: its card (what it reads and how) and its network, run by ONNX Runtime."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plate_ocr.alphabet import Alphabet
from plate_ocr.errors import AlphabetError, ModelError
from plate_ocr.vision.characters import Preprocessing

FORMAT = "plate-ocr character model"
VERSION = 1
METADATA_KEY = "plate_ocr"
"""Under this key the card stands as JSON in the metadata of both files of a model."""

NAMES = ("chars", "digits")
"""The models that come with the package."""

_FOLDERS = (Path(__file__).parent / "models", Path(__file__).parent.parent / "models")


@dataclass(frozen=True)
class ModelCard:
    """Everything about a character model but its weights; stored in the header of its files.

    Attributes:
        alphabet: the classes.
        preprocessing: how a picture becomes the network's row vector.
        hidden: units of the hidden layer.
        temperature: logits are divided by it before the softmax, so that a confidence is the share
            of right answers (Guo et al., *On Calibration of Modern Neural Networks*, 2017).
        min_confidence: below it the answer is "unknown".
        training: what it learnt from: sources, counts, seed.
        accuracy: what was measured, 0..1, by the name of the measure.
    """

    alphabet: Alphabet
    preprocessing: Preprocessing
    hidden: int
    temperature: float = 1.0
    min_confidence: float = 0.0
    training: dict[str, Any] = field(default_factory=dict)
    accuracy: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> str:
        """The card as one line of JSON, with format and version."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values["alphabet"] = self.alphabet.characters
        values["preprocessing"] = dataclasses.asdict(self.preprocessing)
        return json.dumps({"format": FORMAT, "version": VERSION, **values}, ensure_ascii=False)

    def differences(self, expected: ModelCard) -> list[str]:
        """What keeps weights of this card from being used as those of another, each in words.

        Args:
            expected: the other card.

        Returns:
            A phrase for each difference in alphabet, preprocessing and hidden units; none if the
            weights can be used as they are.
        """
        found = []
        mine, wanted = self.alphabet.characters, expected.alphabet.characters
        if missing := [c for c in wanted if c not in self.alphabet]:
            found.append(f"its alphabet lacks {', '.join(missing)}")
        if surplus := [c for c in mine if c not in expected.alphabet]:
            found.append(f"its alphabet has {', '.join(surplus)} too many")
        if mine != wanted and sorted(mine) == sorted(wanted):
            found.append(f"its alphabet has another order: {mine} instead of {wanted}")
        found += self.preprocessing.differences(expected.preprocessing)
        if self.hidden != expected.hidden:
            found.append(f"it has {self.hidden} hidden units instead of {expected.hidden}")
        return found


class CharModel:
    """A character model loaded for reading.

    Args:
        model: ``"digits"``, ``"chars"``, an ``.onnx`` file or the folder of a training run.
        threads: processor cores for the network; by default as many as the process may use.

    Attributes:
        card: what the model reads and how.
        path: the file it came from.

    Raises:
        ModelError: if there is no such model or it cannot be used.
    """

    def __init__(self, model: str | os.PathLike[str] = "chars", *, threads: int | None = None) -> None:
        self.path = find_model(model, ".onnx")
        self._session = _open_session(self.path, threads)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.card = model_card_from(metadata, self.path)
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


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """exp(x) / Σ exp(x) over the last axis, safe against overflow."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def find_model(model: str | os.PathLike[str], suffix: str) -> Path:
    """The file of a model.

    Args:
        model: a name in :data:`NAMES`, a file, or the folder of a training run.
        suffix: ``".onnx"`` to read with or ``".safetensors"`` to train on; a file given with the
            other suffix stands for its twin beside it.

    Raises:
        ModelError: if there is no such file.
    """
    path = Path(model)
    if str(model) in NAMES:
        for folder in _FOLDERS:
            if (path := folder / f"{model}{suffix}").is_file():
                return path
        raise ModelError(f"the model {model!r} is missing from this installation; install plate-ocr again")
    if os.path.isdir(path):
        path = path / f"model{suffix}"
    if path.suffix in (".onnx", ".safetensors"):
        path = path.with_suffix(suffix)
    if os.path.isfile(path):
        if path.suffix != suffix:
            raise ModelError(
                f"{path} is no model: a {suffix} file or the folder of a training run is expected"
            )
        return path
    raise ModelError(
        f"there is no model {str(path)!r}; "
        f"give {' or '.join(NAMES)}, a {suffix} file or the folder of a training run"
    )


def model_card_from(metadata: dict[str, str] | None, path: Path) -> ModelCard:
    """The card in a model file's metadata.

    Raises:
        ModelError: if it is missing, of another kind, of a newer version or damaged.
    """
    text = (metadata or {}).get(METADATA_KEY)
    if text is None:
        raise ModelError(f"{path} was not made by plate-ocr: its metadata have no {METADATA_KEY!r} entry")
    try:
        values = json.loads(text)
        kind, version = values.pop("format"), values.pop("version")
        if kind != FORMAT:
            raise ModelError(f"{path} holds a {kind!r}; a {FORMAT!r} is expected")
        if version > VERSION:
            raise ModelError(
                f"{path} has format version {version}, this plate-ocr reads up to {VERSION}: upgrade it"
            )
        alphabet = Alphabet(values.pop("alphabet"))
        preprocessing = values.pop("preprocessing")
        preprocessing["grid"] = tuple(preprocessing["grid"])
        card = ModelCard(alphabet, Preprocessing(**preprocessing), **values)
        _check_types(card)
        return card
    except (ValueError, KeyError, TypeError, AttributeError, AlphabetError) as error:
        raise ModelError(f"{path}: the header is damaged ({type(error).__name__}: {error})") from None


def _check_types(card: ModelCard) -> None:
    """Raises ValueError naming the first entry that cannot be right: JSON holds anything."""
    settings = card.preprocessing
    whole = {"hidden": card.hidden, "height": settings.height, "width": settings.width}
    whole |= {"contrast": settings.contrast, "grid": min(settings.grid, default=0)}
    numbers = {"temperature": card.temperature, "overlap": settings.overlap, "aspect": settings.aspect}
    numbers |= {"reach": settings.reach, "ambiguous": settings.ambiguous}
    numbers |= {"min_confidence": card.min_confidence, "edge": settings.edge}
    for name, value in whole.items():
        if type(value) is not int or value < 1:
            raise ValueError(f"{name} = {value!r}")
    if len(settings.grid) != 2:
        raise ValueError(f"grid = {settings.grid!r}")
    for name, number in numbers.items():
        if type(number) not in (int, float) or number < 0:
            raise ValueError(f"{name} = {number!r}")
    if not card.temperature:
        raise ValueError("temperature = 0")


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
