"""Texts that are no plates, in pictures without a plate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from plate_ocr.rendering import car_texts, clutter
from plate_ocr.rendering.car_texts import COUNTRIES, NAMES, add_car_text, add_country_sign, add_emblem
from plate_ocr.rendering.clutter import TEXT_SHARE, not_a_plate
from plate_ocr.rendering.glyphs import Glyphs

BACKGROUND = 120


def test_texts_are_named_once() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert len(set(COUNTRIES)) == len(COUNTRIES)


def test_a_text_changes_a_picture_of_any_size_and_depends_on_the_randomness_alone() -> None:
    glyphs, changed = Glyphs(None), 0
    for seed in range(120):
        shape = (16 + seed % 40, 48 + 7 * seed % 130)
        one, two = np.full((2, *shape), 90, np.uint8)
        for scene in (one, two):
            add_car_text(np.random.default_rng(seed), scene, glyphs)
        assert one.tobytes() == two.tobytes()
        changed += int(np.ptp(one.astype(int)) > 10)
    # Some lie beyond the edge.
    assert changed > 90


def test_country_signs_are_dark_letters_on_a_light_oval(monkeypatch: pytest.MonkeyPatch) -> None:
    glyphs, seeds = Glyphs(None), range(60)
    signs, ovals = np.full((2, len(seeds), 60, 180), BACKGROUND, np.uint8)
    for seed in seeds:
        add_country_sign(np.random.default_rng(seed), signs[seed], glyphs)
    monkeypatch.setattr(car_texts, "COUNTRIES", (" ",))
    for seed in seeds:
        add_country_sign(np.random.default_rng(seed), ovals[seed], glyphs)
        letters = ovals[seed].astype(int) - signs[seed]
        assert ovals[seed].max() >= 169
        assert letters.min() == 0
        assert letters.max() > 80


def test_emblems_have_one_level_and_leave_most_of_a_picture() -> None:
    pictures = np.full((60, 60, 180), BACKGROUND, np.uint8)
    for seed, picture in enumerate(pictures):
        add_emblem(np.random.default_rng(seed), picture)
        changes = picture.astype(int) - BACKGROUND
        assert changes.min() == 0 or changes.max() == 0
        assert (changes != 0).mean() < 0.5
    # A few are of the background's level.
    assert len({picture.tobytes() for picture in pictures}) > 0.95 * len(pictures)


def test_so_many_pictures_without_a_plate_have_texts_of_each_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: Counter[str] = Counter()
    for module, name in (
        (clutter, "add_car_text"), (car_texts, "add_country_sign"), (car_texts, "add_emblem"),
        (car_texts, "add_overlay"), (car_texts, "_add_name"),
    ):  # fmt: skip
        true = getattr(module, name)

        def counted(*args: object, name: str = name, true: Callable[..., None] = true) -> None:
            drawn[name] += 1
            true(*args)

        monkeypatch.setattr(module, name, counted)
    glyphs, n = Glyphs(None), 1000
    for seed in range(n):
        not_a_plate(np.random.default_rng(seed), 24, 72, glyphs)
    texts = drawn.pop("add_car_text")
    assert texts / n == pytest.approx(TEXT_SHARE, abs=0.05)
    assert len(drawn) == 4
    assert min(drawn.values()) > 0.04 * texts


def test_pictures_without_a_plate_have_the_size_that_is_asked_for() -> None:
    glyphs = Glyphs(None)
    pictures = [not_a_plate(np.random.default_rng(seed), 30, 90, glyphs) for seed in range(60)]
    assert {picture.shape for picture in pictures} == {(30, 90)}
    assert {picture.dtype for picture in pictures} == {np.dtype(np.uint8)}
