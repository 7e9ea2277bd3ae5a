"""Pictures that clients send."""

from __future__ import annotations

from typing import Any

import cv2
import pytest

from plate_ocr import read_image
from tests.server.conftest import PLATE, SCENE

TEXT = "皖A512T3"
"""On the plate."""


def encoded(picture: Any, suffix: str) -> bytes:
    """A picture as a file."""
    return cv2.imencode(suffix, picture)[1].tobytes()


@pytest.fixture(scope="session")
def jpeg() -> bytes:
    """A plate that was cut out."""
    return encoded(read_image(PLATE), ".jpg")


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A photo with plates."""
    return SCENE.read_bytes()
