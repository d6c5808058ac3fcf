"""What may be written, and what the compiled guard says of itself."""

from typing import Any

import pytest

from trunkline.errors import InvalidRequest
from trunkline.gateway.guarding.analysis import Spot, Task
from trunkline.gateway.guarding.guard import Extent, Gauge
from trunkline.guardrails.compiling import compile_guard, guard_of
from trunkline.guardrails.presidio.guard import PresidioGuard
from trunkline.guardrails.schemas import GuardrailSpec, read_spec

TOPICS = {"deny": {"x": ["some words"]}}
CARDS = {"entities": ["CREDIT_CARD"]}
PRESIDIO = {"name": "a", "kind": "presidio", "way": "in"}


@pytest.mark.parametrize(
    ("spec", "ways", "action"),
    [
        ({"kind": "pii"}, (True, True), "refuse"),
        ({"kind": "pii", "way": "in", "action": "redact"}, (True, False), "redact"),
        ({"kind": "topics", "way": "out", "topics": TOPICS}, (False, True), "refuse"),
        ({"kind": "size", "action": "note", "size": {"tokens": 5}}, (True, True), "note"),
        ({"kind": "language", "language": {"deny": ["han"]}}, (True, True), "refuse"),
        ({"kind": "presidio", "way": "in", "presidio": CARDS}, (True, False), "refuse"),
    ],
)
def test_a_guard_says_what_it_does(
    spec: dict[str, Any], ways: tuple[bool, bool], action: str
) -> None:
    guard = compile_guard("g", spec)
    assert (guard.name, guard.action, (guard.inward, guard.outward)) == ("g", action, ways)
    assert guard.reach >= 0


def test_a_size_is_measured_as_a_whole() -> None:
    spec = {"characters": 10, "tokens": 3, "messages": 1, "message_characters": 9}
    guard = compile_guard("g", {"kind": "size", "size": spec})
    assert isinstance(guard, Gauge)
    assert guard.exceeded(Extent(10, 3, 1, 9)) == []
    assert guard.exceeded(Extent(11, 4, 2, 10)) == ["characters", "tokens", "messages", "longest"]
    assert guard.find("x" * 100) == []
    assert guard.settled("abc", 0) == 3
    with pytest.raises(NotImplementedError):
        Gauge.exceeded(guard, Extent())


@pytest.mark.parametrize(
    ("spec", "param"),
    [
        ({"name": "Big", "kind": "pii"}, "name"),
        ({"kind": "pii"}, "name"),
        ({"name": "a", "kind": "other"}, "kind"),
        ({"name": "a", "kind": "pii", "colour": 1}, "colour"),
        ({"name": "a", "kind": "pii", "way": "up"}, "way"),
        ({"name": "a", "kind": "pii", "topics": TOPICS}, None),
        ({"name": "a", "kind": "topics"}, None),
        ({"name": "a", "kind": "topics", "action": "redact", "topics": TOPICS}, None),
        ({"name": "a", "kind": "topics", "topics": {"deny": {}}}, "topics.deny"),
        ({"name": "a", "kind": "topics", "topics": {"deny": {"x": ["**"]}}}, "topics.deny.x.0"),
        ({"name": "a", "kind": "topics", "topics": {"deny": {"x": ["a\nb"]}}}, "topics.deny.x.0"),
        (
            {"name": "a", "kind": "topics", "topics": {"deny": {"x": ["a*b*c*d*e*"]}}},
            "topics.deny.x.0",
        ),
        ({"name": "a", "kind": "pii", "pii": {"entities": ["passport"]}}, "pii.entities.0"),
        ({"name": "a", "kind": "pii", "pii": {"entities": []}}, "pii.entities"),
        ({"name": "a", "kind": "pii", "pii": {"placeholder": "<{what}>"}}, "pii.placeholder"),
        ({"name": "a", "kind": "pii", "pii": {"placeholder": "a\nb"}}, "pii.placeholder"),
        ({"name": "a", "kind": "pii", "action": "redact", "pii": {"restore": True}}, "pii"),
        (
            {"name": "a", "kind": "pii", "pii": {"restore": True, "placeholder": "<{kind}_{n}>"}},
            None,
        ),
        ({"name": "a", "kind": "size", "size": {}}, "size"),
        ({"name": "a", "kind": "size", "size": {"tokens": 0}}, "size.tokens"),
        ({"name": "a", "kind": "size", "way": "out", "size": {"messages": 2}}, None),
        ({"name": "a", "kind": "language", "language": {}}, "language"),
        ({"name": "a", "kind": "language", "language": {"allow": ["fr"]}}, "language.allow.0"),
        ({"name": "a", "kind": "presidio", "way": "in"}, None),
        ({"name": "a", "kind": "presidio", "presidio": CARDS}, None),
        ({"name": "a", "kind": "presidio", "way": "out", "presidio": CARDS}, None),
        ({**PRESIDIO, "presidio": {"entities": []}}, "presidio.entities"),
        ({**PRESIDIO, "presidio": {"entities": ["person"]}}, "presidio.entities.0"),
        ({**PRESIDIO, "presidio": {"entities": ["PERSON"]}}, "presidio"),
        ({**PRESIDIO, "presidio": {"entities": ["EMAIL"]}}, "presidio"),
        ({**PRESIDIO, "presidio": {**CARDS, "model": "../en_core"}}, "presidio.model"),
        ({**PRESIDIO, "presidio": {**CARDS, "language": "English"}}, "presidio.language"),
        ({**PRESIDIO, "presidio": {**CARDS, "threshold": 1.1}}, "presidio.threshold"),
        ({**PRESIDIO, "presidio": {**CARDS, "timeout": 31}}, "presidio.timeout"),
        ({**PRESIDIO, "presidio": {**CARDS, "when_down": "wait"}}, "presidio.when_down"),
        ({**PRESIDIO, "presidio": {**CARDS, "restore": True}}, "presidio"),
        (
            {**PRESIDIO, "presidio": {**CARDS, "restore": True, "placeholder": "<{kind}{n}>"}},
            None,
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(
    spec: dict[str, Any], param: str | None
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_spec(spec)
    assert (refused.value.code, refused.value.param) == ("invalid_value", param)


def test_the_place_of_the_input_stands_before_the_field() -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_spec({"name": "a", "kind": "pii", "way": 1}, "guardrails.0.")
    assert refused.value.param == "guardrails.0.way"


def test_a_checked_spec_is_compiled_as_it_is() -> None:
    assert guard_of(GuardrailSpec(name="g", kind="pii", action="note")).find("a@example.com")


def test_presidio_is_told_what_to_look_for() -> None:
    options = {**CARDS, "language": "de", "threshold": 0.7, "timeout": 1, "when_down": "pass"}
    guard = compile_guard(
        "p",
        {
            "kind": "presidio", "way": "in", "action": "redact",
            "presidio": {**options, "model": "de_core_news_sm", "restore": True,
                         "placeholder": "<{kind}_{n}>"},
        },
    )  # fmt: skip
    assert isinstance(guard, PresidioGuard)
    assert guard.task == Task("de", "de_core_news_sm", ("CREDIT_CARD",), 0.7)
    assert (guard.timeout, guard.when_down) == (1, "pass")
    # The surest of those that overlap, and of two that are equally sure the longer one.
    spots = [
        Spot(0, 5, "CREDIT_CARD", 0.8), Spot(4, 9, "CREDIT_CARD", 0.9),
        Spot(20, 30, "CREDIT_CARD", 0.8), Spot(20, 25, "CREDIT_CARD", 0.8),
        Spot(9, 12, "CREDIT_CARD", 0.7),
    ]  # fmt: skip
    found = guard.findings(spots)
    assert [(one.start, one.end) for one in found] == [(4, 9), (9, 12), (20, 30)]
    assert {(one.instead, one.restored) for one in found} == {("<CREDIT_CARD_{n}>", True)}


def test_a_digest_is_of_everything_that_is_written() -> None:
    base: dict[str, Any] = {"kind": "topics", "way": "in", "topics": TOPICS}
    specs = [
        base,
        {**base, "way": "both"},
        {**base, "action": "note"},
        {**base, "topics": {"deny": {"x": ["other words"]}}},
        {**base, "topics": {"deny": {"y": ["some words"]}}},
    ]
    digests = [compile_guard("g", spec).digest for spec in specs]
    assert len(set(digests)) == len(specs)
    assert compile_guard("g", base).digest == digests[0]
    assert compile_guard("h", base).digest != digests[0]
