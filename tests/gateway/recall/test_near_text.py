from typing import Any

import msgspec
import pytest

from trunkline.gateway.recall.near_text import LONGEST_TEXT, Question, question_of
from trunkline.gateway.wire.contract import CHAT, EMBEDDING, Place
from trunkline.gateway.wire.registry import WIRES

PICTURE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}


def read(wire: str, document: Any, operation: str = CHAT, item: str | None = None) -> Any:
    body = msgspec.json.encode(document)
    return WIRES[wire].read_request(body, operation, Place(item=item))


def of(document: Any, wire: str = "openai_chat", item: str | None = None) -> Question | None:
    return question_of(read(wire, document, item=item), WIRES[wire])


def chat(*messages: Any, **members: Any) -> dict[str, Any]:
    said = [{"role": "user", "content": one} if isinstance(one, str) else one for one in messages]
    return {"model": "m", "messages": said, **members}


def frame(*messages: Any, **members: Any) -> bytes:
    found = of(chat(*messages, **members))
    assert found is not None
    return found.frame


SYSTEM = {"role": "system", "content": "Be brief."}
ANSWER = {"role": "assistant", "content": "Yes."}


def test_the_last_words_of_the_user_are_the_text_and_all_else_is_the_frame() -> None:
    asked = of(chat(SYSTEM, "One?", ANSWER, "Two?"))
    assert asked is not None
    assert asked.text == "Two?"
    assert asked.frame == frame(SYSTEM, "One?", ANSWER, "Another?")


@pytest.mark.parametrize(
    "other",
    [
        chat("One?", ANSWER, "Two?"),
        chat({"role": "system", "content": "Be long."}, "One?", ANSWER, "Two?"),
        chat(SYSTEM, "Other?", ANSWER, "Two?"),
        chat(SYSTEM, "One?", ANSWER, "Two?", temperature=0.5),
        chat(SYSTEM, "One?", ANSWER, "Two?", stream=True),
        chat(SYSTEM, "One?", ANSWER, "Two?", seed=7),
        chat(SYSTEM, "One?", ANSWER, "Two?", unheard_of=1),
        chat(SYSTEM, "One?", ANSWER, [{"type": "text", "text": "Two?"}] * 2)
        | {
            "messages": [
                SYSTEM,
                {"role": "user", "content": "One?"},
                ANSWER,
                {"role": "user", "content": [{"type": "text", "text": "Two?"}] * 2},
            ]
        },
        chat(
            SYSTEM,
            "One?",
            ANSWER,
            "Two?",
            tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}],
        ),
    ],
)
def test_whatever_else_differs_makes_another_frame(other: dict[str, Any]) -> None:
    found = of(other)
    assert found is None or found.frame != frame(SYSTEM, "One?", ANSWER, "Two?")


def test_attribution_makes_no_other_frame() -> None:
    assert frame("One?", user="anna", metadata={"a": "b"}) == frame("One?")


def test_attribution_that_the_answer_repeats_makes_another_frame() -> None:
    plain = of({"model": "m", "input": "One?"}, "openai_responses")
    named = of({"model": "m", "input": "One?", "metadata": {"a": "b"}}, "openai_responses")
    assert plain is not None
    assert named is not None
    assert plain.frame != named.frame


def test_the_text_is_found_in_every_wire_of_conversations() -> None:
    texts = [
        of(chat("Hi?")),
        of({"model": "m", "input": "Hi?"}, "openai_responses"),
        of(chat("Hi?", max_tokens=5), "anthropic_messages"),
        of({"contents": [{"role": "user", "parts": [{"text": "Hi?"}]}]}, "gemini", "m"),
        of(chat("Hi?"), "ollama_chat"),
        of(chat("Hi?"), "cohere_chat"),
    ]
    assert [found and found.text for found in texts] == ["Hi?"] * len(texts)
    assert len({found.frame for found in texts if found}) == len(texts)


@pytest.mark.parametrize(
    "document",
    [
        chat("One?", ANSWER),
        chat({"role": "user", "content": [{"type": "text", "text": "This?"}, PICTURE]}),
        chat("  \n"),
        chat("x" * (LONGEST_TEXT + 1)),
        chat(
            "Call it.",
            {
                "role": "assistant",
                "tool_calls": [
                    {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                ],
            },
            {"role": "tool", "tool_call_id": "1", "content": "done"},
        ),
        chat("Hello?", temperature="warm"),
        chat({"role": "user", "content": 5}),
    ],
)
def test_a_request_whose_text_does_not_say_all_has_none(document: dict[str, Any]) -> None:
    assert of(document) is None


def test_what_is_no_conversation_has_no_text() -> None:
    embedding = read("openai_embeddings", {"model": "m", "input": "Hi?"}, EMBEDDING)
    assert question_of(embedding, WIRES["openai_embeddings"]) is None
    continued = read("openai_completions", {"model": "m", "prompt": "Once"}, "completion")
    assert question_of(continued, WIRES["openai_completions"]) is None


def test_a_request_that_is_too_large_is_not_read_again() -> None:
    request = read("openai_chat", chat("x" * 300_000, ANSWER, "Two?"))
    assert question_of(request, WIRES["openai_chat"]) is None
