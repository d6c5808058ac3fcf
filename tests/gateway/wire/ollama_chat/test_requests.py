import json
from typing import Any

import pytest
from hypothesis import given
from tests.gateway.wire.recordings import asked, needs_transcripts
from tests.gateway.wire.shapes import (
    ANY,
    FLAGS,
    NUMBERS,
    WORDS,
    Shape,
    an_object,
    either,
    listed,
    one_of,
    thorough,
    told,
)

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.wire.contract import NOWHERE
from trunkline.gateway.wire.ollama_chat.passing import OllamaChat

CODEC = OllamaChat.codec

FUNCTION = an_object(
    {"name": either(WORDS)}, {"arguments": either(an_object({})), "index": either(NUMBERS)}
)
CALL = an_object({"function": either(FUNCTION)}, {"id": either(WORDS), "type": either(WORDS)})
IMAGES = listed(one_of("iVBORw0KGgoAAAANSUhEUg==", "/9j/4AAQSkZJRg==", "UklGRgAAAABXRUJQ", "!"))
MESSAGE = an_object(
    {"role": one_of("system", "user", "assistant", "tool", "User", "control")},
    {
        "content": either(WORDS),
        "thinking": either(WORDS),
        "images": IMAGES,
        "tool_calls": listed(CALL),
        "tool_name": either(WORDS),
        "tool_call_id": either(WORDS),
    },
)
OPTIONS = an_object(
    {},
    {
        "temperature": either(NUMBERS),
        "top_p": either(NUMBERS),
        "min_p": either(NUMBERS),
        "top_k": either(NUMBERS),
        "seed": either(NUMBERS),
        "num_predict": either(NUMBERS),
        "repeat_penalty": either(NUMBERS),
        "presence_penalty": either(NUMBERS),
        "stop": listed(WORDS),
        "num_ctx": either(NUMBERS),
    },
)
TOOL = an_object(
    {
        "function": either(
            an_object(
                {"name": either(WORDS)},
                {
                    "description": either(WORDS),
                    "parameters": either(an_object({})),
                    "strict": either(FLAGS),
                },
            )
        )
    },
    {"type": one_of("function", "other")},
)
REQUEST: Shape = an_object(
    {"model": one_of("m", "n"), "messages": listed(MESSAGE, 1)},
    {
        "tools": listed(TOOL),
        "stream": either(FLAGS),
        "format": either(one_of("", "json")),
        "options": either(OPTIONS),
        "think": either(FLAGS),
        "keep_alive": ANY,
        "logprobs": either(FLAGS),
        "top_logprobs": either(NUMBERS),
        "truncate": either(FLAGS),
    },
)


def again(document: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
    """The document that comes out where this one goes in, and what was lost."""
    request = CODEC.read_request(document, NOWHERE)
    losses = Losses()
    return CODEC.write_request(request, Destination(request.model), losses), losses.names


@thorough
@given(REQUEST)
def test_what_is_read_is_written_again_and_everything_else_is_refused(document: Any) -> None:
    try:
        written, lost = again(document)
    except InvalidRequest:
        return
    assert told(written) == told(document)
    assert lost == ()


@needs_transcripts
@pytest.mark.parametrize("name", ["chat", "stream-chat", "tool-history"])
def test_recorded_requests_come_out_as_they_went_in(name: str) -> None:
    document = asked(f"ollama/{name}")
    assert told(again(document)[0]) == told(document)


def test_bytes_that_were_read_come_out_equal_number_for_number() -> None:
    sent = json.loads(
        '{"model":"m","messages":[{"role":"user","content":"x"}],"options":{"top_p":1}}'
    )
    assert json.dumps(again(sent)[0]) == (
        '{"model": "m", "messages": [{"role": "user", "content": "x"}], "options": {"top_p": 1}}'
    )
