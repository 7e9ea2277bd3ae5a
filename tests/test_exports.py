"""What `import plate_ocr` gives, and what it must not load."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import plate_ocr
from plate_ocr import errors
from tests.conftest import Learnt

TRAINING_ONLY = (
    "torch",
    "sklearn",
    "matplotlib",
    "onnx",
    "safetensors",
    "rich",
    "scipy",
    "plate_ocr.training",
)


def test_the_public_names_are_those_of_all() -> None:
    public = {
        name
        for name in dir(plate_ocr)
        if not name.startswith("_")
        and name not in ("Any", "TYPE_CHECKING", "import_module")
        and not isinstance(getattr(plate_ocr, name), ModuleType)
    }
    assert public == set(plate_ocr.__all__)
    assert {*plate_ocr._MODULES} < public
    with pytest.raises(AttributeError, match="has no attribute 'Classifier'"):
        plate_ocr.Classifier  # noqa: B018
    assert plate_ocr.__all__ == sorted(plate_ocr.__all__)


@pytest.mark.parametrize("name", plate_ocr.__all__)
def test_every_public_thing_says_what_it_is(name: str) -> None:
    assert inspect.getdoc(getattr(plate_ocr, name))


@pytest.mark.parametrize("error", [e for e in vars(errors).values() if inspect.isclass(e)])
def test_every_error_is_exported_and_has_one_base_and_a_place_in_the_tree(error: type) -> None:
    assert getattr(plate_ocr, error.__name__, None) is error
    assert error.__name__ in plate_ocr.__all__
    assert issubclass(error, plate_ocr.PlateOcrError)
    assert error.__name__ in (errors.__doc__ or "")


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh Python has loaded after running some code."""
    command = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", command],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        cwd=Path(plate_ocr.__file__).parent.parent,
    )
    return set(run.stdout.splitlines())


@pytest.mark.slow
def test_reading_loads_nothing_of_the_training_extra(learnt: Learnt, tiny_plate_model: Path) -> None:
    modules = loaded_by(
        "import numpy as np, plate_ocr\n"
        "picture = np.random.default_rng(0).integers(0, 256, (40, 160)).astype('uint8')\n"
        f"plate_ocr.CharClassifier({str(learnt.folder)!r})(picture)\n"
        f"plate_ocr.PlateReader({str(learnt.folder)!r})(picture)\n"
        f"plate_ocr.PlateReader({str(tiny_plate_model)!r})(picture)\n"
    )
    assert "onnxruntime" in modules
    assert not modules & set(TRAINING_ONLY)


@pytest.mark.slow
def test_importing_the_package_loads_neither_models_nor_videos() -> None:
    assert not {"onnxruntime", "PIL", "plate_ocr.video"} & loaded_by("import plate_ocr")


@pytest.mark.slow
def test_the_first_picture_does_not_wait_for_imports(tiny_model: Path) -> None:
    opened = f"import plate_ocr; from pathlib import Path; read = plate_ocr.PlateReader({str(tiny_model)!r})"
    picture = Path(plate_ocr.__file__).parents[1] / "data" / "plate.png"
    new = loaded_by(f"{opened}; read({str(picture)!r})") - loaded_by(opened)
    assert not {name for name in new if name.startswith("PIL.") and "Plugin" not in name}
