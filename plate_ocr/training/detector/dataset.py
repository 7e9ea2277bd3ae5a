"""Photos with labelled plates: read, checked, split, and cropped at random for a detector to learn from."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from plate_ocr.errors import DataError, ImageError
from plate_ocr.label_files import BOX_COLUMNS
from plate_ocr.labels import CORNER_COLUMNS, LabelledPlate, list_plates
from plate_ocr.training.detector.config import DetectorRunConfig
from plate_ocr.training.detector.data import MIN_VISIBLE, TILT, SceneBatches, detector_targets
from plate_ocr.training.rendered.data import augment_batch
from plate_ocr.vision.geometry import contained
from plate_ocr.vision.images import Image, read_image, to_gray

MAX_SIDE = 1600
"""Longer sides of photos are shrunk to it, to save memory, pixels."""

PLATE_WIDTHS = (20.0, 0.7)
"""Bounds of a plate's width in a crop: pixels, and a part of the crop's width."""

MAX_SCALE = 2.0
"""Maximum enlargement of a photo."""

KNOWN_PEAK = 0.01
"""Where plates may be unlabelled, cells with a lower target are unknown."""

MIN_TEST_PHOTOS = 40
"""Fewer photos are not split into three parts."""


@dataclass(frozen=True)
class RealPhoto:
    """A photo and its labelled plates.

    Attributes:
        path: the file.
        picture: uint8 ``(H, W)``, grey.
        corners: float64 ``(N, 4, 2)``: of the plates or of the boxes round them, pixels of ``picture``.
        exact: bool ``(N,)``: whether they are the plates' own corners.
    """

    path: Path
    picture: Image
    corners: NDArray[np.float64]
    exact: NDArray[np.bool_]


@dataclass(frozen=True)
class RealPhotos:
    """Photos, split so that those with a plate in common are in one part.

    Attributes:
        train: to learn from.
        validation: chooses the best weights.
        test: measured once; empty if there are too few photos.
        problems: a sentence for each label that is left out.
    """

    train: tuple[RealPhoto, ...]
    validation: tuple[RealPhoto, ...]
    test: tuple[RealPhoto, ...]
    problems: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """Changes with every pixel and label that is trained on or chosen by."""
        digest = hashlib.sha256()
        for part in (self.train, self.validation):
            for photo in part:
                digest.update(photo.picture.tobytes() + photo.corners.tobytes() + photo.exact.tobytes())
        return digest.hexdigest()


def read_real_photos(config: DetectorRunConfig) -> RealPhotos:
    """Read and split the photos of a run.

    Raises:
        DataError: if there is no such data, or fewer than two photos with places of plates.
    """
    labels: list[LabelledPlate] = []
    problems: list[str] = []
    for source in config.data:
        found, wrong = list_plates(Path(source), None, texts=False)
        labels += found
        problems += wrong
    by_path: dict[Path, list[LabelledPlate]] = defaultdict(list)
    for label in labels:
        by_path[label.path].append(label)
    groups: dict[str, list[RealPhoto]] = defaultdict(list)
    for path, same in by_path.items():
        if lost := [label for label in same if label.text and not label.box]:
            problems.append(f"{lost[0].location}: the label does not say where the plate is")
            continue
        try:
            photo = _photo(path, [label for label in same if label.box])
        except ImageError as error:
            problems.append(f"{same[0].location}: {error}")
            continue
        groups[min((label.text for label in same if label.text), default=str(path))].append(photo)
    if sum(bool(len(photo.corners)) for group in groups.values() for photo in group) < 2 or len(groups) < 2:
        first = "".join(f"\n{problem}" for problem in problems[:3])
        raise DataError(
            f"{', '.join(config.data)}: at least two photos must say where a plate is, in the columns "
            f"{','.join(BOX_COLUMNS)} or {','.join(CORNER_COLUMNS)}{first}"
        )
    return _split(groups, config, problems)


def _photo(path: Path, labels: Sequence[LabelledPlate]) -> RealPhoto:
    picture = to_gray(read_image(path))
    scale = min(1.0, MAX_SIDE / max(picture.shape))
    if scale < 1:
        size = tuple(max(1, round(side * scale)) for side in picture.shape[::-1])
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    corners = [label.outline for label in labels]
    return RealPhoto(
        path,
        picture,
        scale * np.array(corners, np.float64).reshape(-1, 4, 2),
        np.array([label.corners is not None for label in labels], bool),
    )


def _split(
    groups: dict[str, list[RealPhoto]], config: DetectorRunConfig, problems: Sequence[str]
) -> RealPhotos:
    """Whole groups to each part, at random by the seed."""
    names = sorted(groups)
    order = [names[i] for i in np.random.default_rng(config.seed).permutation(len(names))]
    test = round(config.test_fraction * len(names)) if len(names) >= MIN_TEST_PHOTOS else 0
    validation = max(1, round(config.val_fraction * len(names)))

    def part(chosen: Sequence[str]) -> tuple[RealPhoto, ...]:
        return tuple(photo for name in sorted(chosen) for photo in groups[name])

    first, second = test, test + validation
    return RealPhotos(part(order[second:]), part(order[first:second]), part(order[:first]), tuple(problems))


@dataclass(frozen=True)
class MixedScenes:
    """Batches of rendered scenes, followed by crops of photos; the batch of a step depends on it alone.

    Attributes:
        rendered: the first scenes of each batch.
        photos: the real ones.
        count: photos in a batch.
        partial: whether what is not labelled in photos is unknown.
    """

    rendered: SceneBatches
    photos: Sequence[RealPhoto]
    count: int
    partial: bool

    def __call__(self, step: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Pictures float32 ``[batch, 1, height, width]`` and targets, as of :func:`detector_targets`."""
        for pictures, targets in self.rendered(step):
            rng = np.random.default_rng((self.rendered.seed, 1, step))
            height, width = pictures.shape[2:]
            chosen = [self.photos[i] for i in rng.integers(len(self.photos), size=self.count)]
            crops = [random_crop(photo, rng, height, width) for photo in chosen]
            random = torch.Generator().manual_seed(int(rng.integers(2**62)))
            views = torch.from_numpy(np.stack([view for view, _ in crops]))[:, None].float() / 255
            size = torch.tensor([width, height], dtype=torch.float32)
            points = torch.from_numpy(_padded([corners for _, corners in crops]))
            shape = points.shape
            views, moved = augment_batch(views, (points / size).flatten(1, 2), random)
            real = photo_targets(
                moved.reshape(shape) * size, [photo.exact for photo in chosen], height, width, self.partial
            )
            device = pictures.device
            yield torch.cat([pictures, views.to(device)]), torch.cat([targets, real.to(device)])
            step += 1


def photo_targets(
    corners: Tensor, exact: Sequence[NDArray[np.bool_]], height: int, width: int, partial: bool
) -> Tensor:
    """Targets of photos; boxes have no target for corners.

    Args:
        corners: float32 ``[batch, plates, 4, 2]``, pixels; NaN where there is no plate.
        exact: whether the corners of each photo's plates are their own.
        height: of the pictures, pixels.
        width: of the pictures, pixels.
        partial: whether other plates may be there: cells far from all plates have the target -1.

    Returns:
        As of :func:`detector_targets`.
    """
    targets = detector_targets(corners, height, width)
    known = torch.zeros(corners.shape[:2], dtype=torch.bool)
    for row, flags in zip(known, exact, strict=True):
        row[: len(flags)] = torch.from_numpy(flags)
    with_corners = detector_targets(torch.where(known[:, :, None, None], corners, torch.nan), height, width)
    targets[:, 1:] = with_corners[:, 1:]
    if partial:
        targets[:, 0] = torch.where(targets[:, 0] < KNOWN_PEAK, -1.0, targets[:, 0])
    return targets


def _padded(plates: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Corners of the plates of several pictures: float32 ``(N, most, 4, 2)``, NaN beyond the last plate."""
    most = max(1, *map(len, plates))
    result = np.full((len(plates), most, 4, 2), np.nan, np.float32)
    for row, corners in zip(result, plates, strict=True):
        row[: len(corners)] = corners
    return result


def random_crop(
    photo: RealPhoto, rng: np.random.Generator, height: int, width: int
) -> tuple[Image, NDArray[np.float32]]:
    """A random part of a photo, turned a little, in which one of its plates is at a random place and size.

    Args:
        photo: the photo.
        rng: decides all of it.
        height: of the crop, pixels.
        width: of the crop, pixels.

    Returns:
        uint8 ``(height, width)``, and float32 ``(N, 4, 2)``: corners of the photo's plates in it, NaN for
        those that are cut off.
    """
    size = np.array([width, height])
    scale = float(np.exp(rng.uniform(*np.log([0.5, 1.0])))) * width / photo.picture.shape[1]
    middle = rng.uniform(0, 1, 2) * photo.picture.shape[::-1]
    if len(photo.corners):
        plate = photo.corners[rng.integers(len(photo.corners))]
        middle = plate.mean(0)
        wide = float(np.linalg.norm(plate[1] - plate[0]))
        scale = float(np.exp(rng.uniform(*np.log([PLATE_WIDTHS[0], PLATE_WIDTHS[1] * width])))) / wide
    scale = min(scale, MAX_SCALE)
    angle = rng.uniform(-TILT, TILT) if rng.random() < 0.5 else 0.0
    cos, sin = scale * math.cos(math.radians(angle)), scale * math.sin(math.radians(angle))
    turn = np.array([[cos, -sin], [sin, cos]])
    matrix = np.column_stack([turn, rng.uniform(0.1, 0.9, 2) * size - turn @ middle])
    small, to_small = _shrunk(photo.picture, scale)
    view = cv2.warpAffine(
        small,
        np.column_stack([matrix[:, :2] / to_small, matrix[:, 2]]),
        (width, height),
        borderMode=cv2.BORDER_REPLICATE,
    )
    corners = photo.corners @ turn.T + matrix[:, 2]
    frame = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    seen = np.array([contained(plate, frame) >= MIN_VISIBLE for plate in corners], bool)
    corners[~seen] = np.nan
    return np.asarray(view, np.uint8), corners.astype(np.float32)


def _shrunk(picture: Image, scale: float) -> tuple[Image, float]:
    """A picture at a scale that an affine map can sample without gaps, and that scale."""
    if scale > 0.5:
        return picture, 1.0
    size = tuple(max(1, round(side * scale)) for side in picture.shape[::-1])
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return small, small.shape[1] / picture.shape[1]
