"""Changing characters while training."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor

from plate_ocr.training.characters.augment import Augmentation, augment, make_negatives
from tests.conftest import draw_char

NOTHING = Augmentation(**{field.name: 0.0 for field in dataclasses.fields(Augmentation)})


def characters(text: str) -> Tensor:
    """float32 ``[len(text), 1, 36, 28]``, 0..1."""
    drawn = np.stack([draw_char(char, height=36, width=28, thick=2) for char in text])
    return torch.from_numpy(drawn)[:, None].float() / 255


def changed(gray: Tensor, settings: Augmentation, seed: int = 0) -> Tensor:
    return augment(gray, settings, torch.Generator().manual_seed(seed))[0]


def only(**values: float) -> Augmentation:
    """One kind of change, at full strength in every picture."""
    return dataclasses.replace(NOTHING, **values)


def centers(gray: Tensor) -> Tensor:
    """Centroids, as parts of the picture's height and width: ``[batch, 2]``."""
    _, _, height, width = gray.shape
    mass = gray.sum((1, 2, 3))
    y = (gray.sum((1, 3)) * torch.arange(height)).sum(1) / mass / height
    x = (gray.sum((1, 2)) * torch.arange(width)).sum(1) / mass / width
    return torch.stack([y, x], 1)


def test_without_strength_nothing_changes() -> None:
    gray = characters("0123456789")
    settings = dataclasses.replace(Augmentation(), mildness=1e9)
    assert torch.allclose(changed(gray, settings), gray, atol=1e-3)
    assert torch.allclose(changed(gray, NOTHING), gray, atol=1e-3)


def test_characters_change_each_in_another_way_and_stay_characters() -> None:
    gray = characters("8" * 64)
    result = changed(gray, Augmentation())
    assert result.shape == gray.shape
    assert result.dtype == torch.float32
    assert result.isfinite().all()
    assert -0.5 < result.min() < result.max() < 1.5
    difference = (result - gray).abs().mean((1, 2, 3))
    assert len(set(difference.tolist())) == 64
    assert difference.median() > 0.01
    assert result.sum((1, 2, 3)).min() > 0.3 * gray[0].sum()


def test_the_seed_decides() -> None:
    gray = characters("012345")
    assert torch.equal(changed(gray, Augmentation(), 1), changed(gray, Augmentation(), 1))
    assert not torch.equal(changed(gray, Augmentation(), 1), changed(gray, Augmentation(), 2))


def test_the_callers_pictures_stay_as_they_are() -> None:
    gray = characters("012345")
    before = gray.clone()
    changed(gray, Augmentation())
    make_negatives(gray, torch.Generator().manual_seed(0))
    assert torch.equal(gray, before)


def test_shift_moves_by_no_more_than_it_says_and_in_every_direction() -> None:
    gray = characters("8" * 200)
    moved = centers(changed(gray, only(shift=0.06))) - centers(gray)
    assert moved.abs().max() < 0.065
    for direction in (moved.amin(0), -moved.amax(0)):
        assert (direction < -0.045).all()


def test_margin_makes_characters_smaller_never_larger() -> None:
    gray = characters("8" * 100)
    share = changed(gray, only(margin=0.35)).sum((1, 2, 3)) / gray.sum((1, 2, 3))
    assert share.max() < 1.02
    assert share.min() == pytest.approx(0.65**2, abs=0.03)


def test_looseness_makes_pictures_wider_and_says_by_how_much() -> None:
    gray = characters("8" * 100)
    pictures, wider = augment(gray, only(loose=1.0), torch.Generator().manual_seed(0))
    share = pictures.sum((1, 2, 3)) / gray.sum((1, 2, 3))
    assert wider.shape == (100,)
    assert 1 <= wider.min() < 1.05
    assert 1.95 < wider.max() <= 2
    assert torch.allclose(share * wider, torch.ones(100), atol=0.05)


def test_without_looseness_no_picture_is_wider() -> None:
    _, wider = augment(characters("01"), NOTHING, torch.Generator().manual_seed(0))
    assert torch.equal(wider, torch.ones(2))


def test_stroke_makes_them_bolder_and_lighter() -> None:
    gray = characters("8" * 100)
    share = changed(gray, only(stroke=1.0)).sum((1, 2, 3)) / gray.sum((1, 2, 3))
    assert share.min() < 0.6
    assert share.max() > 1.3
    assert ((share > 1).float().mean() - 0.5).abs() < 0.15


def test_blur_spreads_a_point_to_a_gaussian_of_the_drawn_width() -> None:
    point = torch.zeros(400, 1, 36, 28)
    point[:, :, 18, 14] = 1
    blurred = changed(point, only(blur=1.6))
    assert torch.allclose(blurred.sum((1, 2, 3)), torch.ones(400), atol=1e-4)
    places = torch.arange(36) - 18.0
    deviation = ((blurred.sum((1, 3)) * places**2).sum(1)).sqrt()
    # Below a third of a pixel a sampled Gaussian is a point.
    assert deviation.min() < 0.1
    assert 1.45 < deviation.max() < 1.61


def test_noise_has_the_deviation_it_says() -> None:
    gray = torch.full((300, 1, 36, 28), 0.5)
    deviation = (changed(gray, only(noise=0.06)) - gray).std((1, 2, 3))
    assert deviation.max() == pytest.approx(0.06, abs=0.006)
    assert deviation.mean() == pytest.approx(0.03, abs=0.005)


def test_neighbours_stand_at_the_sides_and_frames_all_round() -> None:
    gray = torch.zeros(200, 1, 36, 28)
    gray[:, :, 4:-4, 3:-3] = 1
    beside = changed(gray, only(neighbour=0.25)) - gray
    assert beside.min() > -0.01
    assert (beside.amax((1, 2, 3)) > 0.5).float().mean() == pytest.approx(0.4, abs=0.15)
    assert beside[:, :, :2].max() < 0.01
    framed = changed(gray, only(frame=0.15)) - gray
    assert framed[:, :, 4:-4].max() < 0.01
    assert (framed.amax((1, 2, 3)) > 0.5).float().mean() == pytest.approx(0.15, abs=0.1)
    beside = changed(gray, only(side=0.15)) - gray
    assert beside[..., 8:-8].max() < 0.01
    for part in (beside[..., :8], beside[..., -8:]):
        assert (part.amax((1, 2, 3)) > 0.5).float().mean() == pytest.approx(0.1, abs=0.08)


def test_mildness_makes_strong_changes_rare() -> None:
    gray = characters("8" * 400)

    def strength(mildness: float) -> float:
        settings = only(shift=0.06, mildness=mildness)
        return float((centers(changed(gray, settings)) - centers(gray)).abs().mean())

    assert strength(4.0) < 0.6 * strength(1.0) < 0.6 * strength(0.0)


def test_no_character_shows_halves_of_characters_or_noise_in_turn() -> None:
    gray = characters("2357AK" * 3)
    result = make_negatives(gray, torch.Generator().manual_seed(0))
    assert result.shape == gray.shape
    assert result.min() >= 0
    assert result.max() <= 1
    for i in range(0, 18, 3):
        other = gray[i - 1]
        assert torch.equal(result[i], torch.cat([gray[i, :, :, 14:], other[:, :, :14]], 2))
    for i in range(1, 18, 3):
        assert torch.equal(result[i], torch.cat([gray[i, :, 18:], gray[i - 1, :, :18]], 1))
    noise = result[2::3]
    assert torch.allclose(noise.amin((1, 2, 3)), torch.zeros(6))
    assert torch.allclose(noise.amax((1, 2, 3)), torch.ones(6))
    assert all(not torch.equal(noise[0], other) for other in noise[1:])


def test_a_single_picture_can_be_changed() -> None:
    gray = characters("8")
    assert changed(gray, Augmentation()).shape == gray.shape
    assert make_negatives(gray, torch.Generator().manual_seed(0)).isfinite().all()
