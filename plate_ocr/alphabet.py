"""The classes a model tells apart, and their one-hot vectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from plate_ocr.errors import AlphabetError

UNKNOWN = "?"
"""What stands in a text for a character that was not recognised."""

DIGITS = "0123456789"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
PROVINCES = "京津沪渝冀晋蒙辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新"
"""The 31 provinces of mainland China as they stand on plates (GA 36-2018)."""

SPECIAL = "警学挂使领港澳"
"""What else stands on Chinese plates: police, learner, trailer, embassy, consulate, Hong Kong, Macau."""
MILITARY = "军空海北沈兰济南广成甲乙丙己庚辛壬寅辰戌午未申消边通森金电"
"""What China's army, navy and armed police had on their plates before 2013."""
OFFICIAL = "民航应急临试超"
"""Airports, rescue services, temporary plates, test vehicles and outsize ones of mainland China."""
CYRILLIC = "БГДЖЗИЛПФЦЧШЩЭЮЯЄЇӨ"
"""Cyrillic letters of plates that look like no Latin letter; the others are read as those."""
MARKED = "ÄÖÜÅÆØŠČĆŽĐÑÇ"
"""Latin letters of plates that have marks."""
HANGUL = (
    "가나다라마바사아자차카타파하거너더러머버서어저고노도로모보소오조구누두루무부수우주배허호육공해국합"
    "울산대인천광전세종경기강원충북남제외교영준협정표"
)
"""Syllables of Korean plates: of the use of a vehicle, and of regions and embassies."""
ARABIC_DIGITS, PERSIAN_DIGITS = "٠١٢٣٤٥٦٧٨٩", "۴۵۶"
"""Arabic-Indic digits, and those of Iran that look otherwise."""
ARABIC = "اأبپتثجحدرزژسشصطعفقكکگلمنهوى"
"""Arabic letters of plates, which stand alone."""
THAI = "กขคฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรลวศษสหฬอฮ"
KANA = "あいうえかきくけこさすせそたちつてとなにぬねのはひふほまみむめもやゆよらりるれろわをぎばヶ"
"""Kana of the use of a vehicle and of names of regions on Japanese plates."""
KANJI = (
    "札幌函館旭室蘭苫小牧釧路知床帯広見十勝弘前八戸岩手盛岡平泉宮城仙台秋田山形庄内福島会郡白河水土浦宇都那須日光群馬橋高崎大口所沢越熊谷春部千葉"
    "習志野市船袖原柏松品世練杉並板足立江東葛飾王子多摩横浜相模梨富士潟上長石井本諏訪信州安曇岐阜飛騨静沼伊豆名古屋豊三尾張重鈴鹿四勢滋賀阪和堺神"
    "姫奈良鳥歌取根出雲倉敷下関徳香愛媛九久留米筑佐保分児奄美沖縄一"
)
"""Of the names of regions on Japanese plates, what no Chinese plate has."""
CHARACTERS_OF: Mapping[str, str] = {
    "latin": MARKED,
    "cyrillic": CYRILLIC,
    "chinese": PROVINCES + SPECIAL + MILITARY + OFFICIAL,
    "hangul": HANGUL,
    "arabic": ARABIC_DIGITS + PERSIAN_DIGITS + ARABIC,
    "thai": THAI,
    "japanese": KANA + KANJI + "京北南川成新森津湘金青",
}
"""What each script has beside plain Latin letters and digits, which plates of every script may have."""
SCRIPTS = HANGUL + ARABIC_DIGITS + PERSIAN_DIGITS + ARABIC + THAI + KANA + KANJI
"""What no Latin and no Chinese plate has."""
PLATE_CHARACTERS = DIGITS + LETTERS + PROVINCES + SPECIAL + MILITARY + OFFICIAL + CYRILLIC + MARKED + SCRIPTS
"""All that the plate network tells apart; new ones are appended, so that the classes of others stay."""

MAX_SHOWN = 36
"""Characters of an alphabet that a message shows: digits and letters."""

LONGEST = 12
"""Characters on a plate, at most."""


@dataclass(frozen=True)
class Alphabet:
    """An ordered set of characters; a character's place is its class.

    Args:
        characters: each character once, e.g. ``"0123456789"``.
        unknown: whether the class after them stands for any other character; it is written ``?``.

    Raises:
        AlphabetError: if it is empty, holds a character twice, or holds ``?`` or white space.
    """

    characters: str
    unknown: bool = False
    _index: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.characters:
            raise AlphabetError("an alphabet needs at least one character")
        index = {char: i for i, char in enumerate(self.characters)}
        if len(index) != len(self.characters):
            twice = sorted(c for c in index if self.characters.count(c) > 1)
            raise AlphabetError(f"the alphabet holds {', '.join(twice)} more than once")
        if bad := [c for c in self.characters if c == UNKNOWN or c.isspace()]:
            raise AlphabetError(f"{bad[0]!r} cannot be a character of an alphabet")
        if self.unknown:
            index[UNKNOWN] = len(index)
        object.__setattr__(self, "_index", index)

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, index: int) -> str:
        return self.classes[index]

    @property
    def classes(self) -> str:
        """The character of each class, ``?`` for the unknown one."""
        return self.characters + UNKNOWN * self.unknown

    def __contains__(self, char: object) -> bool:
        return char in self._index

    def spell(self, text: str) -> str:
        """A text with ``?`` for each character that is not in the alphabet."""
        return "".join(char if char in self._index else UNKNOWN for char in text)

    def encode(self, text: Iterable[str]) -> NDArray[np.int64]:
        """Characters to classes.

        Returns:
            int64 ``(len(text),)``, each in ``[0, len(self))``.

        Raises:
            AlphabetError: naming the characters that are not in the alphabet.
        """
        text = list(text)
        if unknown := sorted({c for c in text if c not in self._index}):
            shown = self.characters[:MAX_SHOWN] + "…" * (len(self.characters) > MAX_SHOWN)
            raise AlphabetError(f"{', '.join(map(repr, unknown))} not in the alphabet {shown}")
        return np.array([self._index[c] for c in text], dtype=np.int64)

    def decode(self, classes: Iterable[int]) -> str:
        """Classes to characters: the inverse of :meth:`encode`.

        Raises:
            AlphabetError: if a class is outside ``[0, len(self))``.
        """
        classes = [int(c) for c in classes]
        if bad := [c for c in classes if not 0 <= c < len(self)]:
            raise AlphabetError(f"class {bad[0]} is outside 0..{len(self) - 1}")
        return "".join(self[c] for c in classes)

    def one_hot(self, text: Iterable[str]) -> NDArray[np.float32]:
        """Characters to one-hot rows.

        Returns:
            float32 ``(len(text), len(self))``: a single 1 in each row, at the character's class.

        Raises:
            AlphabetError: as :meth:`encode`.
        """
        return np.eye(len(self), dtype=np.float32)[self.encode(text)]
