"""Rendered plates and scenes of every bundled region: hashes, texts, mean shades, places of the corners."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plate_ocr.region_files.parser import bundled_regions
from plate_ocr.rendering.shards import Rendering, render_scenes, render_shard

SEEDS = (1,)
PLATES, SCENES = 4, 1
NEED_DATA = ("cn", "jp", "kr", "th")
"""Regions whose characters no font draws that a package brings."""

PLACES = 10_000
"""Points are kept as whole parts of so many of the picture's width and height."""

PARTS = (2, 8)
"""Rows and columns that a picture is cut into; the mean shade of each part is kept."""

Records = dict[str, list[dict[str, Any]]]


def rendered(data: Path | None) -> Records:
    """Plates and scenes of each region and seed, of the mix of regions, and pictures without a plate.

    Args:
        data: the folder with glyphs and fonts; None: with the fonts alone that packages bring.
    """
    folder = str(data or "")
    regions = [name for name in bundled_regions() if data or name not in NEED_DATA]
    of = {name: Rendering(folder, (name,)) for name in regions}
    of |= {"mix": Rendering(folder), "no plates": Rendering(folder, not_plates=1.0)}
    records: Records = {}
    for name, rendering in of.items():
        for seed in SEEDS:
            seeded = Rendering(folder, rendering.regions, seed, rendering.not_plates)
            plates = render_shard(seeded, 0, PLATES)
            scenes = render_scenes(seeded, 0, SCENES)
            records[f"{name}, seed {seed}, plates"] = [
                {"text": text, "region": region, **_picture(image, points)}
                for text, region, image, points in zip(
                    plates.texts, plates.regions, plates.images, plates.points, strict=True
                )
            ]
            records[f"{name}, seed {seed}, scenes"] = [
                _picture(image, points) for image, points in zip(scenes.images, scenes.points, strict=True)
            ]
    return records


def _picture(image: NDArray[np.uint8], points: NDArray[np.float32]) -> dict[str, Any]:
    there = points[np.isfinite(points).all(1)]
    rows, columns = (size // count for size, count in zip(image.shape, PARTS, strict=True))
    parts = image.reshape(PARTS[0], rows, PARTS[1], columns).mean((1, 3))
    return {
        "sha256": hashlib.sha256(f"{image.shape}".encode() + image.tobytes()).hexdigest()[:16],
        "shades": np.rint(parts).astype(int).flatten().tolist(),
        "points": np.rint(there * PLACES).astype(int).flatten().tolist(),
    }
