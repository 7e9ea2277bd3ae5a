"""What the tests share: drawn characters and plates, small models, the real pictures."""

from __future__ import annotations

import errno
import io
import itertools
import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import cv2
import numpy as np
import onnxruntime
import PIL.Image
import PIL.ImageDraw
import pytest
import torch
from hypothesis import settings

from plate_ocr.alphabet import DIGITS, Alphabet
from plate_ocr.errors import ModelError
from plate_ocr.metrics import accuracy
from plate_ocr.model.cards import DetectorCard, ModelCard, PlateCard
from plate_ocr.model.registry import find_model
from plate_ocr.networks.detector import PlateDetector, detector_network_for
from plate_ocr.networks.export import fp16_roundtrip, save_model
from plate_ocr.networks.mlp import BPNetwork, network_for
from plate_ocr.networks.plate import PlateNetwork, plate_network_for
from plate_ocr.readers.auto import PlateReader
from plate_ocr.readers.classical import CharClassifier
from plate_ocr.rendering.fonts import SIZE, bundled_fonts
from plate_ocr.training.characters.augment import Augmentation
from plate_ocr.training.characters.batches import CharBatches, WeightedStepSampler, class_balance
from plate_ocr.training.characters.dataset import Split, split_data
from plate_ocr.training.characters.evaluate import class_probabilities, extract_features
from plate_ocr.training.characters.synthetic import render_dataset
from plate_ocr.training.core.config import TrainSettings
from plate_ocr.training.core.schedule import LrWarmup, TrainSchedule
from plate_ocr.training.core.trainer import Trainer
from plate_ocr.vision.images import Image
from plate_ocr.vision.settings import Preprocessing

# In CI the same examples each time: what it tells must depend on the change alone.
settings.register_profile("plate-ocr", deadline=None, max_examples=60, derandomize="CI" in os.environ)
settings.load_profile("plate-ocr")

CPU = torch.device("cpu")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where PLATE_OCR_DATA is set, a test that needs the real pictures fails instead of being skipped."""
    report = yield
    expected = hasattr(report, "wasxfail")
    if report.skipped and not expected and item.get_closest_marker("data") and "PLATE_OCR_DATA" in os.environ:
        report.outcome = "failed"
        report.longrepr = f"PLATE_OCR_DATA is set, but this was skipped: {report.longrepr}"
    return report


def fill_disk(monkeypatch: pytest.MonkeyPatch, suffix: str, write: int = 1) -> None:
    """From the given write of a file of a kind on, half of it is written, then the disk is full."""
    write_bytes, done = Path.write_bytes, itertools.count(1)

    def write_half(path: Path, data: bytes) -> int:
        if path.suffix != suffix or next(done) < write:
            return write_bytes(path, data)
        write_bytes(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write_half)


def draw_char(
    char: str, *, glyph: int = 255, ground: int = 0, height: int = 48, width: int = 36, thick: int = 3
) -> Image:
    """A character in the middle of a picture with some margin: uint8 ``(height, width)``, two grey values."""
    mask = np.zeros((4 * height, 4 * width), np.uint8)
    cv2.putText(
        mask, char, (2 * width, 2 * height), cv2.FONT_HERSHEY_SIMPLEX, height / 33, 255, thick, cv2.LINE_8
    )
    rows, columns = np.nonzero(mask)
    top = (int(rows.min()) + int(rows.max()) + 1 - height) // 2
    left = (int(columns.min()) + int(columns.max()) + 1 - width) // 2
    mask = mask[top : top + height, left : left + width]
    return np.where(mask > 0, glyph, ground).astype(np.uint8)


def draw_plate(text: str, *, glyph: int = 30, ground: int = 230, thick: int = 5) -> Image:
    """A line of text in the middle of a plate: uint8 ``(80, W)``, two grey values."""
    width = 40 * len(text) + 40
    mask = np.zeros((80, width), np.uint8)
    for i, char in enumerate(text):
        cv2.putText(mask, char, (24 + 40 * i, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.7, 255, thick, cv2.LINE_8)
    return np.where(mask > 0, glyph, ground).astype(np.uint8)


def text_picture(text: str, *, glyph: int = 30, ground: int = 230) -> Image:
    """Text in a font that the small model knows, in the middle of its picture: uint8 ``(H, W)``."""
    font = next(font for font in bundled_fonts() if font.getname() == ("DejaVu Sans", "Bold"))
    left, top, right, bottom = font.getbbox(text)
    size = (round(right - left) + SIZE // 2, round(bottom - top) + SIZE // 3)
    picture = PIL.Image.new("L", size, ground)
    PIL.ImageDraw.Draw(picture).text((SIZE // 4 - left, SIZE // 6 - top), text, fill=glyph, font=font)
    return np.array(picture)


def affine_gray(picture: Image, gain: float, offset: float) -> Image:
    """Another brightness and contrast, the formula written out; the caller stays within 0..255."""
    return np.rint(picture.astype(np.float64) * gain + offset).astype(np.uint8)


def encode(picture: PIL.Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The bytes of an image file."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@dataclass(frozen=True)
class Learnt:
    """A small digit network and what it was trained with."""

    network: BPNetwork
    card: ModelCard
    split: Split
    trainer: Trainer
    folder: Path


@pytest.fixture(scope="session", autouse=True)
def _one_core() -> None:
    """The same numbers on every machine, and no fight over its cores."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


@pytest.fixture
def rng() -> np.random.Generator:
    """Seeded."""
    return np.random.default_rng(0)


def new_network(card: ModelCard, seed: int = 0) -> BPNetwork:
    """A network with random weights that depend on the seed alone, as a file would give them back."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = network_for(card)
    network.load_state_dict({name: fp16_roundtrip(value) for name, value in network.state_dict().items()})
    return network


@pytest.fixture(scope="session")
def digit_card() -> ModelCard:
    """5×5 windows, eight hidden units, ten digits, and a value in every optional field."""
    return ModelCard(
        Alphabet(DIGITS),
        Preprocessing(),
        hidden=8,
        temperature=1.7,
        min_confidence=0.0,
        training={"trained_on": {"车牌": 3}},
        accuracy={"made up": 0.5},
    )


@pytest.fixture
def tiny_model(tmp_path: Path, digit_card: ModelCard) -> Path:
    """A folder with an untrained model, as a training run leaves it."""
    save_model(new_network(digit_card), digit_card, tmp_path / "run" / "model")
    return tmp_path / "run"


def new_plate_network(card: PlateCard, seed: int = 0) -> PlateNetwork:
    """A plate network with random weights and batch statistics that depend on the seed alone."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return with_statistics(plate_network_for(card))


def new_detector_network(card: DetectorCard, seed: int = 0) -> PlateDetector:
    """A detector with random weights and batch statistics that depend on the seed alone."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return with_statistics(detector_network_for(card))


N = TypeVar("N", bound=torch.nn.Module)


def with_statistics(network: N) -> N:
    """A network in evaluation mode, with random batch statistics as if it had learnt."""
    for name, value in network.state_dict().items():
        if name.endswith("running_mean"):
            value.normal_(0, 0.3)
        elif name.endswith("running_var"):
            value.uniform_(0.5, 2)
    return network.eval()


@pytest.fixture(scope="session")
def plate_card() -> PlateCard:
    """A plate network of few weights, and a value in every optional field."""
    return PlateCard(
        Alphabet("0A皖"),
        channels=(4, 5, 6, 7),
        transformer=16,
        layers=2,
        temperature=1.5,
        min_confidence=0.1,
        min_plate_confidence=0.2,
        regions=("br", "us"),
        region_temperature=1.25,
        training={"rendered": 3},
        accuracy={"made up": 0.5},
    )


@pytest.fixture
def tiny_plate_model(tmp_path: Path, plate_card: PlateCard) -> Path:
    """A folder with an untrained plate model, as a training run leaves it."""
    save_model(new_plate_network(plate_card), plate_card, tmp_path / "plate run" / "model")
    return tmp_path / "plate run"


@pytest.fixture(scope="session")
def detector_card() -> DetectorCard:
    """A detector of few weights, and a value in every optional field."""
    return DetectorCard(
        longest=96,
        channels=(16, 16, 32, 32, 32),
        features=32,
        min_score=0.25,
        training={"rendered": 3},
        accuracy={"made up": 0.5},
    )


LIGHT_DETECTOR = DetectorCard(
    longest=96, channels=(8, 12, 16, 24), features=16, blocks=(1, 2, 1), context=2, light=True
)
"""A detector that shrinks pictures by 4 at once and looks far around."""


@pytest.fixture
def tiny_detector(tmp_path: Path, detector_card: DetectorCard) -> Path:
    """A folder with an untrained detector, as a training run leaves it."""
    save_model(new_detector_network(detector_card), detector_card, tmp_path / "detector run" / "model")
    return tmp_path / "detector run"


def shipped(name: str) -> Path:
    """A model that comes with the package; the test is skipped where it is not there."""
    try:
        return find_model(name, ".onnx")
    except ModelError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def shipped_plates() -> Path:
    """The plate model that comes with the package."""
    return shipped("plates")


@pytest.fixture(scope="session")
def shipped_detector() -> Path:
    """The detector that comes with the package."""
    return shipped("detector")


@pytest.fixture(scope="session")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Learnt:
    """A digit model trained for a few seconds on rendered digits; fonts are not on two sides."""
    card = ModelCard(Alphabet(DIGITS), Preprocessing(), hidden=48)
    data = render_dataset(card.alphabet, bundled_fonts(), card.preprocessing, versions=4, seed=0)
    split = split_data(data, val_fraction=0.15, test_fraction=0.15, seed=0)
    schedule = TrainSchedule(steps=240, lr=1e-2, batch_size=64, lr_warmup=LrWarmup("linear", 12))
    weights = class_balance(split.train.labels)
    batches = CharBatches(
        split.train.stack,
        split.train.labels,
        classes=len(card.alphabet),
        settings=card.preprocessing,
        augmentation=Augmentation(),
        draws=WeightedStepSampler(weights, schedule, np.arange(len(split.train)), seed=0),
        device=CPU,
    )
    trainer = Trainer(new_network(card), schedule, TrainSettings(steps_per_epoch=24), CPU)
    validation = extract_features(split.validation.stack, split.validation.labels, card.preprocessing)
    trainer.fit(batches, lambda n: accuracy(class_probabilities(n, validation), validation.labels))
    network = network_for(card)
    network.load_state_dict({name: fp16_roundtrip(value) for name, value in trainer.best.items()})
    folder = tmp_path_factory.mktemp("learnt")
    save_model(network, card, folder / "model")
    return Learnt(network.eval(), card, split, trainer, folder)


@pytest.fixture(scope="session")
def classifier(learnt: Learnt) -> CharClassifier:
    """Reads the digits of the small trained model."""
    return CharClassifier(learnt.folder, threads=1)


@pytest.fixture(scope="session")
def plate_reader(learnt: Learnt) -> PlateReader:
    """Reads plates with the small trained model."""
    return PlateReader(learnt.folder, threads=1)


CUDA, OPENVINO, CPU_PROVIDER = "CUDAExecutionProvider", "OpenVINOExecutionProvider", "CPUExecutionProvider"


@pytest.fixture
def with_broken_cuda(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """ONNX Runtime with CUDA, which does not start, and OpenVINO; which providers sessions were asked for."""
    asked, open_session = list[list[str]](), onnxruntime.InferenceSession

    def session(data: bytes, options: Any, *, providers: list[str], enable_fallback: int) -> Any:
        asked.append(providers)
        assert not enable_fallback
        if CUDA in providers:
            raise RuntimeError("libcudnn.so.9: no such file\nand more")
        real = open_session(data, options, providers=[CPU_PROVIDER])
        if providers == [CPU_PROVIDER]:
            return real
        inside = {name: getattr(real, name) for name in ("run", "get_inputs", "get_outputs", "get_modelmeta")}
        return SimpleNamespace(**inside, get_providers=lambda: [*providers, CPU_PROVIDER])

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, OPENVINO, CPU_PROVIDER])
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    return asked


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The real pictures, which are no part of the project."""
    name = os.environ.get("PLATE_OCR_DATA")
    if not name:
        pytest.skip("the environment variable PLATE_OCR_DATA does not name a folder of real pictures")
    folder = Path(name)
    if not folder.is_dir():
        pytest.skip(f"PLATE_OCR_DATA names {folder}, where no folder is")
    return folder


def some_pictures(folder: Path, count: int) -> list[Path]:
    """Up to so many files of a folder, spread over all of it."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return files[:: max(1, len(files) // count)][:count]
