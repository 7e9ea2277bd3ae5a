"""The command line, run in the tests' own process."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

import pytest

from plate_ocr.app.cli import main
from plate_ocr.app.verbosity import LOGGER

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line in this process: exit status, standard output, standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["plate-ocr", *map(str, arguments)])
        pipe = signal.getsignal(signal.SIGPIPE) if hasattr(signal, "SIGPIPE") else None
        handlers, level = LOGGER.handlers, LOGGER.level
        with pytest.raises(SystemExit) as stopped:
            main()
        LOGGER.handlers = handlers
        LOGGER.setLevel(level)
        if pipe is not None:  # else a server of a later test ends all tests when its client has gone
            signal.signal(signal.SIGPIPE, pipe)
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        code = stopped.value.code
        return (code if isinstance(code, int) else 0), out, err

    return call
