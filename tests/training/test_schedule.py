"""The plan of a training against its formulas."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plate_ocr.errors import DataError
from plate_ocr.training.core.losses import batch_loss, planned_loss
from plate_ocr.training.core.schedule import (
    BatchWarmup,
    DataWarmup,
    Decline,
    LayerWarmup,
    Loss,
    LossKind,
    LossWarmup,
    Plan,
    RateShape,
    RateWarmup,
    parse_warmups,
)

DECLINES: list[Decline] = ["cosine", "step", "constant"]
SHAPES: list[RateShape] = ["constant", "linear", "exponential"]
LOSSES: list[Loss] = ["cross_entropy", "squared_error"]
LINEAR = RateWarmup("linear", 50)


@pytest.mark.parametrize("decline", DECLINES)
def test_a_linear_warm_up_rises_evenly_to_the_peak(decline: Decline) -> None:
    plan = Plan(1000, decline=decline, lr=LINEAR)
    factors = [plan.factor_at(step) for step in range(51)]
    assert factors == pytest.approx([(step + 1) / 50 for step in range(50)] + [1])


def test_a_constant_warm_up_is_a_tenth_and_an_exponential_one_grows_by_a_constant_factor() -> None:
    assert {RateWarmup("constant", 50).factor(step) for step in range(50)} == {0.1}
    factors = [RateWarmup("exponential", 50).factor(step) for step in range(51)]
    assert factors[0] == pytest.approx(0.01)
    assert factors[50] == 1
    ratios = [b / a for a, b in pairwise(factors)]
    assert ratios == pytest.approx([100 ** (1 / 50)] * 50)


@pytest.mark.parametrize(
    ("step", "factor"),
    [
        (100, 1.0),
        (325, (1 + math.sqrt(0.5)) / 2),
        (400, 0.75),
        (550, 0.5),
        (700, 0.25),
        (999, (1 + math.cos(math.pi * 899 / 900)) / 2),
    ],
)
def test_the_cosine_falls_from_the_peak_to_zero(step: int, factor: float) -> None:
    plan = Plan(1000, decline="cosine", lr=RateWarmup("linear", 100))
    assert plan.factor_at(step) == pytest.approx(factor, abs=1e-4)


@pytest.mark.parametrize(
    ("step", "factor"), [(100, 1.0), (399, 1.0), (400, 0.1), (699, 0.1), (700, 0.01), (999, 0.01)]
)
def test_the_steps_are_a_tenth_after_each_third(step: int, factor: float) -> None:
    plan = Plan(1000, decline="step", lr=RateWarmup("linear", 100))
    assert plan.factor_at(step) == pytest.approx(factor)


def test_without_warm_up_and_decline_the_rate_is_the_peak() -> None:
    assert {Plan(20, decline="constant").factor_at(step) for step in range(21)} == {1.0}


@given(st.integers(1, 2000), st.floats(0, 1), st.sampled_from(SHAPES), st.sampled_from(DECLINES))
def test_the_rate_rises_to_the_peak_then_never_rises_again(
    steps: int, share: float, shape: RateShape, decline: Decline
) -> None:
    rising = max(1, round(share * (steps - 1)))
    plan = Plan(steps, decline=decline, lr=RateWarmup(shape, rising))
    factors = [plan.factor_at(step) for step in range(steps)]
    assert all(0 < factor <= 1 for factor in factors)
    assert factors[:rising] == sorted(factors[:rising])
    assert factors[rising:] == sorted(factors[rising:], reverse=True)
    assert steps == 1 or factors[rising] == 1


@pytest.mark.parametrize("decline", DECLINES)
def test_the_scheduler_may_ask_once_more_after_the_last_step(decline: Decline) -> None:
    assert 0 < Plan(1000, decline=decline, lr=LINEAR).factor_at(1000) <= 1


def test_the_batch_grows_by_a_constant_factor_and_the_rate_with_it_if_wanted() -> None:
    batch = BatchWarmup(first=16, last=256, steps=4)
    assert [batch.size(step) for step in range(6)] == [16, 32, 64, 128, 256, 256]
    scaled = Plan(6, decline="constant", batch=BatchWarmup(16, 256, 4, scale=True))
    assert [scaled.factor_at(step) for step in range(5)] == pytest.approx([1 / 16, 1 / 8, 1 / 4, 1 / 2, 1])
    assert Plan(6, decline="constant", batch=batch).factor_at(0) == 1
    assert [scaled.size_at(step) for step in (0, 5)] == [16, 256]
    assert Plan(6, batch_size=99).size_at(0) == 99


def test_layers_join_one_by_one() -> None:
    plan = Plan(100, layers=LayerWarmup(10))
    assert [plan.groups_at(step, 3) for step in (0, 9, 10, 19, 20, 99)] == [1, 1, 2, 2, 3, 3]
    assert Plan(100).groups_at(0, 3) == 3


def test_pictures_join_evenly() -> None:
    plan = Plan(100, data=DataWarmup(0.2, 50))
    assert [plan.share_at(step) for step in (0, 25, 50, 99)] == pytest.approx([0.2, 0.6, 1, 1])
    assert Plan(100).share_at(0) == 1


LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.0, 0.0, 3.0]])
TARGET = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def loss_at(kind: LossKind, step: int, loss: Loss = "cross_entropy") -> float:
    plan = Plan(100, loss=loss, loss_warmup=LossWarmup(kind, 40))
    return planned_loss(plan, LOGITS, TARGET, step).item()


def plain(loss: Loss) -> float:
    return batch_loss(LOGITS, TARGET, loss).item()


def test_squared_error_turns_into_the_real_loss() -> None:
    squared, real = plain("squared_error"), plain("cross_entropy")
    assert loss_at("squared_error", 0) == pytest.approx(squared)
    assert loss_at("squared_error", 10) == pytest.approx(0.75 * squared + 0.25 * real)
    assert loss_at("squared_error", 40) == loss_at("squared_error", 99) == pytest.approx(real)


def test_the_auxiliary_loss_joins() -> None:
    squared, real = plain("squared_error"), plain("cross_entropy")
    assert loss_at("auxiliary", 0) == pytest.approx(real)
    assert loss_at("auxiliary", 20) == pytest.approx(real + 0.5 * squared)
    assert loss_at("auxiliary", 80) == pytest.approx(real + squared)


@pytest.mark.parametrize("loss", LOSSES)
def test_smoothing_fades_out(loss: Loss) -> None:
    smooth = [loss_at("smoothing", step, loss) for step in (0, 20, 40)]
    for value, share in zip(smooth, (0.4, 0.2, 0.0), strict=True):
        target = TARGET * (1 - share) + share / 3
        assert value == pytest.approx(batch_loss(LOGITS, target, loss).item())
    assert len(set(smooth)) == 3


def test_warm_ups_are_written_in_words() -> None:
    words = ["lr=exponential:10", "batch=8:64:20:scale", "layers=5", "data=0.25:30:easy", "loss=smoothing:7"]
    plan = Plan(100, **parse_warmups(words, 100))
    assert plan.lr == RateWarmup("exponential", 10)
    assert plan.batch == BatchWarmup(8, 64, 20, scale=True)
    assert plan.layers == LayerWarmup(5)
    assert plan.data == DataWarmup(0.25, 30, "easy")
    assert plan.loss_warmup == LossWarmup("smoothing", 7)
    short = Plan(100, **parse_warmups(["batch=8:64:20", "data=0.25:30"], 100))
    assert short.batch == BatchWarmup(8, 64, 20)
    assert short.data == DataWarmup(0.25, 30, "random")
    assert Plan(100, **parse_warmups([], 100)) == Plan(100)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["speed=3"], r"no warm-up 'speed'.*lr=.*batch=.*layers=.*data=.*loss="),
        (["lr"], r"not of the form lr="),
        (["lr=linear:"], r"not of the form lr=constant\|linear\|exponential\[:STEPS\]"),
        (["lr=cubic:5"], r"'cubic' is none of constant, linear, exponential"),
        (["lr=linear:0"], r"'0' is no number above 0"),
        (["lr=linear:-5"], r"'-5' is no number"),
        (["lr=linear:1.5"], r"'1\.5' is no number"),
        (["lr=linear:5:6"], r"not of the form"),
        (["batch=8:64:5:grow"], r"'grow' is not 'scale'"),
        (["batch=8:64"], r"not of the form batch="),
        (["layers="], r"'' is no number"),
        (["data=0:5"], r"share 0 is not above 0"),
        (["data=1.5:5"], r"share 1\.5 is not above 0 and up to 1"),
        (["data=nan:5"], r"share nan"),
        (["data=half:5"], r"data=half:5 is not of the form"),
        (["data=0.5:5:hard"], r"'hard' is none of random, easy"),
        (["data=0.5:5:easy:more"], r"not of the form data="),
        (["loss=hinge:5"], r"'hinge' is none of"),
        (["lr=linear:5", "lr=constant:5"], r"warm-up lr is given twice"),
        (["lr=linear:101"], r"takes 101 steps, the whole training 100"),
    ],
)
def test_wrong_words_are_refused_with_what_is_expected(words: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_warmups(words, 100)


@pytest.mark.parametrize(
    "warmups", [{}, {"lr": LINEAR, "batch": BatchWarmup(4, 32, 10), "data": DataWarmup(0.5, 9)}]
)
def test_a_plan_is_a_pure_function_of_the_step(warmups: dict[str, Any]) -> None:
    plan, same = Plan(100, batch_size=32, **warmups), Plan(100, batch_size=32, **warmups)
    forwards = [(plan.factor_at(s), plan.size_at(s), plan.share_at(s)) for s in range(100)]
    backwards = [(same.factor_at(s), same.size_at(s), same.share_at(s)) for s in reversed(range(100))]
    assert forwards == backwards[::-1]
