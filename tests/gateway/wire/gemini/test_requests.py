from typing import Any

import msgspec
import pytest
from hypothesis import event, given
from tests.gateway.wire.gemini.grammar import REQUESTS
from tests.gateway.wire.recordings import asked, needs_transcripts
from tests.gateway.wire.shapes import thorough, told

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document, Text, ToolResult
from trunkline.gateway.exchange.request import Message, Request
from trunkline.gateway.wire.contract import Place
from trunkline.gateway.wire.gemini.passing import Gemini

CODEC = Gemini().codec
HERE = Place(item="m")
RECORDED = (
    "gemini/count-tokens",
    "gemini/json-schema",
    "gemini/safety-stop",
    "gemini/stream-text",
    "gemini/stream-tool-thought-signature",
    "gemini/stream-tool-thought-signature-followup",
    "gemini/text",
    "gemini/thinking",
    "gemini/tool-call",
    "vertex/error-400-role",
    "vertex/logprobs",
)


def back(document: Document) -> Document:
    """The document, read and written again; nothing may be lost on the way."""
    request = CODEC.read_request(document, HERE)
    losses = Losses()
    written = CODEC.write_request(request, Destination(model=request.model), losses)
    assert losses.names == ()
    return written


@needs_transcripts
@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_request_comes_back_as_it_was(name: str) -> None:
    document = asked(name)
    assert back(document) == document


@thorough
@given(REQUESTS)
def test_each_document_that_is_accepted_comes_back_and_others_are_refused(document: Any) -> None:
    if not isinstance(document, dict):
        return
    given_as = told(document)
    try:
        written = back(document)
    except InvalidRequest:
        event("refused")
        return
    event("accepted")
    assert told(written) == given_as
    assert told(document) == given_as


def changed(request: Request, *messages: Message) -> Document:
    """The document of a request whose messages were changed on the way."""
    other = msgspec.structs.replace(request, messages=messages)
    return CODEC.write_request(other, Destination(model=request.model), Losses())


def test_what_was_changed_on_the_way_is_written_and_not_what_came() -> None:
    secret = {"functionResponse": {"name": "f", "response": {"key": "secret"}}}
    listed = {"functionResponse": {"name": "f", "response": {"result": ["secret"]}}}
    text = {"inline_data": {"mime_type": "image/png", "data": "aGk="}}
    document = {"contents": [{"role": "user", "parts": [secret, listed]}, {"parts": [text]}]}
    request = CODEC.read_request(document, HERE)
    first = request.messages[0]
    hidden = tuple(
        msgspec.structs.replace(part, parts=(Text("[hidden]"),))
        for part in first.parts
        if isinstance(part, ToolResult)
    )
    # What is left has no member any more that was spelled in another way.
    assert changed(request, msgspec.structs.replace(first, parts=hidden)) == {
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": "f", "response": {"result": "[hidden]"}}},
                    {"functionResponse": {"name": "f", "response": {"result": "[hidden]"}}},
                ],
            }
        ]
    }
    added = Message("user", (Text("plain"),))
    assert (
        changed(request, added, added, added)["contents"]
        == [{"role": "user", "parts": [{"text": "plain"}]}] * 3
    )


def test_a_model_that_the_body_names_is_renamed() -> None:
    request = CODEC.read_request({"contents": [{}], "model": "models/m"}, HERE)
    written = CODEC.write_request(request, Destination(model="own"), Losses())
    assert written == {"contents": [{}], "model": "models/own"}
