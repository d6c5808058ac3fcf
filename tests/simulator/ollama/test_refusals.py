"""What Ollama refuses, the simulator refuses, so that a wrong translation is found."""

from typing import Any

import pytest
from tests.simulator.raw import Raw, exchange, request

from trunkline.simulator import Simulator

HELLO: Any = {"role": "user", "content": "hello"}


async def ask(simulator: Simulator, path: str, body: Any, **headers: str) -> Raw:
    if isinstance(body, dict):
        body = {"model": "sim-fast", "stream": False, **body}
    return await exchange(simulator.base_url, request(path, body, headers))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"messages": []}, "messages is required"),
        ({"messages": [{"role": "developer", "content": "x"}]}, "invalid role: developer"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "cannot unmarshal"),
        (
            {
                "messages": [
                    HELLO,
                    {
                        "role": "assistant",
                        "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}],
                    },
                ]
            },
            "cannot unmarshal into Go struct field messages",
        ),
        ({"messages": [{**HELLO, "images": ["data:image/png;base64,eA=="]}]}, "illegal base64"),
        ({"messages": [HELLO], "format": "xml"}, 'invalid format: "xml"'),
        ({"messages": [HELLO], "think": "vast"}, 'invalid think value: "vast"'),
        ({"messages": [HELLO], "model": ""}, "model is required"),
        (b"{", "invalid character in request body"),
        (b"[" * 100_000, "invalid character in request body"),
        (b"\xff", "invalid character in request body"),
        ({"model": 3}, "cannot unmarshal into Go struct field model"),
    ],
)
async def test_chats_that_ollama_refuses_are_refused(
    simulator: Simulator, body: Any, sentence: str
) -> None:
    raw = await ask(simulator, "/api/chat", body)
    assert (raw.status, set(raw.json())) == (400, {"error"})
    assert sentence in raw.json()["error"]


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/api/generate", {"prompt": "x", "raw": True, "system": "y"}, "raw mode does not support"),
        ("/api/generate", {"prompt": "x", "images": ["%"]}, "illegal base64"),
        (
            "/api/embed",
            {"model": "sim-embed", "input": "x", "dimensions": 999},
            "between 1 and 256",
        ),
        ("/api/embed", {"model": "", "input": "x"}, "model is required"),
        ("/api/show", {"model": ""}, "model is required"),
    ],
)
async def test_other_requests_that_ollama_refuses_are_refused(
    simulator: Simulator, path: str, body: Any, sentence: str
) -> None:
    raw = await ask(simulator, path, body)
    assert (raw.status, sentence in raw.json()["error"]) == (400, True)


async def test_streams_are_what_comes_by_default(simulator: Simulator) -> None:
    raw = await exchange(
        simulator.base_url, request("/api/chat", {"model": "sim-fast", "messages": [HELLO]})
    )
    assert raw.headers["content-type"] == "application/x-ndjson"
    assert raw.body.count(b"\n") > 5


async def test_a_name_may_say_latest_and_options_may_say_what_ends_an_answer(
    simulator: Simulator,
) -> None:
    said = {"role": "user", "content": "Say one two three"}
    for stop in ("three", ["two", "three"]):
        body = {"model": "sim-fast:latest", "messages": [said], "options": {"stop": stop}}
        raw = await ask(simulator, "/api/chat", body)
        assert raw.json()["message"]["content"] == ("one two " if stop == "three" else "one ")
    unlimited = {"messages": [said], "options": {"num_predict": -1}}
    assert (await ask(simulator, "/api/chat", unlimited)).json()["done_reason"] == "stop"


async def test_a_key_is_only_looked_at_where_there_is_one(simulator: Simulator) -> None:
    body = {"messages": [HELLO]}
    assert (await ask(simulator, "/api/chat", body, authorization="")).status == 200
    wrong = await ask(simulator, "/api/chat", body, authorization="Bearer bad-key")
    assert (wrong.status, wrong.json()) == (401, {"error": "unauthorized"})


async def test_the_version_is_told(simulator: Simulator) -> None:
    raw = await exchange(
        simulator.base_url, b"GET /api/version HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    )
    assert raw.json() == {"version": "0.12.6"}


async def test_embeddings_of_nothing_are_none(simulator: Simulator) -> None:
    body = {"model": "sim-embed", "input": []}
    told = (await ask(simulator, "/api/embed", body)).json()
    assert (told["embeddings"], told["prompt_eval_count"]) == ([], 0)
    quiet = await ask(simulator, "/api/embed", body, **{"x-simulator-fault": "no_usage"})
    assert set(quiet.json()) == {"model", "embeddings"}


async def test_a_call_that_was_cut_is_not_told(simulator: Simulator) -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    body = {"messages": [HELLO], "tools": tools, "options": {"num_predict": 14}}
    for stream in (False, True):
        raw = await ask(simulator, "/api/chat", {**body, "stream": stream})
        assert b"tool_calls" not in raw.body
        assert b'"done_reason":"length"' in raw.body
        assert b'"eval_count":14' in raw.body
