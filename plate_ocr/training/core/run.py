"""The skeleton of a run."""

from __future__ import annotations

from pathlib import Path

from plate_ocr.errors import OutputError
from plate_ocr.training.core.checkpoint import CHECKPOINT


def refuse_other_run(folder: Path) -> None:
    """Raises OutputError if the folder holds a run already."""
    if (folder / CHECKPOINT).exists():
        raise OutputError(
            f"{folder} holds a run already: go on with --resume {folder}, or give another folder"
        )
