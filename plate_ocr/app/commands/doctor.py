"""``plate-ocr doctor``: state of this installation."""

from __future__ import annotations

import json
import platform
import re
import tempfile
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from plate_ocr import __version__
from plate_ocr.errors import PlateOcrError
from plate_ocr.model.onnx_session import available_threads
from plate_ocr.model.registry import NAMES, find_model
from plate_ocr.model.sessions import Detector, load_model

PACKAGE = "plate-ocr"

PACKAGES = {
    "NumPy": ("numpy",),
    "OpenCV": ("opencv-python", "opencv-python-headless"),
    "ONNX Runtime": ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino"),
    "Pillow": ("pillow",),
    "torch": ("torch",),
}
"""What reads and what trains, and the distributions that bring it."""

INSTRUCTIONS = {
    "AVX2": {"avx2"},
    "VNNI": {"avx512_vnni", "avx_vnni"},
    "bfloat16": {"avx512_bf16", "amx_bf16", "bf16"},
}
"""Sets of instructions that make networks faster, and what the Linux kernel calls them."""

CPUINFO = Path("/proc/cpuinfo")


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
) -> None:
    """Show what this installation has and whether it works.

    Its versions, processor, models and extras are listed.

    Exit status: 0 if it can read, 1 if something needed for reading is broken.
    """
    report = examine()
    print(json.dumps(report, ensure_ascii=False) if as_json else "\n".join(_lines(report)))
    if report["problems"]:
        raise typer.Exit(1)


def examine() -> dict[str, Any]:
    """The report, as the object of ``--json``; ``problems`` has what prevents reading."""
    models, problems = _models()
    return {
        "versions": {
            PACKAGE: __version__,
            "Python": platform.python_version(),
            **{name: _version(*names) for name, names in PACKAGES.items()},
        },
        "processor": processor(),
        "providers": _providers(),
        "models": models,
        "extras": extras(),
        "writable": {"current folder": _is_writable("."), "temporary folder": _is_writable(None)},
        "problems": problems,
    }


def processor(cpuinfo: Path = CPUINFO) -> dict[str, Any]:
    """The processor; what only Linux reports is None elsewhere.

    Args:
        cpuinfo: the Linux kernel's description of it.
    """
    try:
        described = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        described = ""
    fields: dict[str, str] = dict(re.findall(r"^([^\t:]+)\s*: (.*)$", described, re.MULTILINE))
    flags = set(fields.get("flags", fields.get("Features", "")).split())
    return {
        "name": fields.get("model name") or platform.processor() or None,
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "cores": available_threads(),
        **{name: bool(flags & known) if flags else None for name, known in INSTRUCTIONS.items()},
    }


def extras() -> dict[str, list[str]]:
    """The packages that each extra lacks on this system; empty where no installer left a record."""
    from packaging.requirements import Requirement

    try:
        about = metadata.metadata(PACKAGE)
    except metadata.PackageNotFoundError:
        return {}
    missing: dict[str, list[str]] = {name: [] for name in about.get_all("Provides-Extra", [])}
    for requirement in map(Requirement, about.get_all("Requires-Dist", [])):
        marker = requirement.marker
        if marker is None or marker.evaluate({"extra": ""}) or _version(requirement.name) is not None:
            continue
        for extra, lacks in missing.items():
            if marker.evaluate({"extra": extra}):
                lacks.append(requirement.name)
    return missing


def _version(*names: str) -> str | None:
    """Of the first of these distributions that is installed; nothing is imported."""
    for name in names:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def _providers() -> list[str]:
    try:
        import onnxruntime
    except ImportError:
        return []
    return list(onnxruntime.get_available_providers())


def _models() -> tuple[dict[str, Any], list[str]]:
    """The models that come with the package, each opened as for reading, and what is wrong with them."""
    models: dict[str, Any] = {}
    problems = []
    for name in NAMES:
        models[name] = None
        try:
            path = find_model(name, ".onnx")
            Detector(name) if name == "detector" else load_model(name)
        except PlateOcrError as error:
            problems.append(str(error))
        except ImportError as error:
            problems.append(f"the model {name} cannot be opened: {error}; install plate-ocr again")
        else:
            models[name] = {"path": str(path), "bytes": path.stat().st_size}
    return models, problems


def _is_writable(folder: str | None) -> bool:
    """Whether files can be made in a folder; None: the one for temporary files."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    """The report for people."""
    for name, version in report["versions"].items():
        yield f"{name}: {version or 'not installed'}"
    about = report["processor"]
    yield f"processor: {about['name'] or 'unknown'}, {about['machine']}, cores usable: {about['cores']}"
    yield ", ".join(f"{name}: {_answer(about[name])}" for name in INSTRUCTIONS)
    yield f"system: {about['system']}"
    yield f"ONNX Runtime providers: {', '.join(report['providers']) or 'none'}"
    for name, model in report["models"].items():
        yield f"model {name}: " + (f"{model['bytes']:,} bytes, {model['path']}" if model else "broken")
    for name, missing in report["extras"].items():
        how = f"lacks {', '.join(missing)}; install with: pip install '{PACKAGE}[{name}]'"
        yield f"extra {name}: {how if missing else 'installed'}"
    for name, writable in report["writable"].items():
        yield f"{name}: {'can' if writable else 'cannot'} be written to"
    yield from (f"broken: {problem}" for problem in report["problems"])
    if not report["problems"]:
        yield "ready to read"


def _answer(known: bool | None) -> str:
    return "unknown" if known is None else "yes" if known else "no"
