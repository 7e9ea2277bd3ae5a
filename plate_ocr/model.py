"""A saved model: its card (what it reads and how) and its network, run by ONNX Runtime."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from plate_ocr.alphabet import Alphabet
from plate_ocr.errors import AlphabetError, ModelError
from plate_ocr.vision.characters import Preprocessing
from plate_ocr.vision.images import Image
from plate_ocr.vision.locate import STRIDE, Located, in_tiles, located, photo_input

FORMAT = "plate-ocr character model"
PLATE_FORMAT = "plate-ocr plate model"
LOCATOR_FORMAT = "plate-ocr locator model"
VERSION = 1
METADATA_KEY = "plate_ocr"
"""Under this key the card stands as JSON in the metadata of both files of a model."""

NAMES = ("plates", "chars", "digits", "locator")
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
        return _to_json(self, FORMAT)

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


@dataclass(frozen=True)
class PlateCard:
    """Everything about a plate model but its weights; stored in the header of its files.

    Attributes:
        alphabet: the characters; the blank of CTC comes before them as class 0.
        height: of the network's picture, pixels.
        width: of the network's picture, pixels.
        finder: channels of the stages that find the text.
        channels: of the four convolutional stages that read it.
        transformer: width of the transformer layers.
        layers: of the transformer.
        temperature: as in :class:`ModelCard`.
        min_confidence: below it a character is unknown.
        min_plate_confidence: a picture whose characters have a lower mean confidence shows no plate.
        training: what it learnt from: regions, counts, seed.
        accuracy: what was measured, 0..1, by the name of the measure.
    """

    alphabet: Alphabet
    height: int = 64
    width: int = 256
    finder: tuple[int, int, int] = (16, 32, 48)
    channels: tuple[int, int, int, int] = (32, 48, 96, 112)
    transformer: int = 144
    layers: int = 2
    temperature: float = 1.0
    min_confidence: float = 0.0
    min_plate_confidence: float = 0.0
    training: dict[str, Any] = field(default_factory=dict)
    accuracy: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> str:
        """The card as one line of JSON, with format and version."""
        return _to_json(self, PLATE_FORMAT)

    @property
    def steps(self) -> int:
        """Steps of the network's output: two rows of features, each an eighth of the picture's width."""
        return self.width // 4


@dataclass(frozen=True)
class LocatorCard:
    """Everything about a locator but its weights; stored in the header of its files.

    Attributes:
        longest: side of the picture that it looks at, pixels, at most.
        channels: of the five stages.
        features: width of the layers that add up what the stages see.
        min_score: below it nothing is taken for a plate.
        training: what it learnt from: regions, counts, seed.
        accuracy: what was measured, 0..1, by the name of the measure.
    """

    longest: int = 640
    channels: tuple[int, int, int, int, int] = (16, 24, 48, 72, 96)
    features: int = 64
    min_score: float = 0.3
    training: dict[str, Any] = field(default_factory=dict)
    accuracy: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> str:
        """The card as one line of JSON, with format and version."""
        return _to_json(self, LOCATOR_FORMAT)


Card: TypeAlias = ModelCard | PlateCard | LocatorCard


def _to_json(card: Card, kind: str) -> str:
    values = {field.name: getattr(card, field.name) for field in dataclasses.fields(card)}
    if not isinstance(card, LocatorCard):
        values["alphabet"] = card.alphabet.characters
    if isinstance(card, ModelCard):
        values["preprocessing"] = dataclasses.asdict(card.preprocessing)
    return json.dumps({"format": kind, "version": VERSION, **values}, ensure_ascii=False)


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

    def __call__(self, gray: Image, longest: int | None = None) -> list[Located]:
        """Where plates may be in a photo, the surest first.

        Args:
            gray: uint8 ``(H, W)``.
            longest: instead of the card's.
        """
        picture, scale = photo_input(gray, longest or self.card.longest)
        return located(in_tiles(self._look, picture), scale, self.card.min_score)

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
        f"give {', '.join(NAMES)}, a {suffix} file or the folder of a training run"
    )


def card_from(metadata: dict[str, str] | None, path: Path) -> Card:
    """The card in a model file's metadata, of either kind.

    Raises:
        ModelError: if it is missing, of an unknown kind, of a newer version or damaged.
    """
    kind = _read_header(metadata, path)[0]
    if kind == PLATE_FORMAT:
        return plate_card_from(metadata, path)
    return locator_card_from(metadata, path) if kind == LOCATOR_FORMAT else model_card_from(metadata, path)


def model_card_from(metadata: dict[str, str] | None, path: Path) -> ModelCard:
    """The card in a character model's metadata.

    Raises:
        ModelError: if it is missing, of another kind, of a newer version or damaged.
    """

    def parse(values: dict[str, Any]) -> ModelCard:
        alphabet = Alphabet(values.pop("alphabet"))
        preprocessing = values.pop("preprocessing")
        preprocessing["grid"] = tuple(preprocessing["grid"])
        card = ModelCard(alphabet, Preprocessing(**preprocessing), **values)
        _check_types(card)
        return card

    return _card_of_kind(FORMAT, parse, "one that reads single characters, such as chars", metadata, path)


def plate_card_from(metadata: dict[str, str] | None, path: Path) -> PlateCard:
    """The card in a plate model's metadata.

    Raises:
        ModelError: if it is missing, of another kind, of a newer version or damaged.
    """

    def parse(values: dict[str, Any]) -> PlateCard:
        alphabet = Alphabet(values.pop("alphabet"))
        channels, finder = tuple(values.pop("channels")), tuple(values.pop("finder"))
        card = PlateCard(alphabet, channels=channels, finder=finder, **values)
        if len(channels) != 4:
            raise ValueError(f"channels = {channels!r}")
        if len(finder) != 3:
            raise ValueError(f"finder = {finder!r}")
        sizes = {"height": card.height, "width": card.width, "transformer": card.transformer}
        _check_whole(sizes | {"layers": card.layers, "channels": min(channels), "finder": min(finder)})
        _check_numbers({"min_plate_confidence": card.min_plate_confidence})
        _check_confidence(card)
        return card

    return _card_of_kind(PLATE_FORMAT, parse, "one that reads whole plates, such as plates", metadata, path)


def locator_card_from(metadata: dict[str, str] | None, path: Path) -> LocatorCard:
    """The card in a locator's metadata.

    Raises:
        ModelError: if it is missing, of another kind, of a newer version or damaged.
    """

    def parse(values: dict[str, Any]) -> LocatorCard:
        channels = tuple(values.pop("channels"))
        card = LocatorCard(channels=channels, **values)
        if len(channels) != 5:
            raise ValueError(f"channels = {channels!r}")
        _check_whole({"longest": card.longest, "features": card.features, "channels": min(channels)})
        _check_numbers({"min_score": card.min_score})
        if card.longest % STRIDE or not 0 < card.min_score < 1:
            raise ValueError(f"longest = {card.longest}, min_score = {card.min_score}")
        return card

    return _card_of_kind(LOCATOR_FORMAT, parse, "one that finds plates, such as locator", metadata, path)


_AnyCard = TypeVar("_AnyCard", ModelCard, PlateCard, LocatorCard)


def _card_of_kind(
    expected: str,
    parse: Callable[[dict[str, Any]], _AnyCard],
    hint: str,
    metadata: dict[str, str] | None,
    path: Path,
) -> _AnyCard:
    kind, version, values = _read_header(metadata, path)
    if kind != expected:
        raise ModelError(f"{path} holds a {kind!r}; a {expected!r} is expected: {hint}")
    try:
        if version > VERSION:
            raise ModelError(
                f"{path} has format version {version}, this plate-ocr reads up to {VERSION}: upgrade it"
            )
        return parse(values)
    except (ValueError, KeyError, TypeError, AttributeError, AlphabetError) as error:
        raise _damaged(path, error) from None


def _read_header(metadata: dict[str, str] | None, path: Path) -> tuple[Any, Any, dict[str, Any]]:
    """Format, version and all else that the header holds."""
    text = (metadata or {}).get(METADATA_KEY)
    if text is None:
        raise ModelError(f"{path} was not made by plate-ocr: its metadata have no {METADATA_KEY!r} entry")
    try:
        values = json.loads(text)
        return values.pop("format"), values.pop("version"), values
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> ModelError:
    return ModelError(f"{path}: the header is damaged ({type(error).__name__}: {error})")


def _check_types(card: ModelCard) -> None:
    """Raises ValueError naming the first entry that cannot be right: JSON holds anything."""
    settings = card.preprocessing
    whole = {"hidden": card.hidden, "height": settings.height, "width": settings.width}
    _check_whole(whole | {"contrast": settings.contrast, "grid": min(settings.grid, default=0)})
    if len(settings.grid) != 2:
        raise ValueError(f"grid = {settings.grid!r}")
    numbers = {"overlap": settings.overlap, "aspect": settings.aspect}
    _check_numbers(
        numbers | {"reach": settings.reach, "ambiguous": settings.ambiguous, "edge": settings.edge}
    )
    _check_confidence(card)


def _check_confidence(card: ModelCard | PlateCard) -> None:
    _check_numbers({"temperature": card.temperature, "min_confidence": card.min_confidence})
    if not card.temperature:
        raise ValueError("temperature = 0")


def _check_whole(values: dict[str, Any]) -> None:
    for name, value in values.items():
        if type(value) is not int or value < 1:
            raise ValueError(f"{name} = {value!r}")


def _check_numbers(values: dict[str, Any]) -> None:
    for name, value in values.items():
        if type(value) not in (int, float) or value < 0:
            raise ValueError(f"{name} = {value!r}")


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
