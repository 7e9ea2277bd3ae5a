"""Shards of rendered plates and scenes, each made by a worker process."""

from __future__ import annotations

import csv
import dataclasses
import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from plate_ocr.errors import OutputError
from plate_ocr.files import write_whole
from plate_ocr.rendering.plates import NOT_PLATES, PlateGenerator, SyntheticPlate
from plate_ocr.rendering.scenes import HEIGHT, WIDTH, SceneGenerator
from plate_ocr.vision.drawing import to_png
from plate_ocr.vision.geometry import CORNERS
from plate_ocr.vision.images import Image

HELD_OUT = 10**9
"""Index of the first rendered picture that is never used in training."""

PLATES, LABELS = "plates", "labels.csv"
"""What a folder of written plates holds."""

MAX_PLATES = 3
"""Maximum number of plates in a scene."""


@dataclass(frozen=True)
class Rendering:
    """Settings of a rendering: together with an index they determine the bytes of a picture.

    Attributes:
        data: folder with glyphs and fonts; empty: only fonts that come with packages.
        regions: names of regions or region files; empty: the generator's own mix.
        seed: random seed.
        not_plates: share of pictures without a plate.
        backgrounds: of scenes: folder with more photographs; empty: only those that come with packages.
        unknown: share of plates with characters that are in no alphabet, ``?`` in their texts.
    """

    data: str = ""
    regions: tuple[str, ...] = ()
    seed: int = 0
    not_plates: float = NOT_PLATES
    backgrounds: str = ""
    unknown: float = 0.0


class Rendered(Protocol):
    """A rendered shard, kept in a file: pictures ``(N, height, width)``, points ``(N, points, 2)``."""

    @property
    def images(self) -> Image:
        """The pictures."""

    @property
    def points(self) -> NDArray[np.float32]:
        """Points in the pictures, as parts of their width and height."""

    def to_bytes(self) -> bytes:
        """Contents of the file."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file; raises OSError, ValueError or KeyError if it is incomplete."""

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several shards, one after another, as one."""


@dataclass(frozen=True)
class Shard:
    """Some rendered plates.

    Attributes:
        images: uint8 ``(N, height, width)``.
        texts: what is written on each; empty if there is no plate.
        regions: of each.
        points: float32 ``(N, 8, 2)``: corners of the text and of the plate, as the network gives them;
            NaN if there is no plate.
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
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several parts, one after another."""
        return cls(
            np.concatenate([part.images for part in parts]),
            tuple(text for part in parts for text in part.texts),
            tuple(region for part in parts for region in part.regions),
            np.concatenate([part.points for part in parts]),
        )

    @classmethod
    def load(cls, path: Path) -> Self:
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
    return PlateGenerator(data, rendering.regions or None, rendering.not_plates, rendering.unknown)


def shortages(rendering: Rendering) -> list[str]:
    """A sentence for each region of the default mix that is not rendered, and one for replaced fonts.

    Raises:
        DataError: as of :func:`generator_of`.
    """
    generator = generator_of(rendering)
    sentences = [f"region {name} is left out: {why}" for name, why in generator.left_out.items()]
    if generator.replaced_fonts:
        names = ", ".join(generator.replaced_fonts)
        sentences.append(f"without PLATE_OCR_DATA, other fonts replace {names}")
    return sentences


def render_shard(rendering: Rendering, start: int, count: int) -> Shard:
    """Render plates ``start`` to ``start + count - 1``; run in worker processes."""
    cv2.setNumThreads(1)
    generator = generator_of(rendering)
    plates = [generator(rendering.seed, index) for index in range(start, start + count)]
    return Shard(
        np.stack([plate.image for plate in plates]),
        tuple(plate.text for plate in plates),
        tuple(plate.region for plate in plates),
        np.stack([_points(plate) for plate in plates]),
    )


def _points(plate: SyntheticPlate) -> NDArray[np.float32]:
    if not plate.text:
        return np.full((2 * CORNERS, 2), np.nan, np.float32)
    return np.concatenate([plate.corners, plate.outline]).astype(np.float32)


def render_all(
    rendering: Rendering,
    start: int,
    count: int,
    executor: Executor,
    on_rendered: Callable[[int], object] = lambda count: None,
    part: int = 128,
) -> Shard:
    """Render plates ``start`` to ``start + count - 1`` in several processes.

    Args:
        rendering: how.
        start: index of the first plate.
        count: number of plates.
        executor: renders.
        on_rendered: called with the number of plates in each part.
        part: plates in a part.
    """
    begins = range(start, start + count, part)
    waiting = [executor.submit(render_shard, rendering, i, min(part, start + count - i)) for i in begins]
    parts = list[Shard]()
    for future in waiting:
        parts.append(future.result())
        on_rendered(len(parts[-1].texts))
    return Shard.joined(parts)


def write_plates(rendering: Rendering, count: int, folder: Path) -> Path:
    """Write rendered plates as pictures.

    Args:
        rendering: how; pictures without a plate are left out.
        count: pictures.
        folder: gets ``plates/00000000.png`` and so on; made if needed.

    Returns:
        The file ``labels.csv`` in it: ``image_path,plate_text,region``, one line per picture.

    Raises:
        DataError: if a region is unknown or its file has a mistake.
        OutputError: if a file cannot be written, or the folder holds such files already.
    """
    for name in (PLATES, LABELS):
        if os.path.lexists(folder / name):
            raise OutputError(f"{folder} already holds {name}: give another folder")
    generator = generator_of(dataclasses.replace(rendering, not_plates=0.0))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image_path", "plate_text", "region"])
    for index in range(count):
        plate = generator(rendering.seed, index)
        name = f"{PLATES}/{index:08}.png"
        write_whole(folder / name, to_png(plate.image))
        writer.writerow([name, plate.text, plate.region])
    labels = folder / LABELS
    write_whole(labels, text.getvalue().encode())
    return labels


@dataclass(frozen=True)
class SceneShard:
    """Some rendered scenes.

    Attributes:
        images: uint8 ``(N, height, width)``.
        points: float32 ``(N, 4 * MAX_PLATES, 2)``: corners of each plate, as parts of the picture's
            width and height; NaN beyond the last plate.
    """

    images: Image
    points: NDArray[np.float32]

    def to_bytes(self) -> bytes:
        """As an ``.npz`` file."""
        buffer = io.BytesIO()
        np.savez(buffer, images=self.images, points=self.points)
        return buffer.getvalue()

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several parts, one after another."""
        return cls(
            np.concatenate([part.images for part in parts]), np.concatenate([part.points for part in parts])
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """The inverse of :meth:`to_bytes`.

        Raises:
            OSError, ValueError, KeyError: if it is no such file, or cut short.
        """
        with np.load(path, allow_pickle=False) as file:
            return cls(file["images"], file["points"])


@cache
def scenes_of(rendering: Rendering) -> SceneGenerator:
    """A generator; each process makes it once."""
    data, backgrounds = (Path(path) if path else None for path in (rendering.data, rendering.backgrounds))
    return SceneGenerator(data, rendering.regions or None, backgrounds)


def render_scenes(rendering: Rendering, start: int, count: int) -> SceneShard:
    """Render scenes ``start`` to ``start + count - 1``; run in worker processes."""
    cv2.setNumThreads(1)
    generator = scenes_of(rendering)
    scenes = [generator(rendering.seed, index) for index in range(start, start + count)]
    points = np.full((count, 4 * MAX_PLATES, 2), np.nan, np.float32)
    for row, scene in zip(points, scenes, strict=True):
        row[: 4 * len(scene.corners)] = scene.corners.reshape(-1, 2) / (WIDTH, HEIGHT)
    return SceneShard(np.stack([scene.image for scene in scenes]), points)
