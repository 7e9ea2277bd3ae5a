"""Labelled pictures of characters: reading them, finding what is wrong, splitting, making batches."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plate_ocr.alphabet import Alphabet
from plate_ocr.errors import DataError, ImageError
from plate_ocr.files import listed_path, read_csv
from plate_ocr.labels import labels_plates
from plate_ocr.vision.binarize import border_share, otsu
from plate_ocr.vision.image_files import is_image_name
from plate_ocr.vision.images import Image, read_image, to_gray
from plate_ocr.vision.preprocessing import CHUNK, CharStack, row_vectors, stack_characters
from plate_ocr.vision.settings import Preprocessing

CSV_COLUMNS = ("image_path", "label")


@dataclass(frozen=True)
class Sample:
    """One labelled picture of a data set.

    Attributes:
        path: the file.
        label: its character, as the data set gives it.
        group: what it shares with others from the same plate; its own path where nothing.
        location: how to find the label: the path, or the CSV's name and line.
    """

    path: Path
    label: str
    group: str
    location: str


@dataclass(frozen=True)
class Problem:
    """Something wrong with a data set.

    Attributes:
        category: what, in a few words; the same for all of a kind.
        location: the file, or the CSV's name and line.
        detail: what exactly.
    """

    category: str
    location: str
    detail: str

    def __str__(self) -> str:
        return f"{self.location}: {self.category}: {self.detail}"


@dataclass(frozen=True)
class CharData:
    """Labelled characters in memory.

    Attributes:
        stack: N pictures at the working size.
        labels: int64 ``(N,)``: classes.
        groups: N names; equal ones must stay on one side of a split.
        names: N file names, to show.
    """

    stack: CharStack
    labels: NDArray[np.int64]
    groups: NDArray[np.str_]
    names: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> CharData:
        return CharData(self.stack[index], self.labels[index], self.groups[index], self.names[index])

    @classmethod
    def joined(cls, parts: Sequence[CharData]) -> CharData:
        """All of several, one after the other."""
        stack = CharStack(
            np.concatenate([p.stack.gray for p in parts]), np.concatenate([p.stack.aspect for p in parts])
        )
        labels, groups, names = (
            np.concatenate([getattr(p, field) for p in parts]) for field in ("labels", "groups", "names")
        )
        return cls(stack, labels, groups, names)


@dataclass(frozen=True)
class Split:
    """Train, validation and test split."""

    train: CharData
    validation: CharData
    test: CharData

    @property
    def parts(self) -> tuple[CharData, CharData, CharData]:
        """All three, in order."""
        return self.train, self.validation, self.test


def list_samples(path: Path, group: str = "") -> tuple[list[Sample], list[Problem]]:
    """The labelled pictures of a data set, not yet opened.

    Args:
        path: a folder with one folder of pictures per class, or a CSV file with the columns
            ``image_path`` (relative to the CSV) and ``label``.
        group: a regular expression searched in the file's name; what stands in parentheses (the
            first pair that matched) names the plate, whose characters stay on one side of a split.

    Raises:
        DataError: if there is no such data set or nothing in it.
    """
    try:
        pattern = re.compile(group) if group else None
    except re.error as error:
        raise DataError(f"the group pattern {group!r} is no regular expression: {error}") from None
    if pattern and not pattern.groups:
        raise DataError(f"the group pattern {group!r} needs parentheses around the plate's name")

    def sample(file: Path, label: str, location: str) -> Sample:
        match = pattern.search(file.name) if pattern else None
        named = next(filter(None, match.groups()), None) if match else None
        return Sample(file, label, named or str(file), location)

    if os.path.isdir(path):  # unlike Path.is_dir, no error where a name is too long
        samples = [
            sample(file, folder.name, str(file))
            for folder in sorted(path.iterdir())
            if folder.is_dir() and not folder.name.startswith(".")
            for file in sorted(folder.iterdir())
            if is_image_name(file.name)
        ]
        if not samples:
            raise DataError(
                f"{path} holds no pictures; one folder per class is expected, as in {path}/A/1.png"
            )
        return samples, []
    return _list_csv(path, sample)


def check_data_set(path: Path) -> None:
    """Refuse what is no data set of characters, without looking at its pictures.

    Raises:
        DataError: if it is neither a folder nor a CSV file with the columns of one.
    """
    if not os.path.isdir(path):
        next(_rows(path), None)


def _list_csv(path: Path, sample: Callable[[Path, str, str], Sample]) -> tuple[list[Sample], list[Problem]]:
    samples: list[Sample] = []
    problems: list[Problem] = []
    for location, row in _rows(path):
        name, label = row["image_path"], row["label"]
        if not name or not label:
            problems.append(Problem("incomplete line", location, "the path or the label is missing"))
        else:
            samples.append(sample(listed_path(path, name), label, location))
    if not samples:
        raise DataError(f"{path} lists no pictures")
    return samples, problems


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    if not os.path.exists(path):
        raise DataError(f"there is no data set {path}")
    try:
        yield from read_csv(path, CSV_COLUMNS)
    except DataError:
        if not labels_plates(path):
            raise
        raise DataError(
            f"{path} labels whole plates (plate_text), "
            f"and characters are expected ({','.join(CSV_COLUMNS)}): measure on it with "
            f"plate-ocr evaluate {path}, train on plates with --model plates"
        ) from None


def load_samples(
    samples: Sequence[Sample], known: Alphabet, settings: Preprocessing
) -> tuple[CharData, list[Problem]]:
    """Open the pictures and find what is wrong with them.

    Unreadable pictures, those with an unknown label and those that stand under two labels are left out.

    Args:
        samples: from :func:`list_samples`.
        known: the characters that a label may be.
        settings: the working size.

    Returns:
        The data, with classes of ``known``, and the problems.
    """
    good, problems = read_samples(samples, known)
    return char_data(good, known, settings), problems


def read_samples(
    samples: Sequence[Sample], known: Alphabet
) -> tuple[list[tuple[Sample, Image]], list[Problem]]:
    """The samples that can be learnt from, each with its grey picture ``(H, W)``, and what is wrong.

    Args:
        samples: from :func:`list_samples`.
        known: the characters that a label may be.
    """
    problems: list[Problem] = []
    seen: dict[bytes, list[tuple[Sample, Image]]] = defaultdict(list)
    for sample in samples:
        if sample.label not in known:
            detail = f"{sample.label!r} is not one of {known.characters}"
            problems.append(Problem("unknown label", sample.location, detail))
            continue
        try:
            picture = to_gray(read_image(sample.path))
        except ImageError as error:
            problems.append(Problem("unreadable picture", sample.location, str(error)))
            continue
        seen[hashlib.sha256(repr(picture.shape).encode() + picture.tobytes()).digest()].append(
            (sample, picture)
        )
    good: list[tuple[Sample, Image]] = []
    for same in seen.values():
        if len({sample.label for sample, _ in same}) == 1:
            good.extend(same)
            continue
        for sample, _ in same:
            others = ", ".join(s.location for s, _ in same if s.label != sample.label)
            detail = f"{sample.label!r} here, another label in {others}"
            problems.append(Problem("same picture under two labels", sample.location, detail))
    order = {sample.location: i for i, sample in enumerate(samples)}
    good.sort(key=lambda pair: order[pair[0].location])
    counts = Counter(sample.label for sample, _ in good)
    for sample, _ in good:
        if counts[sample.label] == 1:
            detail = f"{sample.label!r} can be learnt but not measured"
            problems.append(Problem("class with one picture", sample.location, detail))
    return good, problems


def char_data(good: Sequence[tuple[Sample, Image]], known: Alphabet, settings: Preprocessing) -> CharData:
    """Pictures at the working size, with classes of ``known``.

    Args:
        good: from :func:`read_samples`.
        known: the characters that a label may be.
        settings: the working size.
    """
    return CharData(
        stack_characters([picture for _, picture in good], settings),
        known.encode(sample.label for sample, _ in good),
        np.array([sample.group for sample, _ in good], np.str_),
        np.array([str(sample.path) for sample, _ in good], np.str_),
    )


def split_data(data: CharData, *, val_fraction: float, test_fraction: float, seed: int) -> Split:
    """Split into training, validation and test part, with the same mix of classes in each.

    Groups (the characters of one plate) are split, each standing for its rarest class, so that none
    is on two sides. Classes that occur in a single group are learnt from only.

    Args:
        data: all of it.
        val_fraction: fraction of the groups for validation.
        test_fraction: fraction of the groups for the test.
        seed: random seed.
    """
    names, group = np.unique(data.groups, return_inverse=True)
    X = np.arange(len(names))
    y = np.empty(len(names), np.int64)
    commonest_first = np.argsort(-np.bincount(data.labels)[data.labels], kind="stable")
    y[group[commonest_first]] = data.labels[commonest_first]
    X_rest, X_test, y_rest, _ = _split_in_two(X, y, test_fraction, seed)
    X_train, X_validation, _, _ = _split_in_two(X_rest, y_rest, val_fraction / (1 - test_fraction), seed)
    return Split(*(data[np.flatnonzero(np.isin(group, part))] for part in (X_train, X_validation, X_test)))


def _split_in_two(
    X: NDArray[np.int64], y: NDArray[np.int64], fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Samples and labels go through one call together, so that they cannot come apart."""
    from sklearn.model_selection import train_test_split

    alone = np.bincount(y)[y] < 2
    classes = len(np.unique(y[~alone]))
    if classes == 0:
        return X, X[:0], y, y[:0]
    size = min(max(round(fraction * int((~alone).sum())), classes), int((~alone).sum()) - classes)
    X_large, X_small, y_large, y_small = train_test_split(
        X[~alone], y[~alone], test_size=size, random_state=seed, stratify=y[~alone]
    )
    return np.concatenate([X_large, X[alone]]), X_small, np.concatenate([y_large, y[alone]]), y_small


def near_copies(split: Split, *, tolerance: float = 2.0) -> list[Problem]:
    """Pictures of the validation or test part with nearly the same picture in the training part.

    Args:
        split: the parts.
        tolerance: largest root mean square difference that counts, grey levels.
    """
    problems = []
    train = split.train
    for part in (split.validation, split.test):
        for label in np.unique(part.labels):
            here, there = np.flatnonzero(part.labels == label), np.flatnonzero(train.labels == label)
            if not len(there):
                continue
            a = part.stack.gray[here, ::2, ::2].reshape(len(here), -1).astype(np.float32)
            b = train.stack.gray[there, ::2, ::2].reshape(len(there), -1).astype(np.float32)
            square = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T
            nearest = square.argmin(1)
            close = square[np.arange(len(here)), nearest] <= tolerance**2 * a.shape[1]
            for i, j in zip(here[close], there[nearest[close]], strict=True):
                detail = f"nearly the same picture as {train.names[j]}, which is learnt from"
                problems.append(Problem("near-copy across the split", str(part.names[i]), detail))
    return problems


def normalize_polarity(stack: CharStack, labels: NDArray[np.int64], settings: Preprocessing) -> CharStack:
    """Invert dark-on-light pictures, so that glyphs are bright in all.

    Where a tightly cut picture's border does not tell, the polarity is taken whose row vector is
    nearer to the mean of its class over the pictures whose border does.

    Args:
        stack: N pictures.
        labels: int64 ``(N,)``.
        settings: for the row vectors.
    """
    if not len(stack):
        return stack
    binary = np.concatenate([otsu(stack.gray[i : i + CHUNK]) for i in range(0, len(stack), CHUNK)])
    share = border_share(binary)
    bright, _ = row_vectors(binary, stack.aspect, settings)
    dark, _ = row_vectors(255 - binary, stack.aspect, settings)
    inverted = share > 0.5
    sure = np.abs(share - 0.5) > 0.2
    mine = np.where(inverted[:, None], dark, bright)
    for label in np.unique(labels):
        known = sure & (labels == label)
        doubtful = np.flatnonzero(~sure & (labels == label))
        if known.any() and len(doubtful):
            mean = mine[known].mean(0)
            inverted[doubtful] = ((dark[doubtful] - mean) ** 2).sum(1) < ((bright[doubtful] - mean) ** 2).sum(
                1
            )
    return CharStack(np.where(inverted[:, None, None], 255 - stack.gray, stack.gray), stack.aspect)
