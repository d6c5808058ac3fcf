"""The order of targets over an alias and those that it falls back to."""

from collections.abc import Iterable

import msgspec

from trunkline.gateway.bounds import NOTHING
from trunkline.gateway.policy import FallbackKind, Route
from trunkline.gateway.routing.speaking import Speech
from trunkline.gateway.snapshot import Alias, Connection, Origin, Target
from trunkline.gateway.trying.course import Course, Leg
from trunkline.gateway.wire.registry import WIRES

PLACE = Connection("c", "c", "simulator", {"openai_chat": ""}, Origin("http", "h", 1), ())


def alias(name: str, *models: tuple[str, int], **fallbacks: tuple[str, ...]) -> Alias:
    """An alias whose targets have these models and context windows."""
    targets = tuple(Target(PLACE, model, None, context_window=window) for model, window in models)
    named: dict[FallbackKind, tuple[str, ...]] = msgspec.convert(
        fallbacks, dict[FallbackKind, tuple[str, ...]]
    )
    return Alias(name, targets, route=Route(fallbacks=named))


def legs(of: Alias) -> list[Leg]:
    wire = WIRES["openai_chat"]
    return [Leg(of, Speech(target, wire, "chat", passes=True), NOTHING) for target in of.targets]


def course(first: Alias, *others: Alias) -> Course:
    known = {other.name: legs(other) for other in others}
    return Course(first, legs(first), lambda name: known.get(name, ()))


def models(rest: Course) -> list[str]:
    return [leg.speech.target.model for leg in _drained(rest)]


def _drained(rest: Course) -> Iterable[Leg]:
    while (leg := rest.next()) is not None:
        yield leg


def test_the_targets_of_the_alias_come_before_those_of_its_fallbacks() -> None:
    first = alias("a", ("a1", 0), ("a2", 0), error=("b", "c"))
    second = alias("b", ("b1", 0), error=("d",))
    assert models(course(first, second, alias("c", ("c1", 0)), alias("d", ("d1", 0)))) == [
        "a1", "a2", "b1", "d1", "c1",
    ]  # fmt: skip


def test_an_alias_is_never_tried_twice_even_where_the_configuration_has_a_cycle() -> None:
    first, second = alias("a", ("a1", 0), error=("b",)), alias("b", ("b1", 0), error=("a", "b"))
    assert models(course(first, second)) == ["a1", "b1"]


def test_a_fallback_that_cannot_serve_is_passed_over() -> None:
    assert models(course(alias("a", ("a1", 0), error=("gone", "c")), alias("c", ("c1", 0)))) == [
        "a1", "c1",
    ]  # fmt: skip


def test_what_is_too_long_goes_on_where_more_is_read() -> None:
    first = alias("a", ("a1", 8), ("a2", 4), ("a3", 16), context_window=("b",), error=("c",))
    going = course(first, alias("b", ("b1", 1)), alias("c", ("c1", 1)))
    leg = going.next()
    assert leg is not None
    assert going.turn(leg, "context_window")
    assert models(going) == ["a3", "b1"]


def test_what_a_filter_refused_goes_only_where_the_alias_says_so() -> None:
    first = alias("a", ("a1", 0), ("a2", 0), content_filter=("b",), error=("c",))
    going = course(first, alias("b", ("b1", 0)), alias("c", ("c1", 0)))
    leg = going.next()
    assert leg is not None
    assert going.turn(leg, "content_filter")
    assert models(going) == ["b1"]
    plain = course(alias("a", ("a1", 0), ("a2", 0), error=("c",)), alias("c", ("c1", 0)))
    leg = plain.next()
    assert leg is not None
    assert not plain.turn(leg, "content_filter")
    assert plain.next() is None


def test_a_fallback_for_several_failures_is_still_there_after_one_of_them() -> None:
    first = alias("a", ("a1", 8), ("a2", 4), context_window=("b",), error=("b",))
    going = course(first, alias("b", ("b1", 1)))
    leg = going.next()
    assert leg is not None
    assert going.turn(leg, "context_window")
    assert models(going) == ["b1"]
