"""The training loop."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from plate_ocr.errors import DeviceError, TrainingError
from plate_ocr.metrics import accuracy
from plate_ocr.model.cards import ModelCard
from plate_ocr.networks.mlp import BPNetwork
from plate_ocr.training.characters.evaluate import class_probabilities, extract_features
from plate_ocr.training.core.config import TrainSettings
from plate_ocr.training.core.device import pick_device
from plate_ocr.training.core.epoch import Epoch, metrics_csv
from plate_ocr.training.core.schedule import LayerWarmup, Loss, LrSchedule, LrWarmup, TrainSchedule
from plate_ocr.training.core.trainer import Trainer
from tests.conftest import CPU, Learnt, new_network

LOSSES: list[Loss] = ["cross_entropy", "squared_error"]


def rows_of(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Noise, with more under the window of the class."""
    return torch.eye(25)[labels] + 0.5 * torch.rand(len(labels), 25, generator=generator)


def batch_at(step: int) -> tuple[Tensor, Tensor]:
    """An easy task; every third batch is small; it depends on the step alone."""
    generator = torch.Generator().manual_seed(step)
    labels = torch.randint(10, (5 if step % 3 == 2 else 16,), generator=generator)
    return rows_of(labels, generator), torch.eye(10)[labels]


def batches(start: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches without end, from a step on."""
    step = start
    while True:
        yield batch_at(step)
        step += 1


def on_fresh_rows(network: nn.Module) -> float:
    device = next(network.parameters()).device
    labels = torch.arange(400) % 10
    inputs = rows_of(labels, torch.Generator().manual_seed(99)).to(device)
    return float((network(inputs).argmax(1).cpu() == labels).float().mean())


def trainer_of(
    card: ModelCard,
    schedule: TrainSchedule | None = None,
    *,
    patience: int = 1000,
    min_delta: float = 0.0,
    seed: int = 0,
) -> Trainer:
    """Six epochs of three steps unless the plan says otherwise."""
    schedule = schedule or TrainSchedule(steps=18, lr=2e-2)
    return Trainer(
        new_network(card, seed),
        schedule,
        TrainSettings(steps_per_epoch=3, patience=patience, min_delta=min_delta),
        CPU,
    )


def test_it_learns_rendered_digits_in_seconds(learnt: Learnt) -> None:
    assert max(epoch.val_metric for epoch in learnt.trainer.history) > 0.95
    test = extract_features(learnt.split.test.stack, learnt.split.test.labels, learnt.card.preprocessing)
    before = accuracy(class_probabilities(new_network(learnt.card), test), test.labels)
    after = accuracy(class_probabilities(learnt.network, test), test.labels)
    assert before < 0.3
    assert after > 0.9


@pytest.mark.parametrize("loss", LOSSES)
def test_both_losses_are_learnt_from(loss: Loss, digit_card: ModelCard) -> None:
    trainer = trainer_of(digit_card, TrainSchedule(steps=180, lr=2e-2, loss=loss))
    before = on_fresh_rows(trainer.network)
    trainer.fit(batches, on_fresh_rows)
    assert before < 0.3
    assert trainer.history[-1].val_metric > 0.6
    assert trainer.history[-1].train_loss < 0.6 * trainer.history[0].train_loss


@pytest.mark.parametrize("lr_schedule", ["cosine", "step"])
def test_the_rate_of_every_step_is_the_plans(lr_schedule: LrSchedule, digit_card: ModelCard) -> None:
    schedule = TrainSchedule(steps=12, lr=2e-2, lr_schedule=lr_schedule, lr_warmup=LrWarmup("linear", 3))
    trainer = trainer_of(digit_card, schedule)
    lrs: list[float] = []
    trainer.fit(batches, on_fresh_rows, on_step=lambda step, lr, loss: lrs.append(lr))
    assert len(lrs) == 12
    assert lrs[:4] == pytest.approx([2e-2 / 3, 2e-2 * 2 / 3, 2e-2, 2e-2])
    if lr_schedule == "cosine":
        # Half way down: 4.5 of 9 steps, between the fifth and the sixth of them.
        assert (lrs[7] + lrs[8]) / 2 == pytest.approx(1e-2, rel=0.01)
        assert lrs[3:] == sorted(lrs[3:], reverse=True)
    else:
        assert lrs[3:] == pytest.approx([2e-2] * 3 + [2e-3] * 3 + [2e-4] * 3)
    assert [epoch.lr for epoch in trainer.history] == lrs[2::3]


def test_callbacks_hear_of_every_step_and_epoch(digit_card: ModelCard) -> None:
    trainer = trainer_of(digit_card, TrainSchedule(steps=7, lr=2e-2))
    steps: list[int] = []
    losses: list[float] = []
    epochs: list[Epoch] = []
    saved: list[int] = []

    def on_step(step: int, lr: float, loss: float) -> None:
        steps.append(step)
        losses.append(loss)

    trainer.fit(
        batches,
        on_fresh_rows,
        save=lambda: saved.append(len(trainer.history)),
        on_step=on_step,
        on_epoch=epochs.append,
    )
    assert steps == [1, 2, 3, 4, 5, 6, 7]
    assert epochs == trainer.history
    # The last epoch is shorter: the plan ends.
    assert [(epoch.epoch, epoch.step, epoch.batch_size) for epoch in epochs] == [
        (1, 3, 5),
        (2, 6, 5),
        (3, 7, 16),
    ]
    assert saved == [1, 2, 3]
    # The mean over rows: a small batch counts by its size.
    assert epochs[0].train_loss == pytest.approx((16 * losses[0] + 16 * losses[1] + 5 * losses[2]) / 37)
    assert epochs[2].train_loss == pytest.approx(losses[6])


def test_training_and_validation_each_have_the_networks_mode(digit_card: ModelCard) -> None:
    trainer = trainer_of(digit_card, TrainSchedule(steps=6))
    modes: list[str] = []

    def remember(network: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        modes.append("training" if network.training else "evaluation")
        assert torch.is_grad_enabled() == network.training

    trainer.network.register_forward_pre_hook(remember)
    trainer.fit(batches, on_fresh_rows)
    assert modes == [*["training"] * 3, "evaluation"] * 2


def test_only_the_open_groups_learn(digit_card: ModelCard) -> None:
    network = new_network(digit_card)
    schedule = TrainSchedule(steps=6, lr=2e-2, layers_warmup=LayerWarmup(3))
    trainer = Trainer(network, schedule, TrainSettings(1), CPU, groups=[network.output, network.hidden])
    before = {name: value.clone() for name, value in network.state_dict().items()}
    moved: list[set[str]] = []

    def on_step(step: int, lr: float, loss: float) -> None:
        now = network.state_dict()
        moved.append({name.split(".")[0] for name in before if not torch.equal(before[name], now[name])})
        before.update({name: value.clone() for name, value in now.items()})

    trainer.fit(batches, on_fresh_rows, on_step=on_step)
    assert moved == [{"output"}] * 3 + [{"output", "hidden"}] * 3


def test_frozen_layers_keep_weights_and_batch_statistics() -> None:
    network = nn.Sequential(nn.Linear(25, 8), nn.BatchNorm1d(8), nn.Linear(8, 10))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    settings = TrainSettings(steps_per_epoch=3)
    trainer = Trainer(network, TrainSchedule(steps=6), settings, CPU, frozen=(network[0], network[1]))
    trainer.fit(batches, on_fresh_rows)
    after = network.state_dict()
    assert {name[0] for name in before if not torch.equal(before[name], after[name])} == {"2"}


def test_lower_groups_learn_at_lower_rates(digit_card: ModelCard) -> None:
    network = new_network(digit_card)
    schedule = TrainSchedule(steps=2, lr=1e-2, lr_schedule="constant", layers_warmup=LayerWarmup(1))
    settings = TrainSettings(1, weight_decay=0)
    trainer = Trainer(network, schedule, settings, CPU, groups=[network.output, network.hidden])
    before = {name: value.clone() for name, value in network.state_dict().items()}
    moves: list[tuple[float, float]] = []

    def on_step(step: int, lr: float, loss: float) -> None:
        now = network.state_dict()
        output, hidden = (
            float((now[name] - before[name]).abs().max()) for name in ("output.weight", "hidden.weight")
        )
        moves.append((output, hidden))
        before.update({name: value.clone() for name, value in now.items()})

    trainer.fit(batches, on_fresh_rows, on_step=on_step)
    # Adam's first move of a weight is its learning rate.
    assert moves[0][0] == pytest.approx(1e-2, rel=0.01)
    assert moves[0][1] == 0
    assert moves[1][1] == pytest.approx(1e-2 / 2.6, rel=0.01)


def fit_to(trainer: Trainer, measures: list[float]) -> list[dict[str, Tensor]]:
    """Train with given validation measures; the weights after each epoch."""
    weights: list[dict[str, Tensor]] = []

    def validate(network: nn.Module) -> float:
        weights.append({name: value.clone() for name, value in network.state_dict().items()})
        return measures[len(weights) - 1]

    trainer.fit(batches, validate)
    return weights


@pytest.mark.parametrize(
    ("measures", "best"),
    [([0.1, 0.5, 0.4, 0.3, 0.2, 0.1], 2), ([0.1, 0.5, 0.4, 0.5, 0.2, 0.1], 4), ([0.0] * 6, 6)],
)
def test_the_best_weights_are_kept_and_of_equals_the_later(
    measures: list[float], best: int, digit_card: ModelCard
) -> None:
    check_best(trainer_of(digit_card), measures, best)


def test_weights_that_are_hardly_worse_are_as_good(digit_card: ModelCard) -> None:
    measures = [0.45, 0.5, 0.46, 0.44, 0.45, 0.1]
    for min_delta, best in ((0.0, 2), (0.042, 3), (0.052, 5)):
        check_best(trainer_of(digit_card, min_delta=min_delta), measures, best)


def check_best(trainer: Trainer, measures: list[float], best: int) -> None:
    weights = fit_to(trainer, measures)
    assert trainer.best_epoch == best
    for name, value in trainer.best.items():
        assert torch.equal(value, weights[best - 1][name])
        assert best == 6 or not torch.equal(value, weights[-1][name])


@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (2, 4), (10, 6)])
def test_it_stops_when_validation_has_stopped_getting_better(
    patience: int, epochs: int, digit_card: ModelCard
) -> None:
    trainer = trainer_of(digit_card, patience=patience)
    fit_to(trainer, [0.1, 0.5, 0.4, 0.5, 0.2, 0.1])
    assert len(trainer.history) == epochs
    assert trainer.finished


def test_before_the_first_epoch_nothing_is_best(digit_card: ModelCard) -> None:
    trainer = trainer_of(digit_card)
    assert trainer.best_epoch == 0
    assert not trainer.finished


def test_training_accuracy_is_none_in_an_epoch_without_a_counted_batch(digit_card: ModelCard) -> None:
    trainer = Trainer(new_network(digit_card), TrainSchedule(steps=3), TrainSettings(steps_per_epoch=1), CPU)
    trainer.fit(batches, on_fresh_rows)
    assert [epoch.train_acc is None for epoch in trainer.history] == [False, True, True]
    assert metrics_csv(trainer.history).splitlines()[2].split(b",")[5] == b""


class CutError(Exception):
    """The power fails."""


def comparable(history: list[Epoch]) -> list[tuple[float | None, ...]]:
    return [(e.epoch, e.step, e.lr, e.batch_size, e.train_loss, e.train_acc, e.val_metric) for e in history]


@pytest.mark.parametrize("cut_at", [1, 7, 9, 17])
def test_a_training_stopped_at_any_step_goes_on_as_it_would_have(cut_at: int, digit_card: ModelCard) -> None:
    schedule = TrainSchedule(steps=18, lr=2e-2, lr_warmup=LrWarmup("linear", 8))
    whole, begun = trainer_of(digit_card, schedule), trainer_of(digit_card, schedule)
    steps: list[tuple[int, float, float]] = []
    whole.fit(batches, on_fresh_rows, on_step=lambda *step: steps.append(step))
    checkpoint = io.BytesIO()

    def on_step(step: int, lr: float, loss: float) -> None:
        if step == cut_at:
            torch.save(begun.state(), checkpoint)
        if step > cut_at:
            raise CutError

    with pytest.raises(CutError):
        begun.fit(batches, on_fresh_rows, on_step=on_step)
    checkpoint.seek(0)
    resumed = trainer_of(digit_card, schedule, seed=7)
    resumed.load_state(torch.load(checkpoint, weights_only=True))
    assert resumed.step == cut_at
    resumed_steps: list[tuple[int, float, float]] = []
    resumed.fit(batches, on_fresh_rows, on_step=lambda *step: resumed_steps.append(step))

    assert resumed_steps == steps[cut_at:]
    # on_step is called before the epoch is measured: a state saved in it lacks that measurement.
    if cut_at % 3:
        assert comparable(resumed.history) == comparable(whole.history)
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name])


def test_what_is_saved_after_an_epoch_holds_it(digit_card: ModelCard) -> None:
    whole, begun = trainer_of(digit_card), trainer_of(digit_card)
    whole.fit(batches, on_fresh_rows)
    checkpoint = io.BytesIO()

    def save() -> None:
        if begun.step == 9:
            torch.save(begun.state(), checkpoint)

    def on_epoch(epoch: Epoch) -> None:
        if epoch.epoch == 3:
            raise CutError

    with pytest.raises(CutError):
        begun.fit(batches, on_fresh_rows, save=save, on_epoch=on_epoch)
    checkpoint.seek(0)
    resumed = trainer_of(digit_card, seed=7)
    resumed.load_state(torch.load(checkpoint, weights_only=True))
    assert len(resumed.history) == 3
    resumed.fit(batches, on_fresh_rows)
    assert comparable(resumed.history) == comparable(whole.history)
    for name, value in whole.best.items():
        assert torch.equal(value, resumed.best[name])


def test_the_best_weights_so_far_survive_a_stop(digit_card: ModelCard) -> None:
    begun = trainer_of(digit_card, TrainSchedule(steps=9, lr=2e-2))
    weights = fit_to(begun, [0.3, 0.9, 0.4])
    checkpoint = io.BytesIO()
    torch.save(begun.state(), checkpoint)
    checkpoint.seek(0)
    resumed = trainer_of(digit_card, seed=7)
    resumed.load_state(torch.load(checkpoint, weights_only=True))
    assert resumed.best_epoch == 2
    for name, value in resumed.best.items():
        assert torch.equal(value, weights[1][name])


def test_a_long_epoch_is_saved_in_between(digit_card: ModelCard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plate_ocr.training.core.trainer.SAVE_SECONDS", 0.0)
    trainer = trainer_of(digit_card, TrainSchedule(steps=6))
    saved: list[int] = []
    trainer.fit(batches, on_fresh_rows, save=lambda: saved.append(trainer.step))
    assert saved == [1, 2, 3, 4, 5, 6]


def test_the_seed_of_the_weights_decides_everything(digit_card: ModelCard) -> None:
    one, same = trainer_of(digit_card), trainer_of(digit_card)
    for trainer in (one, same):
        trainer.fit(batches, on_fresh_rows)
    assert comparable(one.history) == comparable(same.history)


def test_a_loss_that_is_no_number_stops_before_it_spoils_the_weights(
    digit_card: ModelCard,
) -> None:
    def broken(start: int) -> Iterator[tuple[Tensor, Tensor]]:
        for step, (inputs, target) in enumerate(batches(start), start):
            yield inputs * (torch.nan if step == 4 else 1), target

    trainer = trainer_of(digit_card)
    with pytest.raises(TrainingError, match=r"became nan in step 5 at learning rate .*lower learning rate"):
        trainer.fit(broken, on_fresh_rows)
    assert all(value.isfinite().all() for value in trainer.network.state_dict().values())


def test_where_memory_runs_out_the_message_says_what_fitted(digit_card: ModelCard) -> None:
    class Hungry(BPNetwork):
        """Has memory for five rows."""

        def forward(self, ratios: Tensor) -> Tensor:
            """As the network, or no memory."""
            if len(ratios) > 5:
                raise RuntimeError("CUDA out of memory. Tried to allocate")
            return super().forward(ratios)

    trainer = Trainer(Hungry(), TrainSchedule(steps=6), TrainSettings(3), CPU)
    with pytest.raises(TrainingError, match=r"out of memory with a batch of 16 rows; 5 rows fit"):
        trainer.fit(lambda start: batches(2), on_fresh_rows)


def test_other_errors_of_the_network_are_not_swallowed(digit_card: ModelCard) -> None:
    with pytest.raises(RuntimeError, match="shapes"):
        trainer_of(digit_card).fit(lambda _: iter([(torch.ones(2, 7), torch.eye(10)[:2])]), on_fresh_rows)


@pytest.mark.parametrize("wanted", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused_with_what_to_do(
    wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert pick_device("cpu") == pick_device("auto") == torch.device("cpu")
    with pytest.raises(DeviceError, match=rf"{wanted.upper()} is not available.*--device cpu"):
        pick_device(wanted)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_gpu_alone_gets_batches_from_pinned_memory(
    device: str, digit_card: ModelCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = trainer_of(digit_card, TrainSchedule(steps=2))
    trainer.device = torch.device(device)
    pinned: list[Tensor] = []
    moved: list[tuple[str, bool]] = []

    def pin(rows: Tensor) -> Tensor:
        pinned.append(rows)
        return rows

    def to(rows: Tensor, where: torch.device, *, non_blocking: bool = False) -> Tensor:
        moved.append((where.type, non_blocking))
        return rows

    monkeypatch.setattr(Tensor, "pin_memory", pin)
    monkeypatch.setattr(Tensor, "to", to)
    trainer.fit(batches, lambda _: 0.0)
    assert moved == [(device, device == "cuda")] * 4  # inputs and targets of two steps
    assert len(pinned) == (4 if device == "cuda" else 0)


@pytest.mark.cuda
def test_it_learns_on_a_gpu(digit_card: ModelCard) -> None:
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    settings = TrainSettings(steps_per_epoch=3)
    trainer = Trainer(
        new_network(digit_card), TrainSchedule(steps=180, lr=2e-2), settings, pick_device("cuda")
    )
    trainer.fit(batches, on_fresh_rows)
    assert trainer.history[-1].val_metric > 0.6
    assert all(value.device.type == "cpu" for value in trainer.best.values())
