"""A model's card as a page for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CardPage:
    """What the page of a model says (Mitchell et al., *Model Cards for Model Reporting*, 2019).

    Attributes:
        title: what it does.
        alphabet: the characters that it reads; empty if it reads none.
        network: from what it looks at to what it answers.
        learnt: from what, as paragraphs and lists.
        measured: on what, and what counts.
        columns: of the table of figures; none: there is no table.
        rows: of the table.
        notes: what else is to be said, as paragraphs.
    """

    title: str
    alphabet: str
    network: str
    learnt: Sequence[str]
    measured: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        """The page, with the curves of its training."""
        table = []
        if self.columns:
            lines = [self.columns, ["---"] * len(self.columns), *self.rows]
            table = ["\n".join(f"| {' | '.join(line)} |" for line in lines).replace("| --- ", "|---")]
        return "\n\n".join(
            [
                f"# {self.title}",
                *([f"`{self.alphabet}`"] if self.alphabet else []),
                self.network,
                *self.learnt,
                self.measured,
                *table,
                *self.notes,
                "![loss, accuracy and learning rate of the last run](curves.png)\n",
            ]
        )
