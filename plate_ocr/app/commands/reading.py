"""Shared by the commands that read: the reader, and reading in one process or several."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any

from plate_ocr.app.console import fail
from plate_ocr.app.options import InputType
from plate_ocr.app.verbosity import LOGGER
from plate_ocr.errors import DataError, DeviceError, ModelError
from plate_ocr.model.onnx_session import available_threads
from plate_ocr.model.providers import short_name
from plate_ocr.model.registry import DETECTOR, find_model
from plate_ocr.model.sessions import PlateModel

if TYPE_CHECKING:
    from plate_ocr.app.answers import Answer
    from plate_ocr.app.sources import Source
    from plate_ocr.readers.auto import PlateReader


def default_model(input_type: InputType | None) -> str:
    """The model that reads where none is named."""
    return "chars" if input_type is InputType.char else "plates"


def open_reader(model: str | None, input_type: InputType | None, **settings: Any) -> PlateReader:
    """Open a reader; wrong settings end the command."""
    from plate_ocr.readers.auto import PlateReader

    started = perf_counter()
    model = model or default_model(input_type)
    try:
        read = PlateReader(model, input=input_type.value if input_type else "auto", **settings)
        if input_type is None and read.alphabet.isdecimal():
            read = PlateReader(model, input="char", **settings)
    except (ModelError, DataError, DeviceError, ValueError) as error:
        fail(str(error), 2)
    LOGGER.debug("device: %s, %d cores", device_name(read), available_threads())
    LOGGER.debug("model: %s", read.model.path)
    if isinstance(read.model, PlateModel) and input_type is not InputType.plate:
        LOGGER.debug("detector: %s", find_model(settings.get("detector", DETECTOR), ".onnx"))
    LOGGER.debug("opened in %.0f ms", 1000 * (perf_counter() - started))
    return read


def device_name(read: PlateReader) -> str:
    """What runs a reader's network, as in ``openvino, else cpu``: that computes what is left over."""
    return ", else ".join(map(short_name, read.providers))


def in_turn(
    jobs: int, sources: Iterator[Source], *task: Any
) -> Generator[tuple[Source, Answer | None], None, None]:
    """The sources, with results where worker processes read them; ``task`` as of :func:`workers.answered`."""
    if jobs == 1:
        return ((source, None) for source in sources)
    from plate_ocr.app.workers import answered

    return answered(jobs, sources, *task)
