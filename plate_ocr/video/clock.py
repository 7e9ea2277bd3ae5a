"""When a film was recorded, and what time it is where a camera watches."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import datetime, timedelta
from time import monotonic

PROBE_TIMEOUT_S = 10.0
"""Seconds that ffprobe may take."""


def creation_time(path: str) -> datetime | None:
    """When the container of a film says that it was made; None if it does not, or ffprobe is not installed.

    Args:
        path: the file.
    """
    program = shutil.which("ffprobe")
    if program is None:
        return None
    command = [program, "-v", "error", "-show_entries", "format_tags=creation_time"]
    command += ["-of", "default=noprint_wrappers=1:nokey=1", "file:" + os.path.abspath(path)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=PROBE_TIMEOUT_S)
        made = datetime.fromisoformat(done.stdout.strip())
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    # Cameras whose clock was never set say 1904 or 1970.
    return made if made.tzinfo and made.year > 1970 else None


class LiveClock:
    """Wall-clock time of a camera's second 0, which is when this is made; it follows a clock that is set."""

    def __init__(self) -> None:
        self._opened = monotonic()

    @property
    def zero(self) -> datetime:
        """By the clock as it goes now, with a zone."""
        return datetime.now().astimezone() - timedelta(seconds=monotonic() - self._opened)
