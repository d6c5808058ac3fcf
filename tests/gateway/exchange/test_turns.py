from trunkline.gateway.exchange.parts import (
    CacheMark,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from trunkline.gateway.exchange.request import Message
from trunkline.gateway.exchange.turns import joined_answers

ASKED = Message("user", (Text("How is the weather?"),))
FIRST, SECOND = ToolCall("1", "look"), ToolCall("2", "look")
RESULTS = Message("user", (ToolResult("1"), ToolResult("2")))


def answer(*parts: Part) -> Message:
    return Message("assistant", parts)


def test_thought_words_and_calls_of_one_answer_are_one_message() -> None:
    thought, words = Reasoning("hm"), Text("I look.")
    told = [ASKED, answer(thought), answer(words), answer(FIRST), answer(SECOND), RESULTS]
    assert joined_answers(told) == [ASKED, answer(thought, words, FIRST, SECOND), RESULTS]


def test_what_came_with_either_message_stays() -> None:
    before = Message("assistant", (FIRST,), name="ann", cache=CacheMark(), extra={"a": 1})
    after = Message("assistant", (SECOND,), extra={"b": 2})
    [joined] = joined_answers([before, after])
    assert joined == Message(
        "assistant", (FIRST, SECOND), name="ann", cache=CacheMark(), extra={"a": 1, "b": 2}
    )


def test_answers_that_were_given_apart_stay_apart() -> None:
    apart = [answer(Text("One.")), answer(Text("Two.")), ASKED, answer(FIRST), RESULTS, answer()]
    assert joined_answers(apart) == apart
    assert joined_answers([]) == []
