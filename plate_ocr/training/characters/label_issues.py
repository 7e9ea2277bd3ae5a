"""Finding wrong labels: samples whose loss stays high while others are learnt.

A network that meets distorted pictures learns what most of them have in common before it learns
single ones by heart, so that the loss of a wrong label stays high (cf. Arpit et al., *A Closer Look at
Memorization in Deep Networks*, 2017; Pleiss et al., *Identifying Mislabeled Data using the Area Under
the Margin Ranking*, 2020).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from plate_ocr.alphabet import Alphabet
from plate_ocr.files import write_whole
from plate_ocr.training.characters.dataset import CharData
from plate_ocr.training.characters.evaluate import FeatureSet, class_probabilities
from plate_ocr.vision.drawing import contact_sheet, to_png

LISTED_FRACTION = 0.04
"""Part of the samples that is listed."""

MAX_DRAWN = 60
"""Suspects drawn as pictures."""


class SampleLossTracker:
    """Follows the loss of every training sample over the epochs.

    Args:
        data: the training part, as it is read (not distorted).

    Attributes:
        total: float64 ``[N]``: each sample's sum of losses.
        updates: how many it is the sum of.
        latest: float32 ``(N, classes)``: probabilities at the last look.
    """

    def __init__(self, data: FeatureSet) -> None:
        self._data = data
        self.total = torch.zeros(data.count, dtype=torch.float64)
        self.updates = 0
        self.latest: NDArray[np.float32] = np.zeros((data.count, 0), np.float32)

    def update(self, network: nn.Module) -> None:
        """Add each sample's present loss."""
        self.latest = class_probabilities(network, self._data)
        right = self.latest[np.arange(self._data.count), self._data.labels]
        self.total += torch.from_numpy(-np.log(np.maximum(right, 1e-6)).astype(np.float64))
        self.updates += 1

    def state(self) -> dict[str, Tensor | int]:
        """What a stopped training has to keep."""
        return {"total": self.total.clone(), "updates": self.updates}

    def load_state(self, state: Mapping[str, Tensor | int]) -> None:
        """Go on from a :meth:`state`."""
        self.total = torch.as_tensor(state["total"]).clone()
        self.updates = int(state["updates"])

    def worst(self, fraction: float = LISTED_FRACTION) -> NDArray[np.int64]:
        """The samples with the highest mean loss, the highest first: a part of all."""
        count = max(1, round(fraction * self._data.count))
        return np.argsort(-self.total.numpy(), kind="stable")[:count]

    def mean(self) -> NDArray[np.float64]:
        """float64 ``(N,)``: each sample's mean loss."""
        return np.asarray(self.total.numpy() / max(1, self.updates), np.float64)


@dataclass(frozen=True)
class LabelIssue:
    """A sample whose label may be wrong.

    Attributes:
        path: the picture.
        label: what the data says.
        read: what the network says.
        loss: mean over the epochs.
    """

    path: str
    label: str
    read: str
    loss: float


def list_label_issues(
    tracker: SampleLossTracker, network: nn.Module, data: CharData, alphabet: Alphabet
) -> list[LabelIssue]:
    """The samples whose loss stayed highest, the highest first."""
    tracker.update(network)
    read, mean = tracker.latest.argmax(1), tracker.mean()
    return [
        LabelIssue(str(data.names[i]), alphabet[int(data.labels[i])], alphabet[int(read[i])], float(mean[i]))
        for i in tracker.worst()
    ]


def write_label_issues(
    tracker: SampleLossTracker, network: nn.Module, data: CharData, alphabet: Alphabet, folder: Path
) -> list[LabelIssue]:
    """Write ``label_issues.csv`` and ``label_issues.png`` into a run folder.

    Raises:
        OutputError: if a file cannot be written.
    """
    label_issues = list_label_issues(tracker, network, data, alphabet)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image_path", "label", "read", "loss"])
    writer.writerows([s.path, s.label, s.read, f"{s.loss:.4f}"] for s in label_issues)
    write_whole(folder / "label_issues.csv", text.getvalue().encode(errors="surrogateescape"))
    shown = tracker.worst()[:MAX_DRAWN]
    captions = [f"{s.label}, read {s.read}" for s in label_issues[: len(shown)]]
    sheet = contact_sheet([data.stack.gray[i] for i in shown], captions, columns=10)
    write_whole(folder / "label_issues.png", to_png(sheet))
    return label_issues
