"""The image and the services beside it, as far as that can be told without an engine."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_args

from packaging.requirements import Requirement

from plate_ocr.server.cameras.config import Camera, Kind, load_cameras

ROOT = Path(__file__).parent.parent


def test_the_image_installs_what_the_package_requires_with_the_headless_opencv() -> None:
    command = [sys.executable, "deploy/requirements.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    installed = {Requirement(line).name for line in done.stdout.splitlines()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {Requirement(line).name for line in project["dependencies"]}
    assert installed >= needed - {"opencv-python"} | {"opencv-python-headless"}
    assert "opencv-python" not in installed


def test_what_the_image_copies_is_in_its_context() -> None:
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    context = set((ROOT / ".dockerignore").read_text().split())
    assert {f"!{name}" for name in names} <= context
    assert all((ROOT / name).exists() for name in names)


def test_the_example_has_each_kind_of_camera_and_each_setting() -> None:
    cameras = load_cameras(ROOT / "deploy/cameras.toml")
    assert sorted(camera.kind for camera in cameras) == sorted(get_args(Kind))
    assert set().union(*(camera.model_fields_set for camera in cameras)) == set(Camera.model_fields)
