import json
from typing import Any

import pytest

from trunkline.errors import InvalidRequest
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Malformed
from trunkline.gateway.wire.openai_completions.passing import OpenAICompletions

WIRE = OpenAICompletions()


def body(**members: Any) -> bytes:
    return json.dumps({"model": "m", "prompt": "x", **members}).encode()


def test_a_request_is_read_as_far_as_the_path_needs_it() -> None:
    request = WIRE.read_request(
        body(max_tokens=9, n=2, suffix="y", user="u", service_tier="flex", metadata={"a": "b"}),
        "completion",
    )
    assert (request.model, request.max_tokens, request.ceilings) == ("m", 9, ("max_tokens",))
    assert (request.answers, request.fills, request.end_user) == (2, True, "u")
    assert (request.service_tier, request.tags) == ("flex", (("a", "b"),))
    assert WIRE.path("completion", "m", stream=False) == b"/completions"


@pytest.mark.parametrize(
    ("members", "answers"),
    [
        ({}, 1),
        ({"prompt": ""}, 1),
        ({"prompt": ["a", "b", "c"]}, 3),
        ({"prompt": ["a", "b"], "n": 2, "best_of": 5}, 10),
        ({"prompt": [1, 2, 3]}, 1),
        ({"prompt": [[1, 2], [3]]}, 2),
        ({"prompt": []}, 1),
    ],
)
def test_each_prompt_is_answered_as_often_as_it_is_tried(members: Any, answers: int) -> None:
    assert WIRE.read_request(body(**members), "completion").answers == answers


def test_only_a_suffix_makes_a_gap() -> None:
    assert not WIRE.read_request(body(), "completion").fills
    assert not WIRE.read_request(body(suffix=""), "completion").fills


def test_usage_is_asked_for_and_the_ceiling_has_its_own_member() -> None:
    request = WIRE.read_request(body(stream=True), "completion")
    WIRE.limit_output(request, 7, "max_completion_tokens")
    assert not request.wants_usage
    assert json.loads(WIRE.write_request(request, "up")) == {
        "model": "up",
        "prompt": "x",
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 7,
    }


@pytest.mark.parametrize(
    ("raw", "code", "param"),
    [
        (b'{"prompt":"x"}', "missing_model", "model"),
        (b'{"model":"m"}', "missing_prompt", "prompt"),
        (b'{"model":"m","prompt":{}}', "invalid_type", "prompt"),
        (b'{"model":"m","prompt":"x","best_of":0}', "invalid_value", "best_of"),
        (b'{"model":"m","prompt":"x","suffix":3}', "invalid_type", "suffix"),
    ],
)
def test_bad_requests_are_named(raw: bytes, code: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        WIRE.read_request(raw, "completion")
    assert (caught.value.code, caught.value.param) == (code, param)


def test_a_whole_answer_tells_its_usage() -> None:
    raw = b'{"model":"up","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}'
    assert WIRE.read_reply(raw, "completion").usage == Usage(input=3, output=2)
    with pytest.raises(Malformed):
        WIRE.read_reply(b"{}", "completion")
