"""Requests of this wire: read into the internal form, and written back as they came."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.wire.anthropic_messages.recorded import requests

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import (
    CacheMark,
    Citation,
    File,
    Foreign,
    Image,
    Inline,
    Link,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Upload,
)
from trunkline.gateway.exchange.request import (
    Message,
    OutputFormat,
    ReasoningAsk,
    Request,
    Tool,
    ToolChoice,
)
from trunkline.gateway.wire.anthropic_messages.codec import AnthropicMessagesCodec
from trunkline.gateway.wire.contract import NOWHERE

CODEC = AnthropicMessagesCodec()
WIRE = "anthropic_messages"
HELLO = [{"role": "user", "content": "hello"}]


def read(**members: Any) -> Request:
    return CODEC.read_request(
        {"model": "claude", "max_tokens": 9, "messages": HELLO, **members}, NOWHERE
    )


def parts_of(*blocks: dict[str, Any]) -> tuple[Any, ...]:
    return read(messages=[{"role": "user", "content": list(blocks)}]).messages[0].parts


def written_back(document: dict[str, Any]) -> dict[str, Any]:
    losses = Losses()
    request = CODEC.read_request(document, NOWHERE)
    written = CODEC.write_request(request, Destination(document["model"]), losses)
    assert not losses
    return written


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_nulls(v) for v in value]
    return value


def test_settings_are_read_into_their_members() -> None:
    request = read(
        stream=True,
        temperature=0.5,
        top_p=0.9,
        top_k=5,
        stop_sequences=["END"],
        metadata={"user_id": "u1"},
        service_tier="standard_only",
        tools=[
            {
                "name": "look",
                "description": "Looks.",
                "input_schema": {"type": "object"},
                "strict": True,
                "cache_control": {"type": "ephemeral", "ttl": "1h"},
            },
            {"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
        ],
        tool_choice={"type": "tool", "name": "look", "disable_parallel_tool_use": True},
        thinking={"type": "enabled", "budget_tokens": 2048, "display": "omitted"},
        output_config={
            "effort": "low",
            "format": {"type": "json_schema", "schema": {"type": "object"}},
        },
    )
    assert request == Request(
        wire=WIRE,
        model="claude",
        messages=(Message("user", (Text("hello"),), bare=True),),
        stream=True,
        temperature=0.5,
        top_p=0.9,
        top_k=5,
        stop=("END",),
        user="u1",
        service_tier="default",
        max_tokens=9,
        tools=(
            Tool(
                "look",
                description="Looks.",
                schema={"type": "object"},
                strict=True,
                cache=CacheMark("1h"),
            ),
            Tool(
                "web_search",
                "server",
                native={"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
                wire=WIRE,
            ),
        ),
        tool_choice=ToolChoice("required", ("look",)),
        parallel_tools=False,
        reasoning=ReasoningAsk(enabled=True, effort="low", budget=2048, show=False),
        output=OutputFormat("json_schema", schema={"type": "object"}),
    )


@pytest.mark.parametrize(
    ("thinking", "effort", "ask"),
    [
        ({"type": "adaptive"}, None, ReasoningAsk(enabled=True)),
        (
            {"type": "adaptive", "display": "summarized"},
            "max",
            ReasoningAsk(enabled=True, effort="max", show=True),
        ),
        ({"type": "disabled"}, None, ReasoningAsk(enabled=False)),
        ({"type": "between_tools"}, None, ReasoningAsk(enabled=False)),
        (None, "high", ReasoningAsk(effort="high")),
        ({"type": "unheard-of"}, None, None),
        ({"type": "enabled", "budget_tokens": "many"}, "low", ReasoningAsk(effort="low")),
    ],
)
def test_thinking_is_read_from_both_of_its_places(
    thinking: dict[str, Any] | None, effort: str | None, ask: ReasoningAsk | None
) -> None:
    members = {"thinking": thinking, "output_config": {"effort": effort}}
    assert read(**members).reasoning == ask


@pytest.mark.parametrize(
    ("value", "choice", "parallel"),
    [
        ({"type": "auto"}, ToolChoice("auto"), None),
        ({"type": "any", "disable_parallel_tool_use": False}, ToolChoice("required"), True),
        ({"type": "none"}, ToolChoice("none"), None),
        ({"type": "unheard-of"}, None, None),
        ("auto", None, None),
    ],
)
def test_a_choice_of_tools_is_read(
    value: Any, choice: ToolChoice | None, *, parallel: bool | None
) -> None:
    request = read(tool_choice=value)
    assert (request.tool_choice, request.parallel_tools) == (choice, parallel)


def test_the_system_prompt_comes_first_and_later_ones_stay_where_they_are() -> None:
    request = read(
        system=[{"type": "text", "text": "Be short."}],
        messages=[*HELLO, {"role": "system", "content": "Be shorter."}],
    )
    assert request.messages == (
        Message("system", (Text("Be short."),)),
        Message("user", (Text("hello"),), bare=True),
        Message("system", (Text("Be shorter."),), bare=True, extra={"role": "system"}),
    )


def test_blocks_become_parts() -> None:
    page = {
        "type": "page_location",
        "cited_text": "word",
        "document_title": "Book",
        "document_index": 0,
    }
    assert parts_of(
        {"type": "text", "text": "see", "citations": [page]},
        {"type": "text", "text": "mark", "cache_control": {"type": "ephemeral"}},
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": "aGk="},
        },
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        {
            "type": "document",
            "title": "Book",
            "context": "old",
            "source": {"type": "url", "url": "https://example.com/a.pdf"},
        },
    ) == (
        Text("see", citations=(Citation(title="Book", cited="word", wire=WIRE, native=page),)),
        Text("mark", CacheMark()),
        Image(Inline("image/png", "aGk=")),
        Image(Link("https://example.com/a.png")),
        Image(Upload("file_1")),
        File(Link("https://example.com/a.pdf"), "Book", extra={"context": "old"}),
    )


def test_documents_of_text_become_files_of_text() -> None:
    plain = {"type": "text", "media_type": "text/plain", "data": "Hi"}
    bare = {"type": "content", "content": "Hi"}
    blocks = {"type": "content", "content": [{"type": "text", "text": "Hi"}]}
    for source in (plain, bare, blocks):
        (part,) = parts_of({"type": "document", "source": source})
        assert part == File(Inline("text/plain", "SGk="), extra={"source": source})


def test_calls_results_and_thought_become_parts() -> None:
    assert parts_of(
        {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
        {"type": "redacted_thinking", "data": "sealed"},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"a": [1, "ö"]}},
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "fine"},
        {
            "type": "tool_result",
            "tool_use_id": "toolu_2",
            "is_error": True,
            "content": [{"type": "text", "text": "bad"}],
        },
        {"type": "tool_result", "tool_use_id": "toolu_3"},
    ) == (
        Reasoning("Hm.", "sig", "anthropic"),
        Reasoning(signature="sealed", family="anthropic", redacted=True),
        ToolCall("toolu_1", "look", '{"a":[1,"ö"]}'),
        ToolResult("toolu_1", (Text("fine"),), bare=True),
        ToolResult("toolu_2", (Text("bad"),), is_error=True),
        ToolResult("toolu_3"),
    )


@pytest.mark.parametrize(
    "block",
    [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
        {"type": "unheard-of", "a": 1},
        {"type": ["list"]},
        {"no": "type"},
        {"type": "image", "source": {"type": "unheard-of"}},
        {"type": "image"},
        {"type": "document", "source": "text"},
        {"type": "document", "source": {"type": "content", "content": [{"type": "image"}]}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text"}]}},
        {"type": "document", "source": {"type": "content", "content": ["text"]}},
        {"type": "thinking", "thinking": 5},
        {"type": "redacted_thinking"},
    ],
)
def test_blocks_that_have_no_place_stay_whole(block: dict[str, Any]) -> None:
    assert parts_of(block) == (Foreign(WIRE, block),)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": None}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": ["hello"]}, "messages.0"),
        ({"messages": [{"content": "hello"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [5]}]}, "messages.0.content.0"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages.0.content.0.text",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_use", "id": "a"}]}]},
            "messages.0.content.0.name",
        ),
        (
            {
                "messages": [
                    {
                        "role": "assistant",
                        "content": [{"type": "tool_use", "id": "a", "name": "b", "input": "c"}],
                    }
                ]
            },
            "messages.0.content.0.input",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "tool_result", "tool_use_id": "a", "content": 5},
                        ],
                    }
                ]
            },
            "messages.0.content.0.content",
        ),
        ({"system": 5}, "system"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"temperature": "warm"}, "temperature"),
        ({"stop_sequences": [5]}, "stop_sequences"),
        ({"tools": ["look"]}, "tools.0"),
        ({"tools": [{"input_schema": {}}]}, "tools.0.name"),
        ({"tools": [{"name": "a", "input_schema": []}]}, "tools.0.input_schema"),
        ({"tools": [{"name": "a", "description": []}]}, "tools.0.description"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_place(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        read(**members)
    assert refusal.value.param == param


def test_what_coding_tools_send_is_accepted_and_given_back() -> None:
    document = {
        "model": "claude-opus-4-8",
        "max_tokens": 64000,
        "stream": True,
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.197"},
            {
                "type": "text",
                "text": "You are a coding tool.",
                "cache_control": {"type": "ephemeral", "scope": "global", "ttl": "1h"},
            },
        ],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "hi"}]},
            {"role": "system", "content": "The date changed."},
            {"role": "developer", "content": "Be kind."},
            {"role": "unheard-of", "content": "?"},
        ],
        "tools": [
            {"name": "Read", "input_schema": {"type": "object"}, "defer_loading": True},
            {"type": "custom", "name": "Edit", "input_schema": {"type": "object"}},
            {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"},
            {"type": "mcp_toolset", "mcp_server_name": "a"},
        ],
        "metadata": {"user_id": '{"device_id":"d"}', "other": "o"},
        "thinking": {"type": "adaptive"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "high", "task_budget": {"type": "tokens", "total": 5}},
        "service_tier": "unheard-of",
        "speed": "fast",
    }
    request = CODEC.read_request(document, NOWHERE)
    assert request.messages[0].parts[1] == Text(
        "You are a coding tool.",
        CacheMark("1h"),
        extra={"cache_control": {"type": "ephemeral", "scope": "global", "ttl": "1h"}},
    )
    assert [message.role for message in request.messages] == [
        "system",
        "user",
        "system",
        "developer",
        "user",
    ]
    assert request.reasoning == ReasoningAsk(enabled=True, effort="high")
    assert (request.user, request.metadata) == ('{"device_id":"d"}', {"other": "o"})
    assert written_back(document) == document


def test_a_flag_that_is_not_set_is_given_back_and_missed_by_nobody() -> None:
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": False}
    messages = [{"role": "user", "content": [result]}]
    document = {"model": "claude", "messages": messages, "stream": False}
    request = CODEC.read_request(document, NOWHERE)
    assert not request.stream
    assert request.extra == {"stream": None}
    assert request.messages[0].parts == (ToolResult("toolu_1", extra={"is_error": None}),)
    assert written_back(document) == document


@pytest.mark.parametrize(("name", "document"), requests())
def test_recorded_requests_are_given_back(name: str, document: dict[str, Any]) -> None:
    assert written_back(document) == document


TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
NUMBER = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
EXTRA = st.dictionaries(TEXT, JSON, max_size=2)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)


def shape(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Any]:
    """An object of the wire's grammar, with members that nobody knows."""
    known = st.fixed_dictionaries(required, optional=optional)
    return st.tuples(EXTRA, known).map(lambda both: {**both[0], **both[1]})


MARK = {
    "cache_control": st.sampled_from(
        [None, {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}, {"type": "other"}, 5]
    )
    | OBJECT
}
SOURCE = (
    shape({"type": st.just("base64"), "media_type": TEXT, "data": TEXT}, {})
    | shape({"type": st.just("url"), "url": TEXT}, {})
    | shape({"type": st.just("file"), "file_id": TEXT}, {})
    | shape({"type": st.just("text"), "data": TEXT}, {"media_type": TEXT})
    | shape({"type": st.just("content"), "content": TEXT | st.lists(OBJECT, max_size=2)}, {})
    | JSON
)
TEXT_BLOCK = shape(
    {"type": st.just("text"), "text": TEXT},
    {"citations": st.lists(OBJECT, max_size=2) | JSON, **MARK},
)
MEDIA = shape(
    {"type": st.sampled_from(["image", "document"])},
    {"source": SOURCE, "title": TEXT | JSON, **MARK},
)
SIGNATURE = TEXT | st.sampled_from(["trunkline.openai.rs_1.sig", "trunkline.none..", "trunkline.x"])
BLOCK = (
    TEXT_BLOCK
    | MEDIA
    | shape({"type": st.just("thinking")}, {"thinking": TEXT | JSON, "signature": SIGNATURE | JSON})
    | shape({"type": st.just("redacted_thinking")}, {"data": SIGNATURE | JSON})
    | shape(
        {"type": st.just("tool_use"), "id": TEXT, "name": TEXT, "input": OBJECT},
        {"caller": OBJECT, **MARK},
    )
    | shape(
        {"type": st.just("tool_result"), "tool_use_id": TEXT},
        {
            "content": TEXT | st.lists(TEXT_BLOCK | MEDIA | OBJECT, max_size=2) | st.none(),
            "is_error": st.booleans() | JSON,
            **MARK,
        },
    )
    | shape({"type": st.sampled_from(["server_tool_use", "web_search_tool_result", "new"])}, {})
    | OBJECT.filter(lambda block: "type" not in block)
)
CONTENT = TEXT | st.lists(BLOCK, max_size=3)
TOOL = shape(
    {"name": TEXT},
    {
        "description": TEXT | st.none(),
        "input_schema": OBJECT | st.none(),
        "strict": st.booleans() | JSON,
        "type": st.sampled_from(["custom", None, "bash_20250124"]),
        **MARK,
    },
) | shape({"type": st.just("web_search_20250305")}, {"name": JSON})
CHOICE = shape(
    {"type": st.sampled_from(["auto", "any", "tool", "none", "new"])},
    {"name": TEXT, "disable_parallel_tool_use": st.booleans() | JSON},
)
THINKING = shape(
    {"type": st.sampled_from(["enabled", "adaptive", "disabled", "between_tools", "new"])},
    {"budget_tokens": st.integers(0, 9999) | JSON, "display": TEXT | JSON},
)
FORMAT = shape({"type": st.just("json_schema") | TEXT}, {"schema": OBJECT | JSON})
DOCUMENT = shape(
    {
        "model": TEXT.filter(bool),
        "messages": st.lists(
            shape(
                {
                    "role": st.sampled_from(["user", "assistant", "system", "developer", "new"]),
                    "content": CONTENT,
                },
                {},
            ),
            min_size=1,
            max_size=3,
        ),
    },
    {
        "max_tokens": st.integers(0, 10**6) | st.none(),
        "system": TEXT | st.lists(TEXT_BLOCK, max_size=2) | st.none(),
        "tools": st.lists(TOOL, max_size=2) | st.none(),
        "tool_choice": CHOICE | JSON,
        "thinking": THINKING | JSON,
        "output_config": shape({}, {"effort": TEXT | JSON, "format": FORMAT | JSON}) | JSON,
        "output_format": FORMAT | JSON,
        "stream": st.booleans() | JSON,
        "temperature": NUMBER | st.none(),
        "top_p": NUMBER | st.none(),
        "top_k": st.integers(0, 99) | st.none(),
        "stop_sequences": st.lists(TEXT, max_size=2) | st.none(),
        "metadata": shape({}, {"user_id": TEXT | JSON}) | JSON,
        "service_tier": st.sampled_from(["auto", "standard_only", "default", "new"]) | JSON,
    },
)


@settings(max_examples=250, deadline=None)
@given(DOCUMENT)
def test_every_document_that_is_accepted_is_given_back(document: dict[str, Any]) -> None:
    assert without_nulls(written_back(document)) == without_nulls(document)


MEMBERS = st.sampled_from(
    ["model", "messages", "system", "tools", "tool_choice", "thinking", "metadata", "stream",
     "output_config", "stop_sequences", "max_tokens", "temperature", "top_k"]
)  # fmt: skip
BLOCK_MEMBERS = st.sampled_from(["role", "content", "type", "text", "input", "id", "name"])
KNOWN = st.sampled_from(["user", "text", "tool_use", "tool_result", "image"])


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        MEMBERS,
        JSON | st.lists(st.dictionaries(BLOCK_MEMBERS, JSON | KNOWN, max_size=3), max_size=2),
        max_size=3,
    )
)
def test_any_json_is_read_or_refused(members: dict[str, Any]) -> None:
    document = {"model": "claude", "messages": HELLO, **members}
    with contextlib.suppress(InvalidRequest):
        assert without_nulls(written_back(document)) == without_nulls(document)


def test_arguments_that_are_nested_too_deeply_are_refused() -> None:
    deep: Any = {}
    for _ in range(3_000):
        deep = {"a": deep}
    block = {"type": "tool_use", "id": "a", "name": "b", "input": deep}
    with pytest.raises(InvalidRequest) as refusal:
        parts_of(block)
    assert refusal.value.code == "invalid_json"


def test_half_a_character_is_refused() -> None:
    half = json.loads('"\\ud800"')
    block = {"type": "tool_use", "id": "a", "name": "b", "input": {"a": half}}
    with pytest.raises(InvalidRequest) as refusal:
        parts_of(block)
    assert refusal.value.code == "invalid_json"
    source = {"type": "text", "data": half}
    assert isinstance(parts_of({"type": "document", "source": source})[0], Foreign)
