"""``train_test_split`` on samples and labels in one call, and in two calls that do not know of each other."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from benchmarks import data_folder, labelled_characters
from plate_ocr.alphabet import DIGITS, Alphabet
from plate_ocr.networks.mlp import BPNetwork
from plate_ocr.training.characters.batches import RowBatches, WeightedStepSampler
from plate_ocr.training.core.config import TrainSettings
from plate_ocr.training.core.schedule import LrWarmup, TrainSchedule
from plate_ocr.training.core.trainer import Trainer
from plate_ocr.vision.preprocessing import find_candidates, stack_characters
from plate_ocr.vision.settings import Preprocessing


def learnt_accuracy(X: NDArray[np.float32], y: NDArray[np.int64], *, one_call: bool) -> float:
    """Accuracy on the test part after 300 steps on the training part.

    Args:
        X: float32 ``(N, values)``.
        y: int64 ``(N,)``: digits.
        one_call: split both in one call, or each in a call of its own.
    """
    if one_call:
        X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
    else:
        X_train, X_test = train_test_split(X, test_size=0.2, random_state=0)
        y_train, y_test = train_test_split(y, test_size=0.2, random_state=1)
    torch.manual_seed(0)
    schedule = TrainSchedule(300, 4e-3, 64, lr_warmup=LrWarmup("linear", 15))
    draws = WeightedStepSampler(np.ones(len(X_train)), schedule, np.arange(len(X_train)), 0)
    batches = RowBatches(torch.from_numpy(X_train), torch.eye(10)[torch.from_numpy(y_train)], draws)
    trainer = Trainer(BPNetwork(X.shape[1]), schedule, TrainSettings(300), torch.device("cpu"))
    trainer.fit(batches, lambda _: 0.0)
    return float((trainer.network(torch.from_numpy(X_test)).argmax(1).numpy() == y_test).mean())


def main() -> None:
    """Print both figures."""
    pictures, labels = labelled_characters(data_folder() / "chars" / "easypr")
    digits = [i for i, label in enumerate(labels) if label in DIGITS]
    settings = Preprocessing()
    tried = find_candidates(stack_characters([pictures[i] for i in digits], settings), settings)
    y = Alphabet(DIGITS).encode(labels[i] for i in digits)[tried.owner]
    print(f"in one call {learnt_accuracy(tried.ratios, y, one_call=True):.1%}")
    print(f"in two calls {learnt_accuracy(tried.ratios, y, one_call=False):.1%}")


if __name__ == "__main__":
    main()
