"""What all configurations of a training run share: their file and the number of steps."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import tomli_w

from plate_ocr.errors import DataError

C = TypeVar("C", bound="StepConfig")


@dataclass(frozen=True)
class StepConfig:
    """A configuration that is stored as ``config.toml``.

    Attributes:
        epochs: passes, at most.
        per_epoch: pictures in a pass.
        batch_size: pictures in a batch.
    """

    epochs: int = 20
    per_epoch: int = 8192
    batch_size: int = 256

    def to_toml(self) -> str:
        """As the text of ``config.toml``."""
        return tomli_w.dumps(dataclasses.asdict(self))

    @classmethod
    def from_toml(cls: type[C], text: str, where: str) -> C:
        """The inverse of :meth:`to_toml`.

        Raises:
            DataError: if it is no TOML or has a setting that does not exist or is of another type.
        """
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise DataError(f"{where} is no TOML file: {error}") from None
        given = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        known = {f.name: type(getattr(cls, f.name)) for f in dataclasses.fields(cls)}
        for name, value in given.items():
            if name not in known:
                raise DataError(f"{where}: no setting {name}; there are {', '.join(known)}")
            if type(value) is not known[name] and not (known[name] is float and type(value) is int):
                raise DataError(f"{where}: {name} = {value!r} is no {known[name].__name__}")
        return cls(**cast(Any, given))

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps in a pass."""
        return math.ceil(self.per_epoch / self.batch_size)

    @property
    def steps(self) -> int:
        """Optimiser steps in all, at most."""
        return self.epochs * self.steps_per_epoch
