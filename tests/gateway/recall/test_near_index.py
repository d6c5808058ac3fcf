import math
import random

import pytest

from trunkline.gateway.recall.near_index import NearIndex, Vector, cosine, vector_of
from trunkline.gateway.recall.near_marks import marks_of
from trunkline.gateway.recall.nearness import Near
from trunkline.kit.clock import FakeClock

MARKS = marks_of("How do I sort a list?")
OTHER = marks_of("How do I sort 5 lists?")


def vector(*numbers: float) -> Vector:
    made = vector_of("m", numbers)
    assert made is not None
    return made


def around(rng: random.Random, centre: list[float], distance: float) -> Vector:
    return vector(*(number + rng.gauss(0, distance) for number in centre))


def test_a_vector_has_length_one_and_a_bit_for_each_positive_number() -> None:
    made = vector(3.0, -4.0, 0.0)
    assert list(made.numbers) == pytest.approx([0.6, -0.8, 0.0])
    assert made.bits == 0b100
    assert cosine(made, vector(6.0, -8.0, 0.0)) == pytest.approx(1.0)
    assert cosine(made, vector(4.0, 3.0, 0.0)) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("numbers", [[], [0.0, 0.0], [math.nan, 1.0], [math.inf, 1.0]])
def test_what_has_no_direction_is_no_vector(numbers: list[float]) -> None:
    assert vector_of("m", numbers) is None


def test_the_nearest_from_the_threshold_on_is_found() -> None:
    index = NearIndex(FakeClock())
    index.add(b"p", "far", vector(1, 1), MARKS, 60)
    index.add(b"p", "near", vector(10, 1), MARKS, 60)
    found = index.nearest(b"p", vector(1, 0), MARKS, 0.9)
    assert found is not None
    assert found.key == "near"
    assert found.similarity == pytest.approx(10 / math.sqrt(101))
    assert index.nearest(b"p", vector(1, 0), MARKS, 0.999) is None
    assert index.nearest(b"q", vector(1, 0), MARKS, 0.1) is None


def test_a_text_with_other_marks_is_never_near() -> None:
    index = NearIndex(FakeClock())
    index.add(b"p", "number", vector(1, 0), OTHER, 60)
    index.add(b"p", "negation", vector(1, 0), marks_of("How do I not sort a list?"), 60)
    assert index.nearest(b"p", vector(1, 0), MARKS, 0.1) is None


def test_an_entry_lives_as_long_as_its_answer() -> None:
    clock = FakeClock()
    index = NearIndex(clock)
    index.add(b"p", "k", vector(1, 0), MARKS, 60)
    clock.advance(59.9)
    assert index.nearest(b"p", vector(1, 0), MARKS, 0.9) == Near("k", 1.0)
    clock.advance(0.2)
    assert index.nearest(b"p", vector(1, 0), MARKS, 0.9) is None


def test_a_removed_entry_is_gone_and_takes_no_room() -> None:
    index = NearIndex(FakeClock())
    index.add(b"p", "k", vector(1, 0), MARKS, 60)
    index.remove("k")
    index.remove("k")
    assert (index.nearest(b"p", vector(1, 0), MARKS, 0.9), len(index), index.size) == (None, 0, 0)


def test_a_key_that_is_added_again_is_entered_once() -> None:
    index = NearIndex(FakeClock())
    index.add(b"p", "k", vector(1, 0), MARKS, 60)
    size = index.size
    index.add(b"q", "k", vector(1, 0), MARKS, 60)
    assert (len(index), index.size) == (1, size)
    assert index.nearest(b"p", vector(1, 0), MARKS, 0.9) is None
    assert index.nearest(b"q", vector(1, 0), MARKS, 0.9) == Near("k", 1.0)


def test_a_full_place_loses_its_oldest_entry() -> None:
    index = NearIndex(FakeClock(), most_in_a_place=2)
    for name, numbers in (("a", (1, 0)), ("b", (0, 1)), ("c", (-1, 0))):
        index.add(b"p", name, vector(*numbers), MARKS, 60)
    assert index.nearest(b"p", vector(1, 0), MARKS, 0.9) is None
    assert index.nearest(b"p", vector(0, 1), MARKS, 0.9) == Near("b", 1.0)
    assert len(index) == 2


def test_a_full_index_loses_what_was_not_asked_for_longest() -> None:
    probe = NearIndex(FakeClock())
    probe.add(b"p", "a", vector(1, 0), MARKS, 60)
    index = NearIndex(FakeClock(), most_bytes=2 * probe.size)
    index.add(b"old", "a", vector(1, 0), MARKS, 60)
    index.add(b"asked", "b", vector(1, 0), MARKS, 60)
    assert index.nearest(b"old", vector(1, 0), MARKS, 0.9) == Near("a", 1.0)
    index.add(b"new", "c", vector(1, 0), MARKS, 60)
    assert index.nearest(b"asked", vector(1, 0), MARKS, 0.9) is None
    assert index.nearest(b"old", vector(1, 0), MARKS, 0.9) == Near("a", 1.0)
    assert index.size <= 2 * probe.size


def test_a_near_one_is_found_among_a_thousand() -> None:
    rng = random.Random(5)
    centre = [rng.gauss(0, 1) for _ in range(1536)]
    index = NearIndex(FakeClock())
    for number in range(999):
        away = [rng.gauss(0, 1) for _ in range(1536)]
        index.add(b"p", f"k{number}", vector(*away), MARKS, 60)
    index.add(b"p", "near", around(rng, centre, 0.3), MARKS, 60)
    asked = around(rng, centre, 0.3)
    found = index.nearest(b"p", asked, MARKS, 0.8)
    assert found is not None
    assert found.key == "near"


def test_templates_that_differ_by_their_numbers_do_not_hide_the_one_that_fits() -> None:
    index = NearIndex(FakeClock())
    for number in range(500):
        index.add(b"p", f"k{number}", vector(1, 0.01), marks_of(f"Where is order {number}?"), 60)
    index.add(b"p", "fits", vector(1, 0.1), marks_of("where is my order 77777"), 60)
    found = index.nearest(b"p", vector(1, 0), marks_of("Where is the order 77777?"), 0.9)
    assert found is not None
    assert found.key == "fits"
