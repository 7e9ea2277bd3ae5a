"""CTC against sums over all paths."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from plate_ocr.alphabet import DIGITS, LETTERS, Alphabet
from plate_ocr.formats import PlateFormat
from plate_ocr.readers.ctc import (
    MIN_LOG_PRIOR,
    MISMATCH_PENALTY,
    DecodedChar,
    FormatPrior,
    LabelSeq,
    beam_search,
    forced_align,
    greedy_decode,
)
from plate_ocr.region_files.table import bundled_formats, formats_for

ALPHABET = Alphabet(DIGITS + LETTERS)


def collapse(path: tuple[int, ...]) -> LabelSeq:
    """What a path says, by the definition."""
    return tuple(char - 1 for char, _ in itertools.groupby(path) if char)


def all_texts(probabilities: NDArray[np.float32]) -> dict[LabelSeq, float]:
    """Every text with the sum of its paths' probabilities."""
    steps, classes = probabilities.shape
    texts: dict[LabelSeq, float] = {}
    for path in itertools.product(range(classes), repeat=steps):
        text = collapse(path)
        texts[text] = texts.get(text, 0.0) + float(np.prod(probabilities[range(steps), path], dtype=float))
    return texts


def some(seed: int, steps: int = 5, classes: int = 3) -> NDArray[np.float32]:
    """Random probabilities ``(steps, classes + 1)``."""
    rng = np.random.default_rng(seed)
    return rng.dirichlet([0.5] * (classes + 1), steps).astype(np.float32)


def written(text: str, steps: int = 24, sure: float = 0.98) -> NDArray[np.float32]:
    """Probabilities of a text with a blank after every character."""
    rows = np.full((steps, len(ALPHABET) + 1), (1 - sure) / len(ALPHABET), np.float32)
    rows[:, 0] = sure
    for i, char in enumerate(text):
        rows[2 * i] = (1 - sure) / len(ALPHABET)
        rows[2 * i, ALPHABET.encode(char)[0] + 1] = sure
    return rows


@given(st.integers(0, 10**6))
def test_a_wide_beam_finds_all_texts_with_their_probabilities(seed: int) -> None:
    probabilities = some(seed)
    expected = all_texts(probabilities)
    found = beam_search(probabilities, width=10_000, min_probability=0)
    assert {text for text, _ in found} >= {text for text, p in expected.items() if p > 0}
    for text, value in found:
        assert math.exp(value) == pytest.approx(expected.get(text, 0.0), abs=1e-6)
    assert found == sorted(found, key=lambda one: -one[1])


@given(st.integers(0, 10**6))
def test_a_prior_counts_once_for_each_text(seed: int) -> None:
    probabilities = some(seed)

    def prior(text: LabelSeq, complete: bool) -> float:
        return -0.7 * len(text) - (0.3 if complete else 0.0)

    expected = {text: p * math.exp(prior(text, True)) for text, p in all_texts(probabilities).items()}
    found = beam_search(probabilities, prior, width=10_000, min_probability=0)
    for text, value in found:
        assert math.exp(value) == pytest.approx(expected.get(text, 0.0), abs=1e-6)
    assert expected[found[0][0]] == pytest.approx(max(expected.values()))


@given(st.integers(0, 10**6))
def test_the_greedy_text_is_that_of_the_likeliest_path(seed: int) -> None:
    probabilities = some(seed, steps=12)
    decoded = greedy_decode(probabilities)
    assert tuple(spot.char for spot in decoded) == collapse(tuple(probabilities.argmax(1)))
    for spot in decoded:
        assert probabilities[spot.timestep].argmax() == spot.char + 1
    assert [spot.timestep for spot in decoded] == sorted({spot.timestep for spot in decoded})


@given(st.integers(0, 10**6), st.lists(st.integers(0, 2), max_size=3))
def test_alignment_is_the_likeliest_way_to_write_a_text(seed: int, text: list[int]) -> None:
    probabilities = some(seed)
    paths = [p for p in itertools.product(range(4), repeat=5) if collapse(p) == tuple(text)]
    best = max(paths, key=lambda path: float(np.prod(probabilities[range(5), path], dtype=float)))
    runs = [list(g) for char, g in itertools.groupby(range(5), lambda i: best[i]) if char]
    expected = [max(run, key=lambda i: (float(probabilities[i, best[i]]), -i)) for run in runs]
    found = forced_align(probabilities, text)
    assert [spot.char for spot in found] == text
    assert [spot.timestep for spot in found] == expected


def test_the_greedy_text_is_aligned_where_it_was_read() -> None:
    probabilities = some(3, steps=40)
    decoded = greedy_decode(probabilities)
    assert forced_align(probabilities, [spot.char for spot in decoded]) == decoded


def test_a_text_longer_than_the_steps_cannot_be_aligned() -> None:
    with pytest.raises(ValueError, match="3 characters do not fit into 4 steps"):
        forced_align(some(0, steps=4), [1, 1, 1])


def test_doubles_need_a_blank_between() -> None:
    assert greedy_decode(written("AAB"))[:2] == [DecodedChar(10, 0), DecodedChar(10, 2)]
    assert ALPHABET.decode(beam_search(written("AAB"))[0][0]) == "AAB"


@pytest.mark.parametrize(
    ("wrong", "right", "region"),
    [
        ("O8C1234", "OBC1234", "us"),
        ("ABCI234", "ABC1234", "br"),
        ("ABC12O4", "ABC1204", "br"),
        ("A8C1D23", "ABC1D23", "br"),
    ],
)
def test_formats_repair_what_looks_alike(wrong: str, right: str, region: str) -> None:
    alike = {"O": "0", "I": "1", "8": "B"}
    rows = written(wrong)
    for i, char in enumerate(wrong):
        if char in alike:
            rows[2 * i, ALPHABET.encode(alike[char])[0] + 1] = 0.3
            rows[2 * i] /= rows[2 * i].sum()
    prior = FormatPrior(ALPHABET, formats_for(ALPHABET, region))
    assert ALPHABET.decode(beam_search(rows, prior)[0][0]) == right


@pytest.mark.parametrize("region", bundled_formats())
def test_what_is_seen_clearly_is_never_forced_into_a_format(region: str) -> None:
    prior = FormatPrior(ALPHABET, formats_for(ALPHABET, region))
    for text in ("1A2B3C4D", "OI", "AAAAAAAAAA", "7"):
        assert ALPHABET.decode(beam_search(written(text, sure=0.9999), prior)[0][0]) == text


def test_an_unknown_character_fits_every_place_but_less_than_one_that_is_allowed() -> None:
    alphabet = Alphabet(ALPHABET.characters, unknown=True)
    prior = FormatPrior(alphabet, (PlateFormat(("AB", DIGITS, DIGITS), 3),))
    allowed, unknown, wrong = (prior(tuple(alphabet.encode(text)), True) for text in ("A12", "?12", "Z12"))
    assert allowed == 0 > unknown > wrong
    weights = prior.weights(tuple(alphabet.encode("?12")))[0]
    assert weights[alphabet.encode("A")[0]] == 1 > weights[-1] > weights[alphabet.encode("Z")[0]]


def test_an_older_model_reads_letters_without_their_marks() -> None:
    prior = FormatPrior(ALPHABET, (PlateFormat(("ÜŽ", DIGITS), 2),))
    assert prior(tuple(ALPHABET.encode("U1")), True) == prior(tuple(ALPHABET.encode("Z1")), True) == 0


def test_a_name_stands_whole() -> None:
    prior = FormatPrior(ALPHABET, (PlateFormat(("AC", "BD", DIGITS), 3, names=("AB", "CD")),))
    assert prior(tuple(ALPHABET.encode("CD7")), True) == prior(tuple(ALPHABET.encode("AB7")), True) == 0
    assert prior(tuple(ALPHABET.encode("AD7")), True) == MISMATCH_PENALTY
    weights = prior.weights(tuple(ALPHABET.encode("CD7")))[:2, [10, 11, 12, 13]]
    assert (weights == 1).tolist() == [[False, False, True, False], [False, False, False, True]]


def test_a_prior_counts_misfits_and_has_a_bottom() -> None:
    prior = FormatPrior(ALPHABET, (PlateFormat(("AB", DIGITS, DIGITS), 3, prior=0.5),))
    assert prior(tuple(ALPHABET.encode("A12")), True) == 0.5
    assert prior(tuple(ALPHABET.encode("A1")), False) == 0.5
    assert prior(tuple(ALPHABET.encode("A1")), True) == 0.5 + MISMATCH_PENALTY
    assert prior(tuple(ALPHABET.encode("CC2")), False) == 0.5 + 2 * MISMATCH_PENALTY
    assert prior(tuple(ALPHABET.encode("C" * 9)), True) == MIN_LOG_PRIOR
    weights = prior.weights(tuple(ALPHABET.encode("B1")))
    assert weights.shape == (2, 36)
    assert weights[0, 11] == weights[1, 1] == 1
    assert weights[1, 11] == pytest.approx(math.exp(MISMATCH_PENALTY))
    assert FormatPrior(ALPHABET, ())((1, 2), True) == 0
