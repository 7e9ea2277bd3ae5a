"""A server that is killed loses nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks import kills


@pytest.mark.slow
def test_a_killed_server_loses_nothing(tmp_path: Path) -> None:
    assert kills.survive(1, tmp_path, os.environ.get("PLATE_OCR_TEST_MQTT")) == []
