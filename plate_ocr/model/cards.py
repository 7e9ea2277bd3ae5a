"""Model cards: everything about a model except its weights, stored as JSON in the header of its files."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from plate_ocr.alphabet import Alphabet
from plate_ocr.errors import AlphabetError, ModelError
from plate_ocr.region_files.table import bundled_formats
from plate_ocr.vision.detection import STRIDE
from plate_ocr.vision.settings import Preprocessing

FORMAT = "plate-ocr character model"
PLATE_FORMAT = "plate-ocr plate model"
DETECTOR_FORMAT = "plate-ocr detector model"
VERSION = 1
"""Version of written headers; those of every version since the first release are read. It is raised when
older releases could not read new headers, for example when an entry is added."""

METADATA_KEY = "plate_ocr"
"""Key of the card's JSON in the metadata of both files of a model."""


@dataclass(frozen=True)
class ModelCard:
    """Everything about a character model except its weights; stored in the header of its files.

    Attributes:
        alphabet: the classes.
        preprocessing: settings from a picture to the network's row vector.
        hidden: units of the hidden layer.
        temperature: logits are divided by it before the softmax, so that a confidence is the expected
            accuracy (Guo et al., *On Calibration of Modern Neural Networks*, 2017).
        min_confidence: below it a character is unknown.
        training: record of the training data: sources, counts, seed.
        accuracy: metrics by name, 0..1.
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
        """Describes why weights of this card cannot be used as those of another.

        Args:
            expected: the other card.

        Returns:
            A phrase for each difference in alphabet, preprocessing and hidden units; empty if the
            weights can be used.
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
    """Everything about a plate model except its weights; stored in the header of its files.

    Attributes:
        alphabet: the characters; the blank of CTC comes before them as class 0. Its class for any other
            character is the header's entry ``unknown_class``.
        height: of the network's input, pixels.
        width: of the network's input, pixels.
        finder: channels of the localisation network.
        channels: of the four convolutional stages.
        transformer: width of the transformer layers.
        layers: of the transformer.
        temperature: as in :class:`ModelCard`.
        min_confidence: below it a character is unknown.
        min_plate_confidence: a picture whose characters have a lower mean confidence shows no plate.
        region: default region for formats; empty: none.
        regions: codes of the regions that the network tells apart; empty: none.
        region_temperature: as ``temperature``, of the regions.
        training: record of the training data: regions, counts, seed.
        accuracy: metrics by name, 0..1.
    """

    alphabet: Alphabet
    height: int = 64
    width: int = 256
    finder: tuple[int, int, int] = (16, 32, 48)
    channels: tuple[int, int, int, int] = (32, 48, 80, 96)
    transformer: int = 128
    layers: int = 2
    temperature: float = 1.0
    min_confidence: float = 0.0
    min_plate_confidence: float = 0.0
    region: str = ""
    regions: tuple[str, ...] = ()
    region_temperature: float = 1.0
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
class DetectorCard:
    """Everything about a detector except its weights; stored in the header of its files.

    Attributes:
        longest: maximum side of the input, pixels.
        channels: of the five stages, or of four if the first has a stride of 4.
        features: channels of the fusing layers and the head.
        blocks: residual blocks of each of the last three stages.
        context: number of context blocks.
        light: whether the head is depthwise separable.
        min_score: minimum score of a detection.
        training: record of the training data: regions, counts, seed.
        accuracy: metrics by name, 0..1.
    """

    longest: int = 640
    channels: tuple[int, ...] = (16, 24, 48, 72, 96)
    features: int = 64
    blocks: tuple[int, ...] = (2, 2, 2)
    context: int = 0
    light: bool = False
    min_score: float = 0.3
    training: dict[str, Any] = field(default_factory=dict)
    accuracy: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> str:
        """The card as one line of JSON, with format and version."""
        return _to_json(self, DETECTOR_FORMAT)


Card: TypeAlias = ModelCard | PlateCard | DetectorCard


def _to_json(card: Card, format: str) -> str:
    values = {field.name: getattr(card, field.name) for field in dataclasses.fields(card)}
    if not isinstance(card, DetectorCard):
        values["alphabet"] = card.alphabet.characters
        if card.alphabet.unknown:
            values["unknown_class"] = True
    if isinstance(card, ModelCard):
        values["preprocessing"] = dataclasses.asdict(card.preprocessing)
    if isinstance(card, PlateCard):
        if not card.region:
            del values["region"]
        if not card.regions:
            del values["regions"], values["region_temperature"]
    return json.dumps({"format": format, "version": VERSION, **values}, ensure_ascii=False)


def card_from(metadata: dict[str, str] | None, path: Path) -> Card:
    """The card in a model file's metadata, of any type.

    Raises:
        ModelError: if it is missing, of an unknown type, of a newer version or damaged.
    """
    format, _ = _read_header(metadata, path)
    if format == PLATE_FORMAT:
        return plate_card_from(metadata, path)
    return (
        detector_card_from(metadata, path) if format == DETECTOR_FORMAT else model_card_from(metadata, path)
    )


def model_card_from(metadata: dict[str, str] | None, path: Path) -> ModelCard:
    """The card in a character model's metadata.

    Raises:
        ModelError: if it is missing, of another type, of a newer version or damaged.
    """

    def parse(values: dict[str, Any]) -> ModelCard:
        alphabet = Alphabet(values.pop("alphabet"))
        preprocessing = values.pop("preprocessing")
        preprocessing["grid"] = tuple(preprocessing["grid"])
        card = ModelCard(alphabet, Preprocessing(**preprocessing), **values)
        _check_types(card)
        return card

    return _parse_card(FORMAT, parse, "one that reads single characters, such as chars", metadata, path)


def plate_card_from(metadata: dict[str, str] | None, path: Path) -> PlateCard:
    """The card in a plate model's metadata.

    Raises:
        ModelError: if it is missing, of another type, of a newer version or damaged.
    """

    def parse(values: dict[str, Any]) -> PlateCard:
        unknown = values.pop("unknown_class", False)
        if type(unknown) is not bool:
            raise ValueError(f"unknown_class = {unknown!r}")
        alphabet = Alphabet(values.pop("alphabet"), unknown)
        channels, finder = tuple(values.pop("channels")), tuple(values.pop("finder"))
        regions = tuple(values.pop("regions", ()))
        card = PlateCard(alphabet, channels=channels, finder=finder, regions=regions, **values)
        if len(channels) != 4:
            raise ValueError(f"channels = {channels!r}")
        if len(finder) != 3:
            raise ValueError(f"finder = {finder!r}")
        sizes = {"height": card.height, "width": card.width, "transformer": card.transformer}
        _check_integers(sizes | {"layers": card.layers, "channels": min(channels), "finder": min(finder)})
        _check_numbers(
            {
                "min_plate_confidence": card.min_plate_confidence,
                "region_temperature": card.region_temperature,
            }
        )
        if not card.region_temperature:
            raise ValueError("region_temperature = 0")
        if any(not isinstance(code, str) for code in regions) or len(set(regions)) < len(regions):
            raise ValueError(f"regions = {regions!r}")
        _check_confidence(card)
        if card.region != "" and card.region not in bundled_formats():
            raise ValueError(f"region = {card.region!r}, none of {', '.join(bundled_formats())}")
        return card

    return _parse_card(PLATE_FORMAT, parse, "one that reads whole plates, such as plates", metadata, path)


def detector_card_from(metadata: dict[str, str] | None, path: Path) -> DetectorCard:
    """The card in a detector's metadata.

    Raises:
        ModelError: if it is missing, of another type, of a newer version or damaged.
    """

    def parse(values: dict[str, Any]) -> DetectorCard:
        channels, blocks = tuple(values.pop("channels")), tuple(values.pop("blocks", DetectorCard.blocks))
        card = DetectorCard(channels=channels, blocks=blocks, **values)
        if len(channels) not in (4, 5):
            raise ValueError(f"channels = {channels!r}")
        if len(blocks) != 3:
            raise ValueError(f"blocks = {blocks!r}")
        sizes = {"longest": card.longest, "features": card.features, "context + 1": card.context + 1}
        _check_integers(sizes | {"channels": min(channels), "blocks": min(blocks)})
        if type(card.light) is not bool:
            raise ValueError(f"light = {card.light!r}")
        _check_numbers({"min_score": card.min_score})
        if card.longest % STRIDE or not 0 < card.min_score < 1:
            raise ValueError(f"longest = {card.longest}, min_score = {card.min_score}")
        return card

    return _parse_card(DETECTOR_FORMAT, parse, "one that finds plates, such as detector", metadata, path)


_AnyCard = TypeVar("_AnyCard", ModelCard, PlateCard, DetectorCard)


def _parse_card(
    expected: str,
    parse: Callable[[dict[str, Any]], _AnyCard],
    hint: str,
    metadata: dict[str, str] | None,
    path: Path,
) -> _AnyCard:
    format, values = _read_header(metadata, path)
    if format != expected:
        raise ModelError(f"{path} holds a {format!r}; a {expected!r} is expected: {hint}")
    try:
        return parse(values)
    except (ValueError, KeyError, TypeError, AttributeError, AlphabetError) as error:
        raise _damaged(path, error) from None


def _read_header(metadata: dict[str, str] | None, path: Path) -> tuple[Any, dict[str, Any]]:
    """The format and the entries of a header, without its version, which is checked."""
    text = (metadata or {}).get(METADATA_KEY)
    if text is None:
        raise ModelError(f"{path} was not made by plate-ocr: its metadata have no {METADATA_KEY!r} entry")
    try:
        values = json.loads(text)
        format, version = values.pop("format"), values.pop("version")
        _check_integers({"version": version})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, error) from None
    if version > VERSION:
        raise ModelError(
            f"{path} needs a newer plate-ocr: it has format version {version}, this one reads up to {VERSION}"
        )
    return format, values


def _damaged(path: Path, error: Exception) -> ModelError:
    return ModelError(f"{path}: the header is damaged ({type(error).__name__}: {error})")


def _check_types(card: ModelCard) -> None:
    """Raises ValueError naming the first invalid entry."""
    settings = card.preprocessing
    whole = {"hidden": card.hidden, "height": settings.height, "width": settings.width}
    _check_integers(whole | {"contrast": settings.contrast, "grid": min(settings.grid, default=0)})
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


def _check_integers(values: dict[str, Any]) -> None:
    for name, value in values.items():
        if type(value) is not int or value < 1:
            raise ValueError(f"{name} = {value!r}")


def _check_numbers(values: dict[str, Any]) -> None:
    for name, value in values.items():
        if type(value) not in (int, float) or value < 0:
            raise ValueError(f"{name} = {value!r}")
