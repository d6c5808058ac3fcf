"""What is kept of a turn, and how the next request gets it back."""

from trunkline.gateway.exchange.continuity import (
    Collector,
    Kept,
    collect,
    lacks_thought,
    restore,
)
from trunkline.gateway.exchange.parts import Part, Reasoning, Text, ToolCall, ToolResult
from trunkline.gateway.exchange.reply import (
    Event,
    PartEnded,
    ReasoningDelta,
    SignatureDelta,
    Started,
    Stop,
    Stopped,
    TextDelta,
    ToolDelta,
    ToolEnded,
    ToolStarted,
)
from trunkline.gateway.exchange.request import Message, Request, Role

FIRST, SECOND = "call_1FirsT1", "call_2SeconD2"
THOUGHT = Reasoning("Let me see.", "sig-1", "anthropic")
HIDDEN = Reasoning(signature="sealed", family="anthropic", redacted=True)


def said(role: Role, *parts: Part) -> Message:
    return Message(role, parts)


def asked(*messages: Message) -> Request:
    return Request(wire="openai_chat", model="m", messages=messages)


def test_each_call_keeps_the_thought_since_the_call_before_it() -> None:
    parts = (
        THOUGHT,
        Text("I look."),
        ToolCall(FIRST, "look"),
        HIDDEN,
        ToolCall(SECOND, "see", signature="own", family="google"),
    )
    assert collect(parts) == {
        FIRST: Kept((THOUGHT,)),
        SECOND: Kept((HIDDEN,), "own", "google"),
    }


def test_a_call_without_thought_or_signature_keeps_nothing() -> None:
    assert collect((Text("hello"), ToolCall(FIRST, "look"))) == {}


def test_thought_after_the_last_call_belongs_to_none() -> None:
    assert collect((ToolCall(FIRST, "look"), THOUGHT)) == {}


def test_an_id_that_many_conversations_have_keeps_nothing() -> None:
    assert collect((THOUGHT, ToolCall("call_0", "look"))) == {}


def test_a_stream_keeps_what_the_whole_answer_would() -> None:
    frames: list[list[Event]] = [
        [Started("a", "m")],
        [ReasoningDelta("Let me "), ReasoningDelta("see.")],
        [SignatureDelta("sig-1", "anthropic"), PartEnded()],
        [TextDelta("I look."), PartEnded()],
        [ToolStarted(0, FIRST, "look"), ToolDelta(0, "{}"), ToolEnded(0)],
        [SignatureDelta("sealed", "anthropic", redacted=True), PartEnded()],
        [ToolStarted(1, SECOND, "see", signature="own", family="google")],
        [ToolEnded(1), Stopped(Stop("tools"))],
    ]
    collector = Collector()
    for frame in frames:
        collector.take(frame)
    assert collector.kept == {
        FIRST: Kept((THOUGHT,)),
        SECOND: Kept((HIDDEN,), "own", "google"),
    }


def test_words_without_a_signature_are_kept_as_well() -> None:
    collector = Collector()
    collector.take([ReasoningDelta("Hm."), ToolStarted(0, FIRST, "look")])
    assert collector.kept == {FIRST: Kept((Reasoning("Hm."),))}


def test_items_of_reasoning_stay_apart_by_their_ids() -> None:
    collector = Collector()
    collector.take([ReasoningDelta("One.", summary=True, id="rs_1")])
    collector.take([ReasoningDelta("Two.", summary=True, id="rs_2")])
    collector.take([SignatureDelta("sig", "openai", id="rs_2"), ToolStarted(0, FIRST, "look")])
    assert collector.kept == {
        FIRST: Kept(
            (
                Reasoning("One.", id="rs_1", summary=True),
                Reasoning("Two.", "sig", "openai", "rs_2", summary=True),
            )
        )
    }


def test_alternatives_do_not_mix_their_thought() -> None:
    collector = Collector()
    collector.take([ReasoningDelta("A.", choice=0), ReasoningDelta("B.", choice=1)])
    collector.take([ToolStarted(0, FIRST, "look", choice=0)])
    collector.take([ToolStarted(0, SECOND, "look", choice=1)])
    assert collector.kept == {
        FIRST: Kept((Reasoning("A."),)),
        SECOND: Kept((Reasoning("B."),)),
    }


def test_what_a_call_needs_comes_back_before_everything_else_of_its_turn() -> None:
    request = asked(
        said("user", Text("Look.")),
        said("assistant", Text("I look."), ToolCall(FIRST, "look"), ToolCall(SECOND, "see")),
        said("user", ToolResult(FIRST), ToolResult(SECOND)),
    )
    kept = {FIRST: Kept((THOUGHT,)), SECOND: Kept((HIDDEN,), "own", "google")}
    restored = restore(request, kept.get)
    assert restored.messages[1].parts == (
        THOUGHT,
        Text("I look."),
        ToolCall(FIRST, "look"),
        HIDDEN,
        ToolCall(SECOND, "see", signature="own", family="google"),
    )
    assert restored.messages[::2] == request.messages[::2]


def test_a_turn_that_came_as_several_messages_begins_with_its_thought() -> None:
    request = asked(
        said("user", Text("Look.")),
        said("assistant", Text("I look.")),
        said("assistant", ToolCall(FIRST, "look")),
        said("user", ToolResult(FIRST)),
        said("assistant", Text("Done.")),
    )
    restored = restore(request, {FIRST: Kept((THOUGHT,))}.get)
    assert [message.parts for message in restored.messages] == [
        (Text("Look."),),
        (THOUGHT, Text("I look.")),
        (ToolCall(FIRST, "look"),),
        (ToolResult(FIRST),),
        (Text("Done."),),
    ]


def test_signed_thought_that_the_caller_gave_back_stays_alone() -> None:
    request = asked(said("assistant", THOUGHT, ToolCall(FIRST, "look")))
    other = Reasoning("Other.", "sig-2", "anthropic")
    restored = restore(request, {FIRST: Kept((other,), "own", "google")}.get)
    assert restored.messages[0].parts == (
        THOUGHT,
        ToolCall(FIRST, "look", signature="own", family="google"),
    )


def test_words_that_lost_their_signature_give_way_to_those_that_have_it() -> None:
    request = asked(said("assistant", Reasoning("Let me see."), ToolCall(FIRST, "look")))
    restored = restore(request, {FIRST: Kept((THOUGHT,))}.get)
    assert restored.messages[0].parts == (THOUGHT, ToolCall(FIRST, "look"))


def test_words_that_came_signed_and_unsigned_are_said_once() -> None:
    shown = (Reasoning(THOUGHT.text[:3]), Reasoning(THOUGHT.text[3:]))
    request = asked(said("assistant", *shown, THOUGHT, ToolCall(FIRST, "look")))
    restored = restore(request, lambda _: None)
    assert restored.messages[0].parts == (THOUGHT, ToolCall(FIRST, "look"))


def test_other_words_beside_signed_ones_stay() -> None:
    request = asked(said("assistant", Reasoning("Other."), THOUGHT, ToolCall(FIRST, "look")))
    assert restore(request, lambda _: None) is request


def test_a_message_of_nothing_but_thought_that_stands_elsewhere_now_is_left_out() -> None:
    request = asked(
        said("assistant", Text("I look.")),
        said("assistant", Reasoning("Let me see.")),
        said("assistant", ToolCall(FIRST, "look")),
        said("assistant"),
    )
    restored = restore(request, {FIRST: Kept((THOUGHT,))}.get)
    assert [message.parts for message in restored.messages] == [
        (THOUGHT, Text("I look.")),
        (ToolCall(FIRST, "look"),),
        (),
    ]


def test_a_signature_that_the_caller_gave_back_is_not_replaced() -> None:
    call = ToolCall(FIRST, "look", signature="mine", family="google")
    request = asked(said("assistant", call))
    restored = restore(request, {FIRST: Kept(signature="other", family="google")}.get)
    assert restored.messages[0].parts == (call,)


def test_a_request_of_which_nothing_is_kept_stays_the_same_object() -> None:
    request = asked(said("assistant", ToolCall(FIRST, "look")), said("user", ToolResult(FIRST)))
    assert restore(request, lambda _: None) is request


def test_a_turn_with_a_call_lacks_its_thought_unless_it_begins_with_it() -> None:
    call, result = ToolCall(FIRST, "look"), said("user", ToolResult(FIRST))
    foreign = Reasoning("Hm.", "sig", "openai")
    lacks = {
        "nothing before the call": (said("assistant", call), result),
        "text before the call": (said("assistant", Text("I look."), call), result),
        "another maker's thought": (said("assistant", foreign, call), result),
        "words without a signature": (said("assistant", Reasoning("Hm."), call), result),
        "signed": (said("assistant", THOUGHT, call), result),
        "hidden": (said("assistant", HIDDEN, call), result),
        "no call": (said("assistant", Text("hello")), said("user", Text("hello"))),
        "an older turn": (said("assistant", call), result, said("assistant", Text("Done."))),
        "no answer yet": (said("user", Text("hello")),),
        "in two messages": (said("assistant", THOUGHT), said("assistant", call), result),
    }
    assert {name for name, turn in lacks.items() if lacks_thought(turn, "anthropic")} == {
        "nothing before the call",
        "text before the call",
        "another maker's thought",
        "words without a signature",
    }


def test_the_size_of_what_is_kept_is_its_text() -> None:
    assert Kept((THOUGHT, HIDDEN), "own").size == len("Let me see.sig-1sealedown")
    assert Kept((Reasoning("深い"),)).size == 8
