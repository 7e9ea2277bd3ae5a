"""Rendered plates as training gets them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

import pytest
import torch

from plate_ocr.alphabet import LONGEST, PLATE_CHARACTERS, Alphabet
from plate_ocr.errors import AlphabetError, DataError
from plate_ocr.rendering.shards import Rendering, Shard, render_shard
from plate_ocr.training.plates.data import NO_REGION, PlateBatches, PlateTargets, encode_regions, encode_texts
from plate_ocr.training.rendered.data import SHIFT, Shards, augment_batch

US = Rendering(regions=("us",), seed=3)
ALPHABET = Alphabet(PLATE_CHARACTERS)


@pytest.fixture
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def batches(tmp_path: Path, executor: Executor) -> PlateBatches:
    """Batches of four out of shards of eight plates, each passed over twice."""
    shards = Shards(partial(render_shard, US), Shard, 8, tmp_path, executor, last=3)
    return PlateBatches(shards, US.seed, batch_size=4, repeats=2, alphabet=ALPHABET)


def test_a_step_gets_the_same_batch_however_it_is_reached(batches: PlateBatches, tmp_path: Path) -> None:
    straight = list(islice(batches(0), 7))
    for step in (0, 3, 5):
        pictures, targets = next(iter(batches(step)))
        assert torch.equal(pictures, straight[step][0])
        assert targets.numpy().tobytes() == straight[step][1].numpy().tobytes()
    for file in tmp_path.glob("*.npz"):
        file.write_bytes(b"cut short")
    pictures, _ = next(iter(batches(6)))
    assert torch.equal(pictures, straight[6][0])


def test_every_plate_of_a_shard_comes_once_in_a_pass(batches: PlateBatches) -> None:
    shard = render_shard(US, 0, 8)
    wanted = sorted(map(tuple, encode_texts(shard.texts, ALPHABET).tolist()))
    steps = [PlateTargets.of(targets).classes for _, targets in islice(batches(0), 4)]
    for turn in (steps[:2], steps[2:]):
        assert sorted(map(tuple, torch.cat(turn).tolist())) == wanted


def test_shards_that_are_done_with_are_deleted(batches: PlateBatches, tmp_path: Path) -> None:
    list(islice(batches(0), 9))
    assert {file.name for file in tmp_path.iterdir()} == {"000002.npz"}


def test_texts_are_encoded_for_ctc() -> None:
    rows = encode_texts(("A1", ""), Alphabet("1A"))
    assert rows.tolist() == [[2, 1] + [0] * (LONGEST - 2), [0] * LONGEST]
    with pytest.raises(AlphabetError, match="'B' not in the alphabet"):
        encode_texts(("B",), Alphabet("1A"))
    with pytest.raises(DataError, match="more than 12 characters"):
        encode_texts(("1" * 13,), Alphabet("1A"))


def test_variation_keeps_form_and_range() -> None:
    pictures = torch.rand(6, 1, 64, 256, generator=torch.Generator().manual_seed(0))
    points = torch.full((6, 8, 2), 0.5)
    augmented = [augment_batch(pictures, points, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    for one, same, other in zip(*augmented, strict=True):
        assert torch.equal(one, same)
        assert not torch.equal(one, other)
    assert augmented[0][0].shape == pictures.shape
    assert 0 <= augmented[0][0].min() <= augmented[0][0].max() <= 1


def test_variation_moves_points_with_the_pixels() -> None:
    column, row = torch.arange(8) * 25 + 30, torch.arange(8) * 5 + 12
    pictures = torch.full((1, 1, 64, 256), 0.5)
    points = torch.stack([(column + 0.5) / 256, (row + 0.5) / 64], 1)[None]
    moves = set()
    for seed in range(20):
        # One spot stands out, whatever else is changed.
        spot = pictures.clone()
        spot[0, 0, row[seed % 8], column[seed % 8]] = 1
        augmented, moved = augment_batch(spot, points, torch.Generator().manual_seed(seed))
        y, x = divmod(int((augmented - augmented.median()).abs().argmax()), 256)
        torch.testing.assert_close(moved[0, seed % 8], torch.tensor([(x + 0.5) / 256, (y + 0.5) / 64]))
        moves.add((x - int(column[seed % 8]), y - int(row[seed % 8])))
    assert len(moves) > 10
    assert all(abs(x) <= SHIFT[1] and abs(y) <= SHIFT[0] for x, y in moves)


def test_targets_survive_packing() -> None:
    classes = torch.from_numpy(encode_texts(("皖A", ""), ALPHABET))
    points = torch.rand(2, 8, 2)
    points[1] = torch.nan
    regions = torch.from_numpy(encode_regions(("us", "any"), ("cn", "us")))
    rendered = torch.tensor([True, False])
    targets = PlateTargets.of(PlateTargets(classes, points, regions, rendered).packed())
    assert targets.regions.tolist() == regions.tolist() == [1, NO_REGION]
    assert torch.equal(targets.classes, classes)
    assert torch.equal(targets.rendered, rendered)
    assert targets.lengths.tolist() == [2, 0]
    torch.testing.assert_close(targets.points, points, equal_nan=True)
