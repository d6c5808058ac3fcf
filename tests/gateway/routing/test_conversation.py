"""By what a conversation is known, and that it stays the same from request to request."""

from typing import Any

import msgspec
import pytest
from tests.gateway.routing.test_needs import chat, gemini, messages, request, responses

from trunkline.gateway.routing.conversation import conversation_of, goes_on, user_of
from trunkline.gateway.wire.contract import Inbound

CLAUDE_CODE = "user_" + "ab" * 32 + "_account_0198c6c2_session_5f2b8f3e-1111-4222-8333-444455556666"
SESSION = b"5f2b8f3e-1111-4222-8333-444455556666"


def told(asked: Inbound, **headers: bytes) -> bytes | None:
    named = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    return conversation_of(asked, named)


def turn(role: str, text: Any) -> dict[str, Any]:
    return {"role": role, "content": text}


def test_our_own_header_comes_before_every_other_sign() -> None:
    asked = chat(prompt_cache_key="other")
    assert told(asked, x_trunkline_conversation=b"mine", x_session_id=b"theirs") == b"mine"


@pytest.mark.parametrize(
    "name", ["x_session_id", "session_id", "thread_id", "x_claude_code_session_id"]
)
def test_headers_of_coding_tools_name_their_session(name: str) -> None:
    assert told(chat(), **{name: b"s-1"}) == b"s-1"


def test_a_thread_is_told_apart_from_its_session() -> None:
    assert told(responses(), session_id=b"s", thread_id=b"t") == b"t"


def test_an_empty_header_says_nothing() -> None:
    assert told(chat(prompt_cache_key="k"), x_trunkline_conversation=b"") == b"k"


def test_the_key_of_a_prompt_cache_names_the_conversation() -> None:
    assert told(chat(prompt_cache_key="k")) == b"k"
    assert (
        told(responses(prompt_cache_key=None))
        == told(responses(prompt_cache_key=""))
        == told(responses())
    )


def test_the_session_of_claude_code_is_the_conversation_and_no_part_of_the_user() -> None:
    earlier = messages(metadata={"user_id": CLAUDE_CODE})
    assert told(earlier) == SESSION
    assert user_of(earlier) == "user_" + "ab" * 32 + "_account_0198c6c2"
    parts = {"device_id": "d" * 64, "account_uuid": "a" * 36, "session_id": SESSION.decode()}
    later = messages(metadata={"user_id": msgspec.json.encode(parts).decode()})
    assert told(later) == SESSION
    other = messages(
        metadata={"user_id": msgspec.json.encode(parts | {"session_id": "s" * 36}).decode()}
    )
    assert (user_of(later), told(other)) == (user_of(other), b"s" * 36)


def test_other_users_are_as_the_request_names_them() -> None:
    assert user_of(messages(metadata={"user_id": "ann"})) == "ann"
    assert user_of(messages(metadata={"user_id": 5})) is None
    assert user_of(chat(user="bob", metadata={"team": "x"})) == "bob"
    assert user_of(chat(user="bob", metadata={"note": '"user_id"'})) == "bob"
    assert user_of(chat()) is None


def test_without_a_name_the_beginning_tells_conversations_apart() -> None:
    first = [turn("system", "be brief"), turn("user", "why?")]
    later = [*first, turn("assistant", "because"), turn("user", "really?")]
    assert told(chat(messages=first)) == told(chat(messages=later))
    kinder = [turn("system", "be kind"), turn("user", "why?")]
    other = [turn("system", "be brief"), turn("user", "how?")]
    assert len({told(chat(messages=turns)) for turns in (first, kinder, other)}) == 3


def test_marks_of_a_cache_that_move_on_do_not_move_the_conversation() -> None:
    marked = {"type": "text", "text": "why?", "cache_control": {"type": "ephemeral"}}
    plain = {"type": "text", "text": "why?"}
    first = messages(system="be brief", messages=[turn("user", [marked])])
    later = messages(
        system="be brief",
        messages=[turn("user", [plain]), turn("assistant", "because"), turn("user", [marked])],
    )
    assert (
        told(first)
        == told(later)
        == told(messages(system="be brief", messages=[turn("user", "why?")]))
    )
    assert told(first) != told(messages(system="be kind", messages=[turn("user", "why?")]))


def test_each_wire_has_its_own_beginning() -> None:
    why, how = {"text": "why?"}, {"text": "how?"}
    assert told(gemini(why)) == told(gemini(why)) != told(gemini(how))
    spoken = [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "why?"}]}
    ]
    assert told(responses(input=spoken)) != told(responses(input="how?"))
    assert told(responses(input="why?")) == told(responses(input="why?"))
    assert told(responses(input="why?", instructions="be kind")) != told(responses(input="why?"))


def test_the_end_of_a_long_beginning_is_not_read() -> None:
    long = "x" * 100_000
    first = [turn("system", long), turn("user", "why?")]
    later = [*first, turn("assistant", "because"), turn("user", "really?")]
    assert told(chat(messages=first)) == told(chat(messages=later))
    assert told(chat(messages=first)) != told(chat(messages=[turn("system", "y" + long)]))


@pytest.mark.parametrize(
    "turns",
    [
        [turn("user", [{"type": "image_url", "image_url": {"url": "https://x.example/1.png"}}])],
        [turn("user", None)],
        ["just text"],
        [17],
        [{"role": "user", "content": {"content": {"text": ["deep"]}}}],
    ],
)
def test_any_beginning_is_one(turns: list[Any]) -> None:
    asked = chat()
    asked.fields["messages"] = msgspec.Raw(msgspec.json.encode(turns))
    found = told(asked)
    assert found is not None
    assert len(found) == 16


def test_half_of_a_character_is_no_obstacle() -> None:
    asked = chat()
    asked.fields["messages"] = msgspec.Raw(b'[{"role":"user","content":"\\ud83d"}]')
    assert told(asked) is not None


def test_an_array_nested_too_deeply_counts_by_its_bytes() -> None:
    asked = chat()
    asked.fields["messages"] = msgspec.Raw(b"[" * 30_000 + b"]" * 30_000)
    assert told(asked) is not None


def test_a_request_that_says_nothing_has_no_conversation() -> None:
    asked = chat()
    del asked.fields["messages"]
    assert told(asked) is None


def test_an_answer_among_the_turns_means_that_the_conversation_goes_on() -> None:
    answered = [turn("user", "why?"), turn("assistant", "because"), turn("user", "really?")]
    assert goes_on(chat(messages=answered))
    assert not goes_on(chat(messages=[turn("user", 'they wrote "role":"assistant" here')]))
    contents = [{"role": role, "parts": [{"text": "x"}]} for role in ("user", "model", "user")]
    assert goes_on(request("gemini", contents=contents))
    assert not goes_on(gemini())
    assert goes_on(responses(previous_response_id="resp_1"))
    assert not goes_on(responses())
