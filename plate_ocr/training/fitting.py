"""Training a character model from data to saved files: what ``plate-ocr train`` and the shipped models share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from plate_ocr.alphabet import Alphabet
from plate_ocr.model import ModelCard
from plate_ocr.networks import BPNetwork, network_for
from plate_ocr.training.augment import Augmentation, no_character
from plate_ocr.training.data import CharBatches, CharData
from plate_ocr.training.evaluate import (
    Prepared,
    accuracy,
    class_probabilities,
    fit_min_confidence,
    fit_temperature,
    prepare,
)
from plate_ocr.training.trainer import Trainer, TrainSettings
from plate_ocr.vision.characters import CharStack
