"""Fonts of rendered plates: drawn glyphs, font files, stroke fonts, characters cut out of photos.

Every glyph is a mask: uint8 ``(HEIGHT, W)``, 255 on the character, which fills the picture's height.
A glyph depends on its key alone, so that caching never changes a plate.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import PIL.ImageFont

from plate_ocr.alphabet import CYRILLIC, DIGITS, LETTERS, SCRIPTS
from plate_ocr.errors import DataError
from plate_ocr.rendering.families import FAMILIES, N_STYLES, font_style
from plate_ocr.rendering.fonts import bundled_fonts, draw_text_mask, has_glyph
from plate_ocr.rendering.marks import joined, marked, plain_letters
from plate_ocr.rendering.scripts import N_STYLES as N_SCRIPT_STYLES
from plate_ocr.rendering.scripts import draw_script, faces_for
from plate_ocr.rendering.strokes import draw_character
from plate_ocr.rendering.unknown import N_FORMS, draw_in_font, draw_unknown, usual_width
from plate_ocr.vision.images import Image

HEIGHT = 64
"""Height of a glyph, pixels: text on plates is smaller."""

STRIP_HEIGHT = 24
"""Height of small texts (a state's name, a dealer's address), pixels."""

STRIP_FONTS = 4
"""Number of fonts that a small text is written in."""

N_SPRITES = 140
"""Number of cut-out characters per class and source, sampled evenly."""

N_SMALL = 40
"""Number of pictures of a Chinese character, coarse ones where fewer were cut out."""

MIN_CORRELATION = 0.45
"""Minimum correlation of a cut-out character with the drawn glyph; others are illegible or mislabelled."""

MIN_CHINESE_CORRELATION = 0.6
"""The same for Chinese characters: a network would learn merged strokes as features of a class."""

CHINESE_FONT = "wqy-microhei.ttc"

_OF_SCRIPTS = frozenset(SCRIPTS)

_GA36 = {
    "ga36": ("140_",),
    "ga36-two": ("220_", "220_up_"),
    "ga36-two-down": ("220_", "220_down_"),
    "ga36-green": ("green_",),
}
_SPRITES = {"sprites-binary": "easypr", "sprites-grey": "zhengpeng"}
_STROKE_FONTS = {**{name: (name,) for name in FAMILIES}, "stroke-font": tuple(FAMILIES)}


class Glyphs:
    """Glyphs of fonts by name.

    Names are ``ga36``, ``ga36-two``, ``ga36-two-down``, ``ga36-green`` (drawn), ``sprites-binary`` and
    ``sprites-grey`` (cut out), those of :data:`~plate_ocr.rendering.families.FAMILIES` and ``stroke-font``
    (strokes), ``font`` (any of the fonts) and fonts' file names without weight and ending.

    Args:
        data: the folder with ``glyphs``, ``fonts`` and ``chars``; without it there are strokes and the
            fonts that come with Matplotlib and Pillow, and no Chinese characters.

    Raises:
        DataError: if the folder is given and has no fonts.
    """

    def __init__(self, data: Path | None) -> None:
        self.data = data
        self._glyphs: dict[tuple[str, str, int], _Packed | None] = {}
        self._strips: dict[tuple[str, int], Image] = {}
        self._script_faces: dict[str, list[PIL.ImageFont.FreeTypeFont]] = {}
        self._sprites: dict[tuple[str, str], list[_Packed]] = {}
        self._plain = sorted(
            bundled_fonts(), key=lambda face: (face.getname()[0] or "", face.getname()[1] or "")
        )
        self._fonts: dict[str, PIL.ImageFont.FreeTypeFont] = {}
        self._chinese: PIL.ImageFont.FreeTypeFont | None = None
        if data is not None:
            paths = sorted((data / "fonts").glob("*.[ot]t[fc]"))
            if not paths:
                raise DataError(f"there are no fonts in {data / 'fonts'}")
            for path in paths:
                face = PIL.ImageFont.truetype(str(path), HEIGHT)
                if path.name == CHINESE_FONT:
                    self._chinese = face
                else:
                    self._fonts[
                        path.stem.split("_")[0] if path.stem.endswith(("Bold", "Regular")) else path.stem
                    ] = face
        self._names = sorted(self._fonts)
        fonts = [*self._fonts.values(), *self._plain]
        upright = [face for face in fonts if not (face.getname()[1] or "").endswith(("Oblique", "Italic"))]
        self._cyrillic = [face for face in upright if all(has_glyph(face, char) for char in "ЖӨ")]
        scripts = sorted((data / "fonts-scripts").glob("*.ttf")) if data is not None else []
        self._scripts = [PIL.ImageFont.truetype(str(path), HEIGHT) for path in scripts]
        self._scripts += [*upright, *([self._chinese] if self._chinese else [])]
        self._strip_fonts = [face.font_variant(size=STRIP_HEIGHT + 8) for face in fonts]
        self._chinese_strips = self._chinese and self._chinese.font_variant(size=STRIP_HEIGHT + 8)

    def check(self, font: str) -> None:
        """Check the name of a font.

        Raises:
            DataError: if it is unknown; names the known ones.
        """
        special = {*_GA36, *_SPRITES, *_STROKE_FONTS, "font"}
        # Without the folder, any other font stands in.
        if self.data is not None and font not in special and font not in self._fonts:
            names = ", ".join([*sorted(special), *self._names])
            raise DataError(f"there is no font {font!r}: expected one of {names}")

    def is_replaced(self, font: str) -> bool:
        """Whether others stand in for a font, since there is no folder."""
        return self.data is None and font not in {*_STROKE_FONTS, "font"}

    def missing(self, chars: str) -> str:
        """The characters that no font can draw."""
        return "".join(c for c in chars if self.glyph("ga36", c, 0, 0) is None)

    def glyph(self, font: str, char: str, style: int, number: int) -> Image | None:
        """A character's mask.

        Args:
            font: its name.
            char: the character.
            style: selects a font file or stroke font if the name stands for several; one per plate.
            number: selects one of the cut-out characters.

        Returns:
            uint8 ``(HEIGHT, W)``; None if nothing can draw it.
        """
        if char in _OF_SCRIPTS or (font == "east-asian" and max(char) > "\u2e80"):
            # Japan's plates have characters of China's in the lettering of their others.
            return self._kept(("script", char, style % N_SCRIPT_STYLES))
        if font in _SPRITES:
            # On plates of before 2013 an O looks like a 0; no photo of one is at hand.
            sprites = self._cut_out(_SPRITES[font], "0" if char == "O" else char)
            few = 0 if char.isascii() else N_SMALL
            if sprites or few:
                number %= max(len(sprites), few)
                return sprites[number].mask() if number < len(sprites) else self._small(char, number)
            font = "ga36"
        if font in _STROKE_FONTS:
            font, style = _stroke_font(font, style)
        elif font in _GA36:
            style = 0
        elif font == "font" or font not in self._fonts:
            names = self._names or [str(i) for i in range(len(self._plain))]
            font, style = names[style % len(names)], 0
        else:
            style = 0
        return self._kept((font, char, style))

    def _kept(self, key: tuple[str, str, int]) -> Image | None:
        """The mask of a font's character in a style, made once."""
        if key not in self._glyphs:
            made = self._make(*key)
            self._glyphs[key] = None if made is None else _Packed.of(made)
        packed = self._glyphs[key]
        return None if packed is None else packed.mask()

    def unknown(self, number: int, font: str = "font", style: int = 0) -> Image:
        """The mask of a character that is in no alphabet.

        Args:
            number: which of :data:`~plate_ocr.rendering.unknown.N_FORMS` forms, and on from the first again.
            font: of the plate's other characters, whose width of strokes most forms have.
            style: as of :meth:`glyph`.

        Returns:
            uint8 ``(HEIGHT, W)``.
        """
        number %= N_FORMS
        font = "ga36" if font in _SPRITES else font
        stroke_font = font_style(*_stroke_font(font, style)) if font in _STROKE_FONTS else None
        own = draw_in_font(number, lambda char: self._letter(font, char, style), stroke_font, HEIGHT)
        if own is not None:
            return own
        thick = usual_width(self._letter(font, "H", style))
        key = ("unknown", str(thick), number)
        packed = self._glyphs.get(key)
        if packed is None:
            form = draw_unknown(number, self._scripts, thick, HEIGHT)
            packed = self._glyphs[key] = _Packed.of(form)
        return packed.mask()

    def _letter(self, font: str, char: str, style: int) -> Image:
        glyph = self.glyph(font, char, style, 0)
        if glyph is None:
            raise AssertionError(f"every font has {char}, or another stands in")
        return glyph

    def width(self, font: str, style: int) -> float:
        """Typical width of a character as a part of its height."""
        glyph = self.glyph(font if font not in _SPRITES else "ga36", "8", style, 0)
        return 0.5 if glyph is None else glyph.shape[1] / HEIGHT

    def strip(self, text: str, style: int) -> Image:
        """A small text in one line.

        Returns:
            uint8 ``(STRIP_HEIGHT, W)``.
        """
        # Each text uses a few fixed fonts, so that its pictures can be cached.
        style = (sum(map(ord, text)) + style % STRIP_FONTS) % len(self._strip_fonts)
        key = (text, style)
        if key not in self._strips:
            face = self._strip_fonts[style]
            if self._chinese_strips is not None and max(text) > "\u2e80":
                face = self._chinese_strips
            elif max(text) > "\u0590":
                # Combining marks have no picture of their own.
                letters = [char for char in text if char.isalpha()]
                able = [one for one in self._scripts if all(has_glyph(one, char) for char in letters)] or [
                    face
                ]
                face = able[style % len(able)].font_variant(size=STRIP_HEIGHT + 8)
            glyph = draw_text_mask(text, face, None)
            if glyph is None:
                glyph = np.zeros((4, 4), np.uint8)
            width = max(2, round(glyph.shape[1] * STRIP_HEIGHT / glyph.shape[0]))
            self._strips[key] = _resized(glyph, width, STRIP_HEIGHT)
        return self._strips[key]

    def _make(self, font: str, char: str, style: int) -> Image | None:
        if (plain := plain_letters(char)) != char and plain.isascii():
            return self._marked(font, char, plain, style)
        glyph: Image | None = None
        if font == "script":
            if char not in self._script_faces:
                self._script_faces[char] = faces_for(char, self._scripts)
            glyph = draw_script(char, self._script_faces[char], style)
        elif font in FAMILIES:
            glyph = draw_character(char, font_style(font, style), HEIGHT)
        elif font in _GA36:
            glyph = self._drawn(font, char)
        elif not char.isascii():
            glyph = self._drawn("ga36", char)
        else:
            face = self._fonts[font] if self._fonts else self._plain[int(font)]
            glyph = draw_text_mask(char, face, "H")
        if glyph is None and font != "script":
            glyph = self._fallback(font, char, style)
        if glyph is None:
            return None
        return _resized(glyph, max(3, round(glyph.shape[1] * HEIGHT / glyph.shape[0])), HEIGHT)

    def _marked(self, font: str, char: str, plain: str, style: int) -> Image | None:
        """A letter with a mark, or two in one."""
        letters = [self._make(font, letter, style) for letter in plain]
        if len(letters) == 2 and letters[0] is not None and letters[1] is not None:
            return joined(letters[0], letters[1])
        # In some fonts the mark takes more of the height than in others.
        share = 0.74 + 0.04 * ((style + len(font)) % 4)
        return None if letters[0] is None else marked(letters[0], char, share)

    def _small(self, char: str, number: int) -> Image | None:
        """A Chinese character as coarse as cut-out ones, for a class that has none or few.

        If it were sharp, or always one of the same few, it would be known by that.
        """
        key = ("small", char, number)
        if key not in self._glyphs:
            glyph = self.glyph("ga36", char, 0, 0)
            if glyph is None:
                return None
            rng = np.random.default_rng([ord(char), number])
            height = int(rng.integers(20, 31))
            coarse = _resized(glyph, max(3, round(height * glyph.shape[1] / HEIGHT)), height)
            coarse = np.asarray(cv2.GaussianBlur(coarse, (0, 0), float(rng.uniform(0.2, 0.6))), np.uint8)
            gain = float(rng.uniform(1.1, 1.7))
            level = np.clip((coarse.astype(np.float32) - 20) * gain, 0, 255).astype(np.uint8)
            self._glyphs[key] = _Packed.of(_resized(level, glyph.shape[1], HEIGHT))
        packed = self._glyphs[key]
        return None if packed is None else packed.mask()

    def _fallback(self, font: str, char: str, style: int) -> Image | None:
        """A glyph from elsewhere for what a font lacks: I and O on Chinese plates, Cyrillic, rare signs."""
        if char in LETTERS + DIGITS:
            return draw_character(char, font_style("ga36-strokes", 0), HEIGHT)
        if char in CYRILLIC:
            face = self._cyrillic[(style + sum(map(ord, font))) % len(self._cyrillic)]
            return draw_text_mask(char, face, "H")
        if self._chinese is None:
            return None
        glyph = draw_text_mask(char, self._chinese, None)
        # Plates have thicker strokes than texts.
        return None if glyph is None else np.asarray(cv2.dilate(glyph, np.ones((3, 3))), np.uint8)

    def _drawn(self, font: str, char: str) -> Image | None:
        if self.data is None:
            return None
        for prefix in (*_GA36[font], "140_"):
            path = self.data / "glyphs" / "ga36" / f"{prefix}{char}.jpg"
            if path.is_file():
                # The file's name may not be ASCII, which OpenCV cannot open everywhere.
                gray = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
                if gray is not None:
                    inverse = np.asarray(255 - gray, np.uint8)
                    # All glyphs of a height share one cell; the "1" stands alone in its middle.
                    return inverse
        return None

    def _cut_out(self, source: str, char: str) -> list[_Packed]:
        key = (source, char)
        if key in self._sprites:
            return self._sprites[key]
        found: list[_Packed] = []
        folder = self.data / "chars" / source / char if self.data is not None else None
        template = self._drawn("ga36", char)
        if folder is not None and folder.is_dir() and template is not None:
            paths = sorted(folder.iterdir())
            for path in paths[:: math.ceil(len(paths) / N_SPRITES)]:
                gray = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
                if gray is None:
                    continue
                mask = _mask(
                    np.asarray(gray, np.uint8),
                    template,
                    MIN_CORRELATION if char.isascii() else MIN_CHINESE_CORRELATION,
                )
                if mask is not None:
                    found.append(_Packed.of(mask))
        self._sprites[key] = found
        return found


def _stroke_font(font: str, style: int) -> tuple[str, int]:
    """The family and its style that a name and a plate's style select."""
    families = _STROKE_FONTS[font]
    return families[style % len(families)], style // len(families) % N_STYLES


@cache
def glyphs_of(data: Path | None) -> Glyphs:
    """The glyphs of a folder; each process makes them once.

    Raises:
        DataError: as of :class:`Glyphs`.
    """
    return Glyphs(data)


@dataclass(frozen=True)
class _Packed:
    """A compressed mask ``(HEIGHT, width)``: there are thousands, each seldom used."""

    data: bytes
    width: int

    @classmethod
    def of(cls, mask: Image) -> _Packed:
        return cls(zlib.compress(mask.tobytes()), mask.shape[1])

    def mask(self) -> Image:
        return np.frombuffer(zlib.decompress(self.data), np.uint8).reshape(HEIGHT, self.width)


def _mask(gray: Image, template: Image, min_correlation: float) -> Image | None:
    """Turn a cut-out character into a mask; None if its correlation with the drawn glyph is too low.

    Its polarity is that of its correlation with the glyph.
    """
    wide = _resized(gray, round(gray.shape[1] * HEIGHT / gray.shape[0]), HEIGHT).astype(np.float32)
    low, high = np.percentile(wide, (8, 94))
    if high - low < 20:
        return None
    level = np.clip((wide - low) / (high - low), 0, 1)
    columns = level.max(0) > 0.5 if gray.shape[0] == gray.shape[1] else np.ones(level.shape[1], bool)
    used = np.flatnonzero(columns)
    if not len(used):
        return None
    level = level[:, used[0] : used[-1] + 1]
    drawn = _resized(template, level.shape[1], HEIGHT).astype(np.float32)
    alike = float(np.corrcoef(level.ravel(), drawn.ravel())[0, 1]) if level.std() > 0 else 0.0
    # A tightly cut "1" fills the picture.
    if not abs(alike) >= min_correlation:
        return None
    level = level if alike > 0 else 1 - level
    # An uneven background must not show as a box around the character.
    return np.asarray(np.clip(level * 1.25 - 0.2, 0, 1) * 255, np.uint8)


def _resized(picture: Image, width: int, height: int) -> Image:
    shrinks = picture.shape[0] > height
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=method), np.uint8)
