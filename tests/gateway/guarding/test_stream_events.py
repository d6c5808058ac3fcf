"""The events of a stream under guards: nothing comes in another order, and no text gets by."""

import json

from tests.gateway.guarding.asking import guard

from trunkline.gateway.exchange.parts import Citation
from trunkline.gateway.exchange.reply import (
    CitationSeen,
    Event,
    ForeignEvent,
    PartEnded,
    ReasoningDelta,
    RefusalDelta,
    SignatureDelta,
    Started,
    Stop,
    Stopped,
    TextDelta,
    ToolDelta,
    ToolEnded,
    ToolStarted,
)
from trunkline.gateway.guarding.look import Look
from trunkline.gateway.guarding.outward import StreamGuard
from trunkline.gateway.guarding.stand_ins import StandIns

M, X = "jo@example.com", "[EMAIL]"


def watching() -> StreamGuard:
    return StreamGuard(Look([guard()], [], "out", StandIns()))


def told(stream: StreamGuard, *events: Event) -> list[Event]:
    return [one for event in events for one in stream.take([event])]


def test_parts_follow_each_other_and_each_is_let_go_at_its_end() -> None:
    assert told(
        watching(),
        Started("id", "model"),
        ReasoningDelta(f"think {M}", id="r"),
        SignatureDelta("seal", "anthropic"),
        TextDelta("write jo@exam", logprobs={"content": []}),
        TextDelta("ple.com"),
        PartEnded(),
        RefusalDelta(M),
        Stopped(Stop()),
    ) == [
        Started("id", "model"),
        ReasoningDelta("think ", id="r"),
        ReasoningDelta(X, id="r"),
        SignatureDelta("seal", "anthropic"),
        TextDelta("write "),
        TextDelta(X),
        PartEnded(),
        RefusalDelta(X),
        Stopped(Stop()),
    ]


def test_arguments_are_looked_at_as_a_whole_and_stay_json() -> None:
    stream = watching()
    arguments = json.dumps({"to": f"\n{M}", "é": [M, 41], M: "x"})
    begun = told(stream, ToolStarted(0, "c0", "f"), ToolStarted(1, "c1", "g"))
    assert begun == [ToolStarted(0, "c0", "f"), ToolStarted(1, "c1", "g")]
    pieces = [ToolDelta(0, arguments[place : place + 7]) for place in range(0, len(arguments), 7)]
    assert told(stream, *pieces, ToolDelta(1, '{"a": 1}')) == []
    first, ended, *rest = told(stream, ToolEnded(0), Stopped(Stop("tools")))
    assert isinstance(first, ToolDelta)
    assert json.loads(first.arguments) == {"to": f"\n{X}", "é": [X, 41], X: "x"}
    assert ended == ToolEnded(0)
    assert rest == [ToolDelta(1, '{"a": 1}'), Stopped(Stop("tools"))]


def test_free_text_for_a_tool_and_calls_without_arguments_pass_the_same_way() -> None:
    assert told(
        watching(),
        ToolStarted(0, "c0", "f", kind="custom"),
        ToolDelta(0, f"to {M}"),
        ToolEnded(0),
        ToolStarted(1, "c1", "g"),
        ToolEnded(1),
        ToolDelta(7, "{}"),
        ToolEnded(7),
    ) == [
        ToolStarted(0, "c0", "f", kind="custom"),
        ToolDelta(0, f"to {X}"),
        ToolEnded(0),
        ToolStarted(1, "c1", "g"),
        ToolEnded(1),
        ToolDelta(7, "{}"),
        ToolEnded(7),
    ]


def test_each_choice_is_held_for_itself() -> None:
    assert told(
        watching(),
        TextDelta("one jo@exam", 0),
        TextDelta("two mi@exam", 1),
        TextDelta("ple.com", 0),
        TextDelta("ple.org", 1),
        Stopped(Stop(), 1),
        Stopped(Stop(), 0),
    ) == [
        TextDelta("one ", 0),
        TextDelta("two ", 1),
        TextDelta(X, 1),
        Stopped(Stop(), 1),
        TextDelta(X, 0),
        Stopped(Stop(), 0),
    ]


def test_sources_wait_for_the_words_that_they_belong_to() -> None:
    seen = Citation(url="https://h/", title=M, cited=M, native={"cited_text": M, "url": M})
    shown = Citation(url="https://h/", title=X, cited=X, native={"cited_text": X, "url": M})
    assert told(
        watching(),
        CitationSeen(Citation(url="https://h/", native={"cited_text": "x"})),
        TextDelta("as jo@exam"),
        CitationSeen(seen),
        TextDelta("ple.com says. "),
        PartEnded(),
        TextDelta("more"),
        CitationSeen(Citation(title="t")),
        Stopped(Stop()),
    ) == [
        CitationSeen(Citation(url="https://h/", native={"cited_text": "x"})),
        TextDelta("as "),
        TextDelta(f"{X} says"),
        TextDelta(". "),
        CitationSeen(shown),
        PartEnded(),
        TextDelta("more"),
        CitationSeen(Citation(title="t")),
        Stopped(Stop()),
    ]


def test_events_of_one_wire_alone_are_looked_at_too() -> None:
    event = ForeignEvent("w", {"type": "result", "content": [{"text": M, "id": M}]})
    assert told(watching(), event) == [
        ForeignEvent("w", {"type": "result", "content": [{"text": X, "id": M}]})
    ]


def test_it_says_whether_all_content_is_still_held() -> None:
    stream = watching()
    seen = []
    for event in (Started(), TextDelta("jo@exam"), TextDelta("ple.com and"), PartEnded()):
        stream.take([event])
        seen.append(stream.holds)
    assert seen == [False, True, False, False]
