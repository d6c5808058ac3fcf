"""What counts as a whole stream, on the very bytes that the provider sends."""

import json

import pytest
from bench.bodies import CHUNKS, answer_body, answer_text, expected_text, request_body
from bench.bodies import stream_chunks as chunks_of
from bench.cases import CHAT, CHAT_LARGE, MESSAGES, TRANSLATED, Case, Wire
from bench.load.answers import count_pieces
from bench.provider.streams import encode_answer

WIRES: list[Wire] = ["chat", "messages"]


def whole(wire: Wire) -> bytes:
    return b"".join(encode_answer(chunks_of(wire)))


@pytest.mark.parametrize("wire", WIRES)
def test_a_whole_stream_has_all_its_pieces(wire: Wire) -> None:
    assert count_pieces(wire, whole(wire)) == CHUNKS


@pytest.mark.parametrize("wire", WIRES)
def test_a_stream_that_lacks_anything_is_not_whole(wire: Wire) -> None:
    chunks = chunks_of(wire)
    broken = {
        "cut": whole(wire)[:-200],
        "a piece is missing": b"".join(encode_answer([*chunks[:10], *chunks[11:]])),
        "no end": b"".join(encode_answer(chunks[:-1])),
        "not 200": whole(wire).replace(b"200 OK", b"500 No", 1),
        "an error": b"".join(
            encode_answer([*chunks[:9], b'data: {"error":{}}\n\n', *chunks[9:-1]])
        ),
        "nothing": b"",
    }
    assert {name: count_pieces(wire, answer) for name, answer in broken.items()} == dict.fromkeys(
        broken
    )


@pytest.mark.parametrize("wire", WIRES)
def test_the_recorded_answer_has_the_size_and_the_text_of_a_real_one(wire: Wire) -> None:
    body = answer_body(wire)

    assert 700 <= len(body) <= 900
    assert answer_text(wire, body) == expected_text()


def test_requests_have_the_sizes_that_are_promised() -> None:
    sizes = {
        operation.name: len(request_body(Case(operation, stream=False, concurrency=1)))
        for operation in (CHAT, MESSAGES, CHAT_LARGE)
    }
    assert 500 <= sizes["chat"] <= 700
    assert 500 <= sizes["messages"] <= 700
    assert 195_000 <= sizes["chat_200kb"] <= 205_000


def test_what_is_translated_is_the_very_request_that_passes_but_for_its_model() -> None:
    for pair in TRANSLATED:
        translated, passed = (json.loads(request_body(case)) for case in (pair.added, pair.passed))
        assert translated.pop("model") != passed.pop("model")
        assert translated == passed


def test_a_talk_has_40_messages_in_200_kb_and_every_call_its_result() -> None:
    talk = next(pair.passed for pair in TRANSLATED if pair.passed.operation.talk)
    body = request_body(talk)
    messages = json.loads(body)["messages"]

    called = [call["id"] for message in messages for call in message.get("tool_calls", ())]
    assert 195_000 <= len(body) <= 210_000
    assert len(messages) == 40
    assert [m["tool_call_id"] for m in messages if m["role"] == "tool"] == called
