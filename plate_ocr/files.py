"""Writing files whole: to a temporary name, synced, then renamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from plate_ocr.errors import OutputError


def write_whole(path: Path, data: bytes | Callable[[Path], object]) -> None:
    """Write a file so that at any moment either the old or the new one is there, never a part.

    Args:
        path: where to; its folder is made if needed.
        data: the bytes, or a function that writes a file of the name it is given (which ends as
            ``path`` does).

    Raises:
        OutputError: if the disk is full or the folder cannot be written to; what was there stays.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        if callable(data):
            data(temporary)
        else:
            temporary.write_bytes(data)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        # mkstemp makes files for the owner alone; give what a plain open() would give.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
