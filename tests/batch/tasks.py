"""What processes run in tests instead of reading; imported there, so it imports little."""

from __future__ import annotations

import os
import signal

from plate_ocr.errors import OutputError


def die(part: str, *, threads: int) -> str:
    """Part b ends its process."""
    if part == "b":
        os.kill(os.getpid(), signal.SIGKILL)
    return part


def complain(part: str, *, threads: int) -> str:
    """Part b cannot be written."""
    if part == "b":
        raise OutputError("cannot write b: No space left on device")
    return part
