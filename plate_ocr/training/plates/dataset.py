"""Pictures of real plates: read, checked and split by plate."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plate_ocr.alphabet import LONGEST, Alphabet
from plate_ocr.errors import DataError, ImageError
from plate_ocr.labels import LabelledPlate, list_plates
from plate_ocr.readers.results import whole_picture
from plate_ocr.training.plates.config import LABELS_ALPHABET, PlateRunConfig
from plate_ocr.vision.geometry import crop_box, rectify
from plate_ocr.vision.images import Image, read_image, to_gray
from plate_ocr.vision.plate_input import preprocess_plate

MIN_HEIGHT, MIN_WIDTH = 6, 12
"""Minimum size of a plate, pixels."""

SURROUNDINGS = (0.5, 1.0)
"""Kept around a plate in a photo, as parts of its width and height: more than any crop shows."""

CROP_MARGIN = (0.08, 0.2)
"""Margin around a labelled plate where it is read, as parts of its width and height."""

MIN_TEST_PLATES = 40
"""Fewer plates are not split into three parts."""

SHOWN = 3
"""Mistakes that an error names."""


@dataclass(frozen=True)
class RealPlate:
    """A picture of a real plate.

    Attributes:
        label: its text, region and file.
        picture: uint8 ``(H, W)``, grey: a crop as it is, or of a photo the plate and its surroundings.
        place: float64 ``(4, 2)``: corners of the plate or of the box round it in ``picture``, pixels; None
            where the label does not say where the plate is: ``picture`` shows little else.
        size: width and height of the whole picture, pixels.
    """

    label: LabelledPlate
    picture: Image
    place: NDArray[np.float64] | None
    size: tuple[int, int]

    @property
    def has_corners(self) -> bool:
        """Whether ``place`` are the plate's own corners."""
        return self.label.corners is not None

    @property
    def corners(self) -> tuple[tuple[float, float], ...]:
        """Corners of the plate, its box or the picture, pixels of the whole picture."""
        return self.label.outline or whole_picture(*self.size)

    def crop(self) -> Image:
        """The crop that is read: uint8 ``(h, w)``."""
        if self.place is None:
            return self.picture
        cut = rectify if self.has_corners else crop_box
        return cut(self.picture, self.place, CROP_MARGIN).picture


@dataclass(frozen=True)
class RealPlates:
    """Real plates, split by their texts.

    Attributes:
        train: to learn from.
        validation: chooses the best weights.
        test: measured once; empty if there are too few plates.
        problems: a sentence for each label that is left out.
    """

    train: tuple[RealPlate, ...]
    validation: tuple[RealPlate, ...]
    test: tuple[RealPlate, ...]
    problems: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[RealPlate, ...]:
        """All parts."""
        return self.train + self.validation + self.test

    @property
    def texts(self) -> set[str]:
        """The different texts of all parts."""
        return {plate.label.text for plate in self.all}

    @property
    def fingerprint(self) -> str:
        """Changes with every pixel and label that is trained on or chosen by."""
        digest = hashlib.sha256()
        for part in (self.train, self.validation):
            for plate in part:
                digest.update(f"{plate.label.text} {plate.place} ".encode() + plate.picture.tobytes())
        return digest.hexdigest()


def read_real_plates(config: PlateRunConfig, base: Alphabet) -> tuple[RealPlates, Alphabet]:
    """Read and split the plates of a run, and make the alphabet that they need.

    Args:
        config: of the run.
        base: the alphabet of the weights that the run starts from.

    Returns:
        The plates, and the alphabet of the trained model.

    Raises:
        DataError: if there are no such plates, too few, or a label has a character that is not in the
            alphabet.
    """
    given = None if config.alphabet == LABELS_ALPHABET else grown_alphabet(config.alphabet, base)
    labels: list[LabelledPlate] = []
    problems: list[str] = []
    for source in config.data:
        found, wrong = list_plates(Path(source), given)
        labels += found
        problems += wrong
    if unknown := [problem for problem in problems if "not in the alphabet" in problem]:
        raise DataError(
            f"--alphabet {LABELS_ALPHABET} takes in characters that {config.weights or 'the model'} does not "
            "know; labels that have such:" + _listed(unknown)
        )
    alphabet = given or grown_alphabet("+" + "".join(label.text for label in labels), base)
    plates, unusable = load_plates(labels)
    problems += unusable
    texts = {plate.label.text for plate in plates}
    if len(texts) < 2:
        raise DataError(
            f"plates with two different texts are needed at least; {len(texts)} could be used of "
            f"{', '.join(config.data)}" + _listed(problems)
        )
    return split_plates(plates, config, problems), alphabet


def grown_alphabet(text: str, base: Alphabet) -> Alphabet:
    """The alphabet of a setting: ``+`` and further characters stand behind those of ``base``.

    Args:
        text: the characters; or ``+`` and characters, which are appended in the order of their code points.
        base: keeps its classes.
    """
    if not text.startswith("+"):
        return Alphabet(text, unknown=True)
    more = {*text[1:].upper()} - {*base.characters}
    return Alphabet(base.characters + "".join(sorted(more)), unknown=True)


def load_plates(labels: Sequence[LabelledPlate]) -> tuple[list[RealPlate], list[str]]:
    """Open the pictures of labelled plates.

    Returns:
        The plates that can be trained on, and a sentence for each of the others.
    """
    problems: list[str] = []
    seen: dict[bytes, list[RealPlate]] = defaultdict(list)
    without = sum(not label.text for label in labels)
    by_path: dict[Path, list[LabelledPlate]] = defaultdict(list)
    for label in labels:
        if label.text:
            by_path[label.path].append(label)
    for path, same in by_path.items():
        try:
            picture = to_gray(read_image(path))
        except ImageError as error:
            problems += [f"{label.location}: {error}" for label in same]
            continue
        for label in same:
            try:
                plate = _cut(label, picture, alone=len(same) == 1)
            except ValueError as error:
                problems.append(f"{label.location}: {error}")
                continue
            key = repr((plate.picture.shape, plate.place)).encode() + plate.picture.tobytes()
            seen[hashlib.sha256(key).digest()].append(plate)
    plates: list[RealPlate] = []
    for equal in seen.values():
        if len({plate.label.text for plate in equal}) == 1:
            plates += equal
            continue
        places = ", ".join(f"{plate.label.location} ({plate.label.text})" for plate in equal)
        problems.append(f"the same picture under different texts: {places}")
    if without:
        problems.append(f"labels of pictures without a plate, which are not trained on: {without:,}")
    return plates, problems


def _cut(label: LabelledPlate, picture: Image, *, alone: bool) -> RealPlate:
    """Raises ValueError if the plate cannot be trained on."""
    if len(label.text) > LONGEST:
        raise ValueError(f"the text {label.text} has more than {LONGEST} characters")
    size = picture.shape[1], picture.shape[0]
    if label.box is None:
        if not alone:
            raise ValueError("the picture has several labels, and this one does not say where the plate is")
        if picture.shape[0] < MIN_HEIGHT or picture.shape[1] < MIN_WIDTH:
            raise ValueError(f"the picture of {size[0]}×{size[1]} pixels is too small")
        return RealPlate(label, picture, None, size)
    x, y, width, height = label.box
    if height < MIN_HEIGHT or width < MIN_WIDTH:
        raise ValueError(f"the plate of {width:.0f}×{height:.0f} pixels is too small")
    if x >= size[0] or y >= size[1] or x + width <= 0 or y + height <= 0:
        raise ValueError(f"the plate lies outside the picture of {size[0]}×{size[1]} pixels")
    box = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float64)
    crop = crop_box(picture, box, SURROUNDINGS)
    corners = box if label.corners is None else np.array(label.corners, np.float64)
    return RealPlate(label, crop.picture.copy(), corners - crop.matrix[:2, 2], size)


def split_plates(
    plates: Sequence[RealPlate], config: PlateRunConfig, problems: Sequence[str] = ()
) -> RealPlates:
    """Split plates by their texts, at random by the seed; fewer than 40 texts have no test part.

    Args:
        plates: with two different texts at least.
        config: of the run: fractions and seed.
        problems: passed on.
    """
    texts = sorted({plate.label.text for plate in plates})
    order = np.random.default_rng(config.seed).permutation(len(texts))
    test = round(config.test_fraction * len(texts)) if len(texts) >= MIN_TEST_PLATES else 0
    validation = max(1, round(config.val_fraction * len(texts)))
    part_of = {texts[i]: 0 if n < test else 1 if n < test + validation else 2 for n, i in enumerate(order)}

    def part(number: int) -> tuple[RealPlate, ...]:
        return tuple(plate for plate in plates if part_of[plate.label.text] == number)

    return RealPlates(part(2), part(1), part(0), tuple(problems))


def crops_of(plates: Sequence[RealPlate], height: int, width: int) -> Image:
    """The crops that are read, as the network's input: uint8 ``(N, height, width)``."""
    views = [preprocess_plate(plate.crop(), height, width) for plate in plates]
    return np.stack(views) if views else np.empty((0, height, width), np.uint8)


def _listed(problems: Sequence[str]) -> str:
    """The first of them, a line each."""
    more = [f"... and {len(problems) - SHOWN:,} more"] if len(problems) > SHOWN else []
    return "".join(f"\n{line}" for line in [*problems[:SHOWN], *more])
