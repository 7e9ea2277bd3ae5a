"""The help of ``plate-ocr train``: options in panels, with the default of each model."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperOption

if TYPE_CHECKING:
    from plate_ocr.training.core.config import RunConfig

PANELS = {
    "Run": ("out", "resume", "config", "model", "dry_run", "quiet", "verbose", "help"),
    "Data": (
        "fonts",
        "region",
        "backgrounds",
        "group",
        "alphabet",
        "mix",
        "partial",
        "val_fraction",
        "test_fraction",
        "strict",
    ),
    "Network": ("weights", "keep", "freeze", "grid", "hidden", "loss"),
    "Schedule": (
        *("epochs", "samples_per_epoch", "repeats", "batch_size", "patience"),
        *("lr", "warmup", "lr_schedule", "seed"),
    ),
    "Machine": ("device", "grad_accum", "compile"),
}
"""The panels of the help and their options, in order."""


class TrainCommand(TyperCommand):
    """Shows the options in panels, with the default of each model where the ``train`` extra is installed."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options."""
        with suppress(ModuleNotFoundError):
            from plate_ocr.training.tasks import CONFIGS

            for option in self.params:
                if isinstance(option, TyperOption) and option.name and option.show_default is True:
                    option.show_default = _defaults(CONFIGS, option.name) or False
        records = {
            param.name: (param.param_type_name, record)
            for param in self.get_params(ctx)
            if (record := param.get_help_record(ctx))
        }
        with formatter.section("Arguments"):
            formatter.write_dl(
                [record for config_type, record in records.values() if config_type == "argument"]
            )
        for title, names in PANELS.items():
            with formatter.section(title):
                formatter.write_dl([_plain_default(*records[name][1]) for name in names])


def users_of(configs: Mapping[str, type[RunConfig]], name: str) -> list[str]:
    """The models whose configuration has a field of that name."""
    return [
        model
        for model, config_type in configs.items()
        if name in {f.name for f in dataclasses.fields(config_type)}
    ]


def _defaults(configs: Mapping[str, type[RunConfig]], name: str) -> str:
    """The defaults of a setting in words, as in ``20 (digits, chars), 60 (plates)``."""
    models: dict[str, list[str]] = {}
    for model in users_of(configs, name):
        value = getattr(configs[model], name)
        if isinstance(value, tuple):
            value = ("x" if name == "grid" else " ").join(map(str, value))
        models.setdefault("" if value is False else str(value), []).append(model)
    every = len(models) == 1 and len(next(iter(models.values()))) == len(configs)
    return ", ".join(
        value if every else f"{value} ({', '.join(names)})" for value, names in models.items() if value
    )


def _plain_default(option: str, text: str) -> tuple[str, str]:
    """A record of the help without the parentheses that are put round defaults in words."""
    return option, re.sub(r"\[default: \((.+)\)(;[^;]*)?\]$", r"[default: \1\2]", text)
