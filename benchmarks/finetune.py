"""Fine-tuning on few pictures of another country: from ``chars`` or from scratch.

Half of the UK characters are learnt from, at most so many of a class, the other half is measured on. The
weights are thrown away.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import data_folder, labelled_characters
from plate_ocr.alphabet import Alphabet
from plate_ocr.model.cards import ModelCard
from plate_ocr.networks.mlp import network_for
from plate_ocr.text import fold_lookalikes
from plate_ocr.training.characters.augment import Augmentation
from plate_ocr.training.characters.batches import CharBatches, WeightedStepSampler, class_balance
from plate_ocr.training.characters.config import CharsRunConfig
from plate_ocr.training.characters.dataset import CharData, normalize_polarity
from plate_ocr.training.characters.evaluate import class_probabilities, extract_features
from plate_ocr.training.characters.transfer import transfer
from plate_ocr.training.core.config import TrainSettings
from plate_ocr.training.core.schedule import LayerWarmup, LrWarmup, TrainSchedule
from plate_ocr.training.core.trainer import Trainer
from plate_ocr.vision.preprocessing import stack_characters

SEEDS, STEPS, BATCH = 5, 200, 64
LRS = {"scratch": 4e-3, "chars": 1e-3}
SETTINGS = CharsRunConfig().preprocessing


def load() -> tuple[CharData, Alphabet]:
    """All UK characters, glyphs bright."""
    pictures, labels = labelled_characters(data_folder() / "chars" / "uk")
    alphabet = Alphabet("".join(c for c in CharsRunConfig.alphabet if c in labels))
    classes = alphabet.encode(labels)
    stack = normalize_polarity(stack_characters(pictures, SETTINGS), classes, SETTINGS)
    names = np.array([str(i) for i in range(len(classes))])
    return CharData(stack, classes, names, names), alphabet


def choose(labels: NDArray[np.int64], most: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """At most so many of the first half of each class, and all of the second half."""
    learn, check = list[int](), list[int]()
    for label in np.unique(labels):
        mixed = np.random.default_rng((seed, label)).permutation(np.flatnonzero(labels == label))
        half = len(mixed) // 2
        learn += mixed[: min(most, half)].tolist()
        check += mixed[half:].tolist()
    return np.array(learn), np.array(check)


def accuracy(
    start: str, layers: bool, learn: CharData, check: CharData, alphabet: Alphabet, seed: int
) -> float:
    """Train once; share of the held-out characters read right, O=0 and I=1."""
    torch.manual_seed(seed)
    card = ModelCard(alphabet, SETTINGS, CharsRunConfig.hidden)
    network = network_for(card)
    if start == "chars":
        transfer("chars", network, card)
    warm = LayerWarmup(STEPS // 4) if layers else None
    schedule = TrainSchedule(
        STEPS, LRS[start], BATCH, lr_warmup=LrWarmup("linear", STEPS // 20), layers_warmup=warm
    )
    order = np.arange(len(learn))
    draws = WeightedStepSampler(class_balance(learn.labels), schedule, order, seed)
    device = torch.device("cpu")
    batches = CharBatches(learn.stack, learn.labels, len(alphabet), SETTINGS, Augmentation(), draws, device)
    trainer = Trainer(network, schedule, TrainSettings(STEPS), device, network.groups())
    trainer.fit(batches, lambda _: 0.0)
    probabilities = class_probabilities(network.eval(), extract_features(check.stack, check.labels, SETTINGS))
    read = fold_lookalikes(alphabet.decode(probabilities.argmax(1)))
    return float(
        np.mean(np.array(list(read)) == np.array(list(fold_lookalikes(alphabet.decode(check.labels)))))
    )


def main() -> None:
    """Print a table."""
    torch.set_num_threads(1)
    data, alphabet = load()
    print(
        "| at most per class | training pictures | start | layers one by one | right, mean of 5 seeds | ± |"
    )
    print("|---|---|---|---|---|---|")
    for most, start, layers in itertools.product((5, 20, 50), ("scratch", "chars"), (False, True)):
        values = []
        for seed in range(SEEDS):
            learn, check = choose(data.labels, most, seed)
            values.append(accuracy(start, layers, data[learn], data[check], alphabet, seed))
        word = "yes" if layers else "no"
        mean, spread = np.mean(values), 100 * np.std(values, ddof=1)
        print(f"| {most} | {len(learn)} | {start} | {word} | {mean:.2%} | {spread:.2f} |", flush=True)


if __name__ == "__main__":
    main()
