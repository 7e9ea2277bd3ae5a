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
from plate_ocr.training.core.losses import batch_loss, scheduled_loss
from plate_ocr.training.core.schedule import (
    BatchWarmup,
    DataWarmup,
    LayerWarmup,
    Loss,
    LossMethod,
    LossWarmup,
    LrSchedule,
    LrShape,
    LrWarmup,
    TrainSchedule,
    parse_warmups,
)

LR_SCHEDULES: list[LrSchedule] = ["cosine", "step", "constant"]
SHAPES: list[LrShape] = ["constant", "linear", "exponential"]
LOSSES: list[Loss] = ["cross_entropy", "squared_error"]
LINEAR = LrWarmup("linear", 50)


@pytest.mark.parametrize("lr_schedule", LR_SCHEDULES)
def test_a_linear_warm_up_rises_evenly_to_the_peak(lr_schedule: LrSchedule) -> None:
    schedule = TrainSchedule(1000, lr_schedule=lr_schedule, lr_warmup=LINEAR)
    factors = [schedule.lr_lambda(step) for step in range(51)]
    assert factors == pytest.approx([(step + 1) / 50 for step in range(50)] + [1])


def test_a_constant_warm_up_is_a_tenth_and_an_exponential_one_grows_by_a_constant_factor() -> None:
    assert {LrWarmup("constant", 50).factor(step) for step in range(50)} == {0.1}
    factors = [LrWarmup("exponential", 50).factor(step) for step in range(51)]
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
    schedule = TrainSchedule(1000, lr_schedule="cosine", lr_warmup=LrWarmup("linear", 100))
    assert schedule.lr_lambda(step) == pytest.approx(factor, abs=1e-4)


@pytest.mark.parametrize(
    ("step", "factor"), [(100, 1.0), (399, 1.0), (400, 0.1), (699, 0.1), (700, 0.01), (999, 0.01)]
)
def test_the_steps_are_a_tenth_after_each_third(step: int, factor: float) -> None:
    schedule = TrainSchedule(1000, lr_schedule="step", lr_warmup=LrWarmup("linear", 100))
    assert schedule.lr_lambda(step) == pytest.approx(factor)


def test_without_warm_up_and_decline_the_rate_is_the_peak() -> None:
    assert {TrainSchedule(20, lr_schedule="constant").lr_lambda(step) for step in range(21)} == {1.0}


@given(st.integers(1, 2000), st.floats(0, 1), st.sampled_from(SHAPES), st.sampled_from(LR_SCHEDULES))
def test_the_rate_rises_to_the_peak_then_never_rises_again(
    steps: int, share: float, shape: LrShape, lr_schedule: LrSchedule
) -> None:
    rising = max(1, round(share * (steps - 1)))
    schedule = TrainSchedule(steps, lr_schedule=lr_schedule, lr_warmup=LrWarmup(shape, rising))
    factors = [schedule.lr_lambda(step) for step in range(steps)]
    assert all(0 < factor <= 1 for factor in factors)
    assert factors[:rising] == sorted(factors[:rising])
    assert factors[rising:] == sorted(factors[rising:], reverse=True)
    assert steps == 1 or factors[rising] == 1


@pytest.mark.parametrize("lr_schedule", LR_SCHEDULES)
def test_the_scheduler_may_ask_once_more_after_the_last_step(lr_schedule: LrSchedule) -> None:
    assert 0 < TrainSchedule(1000, lr_schedule=lr_schedule, lr_warmup=LINEAR).lr_lambda(1000) <= 1


def test_the_batch_grows_by_a_constant_factor_and_the_rate_with_it_if_wanted() -> None:
    batch = BatchWarmup(first=16, last=256, steps=4)
    assert [batch.size(step) for step in range(6)] == [16, 32, 64, 128, 256, 256]
    scaled = TrainSchedule(6, lr_schedule="constant", batch_warmup=BatchWarmup(16, 256, 4, scale=True))
    assert [scaled.lr_lambda(step) for step in range(5)] == pytest.approx([1 / 16, 1 / 8, 1 / 4, 1 / 2, 1])
    assert TrainSchedule(6, lr_schedule="constant", batch_warmup=batch).lr_lambda(0) == 1
    assert [scaled.batch_size_at(step) for step in (0, 5)] == [16, 256]
    assert TrainSchedule(6, batch_size=99).batch_size_at(0) == 99


def test_layers_join_one_by_one() -> None:
    schedule = TrainSchedule(100, layers_warmup=LayerWarmup(10))
    assert [schedule.groups_at(step, 3) for step in (0, 9, 10, 19, 20, 99)] == [1, 1, 2, 2, 3, 3]
    assert TrainSchedule(100).groups_at(0, 3) == 3


def test_pictures_join_evenly() -> None:
    schedule = TrainSchedule(100, data_warmup=DataWarmup(0.2, 50))
    assert [schedule.data_fraction_at(step) for step in (0, 25, 50, 99)] == pytest.approx([0.2, 0.6, 1, 1])
    assert TrainSchedule(100).data_fraction_at(0) == 1


LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.0, 0.0, 3.0]])
TARGET = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def loss_at(kind: LossMethod, step: int, loss: Loss = "cross_entropy") -> float:
    schedule = TrainSchedule(100, loss=loss, loss_warmup=LossWarmup(kind, 40))
    return scheduled_loss(schedule, LOGITS, TARGET, step).item()


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
    schedule = TrainSchedule(100, **parse_warmups(words, 100))
    assert schedule.lr_warmup == LrWarmup("exponential", 10)
    assert schedule.batch_warmup == BatchWarmup(8, 64, 20, scale=True)
    assert schedule.layers_warmup == LayerWarmup(5)
    assert schedule.data_warmup == DataWarmup(0.25, 30, "easy")
    assert schedule.loss_warmup == LossWarmup("smoothing", 7)
    short = TrainSchedule(100, **parse_warmups(["batch=8:64:20", "data=0.25:30"], 100))
    assert short.batch_warmup == BatchWarmup(8, 64, 20)
    assert short.data_warmup == DataWarmup(0.25, 30, "random")
    assert TrainSchedule(100, **parse_warmups([], 100)) == TrainSchedule(100)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["speed=3"], r"no warm-up 'speed'.*lr=.*batch=.*layers=.*data=.*loss="),
        (["lr"], r"not of the form lr="),
        (["lr=linear:"], r"not of the form lr=constant\|linear\|exponential\[:STEPS\]"),
        (["lr=cubic:5"], r"'cubic' is not one of constant, linear, exponential"),
        (["lr=linear:0"], r"'0' is not a whole number above 0"),
        (["lr=linear:-5"], r"'-5' is not a whole number"),
        (["lr=linear:1.5"], r"'1\.5' is not a whole number"),
        (["lr=linear:5:6"], r"not of the form"),
        (["batch=8:64:5:grow"], r"'grow' is not 'scale'"),
        (["batch=8:64"], r"not of the form batch="),
        (["layers="], r"'' is not a whole number"),
        (["data=0:5"], r"fraction 0 is not above 0"),
        (["data=1.5:5"], r"fraction 1\.5 is not above 0 and up to 1"),
        (["data=nan:5"], r"fraction nan"),
        (["data=half:5"], r"data=half:5 is not of the form"),
        (["data=0.5:5:hard"], r"'hard' is not one of random, easy"),
        (["data=0.5:5:easy:more"], r"not of the form data="),
        (["loss=hinge:5"], r"'hinge' is not one of"),
        (["lr=linear:5", "lr=constant:5"], r"warm-up lr is given twice"),
        (["lr=linear:101"], r"takes 101 steps, the whole training 100"),
    ],
)
def test_wrong_words_are_refused_with_what_is_expected(words: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_warmups(words, 100)


@pytest.mark.parametrize(
    "warmups",
    [{}, {"lr_warmup": LINEAR, "batch_warmup": BatchWarmup(4, 32, 10), "data_warmup": DataWarmup(0.5, 9)}],
)
def test_a_plan_is_a_pure_function_of_the_step(warmups: dict[str, Any]) -> None:
    schedule, same = (
        TrainSchedule(100, batch_size=32, **warmups),
        TrainSchedule(100, batch_size=32, **warmups),
    )
    forwards = [
        (schedule.lr_lambda(s), schedule.batch_size_at(s), schedule.data_fraction_at(s)) for s in range(100)
    ]
    backwards = [
        (same.lr_lambda(s), same.batch_size_at(s), same.data_fraction_at(s)) for s in reversed(range(100))
    ]
    assert forwards == backwards[::-1]
