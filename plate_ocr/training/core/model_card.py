"""A model's card as a page for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CardPage:
    """The content of a model card (Mitchell et al., *Model Cards for Model Reporting*, 2019).

    Attributes:
        title: what the model does.
        alphabet: the characters that it reads; empty if it reads none.
        network: architecture, from input to output.
        trained_on: training data, as paragraphs and lists.
        measured: test data, and what counts as wrong.
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
            lines = [self.columns, ["---"] * len(self.columns), *self.rows]
            table = ["\n".join(f"| {' | '.join(line)} |" for line in lines).replace("| --- ", "|---")]
        return "\n\n".join(
            [
                f"# {self.title}",
                *([f"`{self.alphabet}`"] if self.alphabet else []),
                self.network,
                *self.trained_on,
                self.measured,
                *table,
                *self.notes,
                "![loss, accuracy and learning rate of the last run](curves.png)\n",
            ]
        )
