"""What the detector learns from."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from plate_ocr.rendering.scenes import HEIGHT, WIDTH
from plate_ocr.rendering.shards import Rendering, SceneShard, render_scenes
from plate_ocr.training.detector.data import (
    MIN_CORNER_PEAK,
    SIZES,
    SceneBatches,
    detector_targets,
    rescale_scenes,
)
from plate_ocr.training.detector.loss import PlatePeaks
from plate_ocr.training.rendered.data import Shards
from plate_ocr.vision.detection import CELL, STRIDE, decode_detections

US = Rendering(regions=("us",), seed=3)
SIZE = (96, 160)
ONE = torch.tensor([[20.0, 30], [80, 34], [79, 54], [19, 50]])
OTHER = torch.tensor([[120.0, 10], [150, 6], [151, 16], [121, 20]])
NONE = torch.full((4, 2), torch.nan)


def targets(*plates: Tensor) -> Tensor:
    """What should be said of one picture with these plates."""
    return detector_targets(torch.stack(plates)[None], *SIZE)


def perfect(target: Tensor) -> Tensor:
    """An output that is very sure of the right answer."""
    logits = torch.where(target[:, :1] == 1, 12.0, -12.0)
    return torch.cat([logits, target[:, 2:]], 1)


@pytest.mark.parametrize("plate", [ONE, OTHER, ONE + 3.5, OTHER.roll(2, 0)])
def test_a_plate_has_a_peak_of_1_in_the_cell_of_its_middle(plate: Tensor) -> None:
    peaks = targets(plate)[0, 0]
    column, row = (plate.mean(0) / CELL).int().tolist()
    assert peaks.shape == (SIZE[0] // CELL, SIZE[1] // CELL)
    assert peaks[row, column] == 1
    assert (peaks == 1).sum() == 1
    assert peaks.min() >= 0
    # It falls off more slowly along the plate than across.
    assert peaks[row, column + 1] + peaks[row, column - 1] > peaks[row - 1, column] + peaks[row + 1, column]


def test_a_perfect_answer_gives_the_corners_back() -> None:
    for plates in ((ONE,), (ONE, OTHER), (NONE, OTHER, ONE)):
        target = targets(*plates)
        places = decode_detections(perfect(target)[0].numpy(), 1.0, 0.3)
        there = [plate.numpy() for plate in plates if plate.isfinite().all()]
        assert len(places) == len(there)
        for plate in there:
            corner_error = min(float(np.abs(place.corners - plate).max()) for place in places)
            assert corner_error < 1e-3


def test_every_cell_that_answers_knows_the_corners() -> None:
    target = targets(ONE, OTHER)[0]
    answering = target[1] > 0
    assert answering.sum() > 2
    assert (target[0][answering] > MIN_CORNER_PEAK).all()
    for row, column in answering.nonzero().tolist():
        one_cell = torch.full((9, *answering.shape), -9.0)
        one_cell[1:] = target[2:]
        one_cell[0, row, column] = 9
        (place,) = decode_detections(one_cell.numpy(), 1.0, 0.3)
        plate = ONE if column * CELL < 100 else OTHER
        np.testing.assert_allclose(place.corners, plate, atol=1e-3)
        width = float((plate[1] - plate[0]).norm())
        assert target[1, row, column] == pytest.approx(1 / width)


def test_no_plate_leaves_nothing() -> None:
    target = targets(NONE, NONE)
    assert (target == 0).all()
    assert torch.equal(targets(ONE, NONE, NONE), targets(ONE))


def test_pictures_of_a_batch_do_not_mix() -> None:
    together = detector_targets(torch.stack([torch.stack([ONE, NONE]), torch.stack([OTHER, ONE])]), *SIZE)
    assert torch.equal(together[:1], targets(ONE, NONE))
    assert torch.equal(together[1:], targets(OTHER, ONE))


def test_the_loss_is_least_for_the_perfect_answer() -> None:
    target = torch.cat([targets(ONE, OTHER), targets(NONE, NONE)])
    best = perfect(target)

    def loss(output: Tensor) -> float:
        return PlatePeaks().loss(output, target, 0).item()

    least = loss(best)
    assert least == pytest.approx(0, abs=0.01)
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        assert loss(best + torch.randn(best.shape, generator=generator)) > least
    row, column = (target[0, 0] == 1).nonzero()[0].tolist()
    missed, invented = best.clone(), best.clone()
    missed[0, 0, row, column] = -12
    invented[1, 0, 3, 3] = 12
    corner_error, further, elsewhere = best.clone(), best.clone(), best.clone()
    corner_error[0, 4, row, column] += 0.1
    further[0, 4, row, column] += 0.3
    # Where no plate is, nobody asks for corners.
    elsewhere[1, 1:] += 5
    assert loss(missed) > least + 1
    assert loss(invented) > least + 1
    assert least < loss(corner_error) < loss(further)
    assert loss(elsewhere) == least


def test_the_loss_bears_scenes_without_a_plate_and_can_be_followed_downhill() -> None:
    target = targets(NONE)
    output = torch.zeros(1, 9, *target.shape[2:], requires_grad=True)
    loss = PlatePeaks().loss(output, target, 0)
    loss.backward()  # type: ignore[no-untyped-call]
    assert output.grad is not None
    assert torch.isfinite(output.grad).all()
    assert (output.grad[:, 0] > 0).all()
    assert (output.grad[:, 1:] == 0).all()


def test_scenes_with_and_without_plates_are_told_apart() -> None:
    target = torch.cat([targets(ONE, NONE), targets(NONE, NONE), targets(ONE, OTHER)])
    best = perfect(target)
    silent, everywhere = best.clone(), best.clone()
    silent[:, 0], everywhere[:, 0] = -12, 12
    right = [int(PlatePeaks().correct(output, target)) for output in (best, silent, everywhere)]
    assert right == [3, 1, 2]


@pytest.fixture
def batches(tmp_path: Path) -> Iterator[SceneBatches]:
    """Batches of two out of shards of four scenes, each passed over twice."""
    with ThreadPoolExecutor(1) as executor:
        shards = Shards(partial(render_scenes, US), SceneShard, 4, tmp_path, executor, last=2)
        yield SceneBatches(shards, US.seed, batch_size=2, repeats=2)


def test_a_step_gets_the_same_batch_however_it_is_reached(batches: SceneBatches) -> None:
    straight = list(islice(batches(0), 6))
    for step in (0, 3, 5):
        pictures, target = next(iter(batches(step)))
        assert torch.equal(pictures, straight[step][0])
        assert torch.equal(target, straight[step][1])
    assert not torch.equal(straight[0][0], straight[2][0])


def test_a_batch_has_the_form_that_the_network_takes(batches: SceneBatches) -> None:
    pictures, target = next(iter(batches(0)))
    count, grey, height, width = pictures.shape
    assert (count, grey) == (2, 1)
    assert (height, width) in SIZES
    assert 0 <= pictures.min() <= pictures.max() <= 1
    assert target.shape == (2, 10, height // CELL, width // CELL)


def test_sizes_fit_the_network() -> None:
    for height, width in SIZES:
        assert height % STRIDE == width % STRIDE == 0
        assert width / height == pytest.approx(WIDTH / HEIGHT, rel=0.04)


@pytest.mark.parametrize("size", [(256, 352), (448, 608)])
def test_scenes_rescale_scenes_take_their_plates_along(size: tuple[int, int]) -> None:
    pictures, points = torch.zeros(32, 1, 256, 352), torch.full((32, 12, 2), torch.nan)
    box = np.array([[100.0, 80], [240, 90], [238, 130], [98, 120]], np.float32)
    points[:, :4] = torch.from_numpy(box / np.array([352, 256], np.float32))
    pictures[:, 0] = torch.from_numpy(
        cv2.fillPoly(np.zeros((256, 352), np.float32), [np.rint(box).astype(int)], 1.0)
    )
    shown, there = rescale_scenes(pictures, points, size, torch.Generator().manual_seed(2))
    assert shown.shape == (32, 1, *size)
    assert there[:, 4:].isnan().all()
    seen = there[:, :4].isfinite().all(2).all(1)
    assert seen.sum() > 20
    widths = []
    for picture, corners in zip(shown[seen, 0], there[seen, :4] * torch.tensor(size[::-1]), strict=True):
        mask = np.zeros(size, np.float32)
        cv2.fillPoly(mask, [np.rint(corners.numpy()).astype(int)], 1.0)
        both, either = (picture.numpy() * mask).sum(), np.maximum(picture.numpy(), mask).sum()
        assert both / either > 0.9
        widths.append(float((corners[1] - corners[0]).norm()))
    assert max(widths) > 1.3 * min(widths)


def test_plates_that_are_cut_off_are_none() -> None:
    points = torch.full((64, 12, 2), torch.nan)
    points[:, :4] = torch.tensor([[0.9, 0.5], [1.0, 0.5], [1.0, 0.56], [0.9, 0.56]])
    scenes, random = torch.zeros(64, 1, 256, 352), torch.Generator().manual_seed(0)
    _, there = rescale_scenes(scenes, points, (256, 352), random)
    seen = there[:, :4].isfinite().all(2).all(1)
    assert 10 < seen.sum() < 54
    assert there[seen, :4].max() < 1.03


def test_the_peak_of_a_turned_plate_lies_along_it() -> None:
    middle, turn = torch.tensor([80.0, 48]), torch.tensor([[0.7071, 0.7071], [-0.7071, 0.7071]])
    plate = (torch.tensor([[-50.0, -12], [50, -12], [50, 12], [-50, 12]]) @ turn) + middle
    peaks = targets(plate)[0, 0]
    row, column = (peaks == 1).nonzero()[0].tolist()
    # Down to the right, as the text runs, and not up to the right.
    assert peaks[row + 1, column + 1] > peaks[row - 1, column + 1] + 0.2
