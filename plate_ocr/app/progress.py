"""Progress on standard error: a bar or log lines for training, a counter for many images."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from plate_ocr.app.verbosity import is_quiet

if TYPE_CHECKING:
    from plate_ocr.training.core.callbacks import RunLength
    from plate_ocr.training.core.epoch import Epoch


T = TypeVar("T")


def counted(things: Iterable[T], total: Callable[[], int], *, to_file: bool = False) -> Iterator[T]:
    """Yield items and count them on standard error, as in ``12 of 2,008``.

    Only on a terminal, and only if results go elsewhere: otherwise the results show the progress.

    Args:
        things: the items.
        total: how many there are; called only if the count is shown.
        to_file: whether results go to a file and not to standard output.
    """
    if not sys.stderr.isatty() or is_quiet() or (sys.stdout.isatty() and not to_file):
        yield from things
        return
    of = f"of {total():,}"
    done = 0
    for done, thing in enumerate(things, 1):
        print(f"\r{done - 1:,} {of}", end="", file=sys.stderr, flush=True)
        yield thing
    print(f"\r{done:,} {of}", file=sys.stderr)


STAGE_SECONDS = 10.0
"""Time between two log lines about a stage."""


def duration(seconds: float) -> str:
    """A time in words, as in ``40 s``, ``12 min`` and ``2.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class RateCounter:
    """Counts on standard error, as in ``12,000 of 20,000 pictures, 61 per second, 2 min left``: in place on a
    terminal, else a line every ten seconds.

    Args:
        things: what is counted, in the plural.
        total: how many there are.
    """

    def __init__(self, things: str, total: int) -> None:
        self._things, self._total = things, total
        self._since, self._told = time.monotonic(), -STAGE_SECONDS
        self._before: int | None = None
        self._on_terminal = sys.stderr.isatty()

    def update(self, done: int) -> None:
        """Show how many are done; those of the first call were done before."""
        now = time.monotonic()
        if self._before is None:
            self._before, self._since = done, now
        if is_quiet() or (not self._on_terminal and now - self._told < STAGE_SECONDS and done < self._total):
            return
        self._told = now
        line = f"{done:,} of {self._total:,} {self._things}"
        if (new := done - self._before) and now > self._since:
            rate = new / (now - self._since)
            line += f", {rate:.3g} per second, {duration((self._total - done) / rate)} left"
        start, end = ("\r", "\x1b[K") if self._on_terminal else ("", "\n")
        print(f"{start}{line}", end=end, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line."""
        if self._on_terminal and not is_quiet():
            print(file=sys.stderr)


class LogCallback:
    """Logs one line per epoch to standard error."""

    def __init__(self) -> None:
        self._config: RunLength | None = None
        self._stage, self._since, self._told = "", 0.0, 0.0

    def on_message(self, line: str) -> None:
        """Print one line."""
        print(line, file=sys.stderr, flush=True)

    def on_progress(self, stage: str, done: int, total: int) -> None:
        """Print the count when a stage begins and ends, and every ten seconds."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._since = stage, now
        elif done < total and now - self._told < STAGE_SECONDS:
            return
        self._told = now
        left = f", {duration((now - self._since) * (total - done) / done)} left" if 0 < done < total else ""
        self.on_message(f"{stage}: {done:,} of {total:,}{left}")

    def on_train_begin(self, config: RunLength, done: int) -> None:
        """Remember the length of the run."""
        self._config = config

    def on_step_end(self, step: int, lr: float, loss: float) -> None:
        """Nothing: there is one line per epoch."""

    def on_epoch_end(self, epoch: Epoch) -> None:
        """Print the metrics of an epoch."""
        epochs = self._config.epochs if self._config else epoch.epoch
        accuracy = "" if epoch.train_acc is None else f", accuracy {epoch.train_acc:.2%}"
        more = epochs - epoch.epoch
        left = f", at most {duration(more * epoch.seconds)} left" if more > 0 else ""
        self.on_message(
            f"epoch {epoch.epoch}/{epochs}: loss {epoch.train_loss:.4f}{accuracy}, "
            f"validation {epoch.val_metric:.2%}, lr {epoch.lr:.2g}, {epoch.seconds:.1f} s{left}"
        )

    def __enter__(self) -> LogCallback:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to clean up."""


class QuietCallback(LogCallback):
    """Prints nothing: errors are reported where they are caught."""

    def on_message(self, line: str) -> None:
        """Nothing."""


class ProgressCallback(LogCallback):
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
        self._of_stage = self._progress.add_task("", total=None, visible=False, figures="")
        self._accuracy = ""
        self._shown = 0.0

    def on_message(self, line: str) -> None:
        """Print one line above the bar."""
        self._progress.console.print(line, markup=False, highlight=False)

    def on_progress(self, stage: str, done: int, total: int) -> None:
        """Show a bar for the stage; it goes with the last picture."""
        if not done:
            self._progress.reset(self._of_stage, description=stage, total=total)
        figures = f"{done:,} of {total:,}"
        self._progress.update(self._of_stage, completed=done, visible=done < total, figures=figures)

    def on_train_begin(self, config: RunLength, done: int) -> None:
        """Show the bar."""
        super().on_train_begin(config, done)
        self._progress.update(self._task, total=config.steps, completed=done, visible=True)

    def on_step_end(self, step: int, lr: float, loss: float) -> None:
        """Move the bar, ten times a second at most."""
        if (now := time.monotonic()) - self._shown > 0.1:
            self._shown = now
            figures = f"lr {lr:.1e}  loss {loss:.3f}{self._accuracy}"
            self._progress.update(self._task, completed=step, figures=figures)

    def on_epoch_end(self, epoch: Epoch) -> None:
        """Print the metrics of an epoch above the bar, which keeps the last accuracy."""
        super().on_epoch_end(epoch)
        self._accuracy = f"  accuracy {epoch.val_metric:.2%}"

    def __enter__(self) -> ProgressCallback:
        self._progress.start()
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the terminal."""
        self._progress.stop()


def train_callback() -> LogCallback:
    """The callback for this terminal and verbosity."""
    if is_quiet():
        return QuietCallback()
    return ProgressCallback() if sys.stderr.isatty() else LogCallback()
