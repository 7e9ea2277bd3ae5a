"""How long work goes on is shown: of a training run a bar or plain lines, of many pictures a count."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from plate_ocr.app.verbosity import is_quiet

if TYPE_CHECKING:
    from plate_ocr.training.core.epoch import Epoch
    from plate_ocr.training.core.reporting import Length


T = TypeVar("T")


def counted(things: Iterable[T]) -> Iterator[T]:
    """The things one by one, and on standard error how many are done; they may be without end.

    Only on a terminal, and only where results go elsewhere: else they tell themselves how far it is.
    """
    shown = sys.stderr.isatty() and not sys.stdout.isatty() and not is_quiet()
    done = 0
    for done, thing in enumerate(things):
        if shown:
            print(f"\r{done:,} done", end="", file=sys.stderr, flush=True)
        yield thing
    if shown:
        print(f"\r{done + 1:,} done", file=sys.stderr)


class PlainReporter:
    """A line for each epoch, on standard error."""

    def __init__(self) -> None:
        self._config: Length | None = None

    def say(self, line: str) -> None:
        """Print one line."""
        print(line, file=sys.stderr, flush=True)

    def begin(self, config: Length, done: int) -> None:
        """Remember how long the run is."""
        self._config = config

    def step(self, step: int, lr: float, loss: float) -> None:
        """Nothing: a log has a line an epoch."""

    def epoch(self, epoch: Epoch) -> None:
        """Print the figures of an epoch."""
        epochs = self._config.epochs if self._config else epoch.epoch
        accuracy = "" if epoch.train_acc is None else f", accuracy {epoch.train_acc:.2%}"
        self.say(
            f"epoch {epoch.epoch}/{epochs}: loss {epoch.train_loss:.4f}{accuracy}, "
            f"validation {epoch.val_metric:.2%}, lr {epoch.lr:.2g}, {epoch.seconds:.1f} s"
        )

    def __enter__(self) -> PlainReporter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to tidy up."""


class QuietReporter(PlainReporter):
    """Nothing: errors are told by who catches them."""

    def say(self, line: str) -> None:
        """Nothing."""


class BarReporter(PlainReporter):
    """A progress bar with learning rate, loss, accuracy and time left."""

    def __init__(self) -> None:
        super().__init__()
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            TextColumn("{task.fields[figures]}"),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task("training", total=None, visible=False, figures="")
        self._accuracy = ""
        self._shown = 0.0

    def say(self, line: str) -> None:
        """Print one line above the bar."""
        self._progress.console.print(line, markup=False, highlight=False)

    def begin(self, config: Length, done: int) -> None:
        """Show the bar."""
        super().begin(config, done)
        self._progress.update(self._task, total=config.steps, completed=done, visible=True)

    def step(self, step: int, lr: float, loss: float) -> None:
        """Move the bar, ten times a second at most."""
        if (now := time.monotonic()) - self._shown > 0.1:
            self._shown = now
            figures = f"lr {lr:.1e}  loss {loss:.3f}{self._accuracy}"
            self._progress.update(self._task, completed=step, figures=figures)

    def epoch(self, epoch: Epoch) -> None:
        """Show the accuracy of an epoch."""
        self._accuracy = f"  accuracy {epoch.val_metric:.2%}"

    def __enter__(self) -> BarReporter:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""
        self._progress.stop()


def reporter() -> PlainReporter:
    """What suits standard error and what is to be told."""
    if is_quiet():
        return QuietReporter()
    return BarReporter() if sys.stderr.isatty() else PlainReporter()
