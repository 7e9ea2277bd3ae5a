"""The command line, run in the tests' own process."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from plate_ocr.app.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line in this process: exit status, standard output, standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["plate-ocr", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        code = stopped.value.code
        return (code if isinstance(code, int) else 0), out, err

    return call
