"""How long things take, always against something else in the same run: these ratios carry over."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from plate_ocr import CharClassifier
from plate_ocr.alphabet import DIGITS, Alphabet
from plate_ocr.networks import BPNetwork
from plate_ocr.training.synth import bundled_fonts, render_characters, render_dataset
from plate_ocr.training.trainer import Trainer, TrainSettings
from plate_ocr.vision.characters import Preprocessing, candidates, stack_characters

RUNS = 10
HIDDEN = 128


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
        print(
            f"| `{name}`: {len(batch)} pictures of 32×20, one core | | {len(batch) / seconds:,.0f} a second |"
        )


def _classify(classifier: CharClassifier, batch: NDArray[np.uint8]) -> None:
    classifier.scores(stack_characters(batch, classifier.model.card.preprocessing))


def training() -> None:
    """The digits network against scikit-learn's, same row vectors, until both are as accurate."""
    settings = Preprocessing()
    data = render_dataset(Alphabet(DIGITS), bundled_fonts(), settings, 60, seed=0)
    tried = candidates(data.stack, settings)
    rows, labels = tried.ratios, data.labels[tried.owner]
    order = np.random.default_rng(0).permutation(len(rows))
    cut = len(rows) * 4 // 5
    learn, check = order[:cut], order[cut:]
    wanted = 0.97

    ours = best(lambda: _train_ours(rows, labels, learn, check, wanted), 3)
    theirs = best(lambda: _train_sklearn(rows, labels, learn, check, wanted), 3)
    print(
        f"| training 25 → {HIDDEN} → 10 to {wanted:.0%} of {len(check)} held out, one core "
        f"| scikit-learn `MLPClassifier` | {ours / theirs:.2f} × the time |"
    )


def _train_ours(
    rows: NDArray[np.float32],
    labels: NDArray[np.int64],
    learn: NDArray[np.int64],
    check: NDArray[np.int64],
    wanted: float,
) -> None:
    torch.manual_seed(0)
    inputs, held_out = torch.from_numpy(rows[learn]), torch.from_numpy(rows[check])
    target = torch.eye(10)[torch.from_numpy(labels[learn])]
    answers = torch.from_numpy(labels[check])
    size = 256

    def batches(epoch: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        mixed = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(epoch))
        return [(inputs[part], target[part]) for part in torch.split(mixed, size)]

    class Reached(Exception):  # noqa: N818
        pass

    def validate(network: torch.nn.Module) -> float:
        accuracy = float((network(held_out).argmax(1) == answers).float().mean())
        if accuracy >= wanted:
            raise Reached
        return accuracy

    trainer = Trainer(
        BPNetwork(25, HIDDEN, 10),
        TrainSettings(epochs=200, steps_per_epoch=-(-len(inputs) // size), rate=8e-3),
        torch.device("cpu"),
    )
    try:
        trainer.fit(batches, validate)
    except Reached:
        return
    raise SystemExit(f"ours did not reach {wanted}")


def _train_sklearn(
    rows: NDArray[np.float32],
    labels: NDArray[np.int64],
    learn: NDArray[np.int64],
    check: NDArray[np.int64],
    wanted: float,
) -> None:
    network = MLPClassifier(
        (HIDDEN,), batch_size=256, learning_rate_init=8e-3, random_state=0, max_iter=1, warm_start=True
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for _ in range(200):
            network.fit(rows[learn], labels[learn])
            if network.score(rows[check], labels[check]) >= wanted:
                return
    raise SystemExit(f"scikit-learn did not reach {wanted}")


def main() -> None:
    """Print a table."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    print("| ours | against | |")
    print("|---|---|---|")
    process_start()
    characters_a_second()
    training()


if __name__ == "__main__":
    main()
