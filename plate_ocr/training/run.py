"""A training run: from data to a folder with the model, its figures and everything needed to go on."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from plate_ocr.alphabet import DIGITS, LETTERS, PROVINCES, Alphabet
from plate_ocr.errors import DataError, OutputError, TrainingError
from plate_ocr.files import write_whole
from plate_ocr.model.cards import ModelCard
from plate_ocr.model.sessions import available_threads
from plate_ocr.networks.export import as_kept, save_model
from plate_ocr.networks.mlp import BPNetwork, network_for
from plate_ocr.rendering.characters import render_characters
from plate_ocr.rendering.fonts import bundled_fonts, load_fonts
from plate_ocr.training.augment import Augmentation, no_character
from plate_ocr.training.characters.synthetic import render_dataset
from plate_ocr.training.configs import StepConfig
from plate_ocr.training.data import (
    CharBatches,
    CharData,
    Draws,
    Problem,
    Split,
    brighten_glyphs,
    class_balance,
    list_samples,
    load_samples,
    near_copies,
    split_data,
)
from plate_ocr.training.evaluate import (
    Prepared,
    accuracy,
    calibration_error,
    class_probabilities,
    confusion_matrix,
    fit_min_confidence,
    fit_temperature,
    prepare,
    top_k,
)
from plate_ocr.training.plots import plot_confusion, plot_curves, plot_mistakes, plot_plan
from plate_ocr.training.resume import read_checkpoint, resumable, write_checkpoint
from plate_ocr.training.suspects import LossWatch, write_suspects
from plate_ocr.training.trainer import (
    Epoch,
    Trainer,
    TrainSettings,
    is_first_process,
    join_processes,
    pick_device,
    pick_precision,
)
from plate_ocr.training.transfer import transfer
from plate_ocr.training.validation import problem_lines
from plate_ocr.training.warmup import Decline, Loss, Plan, parse_warmups
from plate_ocr.vision.images import Image
from plate_ocr.vision.preprocessing import CharStack, Preprocessing, stack_characters

ModelName: TypeAlias = Literal["digits", "chars"]

ALPHABETS: Mapping[ModelName, str] = {"digits": DIGITS, "chars": DIGITS + LETTERS + PROVINCES}
PREPROCESSING: Mapping[ModelName, Preprocessing] = {
    "digits": Preprocessing(),
    "chars": Preprocessing(grid=(16, 12), reach=0.6),
}

AUGMENTATION: Mapping[ModelName, Augmentation] = {
    "digits": Augmentation(),
    # With 5×5 windows a line beside a 1 or a 4 cannot be told from its strokes.
    "chars": Augmentation(side=0.15),
}

HIDDEN: Mapping[ModelName, int] = {"digits": 256, "chars": 1792}

CHECKPOINT = "last.ckpt"
CHECKPOINT_VERSION = 2
SHOWN_PROBLEMS = 10

LOOKALIKES = "OI"
LOOKALIKE_SHARE = 0.1
"""How often these letters are drawn from fonts, compared with the others."""

EASY_STEPS = 100
"""Optimiser steps of the first run that tells easy pictures from hard ones."""

WORKERS_PAY = 300_000
"""Distorted pictures for which it pays to start worker processes."""

DISTORTIONS = 20
"""How many distorted pictures of each rendered character make the data set that needs no data."""


@dataclass(frozen=True)
class RunConfig(StepConfig):
    """Everything that decides a run; stored as ``config.toml``.

    Attributes:
        data: folders of class folders, or CSV files; none: characters are rendered.
        fonts: folder of font files whose characters are learnt from beside the data.
        group: regular expression for file names; its first group names the plate.
        alphabet: the characters that a label may be.
        model: ``"digits"`` or ``"chars"``: which windows and classes.
        windows: rows and columns of windows.
        hidden: units of the hidden layer.
        epochs: passes, at most.
        per_epoch: pictures learnt from in a pass.
        passes: how often a distorted picture is learnt from, before others are distorted.
        batch_size: pictures in a batch.
        rate: peak learning rate.
        warmup: warm-ups in words, see :mod:`plate_ocr.training.warmup`.
        decline: what the rate does afterwards.
        loss: on the one-hot vectors.
        patience: epochs without a better validation accuracy before it stops.
        share: of the data that goes into validation, and the same again into the test.
        font_share: of the pictures drawn that come from ``fonts``.
        base: a saved model whose weights are taken over where they fit.
        seed: of everything random.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
        accumulate: parts that a batch is cut into where it does not fit into memory.
        compile: let torch compile the network first.
        workers: processes that distort pictures beside the one that trains; 0: it does so itself.
    """

    data: tuple[str, ...] = ()
    fonts: str = ""
    group: str = ""
    alphabet: str = DIGITS
    model: ModelName = "digits"
    windows: tuple[int, int] = (5, 5)
    hidden: int = 128
    epochs: int = 20
    per_epoch: int = 8192
    passes: int = 1
    batch_size: int = 256
    rate: float = 4e-3
    warmup: tuple[str, ...] = ()
    decline: Decline = "cosine"
    loss: Loss = "cross_entropy"
    patience: int = 20
    share: float = 0.15
    font_share: float = 0.4
    base: str = ""
    seed: int = 0
    device: str = "auto"
    accumulate: int = 1
    compile: bool = False
    workers: int = 0

    @classmethod
    def new(cls, **values: Any) -> RunConfig:
        """A configuration in which the model decides what is None; without ``warmup`` the learning rate
        rises over 5 % of the steps.
        """
        model: ModelName = values["model"]
        defaults = {
            "hidden": HIDDEN[model],
            "windows": PREPROCESSING[model].grid,
            "alphabet": ALPHABETS[model],
        }
        chosen: dict[str, Any] = {name: values.get(name) or default for name, default in defaults.items()}
        config = cls(**{**values, **chosen})
        if values.get("workers") is None:
            many = config.steps * config.batch_size >= WORKERS_PAY * config.passes
            config = dataclasses.replace(config, workers=available_threads() if many else 0)
        if values.get("warmup") is None:
            rising = max(1, round(0.05 * config.steps))
            config = dataclasses.replace(config, warmup=(f"lr=linear:{rising}",))
        return config

    @property
    def plan(self) -> Plan:
        """What happens at which step.

        Raises:
            DataError: if a warm-up is wrong.
        """
        return Plan(
            self.steps,
            self.rate,
            self.batch_size,
            self.decline,
            self.loss,
            **parse_warmups(self.warmup, self.steps),
        )

    def settings(self, device: torch.device, network: nn.Module) -> TrainSettings:
        """What the plan leaves open."""
        return TrainSettings(
            self.steps_per_epoch,
            patience=self.patience,
            precision=pick_precision(device, network),
            average=0.999,
            accumulate=self.accumulate,
            compile=self.compile,
        )

    @property
    def preprocessing(self) -> Preprocessing:
        """From picture to row vector."""
        return dataclasses.replace(PREPROCESSING[self.model], grid=self.windows)


class Length(Protocol):
    """How long a run is."""

    @property
    def epochs(self) -> int:
        """Passes, at most."""

    @property
    def steps(self) -> int:
        """Optimiser steps in all, at most."""


class Reporter(Protocol):
    """Who is told how a run goes."""

    def say(self, line: str) -> None:
        """One line for people."""

    def begin(self, config: Length, done: int) -> None:
        """Training starts, with ``done`` steps behind it."""

    def step(self, step: int, rate: float, loss: float) -> None:
        """The optimiser has made so many steps."""

    def epoch(self, epoch: Epoch) -> None:
        """One pass was made."""


class Silent:
    """Hears how a run goes and says nothing."""

    def say(self, line: str) -> None:
        """Nothing."""

    def begin(self, config: Length, done: int) -> None:
        """Nothing."""

    def step(self, step: int, rate: float, loss: float) -> None:
        """Nothing."""

    def epoch(self, epoch: Epoch) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Material:
    """What a run learns from and is measured on.

    Attributes:
        alphabet: the classes.
        split: all sources together.
        sources: every source by its name.
        rendered: characters from fonts, learnt from only; None without fonts.
        problems: what is wrong with the data.
    """

    alphabet: Alphabet
    split: Split
    sources: Mapping[str, Split]
    rendered: CharData | None
    problems: tuple[Problem, ...]

    @property
    def learnt(self) -> CharData:
        """All that is learnt from."""
        rendered = [] if self.rendered is None else [self.rendered]
        return CharData.joined([self.split.train, *rendered])

    @property
    def fingerprint(self) -> str:
        """Changes with every pixel and label that is learnt from or chosen by."""
        digest = hashlib.sha256(self.alphabet.characters.encode())
        for part in (self.split.train, self.split.validation, self.rendered):
            if part is not None:
                digest.update(part.stack.gray.tobytes() + part.labels.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class RunResult:
    """What a finished run left.

    Attributes:
        folder: the run folder.
        card: of the model in it.
        metrics: as in ``metrics.json``; empty in all but the first of several processes.
    """

    folder: Path
    card: ModelCard
    metrics: dict[str, Any] = field(repr=False)


def train(
    config: RunConfig, folder: Path, reporter: Reporter, *, strict: bool = False, resume: bool = False
) -> RunResult:
    """Train a character model.

    Args:
        config: what and how.
        folder: the run folder: model, checkpoint, figures and plots are written there.
        reporter: is told how it goes.
        strict: stop where the data has problems.
        resume: go on from the folder's checkpoint.

    Raises:
        DataError: if the data cannot be trained on.
        DeviceError: if the wanted device is not there.
        OutputError: if the folder cannot be written to, or holds another run.
    """
    device = join_processes(pick_device(config.device))
    first = is_first_process()
    told = reporter if first else Silent()
    # The networks are too small for several threads, and one always adds up in the same order.
    torch.set_num_threads(1)
    if first and not resume and (folder / CHECKPOINT).exists():
        raise OutputError(
            f"{folder} holds a run already: go on with --resume {folder}, or give another folder"
        )
    torch.manual_seed(config.seed)
    plan = config.plan
    material = gather(config, told)
    if first:
        _report_problems(material.problems, folder, reporter)
    if strict and material.problems:
        raise DataError(
            f"{len(material.problems)} problems in the data; without --strict they are left aside"
        )
    card = ModelCard(material.alphabet, config.preprocessing, config.hidden)
    network = network_for(card)
    if config.base and not resume:
        for line in transfer(config.base, network, card).lines():
            told.say(line)
    trainer = Trainer(network, plan, config.settings(device, network), device, network.groups())
    watch = LossWatch(_prepared(material.split.train, card))
    fingerprint = material.fingerprint
    if resume:
        _load_checkpoint(folder / CHECKPOINT, fingerprint, trainer, watch)
    elif first:
        write_whole(folder / "config.toml", config.to_toml().encode())
        plot_plan(plan, len(network.groups()), folder / "plan.png")
        _save_checkpoint(folder / CHECKPOINT, card, fingerprint, trainer, watch)
    batches = _batches(config, plan, material, device)
    validation = _prepared(material.split.validation, card)

    def save() -> None:
        if first:
            _save_checkpoint(folder / CHECKPOINT, card, fingerprint, trainer, watch)

    def on_epoch(epoch: Epoch) -> None:
        if first:
            write_whole(folder / "metrics.csv", metrics_csv(trainer.history))
        told.epoch(epoch)

    def validate(network: nn.Module) -> float:
        watch.look(network)
        return accuracy(class_probabilities(network, validation), validation.labels)

    told.begin(config, trainer.step)
    # A GPU distorts pictures itself.
    with resumable(folder), batches.made_by(config.workers if device.type == "cpu" else 0) as made:
        try:
            trainer.fit(made, validate, save=save, on_step=told.step, on_epoch=on_epoch)
        except TrainingError as error:
            names = material.learnt.names[batches.draws.at(trainer.step)[:SHOWN_PROBLEMS]]
            raise TrainingError(f"{error}; its batch begins with {', '.join(names)}") from None
        if not first:
            return RunResult(folder, card, {})
        if config.data:
            best = network_for(card).to(device)
            best.load_state_dict(trainer.best)
            write_suspects(watch, best.eval(), material.split.train, material.alphabet, folder)
        return _finish(config, material, card, trainer, validation, folder, reporter)


def show_plan(config: RunConfig, folder: Path) -> str:
    """Draw ``plan.png`` into a run folder and tell the plan in words.

    Raises:
        DataError: if a warm-up is wrong.
        OutputError: if the picture cannot be written.
    """
    groups = len(BPNetwork().groups())
    plot_plan(config.plan, groups, folder / "plan.png")
    return config.plan.table(groups)


def stored_config(folder: Path) -> RunConfig:
    """The configuration of the run in a folder.

    Raises:
        DataError: if there is none or it has a mistake.
    """
    path = folder / "config.toml"
    try:
        return RunConfig.from_toml(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise DataError(f"{folder} holds no run to go on with: there is no config.toml") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}") from None


def gather(config: RunConfig, reporter: Reporter) -> Material:
    """Read or render the characters, check them and split them.

    Raises:
        DataError: if they cannot be trained on.
    """
    known = Alphabet(config.alphabet)
    settings = config.preprocessing
    rendered = None
    if config.fonts:
        pictures, chars = render_characters(known.characters, load_fonts(Path(config.fonts)))
        rendered = _plain(pictures, known.encode(chars), "rendered", settings)
        reporter.say(f"{len(rendered)} characters rendered from {config.fonts}")
    if not config.data:
        data = render_dataset(known, bundled_fonts(), settings, DISTORTIONS, config.seed)
        fonts = len(np.unique(data.groups))
        reporter.say(f"{len(data)} pictures of {len(known)} characters rendered in {fonts} fonts")
        split = split_data(data, share=config.share, seed=config.seed)
        return Material(known, split, {"rendered": split}, rendered, ())
    loaded: dict[str, CharData] = {}
    problems: list[Problem] = []
    for source in config.data:
        samples, unlisted = list_samples(Path(source), config.group)
        data, unusable = load_samples(samples, known, settings)
        loaded[source] = data
        problems += [*unlisted, *unusable]
    parts = [*loaded.values()] + ([rendered] if rendered is not None else [])
    present = np.unique(np.concatenate([part.labels for part in parts]))
    if len(present) < 2:
        found = f"only {known.decode(present)!r}" if len(present) else "none"
        raise DataError(
            "a classifier needs pictures of two classes at least; "
            f"{found} could be used in {', '.join(config.data)}"
            + "".join(f"\n{problem}" for problem in problems[:3])
        )
    alphabet = Alphabet(known.decode(present))
    class_of = np.full(len(known), -1)
    class_of[present] = np.arange(len(present))
    sources = {}
    for source, data in loaded.items():
        labels = class_of[data.labels]
        bright = brighten_glyphs(data.stack, labels, settings)
        # A model says what it learnt from, not where that lay.
        name = Path(source).name if len({Path(s).name for s in loaded}) == len(loaded) else source
        sources[name] = split_data(
            dataclasses.replace(data, stack=bright, labels=labels), share=config.share, seed=config.seed
        )
        sizes = " / ".join(f"{len(p):,}" for p in sources[name].parts)
        reporter.say(f"{source}: {len(data):,} pictures; {sizes} to learn from / choose by / measure on")
    split = Split(
        *(CharData.joined(parts) for parts in zip(*(s.parts for s in sources.values()), strict=True))
    )
    if rendered is not None:
        rendered = dataclasses.replace(rendered, labels=class_of[rendered.labels])
    problems += near_copies(split)
    return Material(alphabet, split, sources, rendered, tuple(problems))


def _plain(
    pictures: Sequence[Image], labels: NDArray[np.int64], name: str, settings: Preprocessing
) -> CharData:
    names = np.array([f"{name} {i}" for i in range(len(labels))])
    return CharData(stack_characters(pictures, settings), labels, names, names)


def _batches(config: RunConfig, plan: Plan, material: Material, device: torch.device) -> CharBatches:
    learnt, weights = material.learnt, class_balance(material.split.train.labels)
    if material.rendered is not None:
        fonts = class_balance(material.rendered.labels)
        # Most plates write no O and I, or write them like 0 and 1: what looks like both is the digit.
        rare = [material.alphabet.encode(c)[0] for c in LOOKALIKES if c in material.alphabet]
        fonts[np.isin(material.rendered.labels, rare)] *= LOOKALIKE_SHARE
        fonts /= fonts.sum()
        weights = np.concatenate([weights * (1 - config.font_share), fonts * config.font_share])
    order = np.random.default_rng(config.seed).permutation(len(learnt))
    batches = CharBatches(
        learnt.stack,
        learnt.labels,
        len(material.alphabet),
        config.preprocessing,
        AUGMENTATION[config.model],
        Draws(weights, plan, order, config.seed, config.passes),
        device,
    )
    if plan.data is None or plan.data.order == "random":
        return batches
    easy = _easy_first(batches, config, learnt, material.alphabet, device)
    return dataclasses.replace(batches, draws=dataclasses.replace(batches.draws, order=easy))


def _easy_first(
    batches: CharBatches, config: RunConfig, learnt: CharData, alphabet: Alphabet, device: torch.device
) -> NDArray[np.int64]:
    """Pictures by their loss for the network of a short first run, the least first."""
    state = torch.get_rng_state()
    card = ModelCard(alphabet, config.preprocessing, config.hidden)
    plan = Plan(EASY_STEPS, config.rate, config.batch_size, "constant")
    trainer = Trainer(network_for(card), plan, TrainSettings(EASY_STEPS), device)
    trainer.fit(
        dataclasses.replace(batches, draws=dataclasses.replace(batches.draws, plan=plan)), lambda _: 0.0
    )
    watch = LossWatch(_prepared(learnt, card))
    watch.look(trainer.network.eval())
    torch.set_rng_state(state)
    return np.argsort(watch.mean(), kind="stable")


def _prepared(data: CharData, card: ModelCard) -> Prepared:
    return prepare(data.stack, data.labels, card.preprocessing)


def _report_problems(problems: Sequence[Problem], folder: Path, reporter: Reporter) -> None:
    if not problems:
        return
    listing = folder / "problems.txt"
    write_whole(listing, "".join(f"{problem}\n" for problem in problems).encode())
    for line in problem_lines(problems, SHOWN_PROBLEMS, f", see {listing}"):
        reporter.say(line)


def _finish(
    config: RunConfig,
    material: Material,
    card: ModelCard,
    trainer: Trainer,
    validation: Prepared,
    folder: Path,
    reporter: Reporter,
) -> RunResult:
    """Calibrate on the validation part, measure once on the test part, save."""
    network = network_for(card)
    network.load_state_dict({name: as_kept(value) for name, value in trainer.best.items()})
    network.eval()
    settings = card.preprocessing
    temperature = fit_temperature(network, validation)
    chosen = class_probabilities(network, validation, temperature)
    generator = torch.Generator().manual_seed(config.seed)
    pictures = torch.from_numpy(material.split.validation.stack.gray)[:, None].float() / 255
    nothing = (no_character(pictures, generator)[:, 0] * 255).byte().numpy()
    blank = prepare(CharStack(nothing, material.split.validation.stack.aspect), validation.labels, settings)
    min_confidence = fit_min_confidence(
        chosen.max(1)[chosen.argmax(1) == validation.labels],
        class_probabilities(network, blank, temperature).max(1),
    )

    def measured(data: CharData) -> dict[str, float]:
        ready = prepare(data.stack, data.labels, settings)
        return measures(
            class_probabilities(network, ready, temperature), data.labels, material.alphabet, min_confidence
        )

    accuracies = {name: measured(split.test) for name, split in material.sources.items() if len(split.test)}
    test = material.split.test
    probabilities = class_probabilities(network, prepare(test.stack, test.labels, settings), temperature)
    card = dataclasses.replace(
        card,
        temperature=temperature,
        min_confidence=min_confidence,
        training={
            "learnt_from": {name: len(split.train) for name, split in material.sources.items()},
            "rendered": 0 if material.rendered is None else len(material.rendered),
            "drawn": sum(trainer.plan.size_at(step) for step in range(trainer.step)) // config.passes,
            "passes": config.passes,
            "seed": config.seed,
        },
        accuracy={name: round(values["accuracy"], 5) for name, values in accuracies.items()},
    )
    save_model(network, card, folder / "model")
    weights, checkpoint = (folder / n for n in ("model.safetensors", CHECKPOINT))
    sizes = {path.name: path.stat().st_size for path in (weights, folder / "model.onnx", checkpoint)}
    metrics = {
        "validation": trainer.history[trainer.best_epoch - 1].validation,
        "best_epoch": trainer.best_epoch,
        "test": accuracies,
        "temperature": temperature,
        "min_confidence": min_confidence,
        "bytes": sizes,
    }
    write_whole(folder / "card.md", _card_page(card, sizes, accuracies).encode())
    write_whole(folder / "metrics.json", json.dumps(metrics, ensure_ascii=False, indent=2).encode())
    plot_curves(trainer.history, folder / "curves.png")
    if len(test):
        plot_confusion(
            confusion_matrix(probabilities, test.labels), material.alphabet, folder / "confusion.png"
        )
        plot_mistakes(test.stack, probabilities, test.labels, material.alphabet, folder / "mistakes.png")
    for name, values in accuracies.items():
        figures = ", ".join(
            f"{key.replace('_', ' ')} {value:.2%}" for key, value in values.items() if key != "count"
        )
        reporter.say(f"test on {values['count']:,} pictures of {name}: {figures}")
    reporter.say(
        f"{weights} has {sizes['model.safetensors']:,} bytes, {checkpoint.name} "
        f"{sizes[CHECKPOINT] / sizes['model.safetensors']:.1f} times as many: it keeps the weights in full "
        f"precision, their average, AdamW's two running means of every weight, the best weights so far and "
        f"the loss of every sample, to go on from"
    )
    return RunResult(folder, card, metrics)


def _card_page(card: ModelCard, sizes: Mapping[str, int], tests: Mapping[str, Mapping[str, float]]) -> str:
    """The model card as a page for people (Mitchell et al., *Model Cards for Model Reporting*, 2019)."""
    rows, columns = card.preprocessing.grid
    learnt = [f"- {count:,} pictures of `{name}`" for name, count in card.training["learnt_from"].items()]
    if card.training["rendered"]:
        learnt.append(f"- {card.training['rendered']:,} characters rendered from fonts")
    figures = [
        f"| {name} | {values['count']:,.0f} | {values['accuracy']:.2%} | {values['top_3']:.2%} "
        f"| {values['calibration_error']:.2%} |"
        for name, values in tests.items()
    ]
    return "\n".join(
        [
            f"# Reads {len(card.alphabet)} characters",
            "",
            f"`{card.alphabet.characters}`",
            "",
            f"{rows}×{columns} white-pixel ratios → {card.hidden} hidden units → "
            f"{len(card.alphabet)} one-hot outputs; {sizes['model.safetensors']:,} bytes of weights. "
            f"Confidence below {card.min_confidence} means unknown.",
            "",
            f"It learnt from {card.training['drawn']:,} distorted pictures"
            f"{_times(card.training['passes'])}, drawn with seed {card.training['seed']} from:",
            "",
            *learnt,
            "",
            "Measured on pictures of the same sources from which no weights were learnt and by which no "
            "epoch was chosen; unknown counts as wrong:",
            "",
            "| source | pictures | accuracy | top 3 | calibration error |",
            "|---|---|---|---|---|",
            *figures,
            "",
        ]
    )


def _times(passes: int) -> str:
    return "" if passes == 1 else f", {passes} times from each"


def measures(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], alphabet: Alphabet, min_confidence: float
) -> dict[str, float]:
    """The figures of one set of characters: all shares 0..1; "unknown" counts as wrong.

    Args:
        probabilities: float32 ``(N, classes)``.
        labels: int64 ``(N,)``.
        alphabet: names the classes.
        min_confidence: below it the answer is "unknown".
    """
    latin = np.array([char in DIGITS + LETTERS for char in alphabet.characters])[labels]
    figures: dict[str, float] = {
        "count": len(labels),
        "accuracy": accuracy(probabilities, labels, min_confidence),
        "top_3": top_k(probabilities, labels, 3),
        "calibration_error": calibration_error(probabilities, labels),
    }
    if latin.any() and not latin.all():
        figures["letters_and_digits"] = accuracy(probabilities[latin], labels[latin], min_confidence)
        figures["others"] = accuracy(probabilities[~latin], labels[~latin], min_confidence)
    return figures


def metrics_csv(history: Sequence[Epoch]) -> bytes:
    """The epochs as a CSV file."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [f.name for f in dataclasses.fields(Epoch)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(dataclasses.asdict(epoch) for epoch in history)
    return text.getvalue().encode()


def _save_checkpoint(
    path: Path, card: ModelCard, fingerprint: str, trainer: Trainer, watch: LossWatch
) -> None:
    state = {
        "card": card.to_json(),
        "data": fingerprint,
        "trainer": trainer.state(),
        "losses": watch.state(),
    }
    write_checkpoint(path, CHECKPOINT_VERSION, state)


def _load_checkpoint(path: Path, fingerprint: str, trainer: Trainer, watch: LossWatch) -> None:
    data = ""

    def take(state: dict[str, Any]) -> None:
        nonlocal data
        data = state["data"]
        trainer.load_state(state["trainer"])
        watch.load_state(state["losses"])

    read_checkpoint(path, CHECKPOINT_VERSION, take)
    if data != fingerprint:
        raise DataError(f"the data has changed since {path.parent} was begun: train anew in another folder")
