"""Requests of Converse come back as they were, whatever is in them."""

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.wire.bedrock_converse.grammar import ANY, DOCUMENT
from tests.gateway.wire.bedrock_converse.recorded import (
    REPLIES,
    STREAMS,
    body_of,
    needs_transcripts,
    read,
    written,
)

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.parts import (
    Audio,
    CacheMark,
    Citation,
    File,
    Foreign,
    Image,
    Inline,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from trunkline.gateway.exchange.request import (
    Message,
    OutputFormat,
    ReasoningAsk,
    Request,
    Tool,
    ToolChoice,
)

WIRE = "bedrock_converse"
TURN = {"role": "user", "content": []}


def without_nulls(value: Any) -> Any:
    """What remains when every member that is null is left out."""
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


@settings(max_examples=600, deadline=None)
@given(DOCUMENT)
def test_each_document_that_is_accepted_comes_back_equal(document: dict[str, Any]) -> None:
    # As it comes from the path: decoded by the decoder that bodies are read with.
    decoded = msgspec.json.decode(msgspec.json.encode(document))
    try:
        request = read(decoded)
    except InvalidRequest:
        return
    again, losses = written(request)
    assert without_nulls(again) == without_nulls(decoded)
    assert losses == ()


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["messages", "system", "toolConfig"]), ANY))
def test_any_document_is_read_or_refused(document: dict[str, Any]) -> None:
    with contextlib.suppress(InvalidRequest):
        assert read(document).messages


@pytest.mark.parametrize(
    ("document", "param"),
    [
        ({}, "messages"), ({"messages": []}, "messages"), ({"messages": {}}, "messages"),
        ({"messages": [1]}, "messages[0]"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"content": []}]}, "messages[0].role"),
        ({"messages": [{"role": 1, "content": []}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": "Hi"}]}, "messages[0].content"),
        ({"messages": [TURN], "system": "Hi"}, "system"),
        ({"messages": [TURN], "toolConfig": []}, "toolConfig"),
        ({"messages": [TURN], "toolConfig": {"tools": {}}}, "toolConfig.tools"),
        ({"messages": [TURN], "inferenceConfig": {"maxTokens": "9"}}, "inferenceConfig.maxTokens"),
    ],
)  # fmt: skip
def test_a_request_that_makes_no_sense_is_refused_by_the_member(
    document: dict[str, Any], param: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(document)
    assert refused.value.param == param


def test_a_deeply_nested_call_comes_back_too() -> None:
    deep: Any = 1
    for _ in range(450):
        deep = [deep]
    used = {"toolUse": {"toolUseId": "a", "name": "b", "input": deep}}
    document = {"messages": [{"role": "assistant", "content": [used]}]}
    assert written(read(document))[0] == document


@needs_transcripts
@pytest.mark.parametrize("name", [*REPLIES, *STREAMS])
def test_recorded_requests_come_back_equal(name: str) -> None:
    assert written(read(body_of(name))) == (body_of(name), ())


def test_a_request_is_read_for_what_it_means() -> None:
    schema = {"type": "object"}
    cited = {"content": [{"text": "A"}], "citations": [{"title": "T"}]}
    served = {"toolUse": {"toolUseId": "s", "name": "g", "input": {}, "type": "server_tool_use"}}
    guarded = {"guardContent": {"text": {"text": "x"}}}
    spec = {"name": "f", "description": "d", "inputSchema": {"json": schema}, "strict": True}
    form = {"structure": {"jsonSchema": {"schema": "{}", "name": "n"}}, "type": "json_schema"}
    told = [{"text": "1"}, {"json": {}}]
    asked = [
        {"text": "Look."},
        {"image": {"format": "jpeg", "source": {"bytes": "aGk="}}},
        {"document": {"format": "pdf", "name": "a", "source": {"bytes": "aGk="}}},
        {"audio": {"format": "wav", "source": {"bytes": "aGk="}}},
        guarded,
    ]
    answered = [
        {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "sig"}}},
        {"reasoningContent": {"redactedContent": "aGk="}},
        {"citationsContent": cited},
        {"toolUse": {"toolUseId": "c1", "name": "f", "input": {"a": 1}}},
        served,
    ]
    document = {
        "system": [{"text": "Be brief."}, {"cachePoint": {"type": "default", "ttl": "1h"}}],
        "messages": [
            {"role": "user", "content": asked},
            {"role": "assistant", "content": answered},
            {
                "role": "user",
                "content": [
                    {"toolResult": {"toolUseId": "c1", "content": told, "status": "error"}}
                ],
            },
            {"role": "system", "content": [{"text": "Now."}]},
        ],
        "inferenceConfig": {
            "maxTokens": 9,
            "temperature": 0.5,
            "topP": 0.25,
            "stopSequences": ["x"],
        },
        "toolConfig": {
            "tools": [
                {"toolSpec": spec},
                {"cachePoint": {"type": "default"}},
                {"systemTool": {"name": "nova_grounding"}},
            ],
            "toolChoice": {"tool": {"name": "f"}},
        },
        "outputConfig": {"textFormat": form},
        "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        "serviceTier": {"type": "flex"},
        "requestMetadata": {"a": "b"},
        "guardrailConfig": {"guardrailIdentifier": "g"},
    }
    request = read(document)
    assert request == Request(
        wire=WIRE,
        model="us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        messages=(
            Message("system", (Text("Be brief.", cache=CacheMark("1h")),)),
            Message(
                "user",
                (
                    Text("Look."),
                    Image(Inline("image/jpeg", "aGk=")),
                    File(Inline("application/pdf", "aGk="), "a"),
                    Audio(Inline("audio/wav", "aGk=")),
                    Foreign(WIRE, guarded),
                ),
            ),
            Message(
                "assistant",
                (
                    Reasoning("Hm", "sig", "anthropic"),
                    Reasoning("", "hi", "anthropic", redacted=True),
                    Text(
                        "A",
                        citations=(Citation(title="T", wire=WIRE, native={"title": "T"}),),
                        extra={"citationsContent": cited},
                    ),
                    ToolCall("c1", "f", '{"a":1}'),
                    Foreign(WIRE, served),
                ),
            ),
            Message(
                "user",
                (ToolResult("c1", (Text("1"), Foreign(WIRE, {"json": {}})), is_error=True),),
            ),
            Message("system", (Text("Now."),)),
        ),
        tools=(
            Tool("f", description="d", schema=schema, strict=True, cache=CacheMark()),
            Tool("", kind="server", native={"systemTool": {"name": "nova_grounding"}}, wire=WIRE),
        ),
        tool_choice=ToolChoice("required", ("f",)),
        output=OutputFormat("json_schema", "n", {}),
        reasoning=ReasoningAsk(enabled=True, budget=1024),
        max_tokens=9,
        temperature=0.5,
        top_p=0.25,
        stop=("x",),
        service_tier="flex",
        metadata={"a": "b"},
        extra={
            "inferenceConfig": {},
            "toolConfig": {},
            "outputConfig": document["outputConfig"],
            "additionalModelRequestFields": document["additionalModelRequestFields"],
            "guardrailConfig": {"guardrailIdentifier": "g"},
        },
    )
    assert written(request) == (document, ())
