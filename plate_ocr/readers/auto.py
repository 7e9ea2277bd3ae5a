"""What users call: pictures in, text out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from copy import copy
from functools import cache, partial
from threading import Thread
from time import perf_counter
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from plate_ocr.errors import ModelError
from plate_ocr.model.providers import Providers
from plate_ocr.model.registry import DETECTOR
from plate_ocr.model.sessions import Detector, PlateModel, load_model
from plate_ocr.readers.any_picture import AnyReader
from plate_ocr.readers.base import Reader, check_choice, check_confidence, check_min_height
from plate_ocr.readers.doubt import discount_unknown
from plate_ocr.readers.photos import UNWANTED, PhotoReader
from plate_ocr.readers.plates import BATCH, NetworkReader
from plate_ocr.readers.results import Plate, Reading
from plate_ocr.readers.scales import detect_at_all_scales
from plate_ocr.readers.trace import current_trace, tell_dropped
from plate_ocr.readers.view import Box, View
from plate_ocr.region_files.table import Region
from plate_ocr.vision.drawing import blurred
from plate_ocr.vision.images import Image, ImageSource, load_decoders, read_image, to_gray

InputType: TypeAlias = Literal["auto", "photo", "plate", "char"]
"""What a picture shows."""


class PlateReader(Reader[Reading]):
    """Reads pictures of plates.

    ``with PlateReader() as reader:`` closes it in the end; a pickled one opens its model's file again.

    Args:
        model: ``"plates"``, which reads whole plates by a network; ``"chars"`` or ``"digits"``, which
            read them classically, cut into characters; an ``.onnx`` file or the folder of a training run.
        input: what pictures show: ``"photo"`` all that is in front of a camera; ``"plate"`` a plate, cut
            out; ``"char"`` a single character, which takes a character model; ``"auto"`` any of these, told
            apart picture by picture (a character model takes it for ``"plate"``).
        region: a code such as ``"cn"`` or ``"US"``, a region file, or a sequence of such: their formats help
            where characters look alike; by default that of the model's card, if it names one.
        script: such as ``"hangul"``, or a sequence: no other is read but plain Latin; by default all are.
        threads: processor cores for the network, 1 to 1024; by default as many as the process may use.
        min_confidence: below it a character is unknown, 0..1; by default the model's own bound, which is one
            of probabilities.
        min_plate_confidence: a plate with a lower ``confidence`` is left out, 0..1; by default the model's
            own bound, likewise. With 0 all readings are given, short texts in photos too.
        min_height: a plate with a lower ``height``, pixels, is left out.
        rotate: degrees by which pictures are turned clockwise: 0, 90, 180 or 270.
        roi: region of interest ``(x, y, w, h)``, whole pixels: nothing is looked at outside of it.
        ignore: boxes ``(x, y, w, h)`` in which nothing is looked at, clipped at the picture's edge. All
            coordinates are pixels after EXIF rotation and ``rotate``.
        detector: finds plates in photos: ``"detector"``, an ``.onnx`` file or a training run's folder.
        providers: what runs the networks: ``"cpu"``, the default, ``"cuda"``, ``"openvino"``, ``"coreml"``, a
            name of ONNX Runtime's, or a list, the preferred first; ``"auto"`` takes the first of CUDA,
            CoreML, OpenVINO and the processor that is there.

    Attributes:
        model: reads.
        input: what pictures are taken for.
        view: how pictures are looked at: ``rotate``, ``roi`` and ``ignore``.
        photos: finds and reads with ``input="photo"``; else None.

    A call raises :class:`~plate_ocr.BoxError`, an ``ImageError``, for a picture that a box lies outside of.

    Raises:
        ModelError: if there is no such model, or it cannot read such pictures.
        DataError: if a region is unknown or its file has a mistake.
        DeviceError: if a provider is not there or does not start.
        ValueError: if a setting is out of its range, or ``input`` is none of these.

    Safe to call from several threads.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = "plates",
        *,
        detector: str | os.PathLike[str] = DETECTOR,
        input: InputType = "auto",
        region: Region | Sequence[Region] | None = None,
        script: str | Sequence[str] | None = None,
        threads: int | None = None,
        min_confidence: float | None = None,
        min_plate_confidence: float | None = None,
        min_height: float = 0,
        rotate: int = 0,
        roi: Box | None = None,
        ignore: Sequence[Box] = (),
        providers: Providers = None,
    ) -> None:
        self._detector: Callable[[], Detector] = cache(
            partial(Detector, detector, threads=threads, providers=providers)
        )
        decoders = Thread(target=load_decoders)  # while ONNX Runtime opens the network
        decoders.start()
        opened = load_model(model, threads=threads, providers=providers)
        decoders.join()
        if detector != DETECTOR:
            if input in ("plate", "char") or not isinstance(opened, PlateModel):
                raise ModelError(
                    f"the detector {detector} belongs to photos, which this reader does not take"
                )
            detector = self._detector().path.absolute()
        super().__init__(
            opened,
            1,
            detector=detector,
            input=input,
            region=region,
            script=script,
            min_confidence=min_confidence,
            min_plate_confidence=min_plate_confidence,
            min_height=min_height,
            rotate=rotate,
            roi=roi,
            ignore=ignore,
        )
        self._read: Callable[[Sequence[Image]], list[tuple[Plate, ...]]]
        self._configure()

    def _configure(self) -> None:
        """Choose what reads, by the settings."""
        settings = self._settings
        check_choice("input", settings["input"], get_args(InputType))
        check_confidence("min_plate_confidence", settings["min_plate_confidence"])
        check_min_height(settings["min_height"])
        self.view = View(settings["rotate"], settings["roi"], settings["ignore"])
        self._min_height = settings["min_height"]
        self._min_plate_confidence = settings["min_plate_confidence"] or 0.0
        input, region = settings["input"], settings["region"]
        min_confidence: float | None = settings["min_confidence"]
        # Others read picture by picture, and photos are large.
        self._batch = BATCH if isinstance(self.model, PlateModel) and input != "photo" else 1
        self.photos: PhotoReader | None = None
        if isinstance(self.model, PlateModel):
            if input == "char":
                raise ModelError(
                    f"{self.model.path} reads whole plates; single characters take chars or digits"
                )
            plates = NetworkReader(
                self.model,
                min_confidence=min_confidence,
                min_plate_confidence=settings["min_plate_confidence"],
                region=region,
                script=settings["script"],
            )
            if input == "plate":
                self._read = plates.read
            elif input == "photo":
                self.photos = PhotoReader(plates, self._detector(), self._is_wanted)
                self._read = self.photos.read
            else:
                self._read = AnyReader(
                    plates,
                    self._detector,
                    threads=settings["threads"],
                    min_confidence=min_confidence,
                    providers=settings["providers"],
                    is_wanted=self._is_wanted,
                ).read
        else:
            if input == "photo":
                raise ModelError(f"{self.model.path} reads single characters; photos take plates")
            if settings["script"]:
                raise ModelError(f"{self.model.path} reads single characters; a script belongs to plates")
            from plate_ocr.readers.classical import ClassicalReader

            input = "char" if input == "char" else "plate"
            classical = ClassicalReader(self.model, min_confidence=min_confidence, region=region)
            self._read = classical.classifier.read if input == "char" else classical.read
        self.input: InputType = input

    def with_settings(self, **settings: Any) -> PlateReader:
        """A reader with other settings that shares this one's networks: model, threads and providers stay.

        Closing either closes both. Errors are those of opening one.
        """
        other = copy(self)
        other._settings = self._settings | settings
        other._configure()
        return other

    def _decode(self, source: ImageSource) -> Image:
        gray = rotated(self, super()._decode(source))
        self.view.check(gray)
        return gray

    def _results(self, pictures: Sequence[Image], started: float) -> list[Reading]:
        parts = [self.view.visible(picture) for picture in pictures]
        found = self._read([part for part, _ in parts])
        ms = 1000 * (perf_counter() - started) / len(pictures)
        readings = []
        for picture, (_, offset), plates in zip(pictures, parts, found, strict=True):
            height, width = picture.shape
            placed = [(plate, self.discounted(plate).placed(offset, (width, height))) for plate in plates]
            placed.sort(key=lambda pair: -pair[1].confidence)
            wanted = [(plate, here) for plate, here in placed if self._is_wanted(here)]
            readings.append(Reading(width, height, ms, tuple(here for _, here in wanted)))
            if trace := current_trace():
                trace.offset, trace.placed = offset, placed
                tell_dropped(plates, [plate for plate, _ in wanted], UNWANTED)
        return readings

    def _is_wanted(self, plate: Plate) -> bool:
        confidence = self.discounted(plate).confidence
        return plate.height >= self._min_height and confidence >= self._min_plate_confidence

    def discounted(self, plate: Plate) -> Plate:
        """A plate that :attr:`photos` read as a call reports it: less sure where it may be unknown."""
        if (given := self._settings["min_confidence"]) is not None:
            return discount_unknown(plate, min_confidence=given)
        # The model's own bound is one of probabilities.
        return discount_unknown(plate, floor=self.model.card.min_confidence)

    def detect(self, picture: Image) -> list[NDArray[np.float64]]:
        """Where a plate may be, read or not, at all scales: what :meth:`blur` hides beside what was read.

        Args:
            picture: uint8 ``(H, W)`` or ``(H, W, 3)``, as :func:`rotated` gives it.

        Returns:
            float64 ``(4, 2)`` each: x and y of corners, pixels. The bounds on confidence and height do not
            count, ``roi`` and ``ignore`` do.

        Raises:
            BoxError: if a box lies outside the picture.
        """
        gray = to_gray(picture)
        self.view.check(gray)
        part, offset = self.view.visible(gray)
        return [place.corners + offset for place in detect_at_all_scales(self._detector(), part)]

    def blur(self, image: ImageSource) -> Image:
        """Make all that may be a plate unreadable, read or not.

        Args:
            image: one picture, as :func:`plate_ocr.read_image` takes it.

        Returns:
            uint8 ``(H, W)`` or ``(H, W, 3)`` BGR, turned by ``rotate``.

        Raises:
            ImageError: if it cannot be read.
        """
        picture = read_image(image)
        read = [np.array(plate.corners) for plate in self(picture).plates]
        picture = rotated(self, picture)
        return blurred(picture, [*read, *self.detect(picture)])

    def close(self) -> None:
        """Give back the memory of its networks; to read with it is an error from now on."""
        super().close()
        self.photos = None
        self._read, self._detector = self._refuse, self._refuse  # what read may hold other networks


def rotated(read: Callable[[Image], Reading], picture: Image) -> Image:
    """The picture in whose pixels a reader gives coordinates: turned as a :class:`PlateReader` turns it.

    Args:
        read: reads pictures.
        picture: uint8 ``(H, W)`` or ``(H, W, 3)``, as :func:`plate_ocr.read_image` gives it.
    """
    return read.view.rotated(picture) if isinstance(read, PlateReader) else picture
