"""Cross-validation of a training on few real plates."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from plate_ocr.metrics import Sample
from plate_ocr.model.cards import PlateCard
from plate_ocr.networks.plate import PlateNetwork
from plate_ocr.rendering.shards import Shard
from plate_ocr.training.core.device import ALONE, pick_precision
from plate_ocr.training.core.trainer import Trainer
from plate_ocr.training.plates.config import PlateRunConfig
from plate_ocr.training.plates.data import MixedBatches, PlateBatches
from plate_ocr.training.plates.dataset import RealPlate
from plate_ocr.training.plates.loss import PlateText
from plate_ocr.training.plates.report import read_plates
from plate_ocr.training.rendered.data import SameShard

FOLDS = 5


def cross_validate(
    config: PlateRunConfig,
    card: PlateCard,
    plates: Sequence[RealPlate],
    shard: Shard,
    new_network: Callable[[], PlateNetwork],
    frozen: Callable[[PlateNetwork], Sequence[nn.Module]],
    network_of: Callable[[Mapping[str, Tensor]], PlateNetwork],
    objective: PlateText,
    steps: int,
    device: torch.device,
    on_step: Callable[[int], object],
) -> list[Sample]:
    """Read each plate by a network that was trained on the other folds.

    Args:
        config: of the run.
        card: alphabet, sizes, temperature and bounds of the networks.
        plates: to split by text into at most :data:`FOLDS` folds.
        shard: rendered plates for all folds.
        new_network: makes a network as it is before the training.
        frozen: its layers that keep their weights.
        network_of: makes the network to read with from the trained weights.
        objective: the loss.
        steps: of each training.
        device: to train on.
        on_step: called with 1 after each step.
    """
    texts = sorted({plate.label.text for plate in plates})
    order = np.random.default_rng(config.seed).permutation(len(texts))
    size = config.rendered_batch_size
    rendered = PlateBatches(SameShard(shard), config.seed, size, config.repeats, card.alphabet, card.regions)
    samples: list[Sample] = []
    for fold in range(min(FOLDS, len(texts))):
        held_out = {texts[i] for i in order[fold::FOLDS]}
        others = [plate for plate in plates if plate.label.text not in held_out]
        network = new_network()
        settings = dataclasses.replace(
            config.settings, steps_per_epoch=steps, precision=pick_precision(device, network)
        )
        schedule = dataclasses.replace(config.schedule, steps=steps)
        # Only the first of several processes measures.
        trainer = Trainer(
            network, schedule, settings, device, network.groups(), objective, frozen(network), ALONE
        )
        batches = MixedBatches(rendered, others, config.batch_size - size)
        trainer.fit(batches, lambda _: 0.0, on_step=lambda *_: on_step(1))
        best = network_of(trainer.best)
        held = [plate for plate in plates if plate.label.text in held_out]
        samples += read_plates(best, card, held)
    return samples
