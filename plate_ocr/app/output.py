"""Results as people and programs read them."""

from __future__ import annotations

import io
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from plate_ocr.errors import OutputError
from plate_ocr.files import write_whole
from plate_ocr.readers.any_picture import classify_picture
from plate_ocr.readers.results import Reading, reading_values

if TYPE_CHECKING:
    from plate_ocr.video.vehicle import Corners, VehicleTrack


class Written(NamedTuple):
    """The files that were written of a picture, as their folders were given.

    Attributes:
        annotated: None without one.
        blurred: None without one.
        crops: of its plates, in their order; empty without any.
    """

    annotated: str | None = None
    blurred: str | None = None
    crops: Sequence[str] = ()


NONE_WRITTEN = Written()

PHOTO_HINT = "only --model plates searches photos for plates"


def looks_like_photo(reading: Reading) -> bool:
    """Whether a picture that was taken for a crop of a plate looks like a photo, by what was read of it."""
    return classify_picture(reading.height, reading.width, reading.plates) == "photo"


SEEN_KEYS = (
    "first_corners", "last_corners", "first_seen", "last_seen", "camera", "direction", "movement", "id",
)  # fmt: skip
"""Of when, where and how a car moved."""


def to_values(
    name: str,
    reading: Reading | None,
    error: str | None = None,
    *,
    track: VehicleTrack | None = None,
    video: bool = False,
    written: Written | None = None,
) -> dict[str, Any]:
    """What there is to write of a picture or a car.

    Args:
        name: the path as it was given.
        reading: what was read; None after an error.
        error: one sentence.
        track: whose reading it is.
        video: whether the object has a car's entries, which are null without one.
        written: the files that were written of it; None where none were asked for.
    """
    values = reading_values(name, reading, error)
    if video:
        values |= {
            "start": round(track.start, 3) if track else None,
            "end": round(track.end, 3) if track and track.departed else None,
            "frames": track.frames if track else 0,
            "best": {"time": round(track.best_time, 3), "corners": values["plates"][0]["corners"]}
            if track
            else None,
        }
    if written is not None:
        values["files"] = written._asdict()
    if video:
        values |= _seen(track)
    return values


def _seen(track: VehicleTrack | None) -> dict[str, Any]:
    """When, where and how a car moved; all null without one."""
    if track is None:
        return dict.fromkeys(SEEN_KEYS)
    last_seen = track.last_seen if track.departed else None
    direction = track.direction
    values = (
        _rounded(track.first_corners),
        _rounded(track.last_corners),
        track.first_seen and track.first_seen.isoformat(timespec="milliseconds"),
        last_seen and last_seen.isoformat(timespec="milliseconds"),
        track.camera,
        None if direction is None else round(direction, 1) % 360,
        track.movement,
        track.id,
    )
    return dict(zip(SEEN_KEYS, values, strict=True))


def _rounded(corners: Corners) -> list[list[float]]:
    return [[round(x, 1), round(y, 1)] for x, y in corners]


def to_json(values: dict[str, Any]) -> str:
    """What :func:`to_values` gives, on one line; what is not UTF-8 in a file name is escaped."""
    return json.dumps(values, ensure_ascii=False).encode(errors="backslashreplace").decode()


@dataclass(frozen=True)
class ResultFile:
    """A file of :func:`to_json`'s lines that grows.

    Attributes:
        path: the file.
        named: the pictures that it has lines of.
        failed: of these, those that could not be read.
    """

    path: Path
    named: frozenset[str]
    failed: frozenset[str]

    @classmethod
    def of(cls, path: Path) -> ResultFile:
        """Look at what is there, which may be nothing; a last line that was cut short is dropped.

        Raises:
            OutputError: if it cannot be read or holds something else.
        """
        named, failed, whole, line = set[str](), set[str](), 0, b""
        try:
            with path.open("rb") as file:
                for line in file:
                    if line.endswith(b"\n"):
                        values = json.loads(line)
                        to_rows(values)
                        if not isinstance(values["image"], str):
                            raise ValueError
                        named.add(values["image"])
                        if values["error"] is not None:
                            failed.add(values["image"])
                        whole += len(line)
                    elif not line.startswith(b'{"image": '[: len(line)]):
                        raise ValueError
            if line and not line.endswith(b"\n"):
                os.truncate(path, whole)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise OutputError(f"cannot go on with {path}: {error.strerror or error}") from None
        except (ValueError, KeyError, TypeError, RecursionError):
            raise OutputError(f"{path} holds something else than lines of predict --json") from None
        return cls(path, frozenset(named), frozenset(failed))

    def without(self, names: Set[str]) -> ResultFile:
        """Remove the lines of these pictures.

        Raises:
            OutputError: if the file cannot be written.
        """

        def write(path: Path) -> None:
            with self.path.open("rb") as lines, path.open("wb") as file:
                file.writelines(line for line in lines if json.loads(line)["image"] not in names)

        if names:
            write_whole(self.path, write)
        return ResultFile(self.path, self.named - names, self.failed - names)

    def rows(self) -> Iterator[list[Any]]:
        """A table of all that is in the file, in its order.

        Raises:
            OutputError: if it cannot be read.
        """
        for values in self._values():
            yield from to_rows(values)

    def written(self) -> Iterator[Written]:
        """The files that were written of pictures.

        Raises:
            OutputError: if it cannot be read.
        """
        for values in self._values():
            if "files" in values:
                yield Written(**values["files"])

    def _values(self) -> Iterator[dict[str, Any]]:
        try:
            with self.path.open("rb") as file:
                yield from map(json.loads, file)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise OutputError(f"cannot read {self.path}: {error.strerror or error}") from None

    def append(self, lines: Iterable[str]) -> None:
        """Write more lines, all or none: a video whose first line is there would be passed over.

        Raises:
            OutputError: if they cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab", buffering=0) as file:
                before, rest = file.tell(), "".join(f"{line}\n" for line in lines).encode()
                try:
                    while rest:
                        rest = rest[file.write(rest) :]
                except OSError:
                    file.truncate(before)
                    raise
        except OSError as error:
            raise OutputError(f"cannot write to {self.path}: {error.strerror or error}") from None


def to_line(name: str, reading: Reading, track: VehicleTrack | None = None) -> str:
    """``PATH  TEXT  CONFIDENCE`` for people, when a vehicle was seen, and the name of a known plate; a dash
    where nothing was found. Of a vehicle that has not left there is only when it came.
    """
    if not reading.plates:
        return f"{name}  -"
    seen = ""
    if track:
        seen = f"  {track.start:.1f}–{track.end:.1f} s" if track.departed else f"  {track.start:.1f}– s"
    return "\n".join(
        f"{name}  {plate.text}  {plate.confidence:.2f}{seen}"
        + (f"  {plate.known.name or plate.known.plate}" if plate.known else "")
        for plate in reading.plates
    )


CSV_COLUMNS = (
    "image", "error", "text", "confidence", "min_confidence", "lines",
    "x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4", "touches_edge", "known_plate", "known_name",
    "annotated", "blurred", "crop",
    "start", "end", "first_seen", "last_seen", "camera", "direction", "movement", "id",
    "region", "text_latin_digits", "text_native",
)  # fmt: skip
"""Of a table with one row per plate; an image without a plate has one row without text."""


def to_rows(values: dict[str, Any]) -> list[list[Any]]:
    """The rows of what :func:`to_values` gives in a table of :data:`CSV_COLUMNS`."""
    first, files = [values["image"], values["error"]], values.get("files", NONE_WRITTEN._asdict())
    written, seen = [files["annotated"], files["blurred"]], [values.get(key) for key in CSV_COLUMNS[20:28]]
    crops = files["crops"] or [None] * len(values["plates"])
    rows = [
        [
            *first,
            *(plate[key] for key in CSV_COLUMNS[2:6]),
            *itertools.chain(*plate["corners"]),
            int(plate["touches_edge"]),
            *((plate["known"] or {}).get(key) for key in ("plate", "name")),
            *written,
            crop,
            *seen,
            # Lines of --resume may be from before these entries.
            (plate.get("region") or {}).get("code"),
            *(plate.get(key) for key in CSV_COLUMNS[29:]),
        ]
        for plate, crop in zip(values["plates"], crops, strict=True)
    ]
    return rows or [[*first, *[None] * 15, *written, None, *seen, None, None, None]]


SHEET_ROWS = 1_048_576
"""Of a sheet in a .xlsx file, at most."""


def is_sheet(path: Path) -> bool:
    """Whether a table of that name is written as a .xlsx file."""
    return path.suffix.lower() == ".xlsx"


def write_table(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows of :data:`CSV_COLUMNS`, whole or not at all: a .xlsx file by that name, else a CSV file.

    Texts are cells of text in a sheet and in quotes in a CSV file. File names keep their bytes in a CSV file;
    in a sheet, bytes that are not UTF-8 are escaped.

    Raises:
        OutputError: if it cannot be written, or a sheet has too few rows for it.
    """
    table = itertools.chain([CSV_COLUMNS], rows)
    write_whole(path, _sheet(path, table) if is_sheet(path) else _csv(table))


def _csv(table: Iterable[Sequence[Any]]) -> bytes:
    return "".join(f"{','.join(map(_quoted, row))}\n" for row in table).encode(errors="surrogateescape")


def _quoted(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    return "" if value is None else str(value)


def _sheet(path: Path, table: Iterable[Sequence[Any]]) -> bytes:
    import xlsxwriter
    import xlsxwriter.exceptions

    file = io.BytesIO()
    try:
        # Row by row: memory holds the rows themselves and no more.
        with xlsxwriter.Workbook(file, {"constant_memory": True}) as workbook:
            sheet = workbook.add_worksheet("plates")
            for number, row in enumerate(table):
                if number == SHEET_ROWS:
                    raise OutputError(
                        f"cannot write {path}: a sheet has {SHEET_ROWS:,} rows; give a .csv file"
                    )
                for column, value in enumerate(row):
                    if isinstance(value, str):
                        text = value.encode(errors="backslashreplace").decode()
                        sheet.write_string(number, column, text)
                    elif value is not None:
                        sheet.write_number(number, column, value)
            sheet.freeze_panes(1, 0)
            # Spreadsheets need not say of every plate of digits that it could be a number.
            sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    except (OSError, xlsxwriter.exceptions.XlsxFileError) as error:
        raise OutputError(f"cannot write {path}: {error}") from None
    return file.getvalue()
