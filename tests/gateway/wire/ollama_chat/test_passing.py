import json
from typing import Any

import pytest
from tests.gateway.wire.recordings import NOBODY

from trunkline.errors import BudgetExhausted, InvalidRequest
from trunkline.gateway.bounds import bounds_of
from trunkline.gateway.metering.usage import NO_USAGE, Usage
from trunkline.gateway.routing.speaking import Speech
from trunkline.gateway.snapshot import Connection, Origin, Target
from trunkline.gateway.wire.contract import CHAT, Malformed, ProviderFault, Reply
from trunkline.gateway.wire.ollama_chat.passing import OllamaChat

WIRE = OllamaChat()
HELLO = [{"role": "user", "content": "hello"}]


def body(**members: Any) -> bytes:
    return json.dumps({"model": "m", "messages": HELLO, **members}).encode()


def test_a_request_is_read_as_far_as_the_path_needs_it() -> None:
    sent = body(options={"num_predict": 20}, tools=[{}], stream=False, x=b'"images"'.decode())
    request = WIRE.read_request(sent, CHAT)
    assert (request.model, request.size, request.stream) == ("m", len(sent), False)
    assert (request.max_tokens, request.ceilings) == (20, ("num_predict", "max_tokens"))
    assert request.has_tools
    assert not request.fills


def test_pictures_are_counted() -> None:
    messages = [{"role": "user", "images": ["aGk="]}, {"role": "user", "images": ["aGk="]}]
    assert WIRE.read_request(body(messages=messages), CHAT).attachments == 2


@pytest.mark.parametrize("options", [None, {}, {"num_predict": -1}, {"num_predict": 0}])
def test_a_request_streams_and_has_no_ceiling_unless_it_says_so(options: Any) -> None:
    request = WIRE.read_request(body(options=options), CHAT)
    assert request.stream
    assert (request.max_tokens, request.ceilings) == (None, ())


def test_only_the_model_changes_on_the_way_to_ollama() -> None:
    sent = b'{"model":"m","messages":[{"x":2.50}],"new":{"kept":true}}'
    request = WIRE.read_request(sent, CHAT)
    assert WIRE.write_request(request, "m") == sent
    assert WIRE.write_request(request, "n") == sent.replace(b'"m"', b'"n"')
    assert WIRE.path(CHAT, "m", stream=True) == b"/api/chat"


def test_a_ceiling_is_set_among_the_options() -> None:
    request = WIRE.read_request(body(options={"seed": 1}), CHAT)
    WIRE.limit_output(request, 50, "max_tokens")
    assert json.loads(WIRE.write_request(request, "m"))["options"] == {"seed": 1, "num_predict": 50}
    assert (request.max_tokens, request.ceilings) == (50, ("num_predict", "max_tokens"))


def test_a_ceiling_of_the_request_bounds_what_is_held_for_it() -> None:
    request = WIRE.read_request(body(options={"num_predict": 20}), CHAT)
    account = Connection("c", "c", "ollama", {WIRE.name: ""}, Origin("http", "localhost", 80), ())
    target = Target(account, "m", None, max_output_tokens=32_768)
    assert bounds_of(request, Speech(target, WIRE, CHAT, passes=True)).output_tokens == 20


def test_a_request_that_only_loads_the_model_passes() -> None:
    assert WIRE.read_request(b'{"model":"m","keep_alive":0}', CHAT).model == "m"


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        (b'{"messages":[]}', "model"),
        (b'{"model":"m","messages":5}', "messages"),
        (b'{"model":"m","options":5}', "options"),
        (b'{"model":"m","options":{"num_predict":"x"}}', "num_predict"),
        (b'{"model":"m","stream":1}', "stream"),
        (b'{"model":"m","tools":{}}', "tools"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(sent: bytes, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        WIRE.read_request(sent, CHAT)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("reply", "usage"),
    [
        (
            {"message": {"content": "x"}, "prompt_eval_count": 3, "eval_count": 4},
            Usage(3, output=4),
        ),
        ({"message": {"content": "x"}, "eval_count": 4}, None),
        ({"message": {"content": "x"}, "prompt_eval_count": 3}, None),
        ({"message": {"tool_calls": [{}]}, "prompt_eval_count": 3}, None),
        ({"message": {"tool_calls": []}, "prompt_eval_count": 3}, Usage(3)),
        ({"response": "", "prompt_eval_count": 3}, Usage(3)),
        ({"message": {}, "done_reason": "unload"}, NO_USAGE),
    ],
)
def test_usage_that_is_not_told_is_unknown(reply: dict[str, Any], usage: Usage | None) -> None:
    told = json.dumps({"model": "llama3", **reply}).encode()
    clean = "done_reason" not in reply
    assert WIRE.read_reply(told, CHAT) == Reply(usage, "llama3", clean=clean)


@pytest.mark.parametrize("told", [b"", b"[]", b"{}", b'{"message":5}', b'{"x":' * 9999])
def test_what_is_no_answer_is_malformed(told: bytes) -> None:
    with pytest.raises(Malformed):
        WIRE.read_reply(told, CHAT)


@pytest.mark.parametrize(
    ("status", "told", "fault"),
    [
        (404, b'{"error":"model not found"}', ProviderFault(404, None, "model not found", False)),
        (401, b'{"error":"unauthorized"}', ProviderFault(401, None, "unauthorized", True)),
        (400, b'{"error":{"message":"bad"}}', ProviderFault(400, None, "bad", False)),
        (500, b"oops", ProviderFault(500, None, None, False)),
        (0, b'{"error":"cut"}', ProviderFault(502, None, "cut", False)),
    ],
)
def test_failures_of_the_provider_are_understood(
    status: int, told: bytes, fault: ProviderFault
) -> None:
    assert WIRE.read_fault(status, told) == fault


def test_our_errors_have_ollamas_shape() -> None:
    error = BudgetExhausted("The budget is used up.")
    told = {"error": "The budget is used up.", "code": "budget_exhausted"}
    assert json.loads(WIRE.error_body(error, "r1")) == told
    frame = WIRE.error_frame(error, "r1")
    assert frame.endswith(b"}\n")
    assert json.loads(frame) == told


def test_a_line_of_the_longest_kind_is_split() -> None:
    assert WIRE.splitter(10).feed(b"{}\n") == [b"{}\n"]
    assert WIRE.stream_reader(NOBODY).usage is None
