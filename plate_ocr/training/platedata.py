"""Rendered plates for training: made by worker processes, kept in the run folder, the same every time."""

from __future__ import annotations

import csv
import dataclasses
import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from plate_ocr.alphabet import LONGEST, Alphabet
from plate_ocr.errors import DataError
from plate_ocr.files import write_whole
from plate_ocr.text import bare
from plate_ocr.training.plates.generate import NOT_PLATES, PlateGenerator, SyntheticPlate
from plate_ocr.vision.drawing import to_png
from plate_ocr.vision.geometry import CORNERS
from plate_ocr.vision.images import Image

SHARD = 2048
"""Plates that are rendered at a time."""

HELD_OUT = 10**9
"""Number of the first rendered picture that no training sees."""

SHIFT = (3, 6)
"""How far a picture is moved down or up, and left or right, at most, pixels."""


@dataclass(frozen=True)
class Rendering:
    """How plates are rendered: everything that decides the bytes of one, beside its number.

    Attributes:
        data: folder with glyphs and fonts; empty: only fonts that a package brings.
        regions: names of regions or region files; empty: the generator's own mix.
        seed: of everything random.
        not_plates: share of pictures without a plate.
    """

    data: str = ""
    regions: tuple[str, ...] = ()
    seed: int = 0
    not_plates: float = NOT_PLATES


@dataclass(frozen=True)
class Shard:
    """Some rendered plates.

    Attributes:
        images: uint8 ``(N, height, width)``.
        texts: what is written on each; empty where there is no plate.
        regions: of each.
        points: float32 ``(N, 8, 2)``: corners of the text and of the plate, as the network gives them;
            not a number where there is no plate.
    """

    images: Image
    texts: tuple[str, ...]
    regions: tuple[str, ...]
    points: NDArray[np.float32]

    def to_bytes(self) -> bytes:
        """As an ``.npz`` file."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            images=self.images,
            texts=np.array(self.texts),
            regions=np.array(self.regions),
            points=self.points,
        )
        return buffer.getvalue()

    @classmethod
    def load(cls, path: Path) -> Shard:
        """The inverse of :meth:`to_bytes`.

        Raises:
            OSError, ValueError, KeyError: if it is no such file, or cut short.
        """
        with np.load(path, allow_pickle=False) as file:
            texts, regions = (tuple(map(str, file[name])) for name in ("texts", "regions"))
            return cls(file["images"], texts, regions, file["points"])


@cache
def generator_of(rendering: Rendering) -> PlateGenerator:
    """A generator; each process makes it once.

    Raises:
        DataError: if a region is unknown, its file has a mistake, or nothing can draw its characters.
    """
    data = Path(rendering.data) if rendering.data else None
    return PlateGenerator(data, rendering.regions or None, rendering.not_plates)


def render_shard(rendering: Rendering, start: int, count: int) -> Shard:
    """Render plates ``start`` to ``start + count - 1``; run in worker processes."""
    cv2.setNumThreads(1)
    generator = generator_of(rendering)
    plates = [generator(rendering.seed, index) for index in range(start, start + count)]
    return Shard(
        np.stack([plate.image for plate in plates]),
        tuple(bare(plate.text) for plate in plates),
        tuple(plate.region for plate in plates),
        np.stack([_points(plate) for plate in plates]),
    )


def _points(plate: SyntheticPlate) -> NDArray[np.float32]:
    if not plate.text:
        return np.full((2 * CORNERS, 2), np.nan, np.float32)
    return np.concatenate([plate.corners, plate.outline]).astype(np.float32)


def render_all(rendering: Rendering, start: int, count: int, executor: Executor, part: int = 256) -> Shard:
    """Render plates ``start`` to ``start + count - 1`` in several processes."""
    begins = range(start, start + count, part)
    waiting = [executor.submit(render_shard, rendering, i, min(part, start + count - i)) for i in begins]
    shards = [future.result() for future in waiting]
    return Shard(
        np.concatenate([shard.images for shard in shards]),
        tuple(text for shard in shards for text in shard.texts),
        tuple(region for shard in shards for region in shard.regions),
        np.concatenate([shard.points for shard in shards]),
    )


class Rendered(Protocol):
    """What a worker renders and a file keeps: pictures ``(N, height, width)``, points ``(N, points, 2)``."""

    @property
    def images(self) -> Image:
        """The pictures."""

    @property
    def points(self) -> NDArray[np.float32]:
        """Places in them, as parts of their width and height."""

    def to_bytes(self) -> bytes:
        """As the file keeps it."""


AnyShard = TypeVar("AnyShard", bound=Rendered)


class Shards(Generic[AnyShard]):
    """Shards by number: rendered ahead, kept as files as long as they are needed.

    Args:
        render: from the number of the first picture and the count of them to a shard; run in workers.
        load: from a file to a shard; an OSError, ValueError or KeyError says that it is not whole.
        size: pictures in a shard.
        folder: for the files.
        executor: renders.
        last: number of the last shard that may be asked for.
        ahead: shards to render ahead.
    """

    def __init__(
        self,
        render: Callable[[int, int], AnyShard],
        load: Callable[[Path], AnyShard],
        size: int,
        folder: Path,
        executor: Executor,
        last: int,
        ahead: int = 2,
    ) -> None:
        self._render, self._load, self.size = render, load, size
        self._folder, self._executor = folder, executor
        self._last, self._ahead = last, ahead
        self._waiting: dict[int, Future[AnyShard]] = {}

    def get(self, number: int) -> AnyShard:
        """A shard; files of earlier ones are deleted.

        Raises:
            OutputError: if its file cannot be written.
        """
        for path in self._folder.glob("*.npz"):
            if path.stem.isdecimal() and int(path.stem) < number:
                path.unlink(missing_ok=True)
        for i in range(number, min(number + self._ahead, self._last) + 1):
            if i not in self._waiting and not self._path(i).exists():
                self._waiting[i] = self._executor.submit(self._render, i * self.size, self.size)
        path = self._path(number)
        if number not in self._waiting:
            try:
                return self._load(path)
            except (OSError, ValueError, KeyError):
                path.unlink(missing_ok=True)
                return self.get(number)
        shard = self._waiting.pop(number).result()
        write_whole(path, shard.to_bytes())
        return shard

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06}.npz"


@dataclass(frozen=True)
class ShardBatches(ABC, Generic[AnyShard]):
    """The batches of a training from a step on; what a step gets depends on the step alone.

    Attributes:
        shards: the pictures, each shard passed over several times before the next.
        seed: of everything random.
        batch_size: pictures in a batch.
        passes: over each shard.
    """

    shards: Shards[AnyShard]
    seed: int
    batch_size: int
    passes: int

    @abstractmethod
    def targets(self, shard: AnyShard, rows: NDArray[np.int64], pictures: Tensor, points: Tensor) -> Tensor:
        """What the pictures of these rows of a shard should give, their points being where they are now."""

    @property
    def steps_per_shard(self) -> int:
        """Optimiser steps with one shard."""
        return self.passes * (self.shards.size // self.batch_size)

    def __call__(self, step: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Pictures float32 ``[batch, 1, height, width]`` and their :meth:`targets`."""
        while True:
            number, within = divmod(step, self.steps_per_shard)
            shard = self.shards.get(number)
            for i in range(within, self.steps_per_shard):
                turn, place = divmod(i, self.shards.size // self.batch_size)
                order = np.random.default_rng((self.seed, number, turn)).permutation(self.shards.size)
                rows = order[place * self.batch_size : (place + 1) * self.batch_size]
                random = torch.Generator().manual_seed(self.seed * 2**32 + step)
                pictures = torch.from_numpy(shard.images[rows])[:, None].float() / 255
                pictures, points = vary(pictures, torch.from_numpy(shard.points[rows]), random)
                yield pictures, self.targets(shard, rows, pictures, points)
                step += 1


@dataclass(frozen=True)
class PlateBatches(ShardBatches[Shard]):
    """Batches of plates, with targets as of :class:`PlateTargets`.

    Attributes:
        alphabet: the classes.
    """

    alphabet: Alphabet

    def targets(self, shard: Shard, rows: NDArray[np.int64], pictures: Tensor, points: Tensor) -> Tensor:
        """What is written, and where its corners are."""
        classes = encode_texts([shard.texts[row] for row in rows], self.alphabet)
        return PlateTargets(torch.from_numpy(classes), points).packed()


@dataclass(frozen=True)
class PlateTargets:
    """What a batch of plates should give.

    Attributes:
        classes: int64 ``[batch, LONGEST]``: of the text from 1, filled up with 0, the blank.
        points: float32 ``[batch, 8, 2]``, as of :class:`Shard`.
    """

    classes: Tensor
    points: Tensor

    def packed(self) -> Tensor:
        """Both in one tensor, as a trainer passes them round: float32 ``[batch, LONGEST + 16]``."""
        return torch.cat([self.classes.float(), self.points.flatten(1)], 1)

    @classmethod
    def of(cls, packed: Tensor) -> PlateTargets:
        """The inverse of :meth:`packed`."""
        return cls(packed[:, :LONGEST].long(), packed[:, LONGEST:].reshape(-1, 2 * CORNERS, 2))


def encode_texts(texts: Sequence[str], alphabet: Alphabet) -> NDArray[np.int64]:
    """Texts as CTC wants them.

    Returns:
        int64 ``(N, LONGEST)``: classes from 1, filled up with 0, the blank.

    Raises:
        AlphabetError: if a character is not in the alphabet.
        DataError: if a text is too long.
    """
    rows = np.zeros((len(texts), LONGEST), np.int64)
    for row, text in zip(rows, texts, strict=True):
        if len(text) > LONGEST:
            raise DataError(f"the plate {text!r} has more than {LONGEST} characters")
        row[: len(text)] = alphabet.encode(text) + 1
    return rows


def vary(pictures: Tensor, points: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Cheap changes that make a plate worth a second look: place, contrast, brightness, noise, inverse.

    Args:
        pictures: float32 ``[batch, 1, height, width]``, 0..1.
        points: float32 ``[batch, points, 2]``: places in the pictures, parts of their width and height.
        random: source of randomness.

    Returns:
        Pictures of the same form and range, and where the points are in them.
    """
    count, height, width = len(pictures), *pictures.shape[2:]

    def between(least: float, most: float) -> Tensor:
        return torch.rand(count, 1, 1, 1, generator=random) * (most - least) + least

    y, x = (int(torch.randint(0, 2 * most + 1, (), generator=random)) for most in SHIFT)
    padded = F.pad(pictures, (SHIFT[1], SHIFT[1], SHIFT[0], SHIFT[0]), mode="replicate")
    pictures = padded[:, :, y : y + height, x : x + width]
    points = points + torch.tensor([(SHIFT[1] - x) / width, (SHIFT[0] - y) / height])
    pictures = (pictures - 0.5) * between(0.7, 1.25) + 0.5 + between(-0.12, 0.12)
    noise = torch.randn(pictures.shape, generator=random) * between(0, 0.04)
    pictures = pictures + noise * (between(0, 1) < 0.5)
    return torch.where(between(0, 1) < 0.08, 1 - pictures, pictures).clamp(0, 1), points


def write_plates(rendering: Rendering, count: int, folder: Path) -> Path:
    """Write rendered plates as pictures.

    Args:
        rendering: how; pictures without a plate are left out.
        count: pictures.
        folder: gets ``plates/00000000.png`` and so on; made if needed.

    Returns:
        The file ``labels.csv`` in it: ``image_path,plate_text,region``, a line a picture.

    Raises:
        DataError: if a region is unknown or its file has a mistake.
        OutputError: if a file cannot be written.
    """
    generator = generator_of(dataclasses.replace(rendering, not_plates=0.0))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image_path", "plate_text", "region"])
    for index in range(count):
        plate = generator(rendering.seed, index)
        name = f"plates/{index:08}.png"
        write_whole(folder / name, to_png(plate.image))
        writer.writerow([name, bare(plate.text), plate.region])
    labels = folder / "labels.csv"
    write_whole(labels, text.getvalue().encode())
    return labels
