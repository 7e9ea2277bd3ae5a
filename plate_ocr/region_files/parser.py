"""The parser of region files: layouts for rendering and formats for reading; messages name the mistake."""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, cast, get_args

from plate_ocr.alphabet import DIGITS, LETTERS, LONGEST, PLATE_CHARACTERS
from plate_ocr.errors import DataError
from plate_ocr.formats import PlateFormat
from plate_ocr.region_files.native import SAUDI
from plate_ocr.region_files.schema import (
    MARKS,
    TEXT,
    Box,
    CaptureConfig,
    Color,
    Decoration,
    DecorationType,
    Field,
    Layout,
    Region,
    Token,
    plate_text,
)

FOLDER = Path(__file__).parent / "regions"
RARE = PlateFormat(("".join(sorted(DIGITS + LETTERS)),) * 10, 4, prior=-4.0)
"""Old and official plates: letters and digits in any order."""

RED = "#c01818"
"""Usual colour of accented characters."""

_PATTERN = re.compile(r"\{([^{}]*)\}|\[([^\[\]]*)\]|(.)", re.DOTALL)


def bundled_regions() -> tuple[str, ...]:
    """Names of the regions that come with the package, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def load_region(source: str | os.PathLike[str]) -> Region:
    """Read a region.

    Args:
        source: the code of a region that comes with the package, in upper or lower case, or a file.

    Raises:
        DataError: if there is no such region or the file has a mistake; the message names it and its place.
    """
    code = os.fspath(source).lower()
    return _load_bundled(FOLDER / f"{code}.toml") if code in bundled_regions() else _load(Path(source))


def _load(path: Path) -> Region:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        if path.suffix:
            raise DataError(f"there is no region file '{path}'") from None
        names = ", ".join(bundled_regions())
        raise DataError(f"there is no region '{path}'; give one of {names}, or a region file") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"cannot read the region file {path}: {reason}") from None
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path} is not a TOML file: {error}") from None
    return _region(_Table(str(path), values), path.stem)


_load_bundled = cache(_load)
"""Parsing all of them takes most of a second."""


class _Table:
    """A table of a region file whose values are checked as they are taken."""

    def __init__(self, location: str, values: Mapping[str, Any]) -> None:
        self.location, self.values = location, dict(values)
        self.known: set[str] = set()

    def error(self, what: str) -> DataError:
        return DataError(f"{self.location}: {what}")

    def take(self, key: str, default: Any = None) -> Any:
        self.known.add(key)
        if key in self.values:
            return self.values[key]
        if default is None:
            alike = difflib.get_close_matches(key, self.values.keys() - self.known, 1)
            raise self.error(f"{key!r} is missing{f', {alike[0]!r} is unknown' if alike else ''}")
        return default

    def end(self) -> None:
        """Reject unknown keys: most likely a misspelling."""
        if unknown := sorted(self.values.keys() - self.known):
            raise self.error(f"unknown {unknown[0]!r}: expected {', '.join(sorted(self.known))}")

    def number(self, key: str, default: float, low: float = 0.0, high: float = 1e6) -> float:
        value = self.take(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.error(f"{key!r} must be a number from {low:g} to {high:g}, not {value!r}")
        return float(value)

    def numbers(self, key: str, default: Sequence[float] | None, count: int) -> tuple[float, ...]:
        value = self.take(key, default)
        good = isinstance(value, list | tuple) and len(value) == count
        if not good or any(isinstance(v, bool) or not isinstance(v, int | float) for v in value):
            raise self.error(f"{key!r} must be {count} numbers, not {value!r}")
        return tuple(float(v) for v in value)

    def bounds(
        self, key: str, default: tuple[float, float], least: float = -1e6, most: float = 1e6
    ) -> tuple[float, float]:
        low, high = self.numbers(key, default, 2)
        if low > high:
            raise self.error(f"{key!r} must be the lower and the upper bound, not {[low, high]}")
        if low < least or high > most:
            raise self.error(f"{key!r} must be from {least:g} to {most:g}, not {[low, high]}")
        return low, high

    def box(self, key: str, size: tuple[float, float]) -> Box:
        left, top, right, bottom = self.numbers(key, (0.0, 0.0, *size), 4)
        if not (0 <= left < right <= size[0] and 0 <= top < bottom <= size[1]):
            raise self.error(
                f"{key!r} must be left, top, right, bottom inside a plate of {size[0]:g} × {size[1]:g},"
                f" not {[left, top, right, bottom]}"
            )
        return left, top, right, bottom

    def strings(self, key: str, default: Sequence[str] | None) -> tuple[str, ...]:
        value = self.take(key, default)
        if not isinstance(value, list | tuple) or any(not isinstance(v, str) for v in value):
            raise self.error(f"{key!r} must be a list of strings, not {value!r}")
        return tuple(value)

    def string(self, key: str, default: str) -> str:
        value = self.take(key, default)
        if not isinstance(value, str):
            raise self.error(f"{key!r} must be a string, not {value!r}")
        return value

    def colors(self, key: str, default: Sequence[str] | None) -> tuple[Color, ...]:
        return tuple(self.color(text) for text in self.strings(key, default))

    def color(self, text: object) -> Color:
        if not isinstance(text, str) or not re.fullmatch("#[0-9a-fA-F]{6}", text):
            raise self.error(f"a colour must be like '#ff8000', not {text!r}")
        red, green, blue = bytes.fromhex(text[1:])
        return red, green, blue

    def tables(self, key: str, *, needed: bool) -> list[_Table]:
        value = self.take(key, [])
        if not isinstance(value, list) or any(not isinstance(v, dict) for v in value):
            raise self.error(f"{key!r} must be written as [[{key}]]")
        if needed and not value:
            raise self.error(f"at least one [[{key}]] is needed")
        return [_Table(f"{self.location}: {key} {i}", v) for i, v in enumerate(value, 1)]

    def table(self, key: str) -> _Table:
        value = self.take(key, {})
        if not isinstance(value, dict):
            raise self.error(f"{key!r} must be written as [{key}]")
        return _Table(f"{self.location}: {key}", value)


def _region(table: _Table, name: str) -> Region:
    words_table = table.table("words")
    words: dict[str, Sequence[str]] = {}
    for key, value in words_table.values.items():
        if (
            not isinstance(value, str | list)
            or not value
            or any(not isinstance(v, str) or not v for v in value)
        ):
            raise words_table.error(f"{key!r} must be a string of characters or a list of words")
        words[key] = tuple(value)
    words.setdefault("@", tuple(LETTERS))
    words.setdefault("#", tuple(DIGITS))
    layouts = tuple(_layout(plate, words) for plate in table.tables("plate", needed=True))
    if not any(layout.weight for layout in layouts):
        raise table.error("at least one [[plate]] needs a 'weight' above 0")
    camera = _camera(table.table("camera"))
    formats = [form for one in table.tables("format", needed=False) for form in _formats(one, words)]
    table.end()
    return Region(name, layouts, camera, tuple(formats or _formats_of(layouts)))


def _camera(table: _Table) -> CaptureConfig:
    values: dict[str, Any] = {}
    for field in fields(CaptureConfig):
        default = field.default
        if isinstance(default, tuple):
            two = field.name in ("heights", "contrast")
            values[field.name] = (
                table.bounds(field.name, cast("tuple[float, float]", default))
                if two
                else table.numbers(field.name, default, len(default))
            )
        else:
            values[field.name] = table.number(field.name, cast(float, default))
    table.end()
    camera = CaptureConfig(**values)
    if min(camera.crops) < 0 or sum(camera.crops) <= 0:
        raise table.error("'crops' must be three weights, at least one above 0")
    return camera


def _layout(table: _Table, words: Mapping[str, Sequence[str]]) -> Layout:
    width, height = table.numbers("size", None, 2)
    if width <= 0 or height <= 0:
        raise table.error(f"'size' must be the width and the height, not {[width, height]}")
    size = (width, height)
    pairs = table.take("colors")
    if not isinstance(pairs, list) or not pairs or any(not isinstance(p, list) or len(p) != 2 for p in pairs):
        raise table.error("'colors' must be a list of pairs: background and foreground")
    layout = Layout(
        name=table.string("name", ""),
        weight=table.number("weight", 1.0),
        size=size,
        colors=tuple((table.color(background), table.color(foreground)) for background, foreground in pairs),
        fonts=table.strings("fonts", None),
        fields=tuple(_field(field, size, words) for field in table.tables("field", needed=True)),
        decorations=tuple(_decoration(item, size) for item in table.tables("decoration", needed=False)),
        border=table.bounds("border", (0.0, 0.0)),
        inset=table.number("inset", 0.0),
        radius=table.number("radius", 8.0),
        embossed=table.number("embossed", 0.5, 0, 1),
        stroke=table.bounds("stroke", (-0.02, 0.02)),
    )
    table.end()
    if not layout.fonts:
        raise table.error("'fonts' needs at least one font")
    if [field.row for field in layout.fields] != sorted(field.row for field in layout.fields):
        raise table.error("fields must be in reading order: rows from the top")
    longest = sum(
        max(sum(max(map(len, t.choices)) for t in p if t.type in TEXT) for p in field.patterns)
        for field in layout.fields
    )
    if longest > LONGEST:
        raise table.error(f"its texts have up to {longest} characters, more than {LONGEST}")
    return layout


def _field(table: _Table, size: tuple[float, float], words: Mapping[str, Sequence[str]]) -> Field:
    patterns = table.strings("patterns", None)
    if not patterns:
        raise table.error("'patterns' needs at least one pattern")
    field = Field(
        box=table.box("box", size),
        patterns=tuple(_pattern(table, pattern, words) for pattern in patterns),
        row=int(table.number("row", 1, 1, 3)),
        fonts=table.strings("fonts", ()),
        cell=table.bounds("cell", (0.0, 0.0), 0, 10),
        tabular=table.number("tabular", 0.0, 0, 1),
        gap=table.bounds("gap", (0.08, 0.2)),
        group=table.bounds("group", (0.15, 0.4)),
        height=table.bounds("height", (0.9, 1.0), 0.1, 1),
        script_height=table.bounds("script_height", (1.0, 1.0), 0.1, 1),
        accented=table.string("accented", ""),
        accent=table.color(table.take("accent", RED)),
        native=table.box("native", size) if "native" in table.values else None,
    )
    table.known.add("native")
    table.end()
    shown = {c for pattern in field.patterns for t in pattern if t.type in TEXT for c in "".join(t.choices)}
    if field.native and (lacking := sorted(shown - SAUDI.keys())):
        raise table.error(f"'native': {lacking[0]!r} has no Arabic letter beside it")
    return field


def _pattern(table: _Table, pattern: str, words: Mapping[str, Sequence[str]]) -> tuple[Token, ...]:
    tokens = []
    for match in _PATTERN.finditer(pattern):
        name, stacked, char = match.groups()
        if char is None:
            named = stacked if name is None else name
            if named not in words:
                raise table.error(f"pattern {pattern!r}: there is no {named!r} under [words]")
            tokens.append(Token("word" if stacked is None else "stack", words[named]))
        elif char in "#@":
            tokens.append(Token("any", words[char]))
        elif char == "?":
            tokens.append(Token("any", (*words["#"], *words["@"])))
        elif char in MARKS:
            tokens.append(Token("mark", (char,)))
        elif char in " *":
            tokens.append(Token("gap" if char == " " else "badge"))
        else:
            tokens.append(Token("char", (char,)))
    shown = [c for token in tokens if token.type in TEXT for c in token.choices]
    if not shown:
        raise table.error(f"pattern {pattern!r} has no text")
    if bad := sorted({c for text in shown for c in text if not _is_readable(c)}):
        raise table.error(f"pattern {pattern!r}: {bad[0]!r} is not a character of plates")
    return tuple(tokens)


@cache
def _is_readable(char: str) -> bool:
    """Whether normalisation keeps it as one character of plates."""
    return char == char.upper() and len(plate_text(char)) == 1 and plate_text(char) in PLATE_CHARACTERS


def _formats(table: _Table, words: Mapping[str, Sequence[str]]) -> list[PlateFormat]:
    """A format for each pattern, and for each number of characters that its words can have."""
    alike = table.strings("alike", ())
    if bad := [pair for pair in alike if len(pair) != 2]:
        raise table.error(f"'alike' must be pairs of characters such as 'O0', not {bad[0]!r}")
    prior = table.number("prior", 0.0, -10, 10)
    subdivision = table.string("subdivision", "")
    if subdivision and not re.fullmatch("[a-z0-9]{1,3}", subdivision):
        raise table.error(f"'subdivision' must be a code such as 'ca', not {subdivision!r}")
    named = table.string("names", "")
    pairs = tuple((pair[0], pair[1]) for pair in alike)
    formats = []
    for pattern in table.strings("patterns", None):
        first, *others = _pattern(table, pattern, words)
        if named and not pattern.startswith(f"{{{named}}}"):
            raise table.error(f"'names': pattern {pattern!r} does not begin with {{{named}}}")
        for names in _by_length(first) if named else [()]:
            begin = dataclasses.replace(first, choices=names) if names else first
            for places in _places((begin, *others)):
                if len(places) > LONGEST:
                    raise table.error(
                        f"pattern {pattern!r} has {len(places)} characters, more than {LONGEST}"
                    )
                shortest = int(table.number("shortest", len(places), 1, len(places)))
                formats.append(PlateFormat(places, shortest, pairs, prior, subdivision, names))
    if not formats:
        raise table.error("'patterns' needs at least one pattern")
    table.end()
    return formats


def _formats_of(layouts: Sequence[Layout]) -> list[PlateFormat]:
    """The formats that the layouts of a region can have, and :data:`RARE`."""
    forms: set[tuple[str, ...]] = set()
    for layout in layouts:
        lines = [{form for pattern in field.patterns for form in _places(pattern)} for field in layout.fields]
        forms |= {tuple(itertools.chain(*chosen)) for chosen in itertools.product(*lines)}
    widest = [form for form in sorted(forms) if not any(_covers(other, form) for other in forms - {form})]
    return [*(PlateFormat(places, len(places)) for places in widest), RARE]


def _covers(places: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether a format allows every text of another one."""
    return len(places) == len(other) and all(set(b) <= set(a) for a, b in zip(places, other, strict=True))


def _places(pattern: tuple[Token, ...]) -> list[tuple[str, ...]]:
    """The characters allowed in each place of a pattern, one list per number of characters of its words."""
    parts: list[list[list[str]]] = []
    for token in pattern:
        if token.type in TEXT:
            columns = [zip(*texts, strict=True) for texts in _by_length(token)]
            parts.append([["".join(sorted(set(chars))) for chars in column] for column in columns])
    return [tuple(itertools.chain(*chosen)) for chosen in itertools.product(*parts)]


def _by_length(token: Token) -> list[tuple[str, ...]]:
    """What a token stands for, those of one number of characters together."""
    by_length: dict[int, list[str]] = {}
    for text in map(plate_text, token.choices):
        by_length.setdefault(len(text), []).append(text)
    return [*map(tuple, by_length.values())]


def _decoration(table: _Table, size: tuple[float, float]) -> Decoration:
    type_ = table.take("type")
    if type_ not in get_args(DecorationType):
        raise table.error(f"'type' must be one of {', '.join(get_args(DecorationType))}, not {type_!r}")
    item = Decoration(
        type=type_,
        box=table.box("box", size),
        chance=table.number("chance", 1.0, 0, 1),
        texts=table.strings("texts", ()),
        colors=table.colors("colors", ()),
    )
    table.end()
    if type_ == "text" and not item.texts:
        raise table.error("a text needs 'texts'")
    return item
