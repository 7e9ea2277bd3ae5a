"""Cars told of once, from made-up plates in made-up pictures."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import numpy as np
import pytest

from plate_ocr.readers.lazy import ready
from plate_ocr.readers.results import Char, Plate, Reading, plate_of
from plate_ocr.text import similarity
from plate_ocr.video.track import overlap
from plate_ocr.video.tracking import Tracker
from plate_ocr.video.vehicle import VehicleTrack
from plate_ocr.video.vote import TextVote

WIDTH, HEIGHT = 640, 360


def plate(
    text: str,
    x: float,
    y: float = 100,
    *,
    confidence: float = 0.8,
    wide: float = 100,
    high: float | None = None,
) -> Plate:
    bottom = y + (wide / 4 if high is None else high)
    corners = (x, y), (x + wide, y), (x + wide, bottom), (x, bottom)
    chars = tuple(Char(None if char == "?" else char, confidence, (("Z", 0.1),)) for char in text)
    return plate_of(chars, corners)


def follow(pictures: Iterable[Iterable[Plate]], rate: float = 25.0) -> list[VehicleTrack]:
    """Every car of pictures that come at a rate a second."""
    tracker, cars = Tracker(), list[VehicleTrack]()
    for number, plates in enumerate(pictures):
        cars += tracker.update(Reading(WIDTH, HEIGHT, 1.0, tuple(plates)), number / rate)
    return cars + tracker.finish()


def texts(cars: list[VehicleTrack]) -> list[str]:
    return [car.plate.text for car in cars]


def test_a_moving_car_is_one_car() -> None:
    (car,) = follow([plate("AB123", 20 + 6 * i)] for i in range(50))
    assert car.plate.text == "AB123"
    assert (car.start, car.end, car.frames) == (0.0, 49 / 25, 50)


def test_a_fast_car_whose_plates_never_overlap_is_one_car() -> None:
    (car,) = follow([plate("AB123", 10 + 170 * i)] for i in range(4))
    assert car.frames == 4


def test_a_car_that_is_misread_now_and_then_is_one_car() -> None:
    said = ["AB123", "A8123", "AB123", "B123", "XB123", "AB12", "AB123", "AB1Z3"]
    (car,) = follow([plate(text, 20 + 6 * i)] for i, text in enumerate(said))
    assert (car.plate.text, car.frames) == ("AB123", len(said))


def test_a_car_behind_a_pole_is_one_car() -> None:
    (car,) = follow([] if 15 < i < 40 else [plate("AB123", 20 + 6 * i)] for i in range(60))
    assert (car.frames, car.end) == (36, 59 / 25)


def test_a_car_that_stops_behind_something_is_one_car() -> None:
    def x(i: int) -> float:
        return 20 + 12 * min(i, 20) + 12 * max(0, i - 50)

    (car,) = follow([] if 18 < i < 55 else [plate("AB123", x(i))] for i in range(70))
    assert car.frames == 34


def test_the_parts_of_a_plate_beside_a_pole_are_one_car() -> None:
    def seen(i: int) -> list[Plate]:
        x = 20 + 6 * i
        if not 20 <= i < 36:
            return [plate("AB123", x, confidence=0.95)]
        left = [plate("AB", x, confidence=0.95, wide=40)] if i >= 24 else []
        right = [plate("123", x + 60, confidence=0.95, wide=40)] if i < 32 else []
        return left + right

    (car,) = follow(seen(i) for i in range(60))
    assert (car.plate.text, car.frames) == ("AB123", 60)


def test_two_cars_that_cross_are_two() -> None:
    pictures = ([plate("AB123", 20 + 8 * i, 100), plate("XY987", 500 - 8 * i, 108)] for i in range(60))
    cars = follow(pictures)
    assert sorted(texts(cars)) == ["AB123", "XY987"]
    assert [car.frames for car in cars] == [60, 60]


def test_a_car_that_takes_anothers_place_is_another() -> None:
    pictures = [[plate("AB123", 100, confidence=0.95)]] * 10 + [[plate("XY987", 103, confidence=0.95)]] * 10
    assert texts(follow(pictures)) == ["AB123", "XY987"]


def test_cars_whose_numbers_differ_little_are_not_one() -> None:
    def waiting(text: str) -> list[list[Plate]]:
        return [[plate(text, 200, confidence=0.97)]] * 25 + [[]] * 50

    cars = follow(waiting("KA301CP") + waiting("KA318CP") + waiting("KA335CP"))
    assert texts(cars) == ["KA301CP", "KA318CP", "KA335CP"]


def test_a_car_that_comes_again_later_is_told_of_again() -> None:
    pictures = [[plate("AB123", 100)]] * 10 + [[]] * 100 + [[plate("AB123", 100)]] * 10
    assert texts(follow(pictures)) == ["AB123", "AB123"]


def test_one_text_at_two_places_is_one_car() -> None:
    first = [[plate("AB128", 100), plate("AB123", 400, 200)]] * 2
    cars = follow(first + [[plate("AB123", 100), plate("AB123", 400, 200)]] * 20)
    assert texts(cars) == ["AB123"]
    assert cars[0].frames <= 22


def test_a_glimpse_is_no_car_unless_it_is_sure() -> None:
    assert follow([[plate("AB123", 100)]] * 2) == []
    assert follow([[plate("AB123", 100, confidence=0.4)]] * 20) == []
    assert texts(follow([[plate("AB123", 100, confidence=0.95)]])) == ["AB123"]
    assert follow([[plate("B34", 100, confidence=0.98)]]) == []
    # Words are on signs, and plates without a digit are seen more than once.
    assert follow([[plate("GARAGE", 100, confidence=0.99)]] * 2) == []
    assert texts(follow([[plate("GARAGE", 100, confidence=0.99)]] * 3)) == ["GARAGE"]


def test_what_looks_alike_makes_no_second_car() -> None:
    whole, part = plate("AB06I", 100, wide=100), plate("061", 140, wide=60)
    assert texts(follow([[whole]] * 12 + [[part]] * 9)) == ["AB06I"]
    assert texts(follow([[plate("AB06I", 100)], [plate("AB061", 300)]] * 9)) == ["AB06I"]


def test_a_car_is_told_of_when_it_has_left() -> None:
    tracker = Tracker()
    for i in range(10):
        assert tracker.update(Reading(WIDTH, HEIGHT, 1.0, (plate("AB123", 100 + i),)), i / 10) == []
    nothing = Reading(WIDTH, HEIGHT, 1.0, ())
    assert tracker.update(nothing, 2.0) == []
    # A slow source: as little as three pictures can be more than the time.
    assert tracker.update(nothing, 9.0) == []
    assert texts(tracker.update(nothing, 9.1)) == ["AB123"]
    assert tracker.finish() == []


def test_the_best_picture_is_kept() -> None:
    tracker = Tracker()
    pictures = [np.full((HEIGHT, WIDTH), i, np.uint8) for i in range(5)]
    for i, (confidence, wide) in enumerate([(0.8, 60), (0.8, 80), (0.95, 100), (0.7, 110), (0.6, 120)]):
        found = plate("AB123", 100 + i, confidence=confidence, wide=wide)
        tracker.update(Reading(WIDTH, HEIGHT, 1.0, (found,)), float(i), pictures[i])
    (car,) = tracker.finish()
    assert car.picture is pictures[2]
    assert car.best_time == 2.0
    assert car.plate.corners[0] == (102, 100)
    assert car.reading.plates == (car.plate,)


def test_what_touches_the_edge_counts_little() -> None:
    cut = [[plate("B123", 0, confidence=0.99)]] * 8
    (car,) = follow(cut + [[plate("AB123", 5, confidence=0.8)]] * 2)
    assert car.plate.text == "AB123"


def test_the_vote_weighs_characters_by_their_confidence() -> None:
    vote = TextVote()
    box = plate("A", 0).corners
    for text, confidence in (("A8", 0.4), ("A8", 0.4), ("AB", 0.95), ("ABC", 0.5)):
        vote.add(plate(text, 0, confidence=confidence))
    voted = vote.result(box)
    total = 0.4 + 0.4 + 0.95
    assert voted.text == "AB"
    assert voted.chars[1].confidence == pytest.approx(0.95 * 0.95 / total)
    other, share = voted.chars[1].alternatives[0]
    assert other == "8"
    assert share == pytest.approx(2 * 0.4 * 0.4 / total)
    assert voted.confidence == pytest.approx(sum(char.confidence for char in voted.chars) / 2)


def test_votes_that_are_joined_are_as_if_added() -> None:
    one, other, both = TextVote(), TextVote(), TextVote()
    for text, vote in (("AB1", one), ("A81", one), ("AB1", other), ("AB12", other)):
        vote.add(plate(text, 0))
        both.add(plate(text, 0))
    one.merge(other)
    corners = plate("A", 0).corners
    assert one.result(corners) == both.result(corners)


def test_what_stays_unknown_is_unknown() -> None:
    corners = plate("A", 0).corners
    unknown = Plate("A?", 0.5, 0.2, 1, corners, (Char("A", 0.9, ()), Char(None, 0.2, (("B", 0.2),))))
    vote = TextVote()
    for _ in range(3):
        vote.add(unknown)
    assert vote.result(corners).text == "A?"
    vote.add(plate("AB", 0, confidence=0.9))
    assert vote.result(corners).text == "AB"


def test_a_car_that_stays_takes_no_more_memory() -> None:
    tracker, rng, sizes = Tracker(), np.random.default_rng(0), []

    def size(thing: object) -> int:
        inner = thing.values() if isinstance(thing, dict) else thing if isinstance(thing, list) else ()
        own = vars(thing).values() if hasattr(thing, "__dict__") else ()
        return sys.getsizeof(thing) + sum(size(part) for part in (*inner, *own))

    for i in range(2000):
        text = "AB12" + "0123456789"[rng.integers(10)]
        tracker.update(Reading(WIDTH, HEIGHT, 1.0, (plate(text, 100),)), i / 25)
        if i in (500, 1999):
            sizes.append(size(tracker))
    assert sizes[1] <= 1.05 * sizes[0]


@pytest.mark.parametrize(
    ("text", "other", "expected"),
    [("AB12", "AB12", 1), ("AB12", "AB1?", 1), ("AB12", "AB13", 0.75), ("AB12", "B12", 0.75), ("A", "B", 0)],
)
def test_similarity_is_the_share_that_is_the_same(text: str, other: str, expected: float) -> None:
    assert similarity(text, other) == similarity(other, text) == expected


def test_overlap_is_intersection_over_union() -> None:
    box = np.array([[0.0, 0.0], [4.0, 2.0]])
    assert overlap(box, box) == 1
    assert overlap(box, np.add(box, [2, 0])) == pytest.approx(1 / 3)
    assert overlap(box, np.add(box, [4, 0])) == overlap(box, box + 9) == 0


def test_the_vote_says_where_characters_stand_and_which_groups_they_make() -> None:
    def read(text: str, shift: float, starts: list[int] | None) -> Plate:
        ends = [(0.2 * i + shift, 0.2 * i + 0.1 + shift) for i in range(len(text))]
        chars = (Char(c, 0.9, (), extent=ready(extent)) for c, extent in zip(text, ends, strict=True))
        return plate_of(tuple(chars), plate(text, 0).corners, 1, starts)

    vote, other = TextVote(), TextVote()
    vote.add(read("AB12", 0.0, None))
    vote.add(read("AB12", 0.02, [2]))
    other.add(read("AB12", 0.04, [2]))
    other.add(read("AB12", 0.02, [1]))
    other.add(plate("AB12", 0))  # which says nothing of it
    vote.merge(other)
    result = vote.result(plate("AB12", 0).corners)
    assert result.groups == ("AB", "12")
    assert [char.x0 for char in result.chars] == pytest.approx([0.02, 0.22, 0.42, 0.62])
    assert result.chars[3].x1 == pytest.approx(0.72)
    # As many readings for one as for another.
    vote.add(read("AB12", 0.0, [1]))
    assert vote.result(result.corners).groups is None
    alone = TextVote()
    alone.add(plate("AB12", 0))
    assert (alone.result(result.corners).groups, alone.result(result.corners).chars[0].x0) == (None, None)


def test_a_part_that_is_seen_first_is_no_other_car() -> None:
    """The left half of a plate is hidden: its visible part is read, with a misread character at the cover."""
    part = [[plate("73126", 137, confidence=0.97, wide=63, high=25)]] * 10
    assert texts(follow(part + [[plate("34A23126", 100, confidence=0.95)]] * 4)) == ["34A23126"]
    whole = [[plate("34A23126", 100, confidence=0.95)]] * 4
    assert texts(follow(whole + part)) == ["34A23126"]


def test_a_text_on_a_car_is_no_car() -> None:
    def seen(i: int) -> list[Plate]:
        sign = [plate("GARAGE0", 40 + 6 * i, 60, confidence=0.97, wide=80)] if i % 2 else []
        return [plate("AB123", 20 + 6 * i, confidence=0.97), *sign]

    assert texts(follow(seen(i) for i in range(50))) == ["AB123"]
    # Two cars side by side are two, as are two that stand.
    beside = ([plate("AB123", 20 + 6 * i), plate("XY987", 150 + 6 * i)] for i in range(50))
    assert sorted(texts(follow(beside))) == ["AB123", "XY987"]
    still = ([plate("AB123", 100), *([plate("XY987", 220)] if i % 3 == 0 else [])] for i in range(50))
    assert sorted(texts(follow(still))) == ["AB123", "XY987"]


@pytest.mark.parametrize("word", ["BMW", "TAXI", "POLICE", "AUT0HAUS"])
@pytest.mark.parametrize("step", [6, 0])
def test_a_word_beside_a_plate_is_no_car(word: str, step: int) -> None:
    """Seen as often and as surely as the plate, on a car that moves or stands."""
    for up in (-60, -200):
        pictures = (
            [
                plate("AB123", 100 + step * i, 250, confidence=0.97),
                plate(word, 170 + step * i, 250 + up, confidence=0.98),
            ]
            for i in range(50)
        )
        assert texts(follow(pictures)) == ["AB123"]


def test_a_plate_of_letters_is_a_car() -> None:
    """Alone, beside a car that moves otherwise, and far from the next plate."""
    assert texts(follow([plate("LUVMOM", 20 + 6 * i)] for i in range(10))) == ["LUVMOM"]
    passed = ([plate("AB123", 20 + 12 * i), plate("LUVMOM", 200 + 3 * i, 50)] for i in range(40))
    assert sorted(texts(follow(passed))) == ["AB123", "LUVMOM"]
    parked = [[plate("AB123", 100), plate("LUVMOM", 450)]] * 50
    assert sorted(texts(follow(parked))) == ["AB123", "LUVMOM"]


def test_a_short_word_is_a_car_if_read_surely_or_often() -> None:
    badge = [[plate("BMW", 100 + 6 * i, confidence=0.85)] for i in range(10)]
    assert follow(badge[:5]) == []
    assert texts(follow(badge)) == ["BMW"]
    assert texts(follow([[plate("BMW", 100, confidence=0.97)]] * 3)) == ["BMW"]
    assert texts(follow([[plate("B34", 100, confidence=0.85)]] * 3)) == ["B34"]


def test_what_is_read_again_where_nothing_changes_is_the_same_track() -> None:
    """A badge beside a plate that stands: read again, as it is not sure, and misread."""
    tracker = Tracker()
    for i, word in enumerate(["BMW", "BMV", "BMW"]):
        found = plate("AB123", 100, confidence=0.97), plate(word, 220, 60, confidence=0.85, wide=40)
        tracker.update(Reading(WIDTH, HEIGHT, 1.0, found), i / 5, unchanged=[*tracker.tracks])
    plate_track, badge = tracker.tracks
    assert (plate_track.readings, badge.readings, badge.is_sign) == (3, 3, True)


def test_what_a_camera_prints_is_no_car() -> None:
    def clock(i: int) -> Plate:
        return plate(f"0815{i // 25 + 10}", 20, 10, confidence=0.97)

    assert texts(follow([clock(i), plate("AB123", 20 + 6 * i, 150)] for i in range(100))) == ["AB123"]
    # It may begin anew: what is there again stays an overlay, however short.
    pictures: list[list[Plate]] = [[clock(i)] for i in range(50)] + [[]] * 100 + [[clock(5)]]
    assert texts(follow(pictures)) == []
    # A car drives there.
    assert texts(follow([plate("AB123", 200, max(10, 150 - 6 * i))] for i in range(100))) == ["AB123"]


def test_a_sure_plate_is_followed_without_reading() -> None:
    tracker = Tracker()
    for i in range(20):
        reading = Reading(
            WIDTH, HEIGHT, 1.0, (plate("AB123", 100 + 5 * i, confidence=0.95),) if i < 3 else ()
        )
        corners = plate("AB123", 100 + 5 * i).corners
        followed = [(track, corners) for track in tracker.tracks] if i >= 3 and i % 4 == 0 else []
        assert tracker.update(reading, i / 10, followed=followed, sought=() if i >= 3 else None) == []
    (car,) = tracker.finish()
    assert (car.frames, car.end) == (17, 1.6)
    assert car.last_corners == plate("AB123", 180).corners


@pytest.mark.parametrize(
    ("to", "wide", "direction", "movement"),
    [
        ((300, 100), 100, 0, None),
        ((100, 20), 160, 90, "approaching"),
        ((20, 100), 60, 180, "leaving"),
        ((100, 250), 100, 270, None),
        ((120, 100), 100, None, None),
    ],
)
def test_direction_and_movement(
    to: tuple[int, int], wide: float, direction: float | None, movement: str | None
) -> None:
    x, y = to[0] + 50 - wide / 2, to[1] + 12.5 - wide / 8
    steps = np.linspace((100, 100, 100), (x, y, wide), 30)
    (car,) = follow([plate("AB123", *step[:2], wide=step[2])] for step in steps)
    assert car.direction == (None if direction is None else pytest.approx(direction % 360, abs=1))
    assert car.movement == movement


def test_arrival_is_told_once_when_the_reading_is_sure() -> None:
    tracker, told = Tracker(), list[VehicleTrack]()
    for i in range(10):
        confidence = 0.6 if i < 4 else 0.99
        found = plate("AB123", 100 + i, confidence=confidence)
        tracker.update(Reading(WIDTH, HEIGHT, 1.0, (found,) if i != 5 else ()), i / 10)
        told += tracker.arrived()
    (departed,) = tracker.finish()
    assert [(car.plate.text, car.departed, car.id) for car in told] == [("AB123", False, departed.id)]
    assert departed.departed
