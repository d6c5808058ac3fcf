"""What Cohere refuses, the simulator refuses, so that a wrong translation is found."""

from typing import Any

import pytest
from tests.simulator.raw import Raw, exchange, request

from trunkline.simulator import Simulator

HELLO: Any = {"role": "user", "content": "hello"}
TOOL: Any = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def called(*idents: str, arguments: str = "{}") -> Any:
    calls = [
        {"id": ident, "type": "function", "function": {"name": "f", "arguments": arguments}}
        for ident in idents
    ]
    return {"role": "assistant", "tool_calls": calls}


def result(ident: str) -> Any:
    return {"role": "tool", "tool_call_id": ident, "content": "17"}


async def ask(simulator: Simulator, path: str, body: Any, **headers: str) -> Raw:
    return await exchange(simulator.base_url, request(path, body, headers))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"messages": []}, "messages must not be empty"),
        ({"messages": [{"role": "developer", "content": "x"}]}, "not 'developer'"),
        ({"messages": [{"role": "user", "content": ""}]}, "content must not be empty"),
        ({"messages": [HELLO, {"role": "assistant"}, HELLO]}, "neither content nor tool_calls"),
        ({"messages": [HELLO, result("a")]}, "tool_call_id 'a' not found"),
        ({"messages": [HELLO, called("a"), result("b")]}, "tool_call_id 'b' not found"),
        ({"messages": [HELLO, called("a"), result("a"), result("a")]}, "'a' not found"),
        ({"messages": [HELLO, called("a", "b"), result("a")]}, "missing tool results"),
        ({"messages": [HELLO, called("a"), HELLO]}, "missing tool results"),
        ({"messages": [HELLO, called("a", "a"), result("a")]}, "duplicate tool call ids"),
        (
            {"messages": [HELLO, called("a", arguments="{"), result("a")]},
            "arguments must be the text of a JSON object",
        ),
        (
            {"messages": [HELLO, called("a", arguments="[]"), result("a")]},
            "arguments must be the text of a JSON object",
        ),
        ({"tool_choice": "REQUIRED"}, "only be specified when tools are provided"),
        ({"tool_choice": "auto", "tools": [TOOL]}, "tool_choice"),
        ({"max_tokens": 10**6}, "max_tokens must be less than"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stop_sequences": list("abcdef")}, "stop_sequences"),
        ({"p": 1.5}, "'p'"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"model": "command-a-03-2025", "thinking": {"type": "enabled"}}, "not supported"),
        ({"messages": [{"role": "user", "content": "x " * 210_000}]}, "too many tokens"),
        ({"messages": None}, "messages"),
    ],
)
async def test_chats_that_cohere_refuses_are_refused(
    simulator: Simulator, body: Any, sentence: str
) -> None:
    raw = await ask(simulator, "/v2/chat", {"model": "sim-fast", "messages": [HELLO], **body})
    assert (raw.status, set(raw.json())) == (400, {"id", "message"})
    assert sentence in raw.json()["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"model": "x"}'])
async def test_a_body_that_cannot_be_read_is_a_bad_request(
    simulator: Simulator, body: bytes
) -> None:
    assert (await ask(simulator, "/v2/chat", body)).status == 400


@pytest.mark.parametrize("field", ["n", "top_p", "user", "parallel_tool_calls", "stop"])
async def test_fields_of_other_wires_are_unknown(simulator: Simulator, field: str) -> None:
    body = {"model": "sim-fast", "messages": [HELLO], field: 1}
    raw = await ask(simulator, "/v2/chat", body)
    message = f"unknown field: parameter '{field}' is not a valid field"
    assert (raw.status, raw.json()["message"]) == (422, message)


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/v2/embed", {"input_type": "search_query"}, "exactly one of texts"),
        ("/v2/embed", {"input_type": "search_query", "texts": ["x"] * 97}, "at most 96"),
        ("/v2/embed", {"input_type": "query", "texts": ["x"]}, "input_type"),
        ("/v2/embed", {"texts": ["x"]}, "input_type must be provided"),
        (
            "/v2/embed",
            {"input_type": "search_query", "texts": ["x"], "output_dimension": 3},
            "output_dimension must be one of",
        ),
        ("/v2/embed", {"input_type": "clustering", "images": ["x"]}, "must be 'image'"),
        ("/v2/rerank", {"query": "x", "documents": []}, "must not be empty"),
        ("/v2/rerank", {"query": "x", "documents": ["y"], "top_n": 0}, "top_n"),
        ("/v2/rerank", {"query": "x", "documents": [{"text": "y"}]}, "documents"),
        ("/v2/rerank", {"query": "x", "documents": [""] * 10_001}, "too many documents"),
    ],
)
async def test_other_requests_that_cohere_refuses_are_refused(
    simulator: Simulator, path: str, body: Any, sentence: str
) -> None:
    model = "sim-embed" if path == "/v2/embed" else "sim-rerank"
    raw = await ask(simulator, path, {"model": model, **body})
    assert (raw.status, sentence in raw.json()["message"]) == (400, True)


async def test_arguments_may_be_null(simulator: Simulator) -> None:
    messages = [HELLO, called("a", arguments="null"), result("a")]
    raw = await ask(simulator, "/v2/chat", {"model": "sim-fast", "messages": messages})
    assert raw.status == 200


async def test_images_are_embedded_one_at_a_time(simulator: Simulator) -> None:
    body = {"model": "sim-embed", "input_type": "image", "images": ["data:image/png;base64,eA=="]}
    told = (await ask(simulator, "/v2/embed", body)).json()
    assert told["meta"]["billed_units"] == {"image_tokens": 256}
    mixed = {"model": "sim-embed", "input_type": "search_document", "inputs": [{"content": []}]}
    assert (await ask(simulator, "/v2/embed", mixed)).status == 200
    quiet = await ask(simulator, "/v2/embed", body, **{"x-simulator-fault": "no_usage"})
    assert quiet.json()["meta"] == {"api_version": {"version": "2"}}


async def test_a_key_is_needed(simulator: Simulator) -> None:
    raw = await ask(simulator, "/v2/chat", {}, authorization="")
    assert (raw.status, raw.json()["message"]) == (401, "no api key supplied")
