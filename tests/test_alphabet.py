"""Classes, one-hot vectors and what stands where on a plate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plate_ocr.alphabet import DIGITS, LETTERS, PLATE_CHARACTERS, PROVINCES, SCRIPTS, UNKNOWN, Alphabet
from plate_ocr.errors import AlphabetError

WHOLE = DIGITS + LETTERS + PROVINCES


@st.composite
def alphabets_and_texts(draw: st.DrawFn) -> tuple[Alphabet, str]:
    characters = "".join(draw(st.permutations(WHOLE)))[: draw(st.integers(1, len(WHOLE)))]
    return Alphabet(characters), draw(st.text(st.sampled_from(characters)))


@given(alphabets_and_texts())
def test_decoding_undoes_encoding(case: tuple[Alphabet, str]) -> None:
    alphabet, text = case
    classes = alphabet.encode(text)
    assert classes.dtype == np.int64
    assert classes.shape == (len(text),)
    assert alphabet.decode(classes) == text
    assert all(alphabet.characters.index(char) == place for char, place in zip(text, classes, strict=True))


@given(alphabets_and_texts())
def test_one_hot_rows_have_their_one_at_the_class(case: tuple[Alphabet, str]) -> None:
    alphabet, text = case
    rows = alphabet.one_hot(text)
    assert rows.dtype == np.float32
    assert rows.shape == (len(text), len(alphabet))
    for row, char in zip(rows, text, strict=True):
        expected = [1.0 if other == char else 0.0 for other in alphabet.characters]
        np.testing.assert_array_equal(row, expected)


def test_the_one_hot_target_of_a_digit_has_ten_places() -> None:
    np.testing.assert_array_equal(Alphabet(DIGITS).one_hot("3"), [[0, 0, 0, 1, 0, 0, 0, 0, 0, 0]])


@pytest.mark.parametrize("text", ["A", "12x3", "O", UNKNOWN, "１", "12 3"])
def test_an_unknown_character_is_named(text: str) -> None:
    strange = next(char for char in text if char not in DIGITS)
    alphabet = Alphabet(DIGITS)
    for encode in (alphabet.encode, alphabet.one_hot):
        with pytest.raises(AlphabetError) as caught:
            encode(text)
        assert repr(strange) in str(caught.value)
    assert strange not in alphabet


@pytest.mark.parametrize("place", [-1, 10, 99])
def test_a_class_beyond_the_alphabet_is_refused(place: int) -> None:
    with pytest.raises(AlphabetError, match=rf"class {place} is outside 0\.\.9"):
        Alphabet(DIGITS).decode([0, place])


@pytest.mark.parametrize(
    ("characters", "message"),
    [("", "at least one"), ("0120", "0 more than once"), ("AB?", r"'\?'"), ("A B", "' '"), ("A\n", r"\\n")],
)
def test_impossible_alphabets_are_refused(characters: str, message: str) -> None:
    with pytest.raises(AlphabetError, match=message):
        Alphabet(characters)


def test_an_alphabet_is_a_sequence_of_its_characters() -> None:
    alphabet = Alphabet("XY皖")
    assert len(alphabet) == 3
    assert [alphabet[i] for i in range(3)] == ["X", "Y", "皖"]
    assert "皖" in alphabet
    assert "XY" not in alphabet
    assert alphabet == Alphabet("XY皖") != Alphabet("YX皖")


def test_there_are_31_provinces() -> None:
    assert len(set(PROVINCES)) == len(PROVINCES) == 31


def test_classes_of_older_models_stay() -> None:
    assert PLATE_CHARACTERS.startswith(DIGITS + LETTERS + PROVINCES + "警学挂使领港澳")
    assert len(PLATE_CHARACTERS) == 142 + len(SCRIPTS)
    assert PLATE_CHARACTERS.endswith(SCRIPTS)


def test_a_class_may_stand_for_any_other_character() -> None:
    alphabet = Alphabet("XY", unknown=True)
    assert (len(alphabet), alphabet.classes, alphabet.characters) == (3, "XY?", "XY")
    assert alphabet.encode("Y?X").tolist() == [1, 2, 0]
    assert alphabet.decode([1, 2, 0]) == "Y?X"
    assert alphabet != Alphabet("XY")
    with pytest.raises(AlphabetError, match="'Z' not in the alphabet XY"):
        alphabet.encode("X?Z")
    with pytest.raises(AlphabetError, match=r"'Ω' not in the alphabet 0123456789[A-Z]{26}…$"):
        Alphabet(PLATE_CHARACTERS).encode("AΩ1")
