"""What a run of a character model learns from and is measured on."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plate_ocr.alphabet import Alphabet
from plate_ocr.errors import DataError
from plate_ocr.rendering.characters import render_characters
from plate_ocr.rendering.fonts import bundled_fonts, load_fonts
from plate_ocr.training.characters.config import CharRunConfig
from plate_ocr.training.characters.dataset import (
    CharData,
    Problem,
    Split,
    list_samples,
    load_samples,
    near_copies,
    normalize_polarity,
    split_data,
)
from plate_ocr.training.characters.synthetic import render_dataset
from plate_ocr.training.core.callbacks import Callback
from plate_ocr.vision.images import Image
from plate_ocr.vision.preprocessing import stack_characters
from plate_ocr.vision.settings import Preprocessing

DISTORTIONS = 20
"""How many distorted pictures of each rendered character make the data set that needs no data."""


@dataclass(frozen=True)
class CharDataModule:
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


def prepare_data(config: CharRunConfig, callback: Callback) -> CharDataModule:
    """Read or render the characters, check them and split them.

    Raises:
        DataError: if they cannot be trained on.
    """
    known = Alphabet(config.alphabet)
    settings = config.preprocessing
    fractions = {"val_fraction": config.val_fraction, "test_fraction": config.test_fraction}
    rendered = None
    if config.fonts:
        pictures, chars = render_characters(known.characters, load_fonts(Path(config.fonts)))
        rendered = _plain(pictures, known.encode(chars), "rendered", settings)
        callback.on_message(f"{len(rendered)} characters rendered from {config.fonts}")
    if not config.data:
        data = render_dataset(known, bundled_fonts(), settings, DISTORTIONS, config.seed)
        fonts = len(np.unique(data.groups))
        callback.on_message(f"{len(data)} pictures of {len(known)} characters rendered in {fonts} fonts")
        split = split_data(data, **fractions, seed=config.seed)
        return CharDataModule(known, split, {"rendered": split}, rendered, ())
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
        bright = normalize_polarity(data.stack, labels, settings)
        # A model says what it learnt from, not where that lay.
        name = Path(source).name if len({Path(s).name for s in loaded}) == len(loaded) else source
        sources[name] = split_data(
            dataclasses.replace(data, stack=bright, labels=labels), **fractions, seed=config.seed
        )
        sizes = " / ".join(f"{len(p):,}" for p in sources[name].parts)
        callback.on_message(
            f"{source}: {len(data):,} pictures; {sizes} to learn from / choose by / measure on"
        )
    split = Split(
        *(CharData.joined(parts) for parts in zip(*(s.parts for s in sources.values()), strict=True))
    )
    if rendered is not None:
        rendered = dataclasses.replace(rendered, labels=class_of[rendered.labels])
    problems += near_copies(split)
    return CharDataModule(alphabet, split, sources, rendered, tuple(problems))


def _plain(
    pictures: Sequence[Image], labels: NDArray[np.int64], name: str, settings: Preprocessing
) -> CharData:
    names = np.array([f"{name} {i}" for i in range(len(labels))])
    return CharData(stack_characters(pictures, settings), labels, names, names)
