"""A model's card as a Markdown page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


def escape(text: str) -> str:
    """Escape a name for Markdown, on one line."""
    return re.sub(r"([\\`*_\[\]<>|#&~])", r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """A name as code in Markdown, on one line; the fence is longer than any backticks in it."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if "`" in text else ""
    return fence + space + " ".join(text.split()) + space + fence


@dataclass(frozen=True)
class CardPage:
    """The content of a model card (Mitchell et al., *Model Cards for Model Reporting*, 2019).

    Attributes:
        title: what the model does.
        alphabet: the characters that it reads; empty if it reads none.
        network: architecture, from input to output.
        trained_on: training data, as paragraphs and lists; names in them are escaped already.
        measured: test data and counting rules.
        columns: of the table of metrics; empty: there is no table.
        rows: of the table.
        notes: further paragraphs.
    """

    title: str
    alphabet: str
    network: str
    trained_on: Sequence[str]
    measured: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        """The card as Markdown, with the training curves."""
        table = []
        if self.columns:
            lines = [self.columns, ["---"] * len(self.columns), *(map(escape, row) for row in self.rows)]
            table = ["\n".join(f"| {' | '.join(line)} |" for line in lines).replace("| --- ", "|---")]
        return "\n\n".join(
            [
                f"# {self.title}",
                *([code(self.alphabet)] if self.alphabet else []),
                self.network,
                *self.trained_on,
                self.measured,
                *table,
                *self.notes,
                "![loss, accuracy and learning rate of the last run](curves.png)\n",
            ]
        )
