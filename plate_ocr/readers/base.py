"""What the readers that users call have in common: what they take, give back, and how they end."""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from numbers import Real
from time import perf_counter
from typing import Any, Generic, Literal, NoReturn, Self, TypeAlias, TypeVar, get_args, overload

from plate_ocr.errors import ImageError
from plate_ocr.model.sessions import CharModel, PlateModel
from plate_ocr.vision.images import Image, ImageSource, read_image, to_array, to_gray

Result = TypeVar("Result")

OnError: TypeAlias = Literal["raise", "return"]
"""What becomes of a picture that cannot be read."""


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Refuse a setting that is none of those there are.

    Raises:
        ValueError: if so.
    """
    if value not in choices:
        raise ValueError(f"{name} {value!r} is none of {', '.join(choices)}")


def check_confidence(name: str, value: float | None) -> None:
    """Refuse a setting that is no confidence.

    Raises:
        ValueError: if it is neither None nor a number from 0 to 1.
    """
    number = isinstance(value, Real) and not isinstance(value, bool)
    if value is not None and not (number and 0 <= value <= 1):
        raise ValueError(f"{name}={value!r}: a number from 0 to 1 is expected, or None for the model's own")


def check_min_height(value: float) -> None:
    """Refuse what is no height of a plate.

    Raises:
        ValueError: if it is no finite number from 0.
    """
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not (number and 0 <= value < math.inf):
        raise ValueError(f"min_height={value!r}: a number of pixels from 0 is expected")


class Reader(ABC, Generic[Result]):
    """Reads pictures, one or many, until it is closed.

    It can be pickled: the copy opens the model's file again.

    Args:
        model: reads.
        batch: pictures that are read at once.
        settings: the other arguments that it was made with.

    Attributes:
        model: reads.
    """

    model: CharModel | PlateModel

    def __init__(self, model: CharModel | PlateModel, batch: int, **settings: Any) -> None:
        self.model, self._batch = model, batch
        self._settings = {"model": model.path.absolute(), **model.settings, **settings}

    @property
    def alphabet(self) -> str:
        """The characters it tells apart, in the order of scores."""
        return self.model.card.alphabet.characters

    @property
    def providers(self) -> tuple[str, ...]:
        """ONNX Runtime's names of what runs the network, the preferred first.

        Raises:
            ValueError: if the reader is closed.
        """
        return self.model.providers

    # A string is one picture, although it is an iterable of strings.
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, image: ImageSource, /, *, on_error: Literal["raise"] = "raise"
    ) -> Result: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, image: ImageSource, /, *, on_error: Literal["return"]
    ) -> Result | ImageError: ...
    @overload
    def __call__(
        self, image: Iterable[ImageSource], /, *, on_error: Literal["raise"] = "raise"
    ) -> list[Result]: ...
    @overload
    def __call__(
        self, image: Iterable[ImageSource], /, *, on_error: Literal["return"]
    ) -> list[Result | ImageError]: ...
    def __call__(
        self, image: ImageSource | Iterable[ImageSource], /, *, on_error: OnError = "raise"
    ) -> Result | ImageError | list[Result] | list[Result | ImageError]:
        """Read one picture or many; many are faster together than one by one.

        Args:
            image: anything that :func:`plate_ocr.read_image` takes; or a list, a tuple, a generator or
                another iterable of such; or a batch, an array or tensor ``[batch, channel, height, width]``
                with one (grey) or three (BGR) channels. For type checkers an array is one picture, whatever
                its axes.
            on_error: ``"raise"`` raises the error of the first picture that cannot be read; ``"return"``
                gives the error back in its place and reads the others.

        Returns:
            What was read of the picture; of many a list, in their order.

        Raises:
            ImageError: if a picture cannot be read; the message names its index, from 0, if there are many.
            ValueError: if ``on_error`` is none of these, or the reader is closed.
        """
        check_choice("on_error", on_error, get_args(OnError))
        if self.model.closed:
            self._refuse()
        one, sources = _sources(image)
        results: list[Result | ImageError] = []
        while some := list(islice(sources, self._batch)):
            results += self._read_batch(some, None if one else len(results), on_error)
        return results[0] if one else results

    @abstractmethod
    def _results(self, pictures: Sequence[Image], started: float) -> Sequence[Result]:
        """Read at least one grey picture, uint8 ``(H, W)`` each; decoding began at that time, seconds."""

    def _decode(self, source: ImageSource) -> Image:
        """A grey picture, uint8 ``(H, W)``, as :meth:`_results` takes it."""
        return to_gray(read_image(source))

    def _read_batch(
        self, sources: Sequence[ImageSource], first: int | None, on_error: OnError
    ) -> list[Result | ImageError]:
        started = perf_counter()
        decoded: list[Image | ImageError] = []
        for i, source in enumerate(sources):
            try:
                decoded.append(self._decode(source))
            except ImageError as error:
                if on_error == "raise":
                    where = "" if first is None else f"at index {first + i}: "
                    raise type(error)(f"{where}{error}") from None
                decoded.append(error.with_traceback(None))  # which would keep pictures in memory
        pictures = [one for one in decoded if not isinstance(one, ImageError)]
        results = iter(self._results(pictures, started) if pictures else ())
        return [one if isinstance(one, ImageError) else next(results) for one in decoded]

    def close(self) -> None:
        """Give back the memory of its networks; to read with it is an error from now on."""
        self.model.close()

    def _refuse(self, pictures: object = None) -> NoReturn:
        raise ValueError(f"this {type(self).__name__} is closed; open another one")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), **self._settings), ()


def _sources(given: Any) -> tuple[bool, Iterator[ImageSource]]:
    """Whether one picture was given, and what was."""
    if hasattr(given, "__array__") and not hasattr(given, "getexif"):  # which PIL images have
        array = to_array(given)
        if array.ndim != 4:
            return True, iter([array])
        if array.shape[1] not in (1, 3) or 0 in array.shape[2:]:
            raise ImageError(
                f"a batch of {array.dtype} {array.shape} cannot be read: "
                "[batch, channel, height, width] with one or three channels is expected"
            )
        return False, iter(array.transpose(0, 2, 3, 1))
    one = isinstance(given, (str, bytes, bytearray, memoryview, os.PathLike)) or hasattr(given, "read")
    if one or not isinstance(given, Iterable):
        return True, iter([given])
    return False, iter(given)
