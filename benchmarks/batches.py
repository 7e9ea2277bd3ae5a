"""Pictures of different sizes in one batch: accuracy, time and memory of each way, measured on one core.

Each training that ends in an accuracy sees the same pictures equally often, so a larger batch makes
fewer steps. Times are the process's own processor time, the fastest epoch of each training; memory is
the most that the tensors of a forward and backward pass take at once, for the batch of an epoch with the
most pixels.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn.functional import cross_entropy
from torch.profiler import ProfilerActivity, profile

from benchmarks import data_folder, labelled_plates
from plate_ocr.alphabet import DIGITS, LETTERS, PROVINCES, Alphabet
from plate_ocr.training.characters.dataset import list_samples, load_samples, split_data
from plate_ocr.training.core.schedule import LrWarmup, TrainSchedule
from plate_ocr.training.mixed_sizes.collate import (
    BatchOfOne,
    EqualSizes,
    LabelledPicture,
    Padding,
    PictureBatch,
    Resizing,
    SizeBuckets,
)
from plate_ocr.training.mixed_sizes.network import ConvNetwork
from plate_ocr.vision.images import read_image, to_gray
from plate_ocr.vision.settings import Preprocessing

GROUP = r"^\d+-(?:\d+_(.+)|(\d+)-\d+)\.\w+$"
"""The plate in a file's name, as in the Makefile."""

LEARNT, MEASURED = 2048, 2000
COSTED = 1024
EPOCHS = 4
GRAIN = 4
ALPHABET = Alphabet(DIGITS + LETTERS + PROVINCES)
CLASSES = len(ALPHABET)
PLATE_HEIGHT = 32


@dataclass(frozen=True)
class Way:
    """One way to make batches of pictures of different sizes.

    Attributes:
        name: for the tables.
        collate: from pictures to a batch.
        grain: of the size buckets that the pictures are drawn from; 0 draws them at random.
        masked: whether the network is given the mask.
        epochs: of a training for accuracy.
    """

    name: str
    collate: Callable[[Sequence[LabelledPicture]], PictureBatch]
    grain: int = 0
    masked: bool = True
    epochs: int = EPOCHS

    def drawn(self, samples: Sequence[LabelledPicture], size: int, seed: int) -> list[list[int]]:
        """Which pictures meet in an epoch's batches."""
        if self.grain:
            sizes = [(picture.shape[0], picture.shape[1]) for picture, _ in samples]
            return list(SizeBuckets(sizes, size, grain=self.grain, seed=seed))
        mixed = np.random.default_rng(seed).permutation(len(samples)).tolist()
        return [mixed[i : i + size] for i in range(0, len(mixed), size)]

    def batches(self, samples: Sequence[LabelledPicture], size: int, seed: int) -> Iterator[PictureBatch]:
        """One epoch."""
        for drawn in self.drawn(samples, size, seed):
            batch = self.collate([samples[i] for i in drawn])
            yield batch if self.masked else PictureBatch(batch.pictures, None, batch.labels)


ONE = Way("batch of one", BatchOfOne())
EQUAL = Way("buckets of equal size", EqualSizes(), grain=1)
PADDED = Way("padded, mask", Padding())
NEAR = Way(f"buckets of {GRAIN} pixels, padded, mask", Padding(), grain=GRAIN)
LONGER = replace(NEAR, name=f"the same, {3 * EPOCHS} epochs", epochs=3 * EPOCHS)
RESIZED = Way("resized to 32×16", Resizing(32, 16))
GROUPED = Way("resized, drawn by size", Resizing(32, 16), grain=GRAIN)
"""Shows what the choice of neighbours does where sizes no longer play a part."""
BARE = Way("padded, no mask", Padding(), masked=False)

SIZES = (8, 32, 128, 512)
PLAN = (
    (ONE, (1,)),
    (EQUAL, SIZES),
    (PADDED, SIZES),
    (NEAR, SIZES),
    (LONGER, (32,)),
    (RESIZED, (1, *SIZES)),
    (GROUPED, (32,)),
    (BARE, (32,)),
)
"""At batch size 1 equal sizes and padding are the batch of one; resizing is not."""
LARGEST_TRAINED = 32
"""With larger batches the few pictures make too few steps to learn from: only their cost is measured."""


def characters() -> tuple[list[LabelledPicture], list[LabelledPicture]]:
    """Characters in their own sizes to learn from and to measure on, no plate in both."""
    listed, _ = list_samples(data_folder() / "chars" / "zhengpeng", GROUP)
    data, _ = load_samples(listed, ALPHABET, Preprocessing())
    split = split_data(data, val_fraction=0.15, test_fraction=0.15, seed=0)
    rng = np.random.default_rng(0)
    parts = []
    for part, most in ((split.train, LEARNT), (split.test, MEASURED)):
        chosen = rng.permutation(len(part))[:most]
        parts.append([(to_gray(read_image(Path(part.names[i]))), int(part.labels[i])) for i in chosen])
    return parts[0], parts[1]


def plates() -> list[LabelledPicture]:
    """Plates of one height in their own widths, without labels: for speed only."""
    pictures = []
    for plate in labelled_plates(data_folder() / "plates" / "us"):
        picture = to_gray(read_image(plate.path))
        width = round(picture.shape[1] * PLATE_HEIGHT / picture.shape[0])
        resized = cv2.resize(picture, (width, PLATE_HEIGHT), interpolation=cv2.INTER_AREA)
        pictures.append((np.asarray(resized, np.uint8), 0))
    return pictures


@dataclass(frozen=True)
class Lane:
    """How numbers are kept and laid out.

    Attributes:
        name: for the table.
        kind: of the forward pass under autocast.
        layout: of pictures and weights in memory.
    """

    name: str
    kind: torch.dtype = torch.float32
    layout: torch.memory_format = torch.contiguous_format


PLAIN = Lane("float32, default layout")
LANES = (
    PLAIN,
    Lane("float32, channels-last", layout=torch.channels_last),
    Lane("bfloat16, default layout", kind=torch.bfloat16),
    Lane("bfloat16, channels-last", kind=torch.bfloat16, layout=torch.channels_last),
)


class Learner:
    """A network and what one step of its training needs."""

    def __init__(self, lr: float = 1e-3, lane: Lane = PLAIN) -> None:
        torch.manual_seed(0)
        self.lane = lane
        self.network = ConvNetwork(CLASSES).to(memory_format=lane.layout)  # type: ignore[call-overload]
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=lr, foreach=True)

    def logits(self, batch: PictureBatch) -> torch.Tensor:
        """Float32 ``[batch, classes]``."""
        pictures = batch.pictures.contiguous(memory_format=self.lane.layout)
        with torch.autocast("cpu", self.lane.kind, enabled=self.lane.kind != torch.float32):
            logits: torch.Tensor = self.network(pictures, batch.mask)
        return logits.float()

    def gradients(self, batch: PictureBatch) -> None:
        """Forward and backward."""
        self.optimizer.zero_grad()
        cross_entropy(self.logits(batch), batch.labels).backward()  # type: ignore[no-untyped-call]

    def step(self, batch: PictureBatch) -> None:
        """Forward, backward, new weights."""
        self.gradients(batch)
        self.optimizer.step()

    @torch.no_grad()
    def read(self, batch: PictureBatch) -> torch.Tensor:
        """Classes, int64 ``[batch]``."""
        return self.logits(batch).argmax(1)

    def accuracy(self, batches: Iterable[PictureBatch]) -> float:
        """Share of pictures read right."""
        return float(torch.cat([self.read(batch) == batch.labels for batch in batches]).float().mean())


def seconds(work: Callable[[], object]) -> float:
    """Processor time of this process: on a busy machine it says more than the clock."""
    started = time.process_time()
    work()
    return time.process_time() - started


def train(
    way: Way, samples: Sequence[LabelledPicture], size: int, epochs: int, lane: Lane = PLAIN
) -> tuple[Learner, float]:
    """Train one way.

    Returns:
        The network, and the processor seconds of its fastest epoch, making the batches included.
    """
    per_epoch = len(way.drawn(samples, size, 0))
    # The rate grows with the root of the pictures in a batch, as suits Adam (Malladi et al., 2022).
    peak = min(8e-3, 3e-3 * (len(samples) / per_epoch / 32) ** 0.5)
    learner = Learner(peak, lane)
    steps = epochs * per_epoch
    schedule = TrainSchedule(steps, peak, size, lr_warmup=LrWarmup("linear", max(1, round(0.1 * steps))))
    scheduler = torch.optim.lr_scheduler.LambdaLR(learner.optimizer, schedule.lr_lambda)

    def learn(epoch: int) -> None:
        for batch in way.batches(samples, size, epoch):
            learner.step(batch)
            scheduler.step()

    return learner, min(seconds(partial(learn, epoch)) for epoch in range(epochs))


def peak_bytes(way: Way, samples: Sequence[LabelledPicture], size: int) -> int:
    """The most that the tensors of forward and backward take at once, for an epoch's largest batch."""
    largest = max(way.batches(samples, size, 0), key=lambda batch: batch.pictures.numel())
    learner = Learner()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        learner.gradients(largest)
    now = most = 0
    assert profiled.profiler is not None
    events = profiled.profiler.kineto_results.events()
    for event in sorted((e for e in events if e.name() == "[memory]"), key=lambda e: e.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return most


def pixels(way: Way, samples: Sequence[LabelledPicture], size: int) -> float:
    """Pixels that the network sees in an epoch, for each that the pictures have."""
    seen = sum(batch.pictures.numel() for batch in way.batches(samples, size, 0))
    return seen / sum(picture.size for picture, _ in samples)


def ways_table(learnt: Sequence[LabelledPicture], measured: Sequence[LabelledPicture]) -> None:
    """Accuracy, time and memory on characters in their own sizes."""
    sizes = len({picture.shape for picture, _ in learnt})
    print(
        f"{len(learnt)} characters of {sizes} sizes, {EPOCHS} epochs; "
        f"measured on {len(measured)} of other plates.\n"
        f"Above batch size {LARGEST_TRAINED} one epoch of {COSTED} of them, for the cost alone.\n"
    )
    print("| method | batch size | mean batch | pixels | right | time per picture | MB |")
    print("|---|---|---|---|---|---|---|")
    unit = 0.0
    for way, batch_sizes in PLAN:
        for size in batch_sizes:
            trained = size <= LARGEST_TRAINED
            samples, epochs = (learnt, way.epochs) if trained else (learnt[:COSTED], 1)
            learner, spent = train(way, samples, size, epochs)
            unit = unit or spent / len(samples)
            read = right(learner, way, size, measured) if trained else "–"
            print(
                f"| {way.name} | {size} | {len(samples) / len(way.drawn(samples, size, 0)):.1f} "
                f"| {pixels(way, samples, size):.2f} × | {read} "
                f"| {spent / len(samples) / unit:.2f} × | {peak_bytes(way, samples, size) / 1e6:.0f} |",
                flush=True,
            )


def right(learner: Learner, way: Way, size: int, measured: Sequence[LabelledPicture]) -> str:
    """Share read right one at a time, and in batches like those learnt from where that is something else."""
    # Equal sizes give what batches of one give, and so does padding with a mask: see the tests.
    alone = learner.accuracy((RESIZED if way in (RESIZED, GROUPED) else EQUAL).batches(measured, 512, 0))
    if way is not BARE:
        return f"{alone:.1%}"
    return f"{learner.accuracy(way.batches(measured, size, 0)):.1%}; {alone:.1%} one at a time"


def plates_table() -> None:
    """Time and memory on plates of one height and different widths."""
    samples = plates()
    widths = [picture.shape[1] for picture, _ in samples]
    print(
        f"\n{len(samples)} plates, {PLATE_HEIGHT} high, {min(widths)} to {max(widths)} wide, "
        f"{len(set(widths))} widths.\n"
    )
    print("| method | batch size | mean batch | pixels | time per picture | MB |")
    print("|---|---|---|---|---|---|")
    resized = Way("resized to 32×64", Resizing(PLATE_HEIGHT, 64))
    unit = 0.0
    for way in (ONE, EQUAL, PADDED, NEAR, resized):
        for size in (1,) if way is ONE else (8, 32, 512):
            learner = Learner()

            def learn(way: Way = way, size: int = size, learner: Learner = learner) -> None:
                for batch in way.batches(samples, size, 0):
                    learner.step(batch)

            spent = min(seconds(learn) for _ in range(2))
            unit = unit or spent
            print(
                f"| {way.name} | {size} | {len(samples) / len(way.drawn(samples, size, 0)):.1f} "
                f"| {pixels(way, samples, size):.2f} × | {spent / unit:.2f} × "
                f"| {peak_bytes(way, samples, size) / 1e6:.1f} |",
                flush=True,
            )


def lanes_table(learnt: Sequence[LabelledPicture], measured: Sequence[LabelledPicture]) -> None:
    """bfloat16 and channels-last against float32 in torch's own order."""
    shapes = ((8, 32, 16), (128, 32, 16), (128, 32, 64))
    learners = [train(RESIZED, learnt, 32, EPOCHS, lane)[0] for lane in LANES]
    rows = [[f"{learner.accuracy(RESIZED.batches(measured, 512, 0)):.1%}"] for learner in learners]
    for count, height, width in shapes:
        pictures = torch.rand(count, 1, height, width)
        batch = PictureBatch(pictures, None, torch.zeros(count, dtype=torch.int64))
        repeats = max(4, 200_000 // pictures.numel())
        for work in (Learner.read, Learner.step):
            # In turn, so that a busy moment meets all of them.
            times = [[seconds(partial(work, learner, batch)) for learner in learners] for _ in range(repeats)]
            best = np.min(times, axis=0)
            for row, ratio in zip(rows, best / best[0], strict=True):
                row.append(f"{ratio:.2f} ×")
    heads = [f"{work} {n} of {h}×{w}" for n, h, w in shapes for work in ("read", "train on")]
    print(f"\nThis CPU's kernels: {torch.backends.cpu.get_cpu_capability()}.\n")
    print(f"| numbers and layout | right | {' | '.join(heads)} |")
    print("|---" * (2 + len(heads)) + "|")
    for lane, row in zip(LANES, rows, strict=True):
        print(f"| {lane.name} | {' | '.join(row)} |")


def main() -> None:
    """Print three tables."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    learnt, measured = characters()
    ways_table(learnt, measured)
    plates_table()
    lanes_table(learnt, measured)


if __name__ == "__main__":
    main()
