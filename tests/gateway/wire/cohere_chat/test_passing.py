import json
from typing import Any

import pytest

from trunkline.errors import InvalidRequest
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.cohere_chat.passing import CohereChat
from trunkline.gateway.wire.contract import CHAT, Malformed, ProviderFault, Reply

WIRE = CohereChat()
HELLO = [{"role": "user", "content": "hello"}]
BILLED = {"input_tokens": 3.0, "output_tokens": 5.0}


def body(**members: Any) -> bytes:
    return json.dumps({"model": "m", "messages": HELLO, **members}).encode()


def test_a_request_is_read_as_far_as_the_path_needs_it() -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://h/p.png"}}
    sent = body(max_tokens=20, tools=[{}], stream=True, x=[picture["type"]])
    request = WIRE.read_request(sent, CHAT)
    assert (request.model, request.size, request.stream) == ("m", len(sent), True)
    assert (request.max_tokens, request.ceilings) == (20, ("max_tokens",))
    assert request.has_tools
    assert request.attachments == 1
    assert WIRE.path(CHAT, "m", stream=True) == b"/v2/chat"


def test_only_the_model_and_a_missing_ceiling_change_on_the_way_to_cohere() -> None:
    sent = b'{"model":"m","messages":[{"x":2.50}],"new":{"kept":true}}'
    request = WIRE.read_request(sent, CHAT)
    assert (request.max_tokens, request.ceilings) == (None, ())
    assert WIRE.write_request(request, "n") == sent.replace(b'"m"', b'"n"')
    WIRE.limit_output(request, 50, "max_completion_tokens")
    assert json.loads(WIRE.write_request(request, "m"))["max_tokens"] == 50
    assert (request.max_tokens, request.ceilings) == (50, ("max_tokens",))


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        (b'{"messages":[{}]}', "model"),
        (b'{"model":"m"}', "messages"),
        (b'{"model":"m","messages":[{}],"max_tokens":0}', "max_tokens"),
        (b'{"model":"m","messages":[{}],"stream":1}', "stream"),
        (b'{"model":"m","messages":[{}],"tools":{}}', "tools"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(sent: bytes, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        WIRE.read_request(sent, CHAT)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("reported", "usage"),
    [
        ({"billed_units": BILLED, "tokens": {"input_tokens": 9}}, Usage(input=3, output=5)),
        (
            {"billed_units": {**BILLED, "search_units": 2}},
            Usage(input=3, output=5, searches=2),
        ),
        (
            {"tokens": {"input_tokens": 9, "output_tokens": 5}, "cached_tokens": 4},
            Usage(input=5, cache_read=4, output=5),
        ),
        ({"billed_units": {"input_tokens": 3}}, None),
        ({"tokens": {"input_tokens": 3}}, None),
        ({}, None),
        (None, None),
    ],
)
def test_what_is_billed_is_what_counts(reported: Any, usage: Usage | None) -> None:
    told = json.dumps({"message": {}, "finish_reason": "COMPLETE", "usage": reported}).encode()
    assert WIRE.read_reply(told, CHAT) == Reply(usage)


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"[]",
        b"{}",
        b'{"message":{},"usage":5}',
        b'{"x":' * 9999,
        b'{"message":{},"finish_reason":"ERROR"}',
        b'{"message":{},"finish_reason":"TIMEOUT"}',
        b'{"message":{},"finish_reason":"ERROR_LIMIT"}',
    ],
)
def test_what_is_no_whole_answer_is_malformed(told: bytes) -> None:
    with pytest.raises(Malformed):
        WIRE.read_reply(told, CHAT)


@pytest.mark.parametrize(
    ("status", "told", "fault"),
    [
        (422, b'{"id":"x","message":"bad"}', ProviderFault(422, None, "bad", ours=False)),
        (498, b'{"message":"blocked"}', ProviderFault(498, None, "blocked", ours=True)),
        (401, b"[]", ProviderFault(401, None, None, ours=True)),
        (500, b"oops", ProviderFault(500, None, None, ours=False)),
    ],
)
def test_failures_of_the_provider_are_understood(
    status: int, told: bytes, fault: ProviderFault
) -> None:
    assert WIRE.read_fault(status, told) == fault
