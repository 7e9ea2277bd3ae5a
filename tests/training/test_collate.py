"""Pictures of different sizes in one batch, and what padding does to a network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from plate_ocr.errors import DataError
from plate_ocr.training.mixed_sizes.collate import (
    BatchOfOne,
    EqualSizes,
    LabelledPicture,
    Padding,
    PictureBatch,
    Resizing,
    SizeBuckets,
)
from plate_ocr.training.mixed_sizes.network import ConvNetwork, check_batch

CLASSES = 10
# Odd and even, below and above the stride, one that fills the batch's height and one its width.
SIZES = [(1, 1), (2, 3), (7, 5), (26, 13), (27, 14), (30, 9), (12, 31), (29, 30)]


def pictures(sizes: list[tuple[int, int]]) -> list[LabelledPicture]:
    rng = np.random.default_rng(0)
    return [(rng.integers(0, 256, size, dtype=np.uint8), int(rng.integers(CLASSES))) for size in sizes]


def network(kind: torch.dtype) -> ConvNetwork:
    torch.manual_seed(0)
    made = ConvNetwork(CLASSES).to(kind)
    with torch.no_grad():
        # As after training: a normalisation without its own weights would hide a bias on the padding.
        for name, weight in made.named_parameters():
            if "norm" in name:
                weight.add_(torch.rand_like(weight) - 0.3)
    return made


def outcome(made: ConvNetwork, batches: list[PictureBatch], kind: torch.dtype) -> tuple[torch.Tensor, ...]:
    """Logits of all batches, then the gradient of the summed loss for every weight."""
    made.zero_grad()
    logits = []
    for batch in batches:
        logits.append(made(batch.pictures.to(kind), batch.mask))
        cross_entropy(logits[-1], batch.labels, reduction="sum").backward()  # type: ignore[no-untyped-call]
    gradients = [weight.grad.clone() for weight in made.parameters() if weight.grad is not None]
    return torch.cat(logits).detach(), *gradients


@pytest.mark.parametrize(("kind", "rounding"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
def test_a_masked_padded_batch_is_batches_of_one(kind: torch.dtype, rounding: float) -> None:
    samples, made = pictures(SIZES), network(kind)
    one = outcome(made, [BatchOfOne()([sample]) for sample in samples], kind)
    padded = outcome(made, [Padding()(samples)], kind)
    assert len(one) == 1 + len(list(made.parameters()))
    for a, b in zip(one, padded, strict=True):
        assert float((a - b).abs().max()) <= rounding * max(1.0, float(a.abs().max()))


def test_without_the_mask_it_is_not() -> None:
    samples, made = pictures(SIZES), network(torch.float64)
    one = outcome(made, [BatchOfOne()([sample]) for sample in samples], torch.float64)
    batch = Padding()(samples)
    bare = outcome(made, [PictureBatch(batch.pictures, None, batch.labels)], torch.float64)
    for a, b in zip(one, bare, strict=True):
        assert float((a - b).abs().max()) > 1e-2 * float(a.abs().max())


def test_what_stands_in_the_padding_does_not_matter() -> None:
    batch, made = Padding()(pictures(SIZES)), network(torch.float64)
    assert batch.mask is not None
    other = torch.where(batch.mask, batch.pictures, torch.rand_like(batch.pictures)).double()
    torch.testing.assert_close(made(other, batch.mask), made(batch.pictures.double(), batch.mask))


def test_a_full_mask_is_no_mask() -> None:
    batch, made = EqualSizes()(pictures([(26, 13)] * 3)), network(torch.float64)
    images = batch.pictures.double()
    torch.testing.assert_close(made(images, torch.ones_like(images, dtype=torch.bool)), made(images))


def test_padding_keeps_pictures_and_marks_them() -> None:
    samples = pictures([(4, 3), (2, 5)])
    batch = Padding()(samples)
    assert batch.pictures.shape == (2, 1, 4, 5)
    assert batch.pictures.dtype == torch.float32
    assert batch.mask is not None
    assert batch.mask.dtype == torch.bool
    for (picture, label), image, mask, given in zip(
        samples, batch.pictures, batch.mask, batch.labels, strict=True
    ):
        height, width = picture.shape
        np.testing.assert_allclose(image[0, :height, :width].numpy(), picture / 255, rtol=1e-6)
        assert int(mask.sum()) == height * width == int(mask[0, :height, :width].sum())
        assert float(image[~mask].abs().sum()) == 0
        assert int(given) == label


def test_one_and_equal_sizes_change_nothing() -> None:
    samples = pictures([(5, 7)] * 3)
    together = EqualSizes()(samples)
    assert together.mask is None
    assert len(together) == 3
    alone = torch.cat([BatchOfOne()([sample]).pictures for sample in samples])
    torch.testing.assert_close(together.pictures, alone)


def test_resizing() -> None:
    batch = Resizing(8, 4)(pictures([(16, 8), (3, 30), (8, 4)]))
    assert batch.pictures.shape == (3, 1, 8, 4)
    flat: NDArray[np.uint8] = np.full((40, 9), 51, np.uint8)
    torch.testing.assert_close(Resizing(8, 4)([(flat, 0)]).pictures, torch.full((1, 1, 8, 4), 0.2))


def test_buckets_draw_each_picture_once_and_only_equal_sizes_together() -> None:
    rng = np.random.default_rng(0)
    sizes = [(int(h), int(w)) for h, w in rng.integers(20, 24, (200, 2))]
    buckets = SizeBuckets(sizes, 8, seed=3)
    first = list(buckets)
    assert len(first) == len(buckets)
    assert sorted(i for batch in first for i in batch) == list(range(200))
    assert all(len({sizes[i] for i in batch}) == 1 and len(batch) <= 8 for batch in first)
    assert list(buckets) == first
    buckets.set_epoch(1)
    assert list(buckets) != first
    # Sizes must not come one after the other: a network would forget the earlier ones.
    order = [sizes[batch[0]] for batch in first]
    assert order != sorted(order)


def test_a_grain_joins_nearly_equal_sizes() -> None:
    buckets = SizeBuckets([(20, 10), (17, 9), (21, 12), (20, 12)], 4, grain=4)
    assert sorted(map(sorted, buckets)) == [[0, 1, 3], [2]]


def test_buckets_feed_a_data_loader() -> None:
    samples = pictures([(5, 7), (6, 7), (5, 7)])
    sampler = SizeBuckets([(5, 7), (6, 7), (5, 7)], 2)
    loader: DataLoader[LabelledPicture] = DataLoader(
        samples,  # type: ignore[arg-type]
        batch_sampler=sampler,
        collate_fn=EqualSizes(),
    )
    assert sorted(len(batch) for batch in loader) == [1, 2]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: BatchOfOne()(pictures([(2, 2)] * 2)), "a batch of one was given 2 pictures"),
        (lambda: EqualSizes()(pictures([(2, 2), (3, 2)])), "pictures of 2 sizes, (2, 2) and (3, 2)"),
        (lambda: Padding()([]), "at least one picture"),
        (
            lambda: Padding()([(np.zeros((2, 2, 3), np.uint8), 0)]),
            "picture 0 of the batch is uint8 (2, 2, 3)",
        ),
        (lambda: Resizing(0, 4), "cannot be resized to 0×4"),
        (lambda: SizeBuckets([], 4), "no pictures"),
        (lambda: SizeBuckets([(1, 1)], 0), "batch size 0"),
    ],
)
def test_bad_batches_are_named(make: object, says: str) -> None:
    assert callable(make)
    with pytest.raises(DataError) as error:
        make()
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("shape", "channels", "says"),
    [
        (
            (8, 26, 13, 1),
            1,
            "shape [8, 26, 13, 1] is [batch, height, width, channel]: [batch, channel, height",
        ),
        (
            (8, 26, 13, 3),
            3,
            "is [batch, height, width, channel]: [batch, channel, height, width] with 3 channels",
        ),
        ((1, 26, 13), 1, "is a single picture"),
        ((26, 13), 1, "has 2 axes"),
        ((8, 3, 26, 13), 1, "has 3 channels: [batch, channel, height, width] with 1 channel is expected"),
        ((0, 1, 26, 13), 1, "is empty"),
    ],
)
def test_a_batch_in_the_wrong_order_is_named(shape: tuple[int, ...], channels: int, says: str) -> None:
    with pytest.raises(DataError) as error:
        check_batch(torch.zeros(shape), channels)
    assert says in str(error.value)


def test_the_network_checks_its_batch() -> None:
    made = ConvNetwork(CLASSES)
    with pytest.raises(DataError, match=r"\[batch, height, width, channel\]"):
        made(torch.zeros(8, 26, 13, 1))
    with pytest.raises(DataError, match=r"holds torch\.uint8"):
        made(torch.zeros(8, 1, 26, 13, dtype=torch.uint8))
    with pytest.raises(DataError, match="mask of shape"):
        made(torch.zeros(8, 1, 26, 13), torch.ones(8, 1, 26, 12, dtype=torch.bool))
    # How it lies in memory is not its order.
    check_batch(torch.zeros(8, 1, 26, 13).contiguous(memory_format=torch.channels_last))
