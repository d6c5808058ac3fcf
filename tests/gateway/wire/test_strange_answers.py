"""Whatever a provider sends: it is read, or it is malformed, and what is read can be told."""

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.wire.recordings import NOBODY, answering
from tests.gateway.wire.shapes import ANY, Shape

from trunkline.gateway.wire.contract import Malformed, Wire
from trunkline.gateway.wire.registry import WIRES

STREAMED = ("ollama_chat", "ollama_generate", "cohere_chat")
WHOLE = (
    *STREAMED,
    "ollama_embed",
    "ollama_embeddings",
    "cohere_embed",
    "cohere_rerank",
    "jina_rerank",
    "voyage_rerank",
    "voyage_embeddings",
)
NAMES = st.sampled_from(
    [
        "model",
        "created_at",
        "message",
        "role",
        "content",
        "thinking",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "done",
        "done_reason",
        "response",
        "error",
        "logprobs",
        "id",
        "type",
        "text",
        "tool_plan",
        "citations",
        "sources",
        "document",
        "start",
        "end",
        "content_index",
        "finish_reason",
        "usage",
        "billed_units",
        "tokens",
        "input_tokens",
        "delta",
        "index",
        "embeddings",
        "float",
        "base64",
        "embedding",
        "data",
        "results",
        "relevance_score",
        "meta",
        "total_tokens",
        "prompt_eval_count",
        "eval_count",
    ]
)
KINDS = st.sampled_from(
    [
        "message-start",
        "content-start",
        "content-delta",
        "content-end",
        "tool-plan-delta",
        "tool-call-start",
        "tool-call-delta",
        "tool-call-end",
        "citation-start",
        "citation-end",
        "message-end",
        "text",
        "thinking",
        "stop",
        "load",
        "COMPLETE",
        "ERROR",
        "2024-05-24T20:01:31Z",
    ]
)
ANSWER: Shape = st.dictionaries(
    NAMES,
    st.recursive(
        KINDS | ANY,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=4),
        max_leaves=12,
    ),
    max_size=6,
)
many = settings(max_examples=80, deadline=None, database=None)


def framed(wire: Wire, document: Any) -> bytes:
    text = json.dumps(document).encode()
    return b"data: " + text + b"\n\n" if wire.name == "cohere_chat" else text + b"\n"


@pytest.mark.parametrize("name", WHOLE)
@many
@given(document=ANSWER)
def test_a_whole_answer_is_told_or_malformed(name: str, document: dict[str, Any]) -> None:
    wire = WIRES[name]
    assert wire.codec is not None
    with contextlib.suppress(Malformed):
        wire.read_reply(json.dumps(document).encode(), "chat")
    with contextlib.suppress(Malformed):
        reply = wire.codec.read_reply(document, "5eed")
        msgspec.json.encode(wire.codec.write_reply(reply, None, answering()))
    wire.read_fault(500, json.dumps(document).encode())


@pytest.mark.parametrize("name", STREAMED)
@many
@given(documents=st.lists(ANSWER, max_size=4))
def test_a_stream_is_told_or_malformed(name: str, documents: list[dict[str, Any]]) -> None:
    wire = WIRES[name]
    assert wire.events is not None
    meter, reader = wire.stream_reader(NOBODY), wire.events.event_reader("5eed")
    writers = [WIRES[other].events for other in STREAMED]
    opened = [writer.event_writer(answering()) for writer in writers if writer is not None]
    for document in documents:
        with contextlib.suppress(Malformed):
            meter.read(framed(wire, document))
        with contextlib.suppress(Malformed):
            events = reader.read(framed(wire, document))
            for writer in opened:
                writer.write(events)
    for writer in opened:
        assert writer.write(reader.close()) + writer.close(meter.usage)
