"""Execution providers of ONNX Runtime: the processor, or accelerators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from plate_ocr.errors import DeviceError

Providers: TypeAlias = str | Sequence[str] | None
"""One of :data:`SHORT_NAMES`, a name of ONNX Runtime's, several of these, ``"auto"``, or None."""

CPU = "CPUExecutionProvider"

SHORT_NAMES = {
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cpu": CPU,
}
"""In the order in which ``"auto"`` tries them."""


def short_name(provider: str) -> str:
    """The short name of a provider, or its own name if it has none."""
    return next((short for short, full in SHORT_NAMES.items() if full == provider), provider)


_BROUGHT_BY = {
    "cuda": "; to get it, put onnxruntime-gpu in the place of onnxruntime",
    "openvino": "; to get it, put onnxruntime-openvino in the place of onnxruntime",
    "coreml": "; ONNX Runtime for macOS has it",
}

MAX_THREADS = 1024
"""Maximum number of threads; more are a mistake."""


def check_threads(threads: int | None) -> None:
    """Check a number of threads.

    Raises:
        ValueError: if it is neither None nor a whole number from 1 to :data:`MAX_THREADS`.
    """
    whole = isinstance(threads, int) and not isinstance(threads, bool)
    if threads is not None and not (whole and 1 <= threads <= MAX_THREADS):
        raise ValueError(
            f"threads={threads!r}: a whole number from 1 to {MAX_THREADS} is expected, "
            "or None for as many as this process may use"
        )


def choose_providers(providers: Providers) -> list[list[str]]:
    """Resolve providers to ONNX Runtime's names.

    Args:
        providers: as a reader takes them; None is the processor.

    Returns:
        Lists of providers to try in order: several for ``"auto"``, else one.

    Raises:
        ValueError: if it is neither a name nor a sequence of names.
        DeviceError: if this ONNX Runtime lacks one of them.
    """
    if providers is None:
        return [[CPU]]
    names = [providers] if isinstance(providers, str) else providers
    if not isinstance(names, Sequence) or not names or not all(isinstance(name, str) for name in names):
        raise ValueError(
            f"providers={providers!r}: {', '.join(SHORT_NAMES)}, auto, a name of ONNX Runtime's "
            "or a list of names is expected"
        )
    import onnxruntime

    there = onnxruntime.get_available_providers()
    if providers == "auto":
        return [[name] for name in SHORT_NAMES.values() if name in there]
    for name in names:
        if SHORT_NAMES.get(name, name) not in there:
            has = ", ".join(short for short, full in SHORT_NAMES.items() if full in there)
            others = [full for full in there if full not in SHORT_NAMES.values()]
            raise DeviceError(
                f"this ONNX Runtime has no provider {name!r}, it has {', '.join([has, *others])}"
                + _BROUGHT_BY.get(name, "")
            )
    return [[SHORT_NAMES.get(name, name) for name in names]]
