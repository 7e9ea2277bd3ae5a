"""Rendered plates, each fully determined by a seed and its number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from plate_ocr.errors import DataError
from plate_ocr.region_files.parser import bundled_regions, load_region
from plate_ocr.region_files.schema import CaptureConfig, Layout, Region
from plate_ocr.rendering.camera import expose, photograph
from plate_ocr.rendering.clutter import not_a_plate
from plate_ocr.rendering.flat_plate import FlatPlate, draw_plate
from plate_ocr.rendering.glyphs import glyphs_of
from plate_ocr.rendering.view import choose_view
from plate_ocr.vision.images import Image
from plate_ocr.vision.plate_input import HEIGHT, WIDTH, preprocess_plate

SCRIPT_WEIGHTS: Mapping[str, float] = {
    "kr": 0.1, "eg": 0.08, "jp": 0.08, "th": 0.06, "sa": 0.045, "ir": 0.045,
    "iq": 0.012, "ma": 0.012, "ae": 0.008, "qa": 0.008, "dz": 0.005, "tn": 0.005,
}  # fmt: skip
"""Weights of regions with other scripts than Latin and Chinese: four of five characters are theirs."""

_WEIGHTS = {
    "cn": 0.24, "us": 0.17,
    "eu": 0.04, "br": 0.05, "uz": 0.04, "vn": 0.035, "any": 0.085,
    "ar": 0.015, "gb": 0.012, "tr": 0.012, "in": 0.02,
    "ru": 0.025, "id": 0.025, "my": 0.025, "nl": 0.02,
    "pl": 0.015, "tw": 0.015, "ua": 0.015, "es": 0.012, "ph": 0.012, "ro": 0.012,
    "hk": 0.012, "mo": 0.005,
}  # fmt: skip
_OTHERS = [name for name in bundled_regions() if name not in {*_WEIGHTS, *SCRIPT_WEIGHTS}]
_PARTS = {**_WEIGHTS, **SCRIPT_WEIGHTS, **dict.fromkeys(_OTHERS, 0.144 / len(_OTHERS))}
MIX: Mapping[str, float] = {name: part / sum(_PARTS.values()) for name, part in _PARTS.items()}
"""Default shares of the regions: those that are not named have equal shares."""

OWN_WEIGHT = 0.1
"""Weight of a region that is not in the mix: a user's own."""

NOT_PLATES = 0.04
"""Share of pictures without a plate."""


@dataclass(frozen=True)
class SyntheticPlate:
    """A rendered picture.

    Attributes:
        image: uint8 ``(height, width)``, as the network takes it.
        groups: the text, top line first, split at spaces, marks and badges; empty if there is no plate.
        region: name of the region; empty if there is no plate.
        lines: number of lines of text.
        corners: float64 ``(4, 2)``: corners of the text, x and y as parts of the picture's width and height,
            clockwise from the text's top left; empty ``(0, 2)`` if it is no plate.
        outline: of the plate, likewise; parts of it may lie beyond the picture.
    """

    image: Image
    groups: tuple[str, ...]
    region: str
    lines: int
    corners: NDArray[np.float64]
    outline: NDArray[np.float64]

    @property
    def text(self) -> str:
        """The text, top line first; empty if there is no plate."""
        return "".join(self.groups)


class PlateGenerator:
    """Renders plates.

    Args:
        data: the folder with ``glyphs``, ``fonts`` and ``chars``; without it there are no Chinese plates.
        regions: names of regions or region files; by default all of :data:`MIX` that can be drawn.
        not_plates: share of pictures without a plate.
        unknown: share of plates with characters that are in no alphabet, ``?`` in their texts.

    Raises:
        DataError: if a region is unknown, its file has a mistake, or nothing can draw its characters.

    Attributes:
        regions: the rendered ones.
        left_out: for each other region of :data:`MIX`, by name, why it is not rendered; empty if regions are
            given.
        replaced_fonts: names of the fonts that others replace without ``data``.
    """

    def __init__(
        self,
        data: Path | None,
        regions: Sequence[str | Path] | None = None,
        not_plates: float = NOT_PLATES,
        unknown: float = 0.0,
    ) -> None:
        self.glyphs = glyphs_of(data)
        self.not_plates, self.unknown = not_plates, unknown
        loaded = [load_region(source) for source in (MIX if regions is None else regions)]
        usable: list[Region] = []
        left_out: dict[str, str] = {}
        for region in loaded:
            why = self._obstacle(region)
            if not why:
                usable.append(region)
            elif regions is None:
                left_out[region.name] = why
            else:
                raise DataError(f"cannot render region {region.name}: {why}")
        self.left_out: Mapping[str, str] = left_out
        if not usable:
            raise DataError("at least one region is needed")
        self.regions: tuple[Region, ...] = tuple(usable)
        named = {name for region in usable for name in _fonts(region)}
        self.replaced_fonts = tuple(sorted(filter(self.glyphs.is_replaced, named)))
        weights = np.array([MIX.get(region.name, OWN_WEIGHT) for region in usable])
        self._shares: list[float] = np.cumsum(weights / weights.sum()).tolist()
        self._layouts: list[list[float]] = []
        for region in usable:
            layouts = np.array([layout.weight for layout in region.layouts])
            self._layouts.append(np.cumsum(layouts / layouts.sum()).tolist())

    def _obstacle(self, region: Region) -> str:
        """Why a region cannot be rendered; empty if it can."""
        for name in sorted(_fonts(region)):
            try:
                self.glyphs.check(name)
            except DataError as error:
                raise DataError(f"region {region.name}: {error}") from None
        missing = self.glyphs.missing(region.characters())
        if not missing:
            return ""
        chars = missing if len(missing) <= 3 else f"{missing[:3]}…"
        return f"no glyphs or fonts for {chars}; set PLATE_OCR_DATA to the folder with them"

    def __call__(self, seed: int, index: int, size: tuple[int, int] = (HEIGHT, WIDTH)) -> SyntheticPlate:
        """Render a picture; the same numbers give the same bytes.

        Args:
            seed: of the whole data set, 0 or more.
            index: which picture of it, 0 or more.
            size: height and width of the picture.
        """
        return self.draw(np.random.default_rng((seed, index)), size)

    def batch(self, seed: int, start: int, count: int) -> tuple[Image, list[str]]:
        """Render pictures ``start`` to ``start + count - 1``.

        Returns:
            uint8 ``(count, HEIGHT, WIDTH)`` and their texts.
        """
        plates = [self(seed, index) for index in range(start, start + count)]
        return np.stack([plate.image for plate in plates]), [plate.text for plate in plates]

    def choose(self, rng: Generator) -> tuple[Region, Layout]:
        """A random region and one of its layouts."""
        which = _pick(rng, self._shares)
        region = self.regions[which]
        return region, region.layouts[_pick(rng, self._layouts[which])]

    def draw_flat(self, rng: Generator) -> FlatPlate:
        """A random flat plate, 64 pixels high."""
        region, layout = self.choose(rng)
        return draw_plate(rng, layout, self.glyphs, 64.0 / layout.size[1], region.camera.frame)

    def draw(self, rng: Generator, size: tuple[int, int] = (HEIGHT, WIDTH)) -> SyntheticPlate:
        """Render a picture from a source of randomness."""
        if rng.random() < self.not_plates:
            height, width = 16 + int(rng.random() * 40), 48 + int(rng.random() * 130)
            scene = not_a_plate(rng, height, width, self.glyphs)
            scene = expose(rng, scene, CaptureConfig(), height / 3, (64.0, 192.0))
            return SyntheticPlate(preprocess_plate(scene, *size), (), "", 0, *np.zeros((2, 0, 2)))
        return self.draw_layout(rng, *self.choose(rng), size)

    def draw_layout(
        self, rng: Generator, region: Region, layout: Layout, size: tuple[int, int] = (HEIGHT, WIDTH)
    ) -> SyntheticPlate:
        """Render a plate of a layout of a region."""
        rows = len({field.row for field in layout.fields})
        # Slightly more pixels than the network's input has.
        flat_height = (38 + 18 * float(rng.random())) * (0.5 + 0.5 * rows)
        # Plates with decorations need more pixels for their text.
        text_share = min(field.box[3] - field.box[1] for field in layout.fields) * rows / layout.size[1]
        flat_height *= min(1.6, max(1.0, 0.75 / text_share))
        strange = _pick_unknown(rng) if self.unknown and rng.random() < self.unknown else 0.0
        scale = flat_height / layout.size[1]
        plate = draw_plate(rng, layout, self.glyphs, scale, region.camera.frame, strange)
        view = choose_view(rng, plate, region.camera)
        picture = photograph(rng, plate, view, self.glyphs)
        text = view.corners(plate.text_box)
        picture = expose(rng, picture, region.camera, view.text_size, plate.levels, text * view.size[::-1])
        return SyntheticPlate(
            preprocess_plate(picture, *size),
            plate.groups,
            region.name,
            plate.rows,
            text,
            view.corners(plate.plate_box),
        )


def _fonts(region: Region) -> set[str]:
    """The names of a region's fonts."""
    return {
        name
        for layout in region.layouts
        for names in (layout.fonts, *(field.fonts for field in layout.fields))
        for name in names
    }


def _pick_unknown(rng: Generator) -> float:
    """The share of unknown characters on a plate that has some."""
    return float(rng.choice([0.2, 0.4, 1.0]))


def _pick(rng: Generator, shares: Sequence[float]) -> int:
    """A random index, with cumulative shares."""
    value = float(rng.random())
    return next((i for i, share in enumerate(shares) if value < share), len(shares) - 1)
