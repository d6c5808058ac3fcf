"""What requests of each wire ask for, read by the wires themselves."""

from typing import Any

import msgspec
import pytest

from trunkline.gateway.routing.needs import needs_of
from trunkline.gateway.wire.contract import CHAT, Inbound, Place
from trunkline.gateway.wire.registry import WIRES

SAYS = {"role": "user", "content": "hello"}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
SOUND = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}


def request(wire: str, **members: Any) -> Inbound:
    place = Place(item="m") if wire in {"gemini", "bedrock_converse"} else Place()
    document = {"model": "m"} | members
    return WIRES[wire].read_request(msgspec.json.encode(document), CHAT, place)


def chat(**members: Any) -> Inbound:
    return request("openai_chat", **({"messages": [SAYS]} | members))


def messages(**members: Any) -> Inbound:
    return request("anthropic_messages", **({"messages": [SAYS], "max_tokens": 9} | members))


def responses(**members: Any) -> Inbound:
    return request("openai_responses", **({"input": "hello"} | members))


def gemini(*parts: Any, **members: Any) -> Inbound:
    contents = [{"role": "user", "parts": parts or [{"text": "hello"}]}]
    return request("gemini", contents=contents, **members)


def ollama(**members: Any) -> Inbound:
    return request("ollama_chat", **({"messages": [SAYS], "stream": False} | members))


def spoken(*parts: Any) -> list[Any]:
    return [{"role": "user", "content": parts}]


TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}

CASES = {
    "text only": (chat(), set()),
    "stream": (chat(stream=True), {"stream"}),
    "tools": (chat(tools=TOOLS), {"tools"}),
    "picture": (chat(messages=spoken(PICTURE)), {"vision"}),
    "sound": (chat(messages=spoken(SOUND)), {"audio"}),
    "picture and sound": (chat(messages=spoken(PICTURE, SOUND)), {"vision", "audio"}),
    "file": (chat(messages=spoken({"type": "file", "file": {"file_id": "f"}})), {"files"}),
    "web search": (chat(web_search_options={}), {"server_tools"}),
    "schema": (chat(response_format=SCHEMA), {"json"}),
    "json object": (chat(response_format={"type": "json_object"}), {"json"}),
    "text format": (chat(response_format={"type": "text"}), set()),
    "no format": (chat(response_format=None), set()),
    "effort": (chat(reasoning_effort="high"), {"thinking"}),
    "no effort": (chat(reasoning_effort="none"), set()),
    "effort left open": (chat(reasoning_effort=None), set()),
    "messages with thought": (
        messages(thinking={"type": "enabled", "budget_tokens": 1024}),
        {"thinking"},
    ),
    "messages without thought": (messages(thinking={"type": "disabled"}), set()),
    "messages with a format": (
        messages(output_config={"format": {"type": "json_schema", "schema": {}}}),
        {"json"},
    ),
    "messages with effort alone": (messages(output_config={"effort": "high"}), set()),
    "messages with a picture": (
        messages(
            messages=spoken(
                {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}}
            )
        ),
        {"vision"},
    ),
    "responses with a schema": (
        responses(text={"format": {"type": "json_schema", "name": "a", "schema": {}}}),
        {"json"},
    ),
    "responses in text": (responses(text={"format": {"type": "text"}}), set()),
    "responses with reasoning": (responses(reasoning={"effort": "low"}), {"thinking"}),
    "responses without reasoning": (responses(reasoning={"effort": "none"}), set()),
    "gemini with a schema": (
        gemini(generationConfig={"responseMimeType": "application/json"}),
        {"json"},
    ),
    "gemini in another spelling": (
        gemini(generation_config={"response_json_schema": {"type": "object"}}),
        {"json"},
    ),
    "gemini with thought": (
        gemini(generationConfig={"thinkingConfig": {"thinkingBudget": 1024}}),
        {"thinking"},
    ),
    "gemini without thought": (
        gemini(generationConfig={"thinkingConfig": {"thinkingBudget": 0}}),
        set(),
    ),
    "gemini with sound": (
        gemini({"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}),
        {"audio"},
    ),
    "gemini with a picture": (
        gemini({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}),
        {"vision"},
    ),
    "ollama in json": (ollama(format="json"), {"json"}),
    "ollama with a schema": (ollama(format={"type": "object"}), {"json"}),
    "ollama without a format": (ollama(format=""), set()),
    "ollama thinks": (ollama(think=True), {"thinking"}),
    "ollama does not think": (ollama(think=False), set()),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_request_asks_for_is_found(case: str) -> None:
    asked, needs = CASES[case]
    assert needs_of(asked) == needs
