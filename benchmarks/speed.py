"""How long things take, always against something else in the same run: these ratios carry over."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from plate_ocr.alphabet import DIGITS, LETTERS, Alphabet
from plate_ocr.networks.mlp import BPNetwork
from plate_ocr.readers.classical import CharClassifier
from plate_ocr.rendering.characters import render_characters
from plate_ocr.rendering.fonts import bundled_fonts
from plate_ocr.training.characters.config import CharsRunConfig, DigitsRunConfig
from plate_ocr.training.characters.synthetic import render_dataset
from plate_ocr.training.core.config import TrainSettings
from plate_ocr.training.core.device import pick_precision
from plate_ocr.training.core.schedule import TrainSchedule
from plate_ocr.training.core.trainer import Trainer
from plate_ocr.vision.preprocessing import find_candidates, stack_characters
from plate_ocr.vision.settings import Preprocessing

RUNS = 10
BATCH, LR = 256, 8e-3
WANTED, EPOCHS = 0.97, 30


def best(of: Callable[[], object], runs: int = RUNS) -> float:
    """Least seconds of several runs."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        of()
        times.append(time.perf_counter() - started)
    return min(times)


def process_start() -> None:
    """``plate-ocr predict`` of one picture against importing what it needs: whole processes, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "7.png"
        cv2.imwrite(str(picture), render_characters("7", bundled_fonts()[:1])[0][0])
        code = "from plate_ocr.app.cli import main; main()"
        ours = [sys.executable, "-c", code, "predict", "--model", "digits", str(picture)]
        bare = [sys.executable, "-c", "import cv2, onnxruntime"]
        times: list[list[float]] = [[], []]
        for _ in range(RUNS):
            for command, mine in zip((ours, bare), times, strict=True):
                mine.append(best(partial(subprocess.run, command, check=True, capture_output=True), 1))
    ratio = min(times[0]) / min(times[1])
    print(
        f"| `plate-ocr predict 7.png`, whole process | `import cv2, onnxruntime` | {ratio:.2f} × the time |"
    )


def characters_a_second() -> None:
    """Pre-cut characters through windows and network, one core."""
    pictures, _ = render_characters(DIGITS, bundled_fonts())
    batch = np.asarray(np.stack([cv2.resize(picture, (20, 32)) for picture in pictures] * 80), np.uint8)
    for name in ("digits", "chars"):
        classifier = CharClassifier(name, threads=1)
        seconds = best(partial(_classify, classifier, batch))
        rate = f"{len(batch) / seconds:,.0f} per second"
        print(f"| `{name}`: {len(batch)} pictures of 32×20, one core | | {rate} |")


def _classify(classifier: CharClassifier, batch: NDArray[np.uint8]) -> None:
    classifier.scores(stack_characters(batch, classifier.model.card.preprocessing))


@dataclass(frozen=True)
class Rows:
    """Row vectors of rendered characters: to learn from and held out."""

    learn: NDArray[np.float32]
    labels: NDArray[np.int64]
    check: NDArray[np.float32]
    answers: NDArray[np.int64]
    classes: int
    hidden: int

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Of a network that learns from them."""
        return self.learn.shape[1], self.hidden, self.classes

    def batches(self, epoch: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """All rows, mixed anew in every epoch."""
        inputs, target = torch.from_numpy(self.learn), torch.eye(self.classes)[torch.from_numpy(self.labels)]
        mixed = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(epoch))
        return [(inputs[part], target[part]) for part in torch.split(mixed, BATCH)]

    def stream(self, start: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Batches from a step on, without end."""
        steps = -(-len(self.learn) // BATCH)
        for epoch in itertools.count(start // steps):
            yield from self.batches(epoch)

    def accuracy(self, network: torch.nn.Module) -> float:
        """On the rows held out."""
        return float((network(torch.from_numpy(self.check)).argmax(1).numpy() == self.answers).mean())


def rendered_rows(characters: str, settings: Preprocessing, hidden: int, each: int) -> Rows:
    """Row vectors of distorted characters in the installed fonts, ``each`` of a character and font."""
    data = render_dataset(Alphabet(characters), bundled_fonts(), settings, each, seed=0)
    candidates = find_candidates(data.stack, settings)
    rows, labels = candidates.ratios, data.labels[candidates.owner]
    order = np.random.default_rng(0).permutation(len(rows))
    learn, check = np.split(order, [len(rows) * 4 // 5])
    return Rows(rows[learn], labels[learn], rows[check], labels[check], len(characters), hidden)


def training() -> None:
    """Networks as we train them against scikit-learn's: same rows, batches and optimiser."""
    digits = rendered_rows(DIGITS, DigitsRunConfig().preprocessing, DigitsRunConfig.hidden, 60)
    ours, theirs = (best(partial(train, digits), 3) for train in (_ours_until, _theirs_until))
    print(
        f"| training {_arrows(digits)} to {WANTED:.0%} of {len(digits.check)} held out "
        f"| scikit-learn `MLPClassifier` | {ours / theirs:.2f} × the time |"
    )
    chars = rendered_rows(DIGITS + LETTERS, CharsRunConfig().preprocessing, CharsRunConfig.hidden, 20)
    for rows, epochs in ((digits, EPOCHS), (chars, EPOCHS // 6)):
        ours = best(partial(_ours_for, rows, epochs), 3)
        theirs = best(partial(_theirs_for, rows, epochs), 3)
        precision = pick_precision(torch.device("cpu"), BPNetwork(*rows.sizes))
        print(
            f"| training {_arrows(rows)} for {epochs} epochs of {len(rows.learn):,}, {precision} "
            f"| scikit-learn `MLPClassifier` | {ours / theirs:.2f} × the time |"
        )


def _arrows(rows: Rows) -> str:
    return " → ".join(map(str, rows.sizes))


class _Reached(Exception):  # noqa: N818 - it is what was hoped for
    pass


def _ours_until(rows: Rows) -> None:
    def validate(network: torch.nn.Module) -> float:
        if rows.accuracy(network) >= WANTED:
            raise _Reached
        return 0.0

    with contextlib.suppress(_Reached):
        _trainer(rows, 200).fit(rows.stream, validate)
        raise SystemExit(f"ours did not reach {WANTED}")


def _ours_for(rows: Rows, epochs: int) -> None:
    _trainer(rows, epochs).fit(rows.stream, lambda _: 0.0)


def _trainer(rows: Rows, epochs: int) -> Trainer:
    torch.manual_seed(0)
    network, device = BPNetwork(*rows.sizes), torch.device("cpu")
    steps = -(-len(rows.learn) // BATCH)
    schedule = TrainSchedule(epochs * steps, LR, BATCH, "constant")
    return Trainer(network, schedule, TrainSettings(steps, precision=pick_precision(device, network)), device)


def _theirs_until(rows: Rows) -> None:
    network = MLPClassifier(
        (rows.hidden,), batch_size=BATCH, learning_rate_init=LR, random_state=0, max_iter=1, warm_start=True
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for _ in range(200):
            network.fit(rows.learn, rows.labels)
            if network.score(rows.check, rows.answers) >= WANTED:
                return
    raise SystemExit(f"scikit-learn did not reach {WANTED}")


def _theirs_for(rows: Rows, epochs: int) -> None:
    network = MLPClassifier(
        (rows.hidden,),
        batch_size=BATCH,
        learning_rate_init=LR,
        random_state=0,
        max_iter=epochs,
        n_iter_no_change=epochs,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(rows.learn, rows.labels)


def overhead() -> None:
    """The trainer against a loop with nothing but the steps, for a network as large as that of ``chars``."""
    sizes, steps = (192, 512, 67), 200
    generator = torch.Generator().manual_seed(0)
    inputs = torch.rand(BATCH, sizes[0], generator=generator)
    target = torch.eye(sizes[2])[torch.randint(sizes[2], (BATCH,), generator=generator)]
    schedule = TrainSchedule(steps, LR, BATCH)

    def ours() -> None:
        trainer = Trainer(BPNetwork(*sizes), schedule, TrainSettings(steps), torch.device("cpu"))
        trainer.fit(lambda _: itertools.repeat((inputs, target)), lambda _: 0.0)

    def bare() -> None:
        network = BPNetwork(*sizes)
        optimizer = torch.optim.AdamW(network.parameters(), LR, weight_decay=1e-3, fused=True)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule.lr_lambda)
        for _ in range(steps):
            loss = torch.nn.functional.cross_entropy(network(inputs), target)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            scheduler.step()
            loss.item()

    pairs = [(best(ours, 1), best(bare, 1)) for _ in range(RUNS)]
    ratio = min(a for a, _ in pairs) / min(b for _, b in pairs)
    print(f"| {steps} steps of the trainer, 192 → 512 → 67 | a bare loop | {ratio:.2f} × the time |")


def main() -> None:
    """Print a table."""
    print("| ours | against | |")
    print("|---|---|---|")
    process_start()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    characters_a_second()
    training()
    overhead()


if __name__ == "__main__":
    main()
