"""Rendered plates and scenes in parts."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from plate_ocr.errors import DataError
from plate_ocr.rendering.shards import (
    MAX_PLATES,
    Rendering,
    SceneShard,
    Shard,
    render_all,
    render_scenes,
    render_shard,
    shortages,
    write_plates,
)

US = Rendering(regions=("us",), seed=3)


def test_shards_of_plates_survive_their_files(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as executor:
        shard = render_all(US, 5, 6, executor, part=4)
    (tmp_path / "a.npz").write_bytes(shard.to_bytes())
    for other in (Shard.load(tmp_path / "a.npz"), render_shard(US, 5, 6)):
        assert (other.texts, other.regions) == (shard.texts, shard.regions)
        np.testing.assert_array_equal(other.images, shard.images)
        np.testing.assert_array_equal(other.points, shard.points)


def test_a_shard_has_points_where_there_is_a_plate() -> None:
    shard = render_shard(Rendering(regions=("us",), seed=1, not_plates=0.5), 0, 12)
    there = np.array([bool(text) for text in shard.texts])
    assert 0 < there.sum() < 12
    assert np.isfinite(shard.points[there]).all()
    assert np.isnan(shard.points[~there]).all()


def test_plates_are_written_with_their_labels(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        labels = write_plates(US, 3, tmp_path / folder)
        assert labels == tmp_path / folder / "labels.csv"
    assert labels.read_bytes() == (tmp_path / "a" / "labels.csv").read_bytes()
    rows = list(csv.DictReader(labels.read_text(encoding="utf-8").splitlines()))
    assert [row["region"] for row in rows] == ["us"] * 3
    for row in rows:
        assert row["plate_text"]
        picture = cv2.imread(str(tmp_path / "a" / row["image_path"]), cv2.IMREAD_UNCHANGED)
        assert picture is not None
        assert picture.shape == (64, 256)


def test_an_unknown_region_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="atlantis"):
        write_plates(Rendering(regions=("atlantis",)), 1, tmp_path)


def test_shards_of_scenes_survive_their_files(tmp_path: Path) -> None:
    shard = render_scenes(US, 5, 4)
    (tmp_path / "a.npz").write_bytes(shard.to_bytes())
    loaded = SceneShard.load(tmp_path / "a.npz")
    np.testing.assert_array_equal(loaded.images, shard.images)
    np.testing.assert_array_equal(loaded.points, shard.points)
    np.testing.assert_array_equal(render_scenes(US, 7, 1).images[0], shard.images[2])


def test_points_of_scenes_are_parts_of_the_picture_or_nothing() -> None:
    points = render_scenes(US, 0, 12).points
    assert points.shape == (12, 4 * MAX_PLATES, 2)
    there = np.isfinite(points).all(2).reshape(12, MAX_PLATES, 4)
    assert (there.all(2) == there.any(2)).all()
    assert 0 < there.all(2).sum() < there[..., 0].size
    # Some plates reach beyond the picture's edge.
    assert ((points > -0.3) & (points < 1.3))[np.isfinite(points)].all()


def test_regions_that_are_left_out_and_fonts_that_are_replaced_are_told_in_sentences() -> None:
    *regions, fonts = shortages(Rendering())
    for code, region in zip(("cn", "kr", "jp", "th"), regions, strict=True):
        assert region.startswith(f"region {code} is left out: no glyphs or fonts for ")
    assert fonts.startswith("without PLATE_OCR_DATA, other fonts replace ")
    (fonts,) = shortages(US)
    replaced = fonts.removeprefix("without PLATE_OCR_DATA, other fonts replace ").split(", ")
    assert {"Overpass", "Rajdhani"} <= set(replaced)
    assert not {"font", "stroke-font", "stroke-font-thin"} & set(replaced)
