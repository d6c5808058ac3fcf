from typing import Any

import pytest
from tests.gateway.wire.gemini.grammar import THOUGHT

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import (
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
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.wire.contract import NOWHERE, Place
from trunkline.gateway.wire.gemini.passing import Gemini
from trunkline.gateway.wire.gemini.seals import seal

HELLO = [{"role": "user", "parts": [{"text": "hello"}]}]


def read(streams: bool = False, **members: Any) -> Request:
    request: Request = Gemini(streams=streams).codec.read_request(
        {"contents": HELLO, **members}, Place(item="models/m")
    )
    return request


def parts(*values: Any) -> tuple[Any, ...]:
    return read(contents=[{"role": "model", "parts": list(values)}]).messages[0].parts


def test_the_path_names_the_model_and_the_stream() -> None:
    assert (read().model, read().stream, read(True).stream) == ("m", False, True)
    named = Gemini().codec.read_request({"contents": HELLO, "model": "models/b"}, NOWHERE)
    assert named.model == "b"
    with pytest.raises(InvalidRequest) as caught:
        Gemini().codec.read_request({"contents": HELLO}, NOWHERE)
    assert caught.value.param == "model"


def test_settings_in_either_spelling() -> None:
    request = read(
        generation_config={
            "temperature": 0.5,
            "top_p": 0.9,
            "topK": 40.0,
            "max_output_tokens": 9,
            "candidateCount": 2,
            "stop_sequences": ["a"],
            "seed": 1,
            "response_mime_type": "application/json",
            "response_schema": {"type": "STRING", "nullable": True},
            "responseLogprobs": True,
            "logprobs": 3,
            "thinking_config": {"thinking_level": "low", "include_thoughts": True},
            "responseModalities": ["TEXT"],
        },
        service_tier="standard",
        labels={"a": "b"},
        safetySettings=[1],
    )
    assert (request.temperature, request.top_p, request.top_k) == (0.5, 0.9, 40)
    assert (request.max_tokens, request.answers, request.stop, request.seed) == (9, 2, ("a",), 1)
    assert (request.logprobs, request.top_logprobs) == (True, 3)
    assert (request.service_tier, request.metadata) == ("default", {"a": "b"})
    assert request.output is not None
    assert request.output.kind == "json_schema"
    assert request.output.schema == {"type": ["string", "null"]}
    ask = request.reasoning
    assert ask is not None
    assert (ask.enabled, ask.effort, ask.budget, ask.show) == (None, "low", None, True)
    assert request.extra == {
        "safetySettings": [1],
        "generationConfig.responseModalities": ["TEXT"],
    }


def test_no_budget_is_no_thought() -> None:
    ask = read(generationConfig={"thinkingConfig": {"thinkingBudget": 0}}).reasoning
    assert ask is not None
    assert (ask.enabled, ask.budget) == (False, 0)


def test_tools() -> None:
    googles = {
        "type": "OBJECT",
        "properties": {"a": {"type": "INTEGER", "nullable": True, "example": 1}},
        "propertyOrdering": ["a"],
        "min_properties": "1",
        "required": ["a"],
    }
    request = read(
        tools=[
            {
                "functionDeclarations": [
                    {"name": "f", "description": "d", "parameters": googles},
                    {"name": "g", "parameters_json_schema": {"type": "object"}},
                ]
            },
            {"google_search": {}},
        ],
        toolConfig={"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["g"]}},
    )
    f, g, search = request.tools
    assert (f.name, f.kind, f.description, f.extra) == ("f", "function", "d", {})
    assert f.schema == {
        "type": "object",
        "properties": {"a": {"type": ["integer", "null"], "examples": [1]}},
        "minProperties": 1,
        "required": ["a"],
    }
    assert (g.name, g.schema) == ("g", {"type": "object"})
    assert (search.name, search.kind, search.native) == (
        "googleSearch",
        "server",
        {"googleSearch": {}},
    )
    assert request.tool_choice is not None
    assert (request.tool_choice.mode, request.tool_choice.names) == ("required", ("g",))
    assert request.extra == {}


@pytest.mark.parametrize(
    ("schema", "meaning"),
    [
        ({"enum": ["a"], "type": "STRING", "nullable": True}, {"enum": ["a", None]}),
        ({"anyOf": [{"type": "STRING"}], "nullable": True}, {"anyOf": 2}),
    ],
)
def test_null_is_one_more_thing_that_a_schema_takes(schema: Any, meaning: Any) -> None:
    config = {"responseMimeType": "application/json", "responseSchema": schema}
    output = read(generationConfig=config).output
    assert output is not None
    told = output.schema or {}
    if "enum" in meaning:
        assert told == {"enum": ["a", None], "type": ["string", "null"]}
    else:
        assert told == {"anyOf": [{"type": "string"}, {"type": "null"}]}


def test_the_system_instruction_comes_first() -> None:
    request = read(systemInstruction={"role": "user", "parts": [{"text": "Be kind."}]})
    assert [(one.role, one.parts) for one in request.messages] == [
        ("system", (Text("Be kind."),)),
        ("user", (Text("hello"),)),
    ]
    assert read(systemInstruction="Be kind.").messages[0].bare


def test_parts_of_all_kinds() -> None:
    inline, video, upload, code = parts(
        {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
        {"fileData": {"fileUri": "https://youtu.be/1"}},
        {"fileData": {"fileUri": "gs://b/c", "mimeType": "image/png"}},
        {"executableCode": {"code": "1"}},
    )
    assert inline == Image(Inline("image/png", "aGk="))
    assert video == File(Link("https://youtu.be/1"))
    assert upload == Image(Upload("gs://b/c", "image/png"))
    assert code == Foreign("gemini", {"executableCode": {"code": "1"}})


@pytest.mark.parametrize("spelled", ["-_8=", "-_8", "+/8"])
def test_bytes_in_the_alphabet_for_addresses_are_the_usual_base64_to_others(spelled: str) -> None:
    came = {"inlineData": {"mimeType": "image/png", "data": spelled}}
    contents = [{"role": "user", "parts": [came]}]
    request = read(contents=contents)
    (image,) = request.messages[0].parts
    assert isinstance(image, Image)
    assert isinstance(image.source, Inline)
    assert (image.source.media_type, image.source.data) == ("image/png", "+/8=")
    written = Gemini().codec.write_request(request, Destination("m"), Losses())
    assert written["contents"] == contents


def test_signatures_stand_behind_what_they_sign() -> None:
    text, sealed, thought, empty, call = parts(
        {"text": "Hi", "thoughtSignature": "c2ln"},
        {"text": "hm", "thought": True, "thoughtSignature": "dA=="},
        {"text": "", "thoughtSignature": "ZW1w"},
        {"functionCall": {"name": "f"}, "thoughtSignature": "Y2FsbA=="},
    )
    assert text == Text("Hi")
    assert (sealed.text, sealed.signature, sealed.family) == ("", "c2ln", "google")
    assert thought == Reasoning("hm", "dA==", "google")
    assert empty == Reasoning("", "ZW1w", "google")
    assert (call.signature, call.family) == ("Y2FsbA==", "google")


def test_what_another_maker_wants_back_stands_before_the_part_that_carried_it() -> None:
    thought, call = parts({"functionCall": {"name": "f"}, "thoughtSignature": seal([THOUGHT])})
    assert (thought.text, thought.signature, thought.family) == ("hm", "c2ln", "anthropic")
    assert isinstance(call, ToolCall)
    assert (call.signature, call.family) == (None, "")


def calls_and_results(*contents: Any) -> list[tuple[str, str]]:
    messages = read(contents=list(contents)).messages
    found = [part for message in messages for part in message.parts]
    return [
        ("call", part.id) if isinstance(part, ToolCall) else ("result", part.call_id)
        for part in found
        if isinstance(part, (ToolCall, ToolResult))
    ]


def model(*calls: tuple[str, str | None]) -> Any:
    return {
        "role": "model",
        "parts": [{"functionCall": {"name": name, "id": given}} for name, given in calls],
    }


def function(*results: tuple[str, str | None]) -> Any:
    return {
        "role": "function",
        "parts": [
            {"functionResponse": {"name": name, "id": given, "response": {}}}
            for name, given in results
        ],
    }


def test_results_without_ids_belong_to_calls_by_name_and_order() -> None:
    assert calls_and_results(
        model(("f", None), ("g", None), ("f", None)),
        function(("g", None), ("f", None), ("f", None)),
        model(("f", None)),
        function(("f", None), ("h", None)),
    ) == [
        ("call", "c0_0"),
        ("call", "c0_1"),
        ("call", "c0_2"),
        ("result", "c0_1"),
        ("result", "c0_0"),
        ("result", "c0_2"),
        ("call", "c2_0"),
        ("result", "c2_0"),
        ("result", "r3_1"),
    ]


def test_ids_that_callers_give_stay_and_ours_are_never_the_same() -> None:
    assert calls_and_results(
        model(("f", "x"), ("f", "c0_2"), ("f", None)), function(("f", "x"), ("f", None))
    ) == [
        ("call", "x"),
        ("call", "c0_2"),
        ("call", "c0_2x"),
        ("result", "x"),
        ("result", "c0_2"),
    ]


@pytest.mark.parametrize(
    ("response", "text", "failed"),
    [
        ({"result": "sunny"}, "sunny", False),
        ({"output": {"a": 1}}, '{"a":1}', False),
        ({"error": "broken"}, "broken", True),
        ({"a": 1, "b": 2}, '{"a":1,"b":2}', False),
    ],
)
def test_what_a_function_answered_is_a_text(response: Any, text: str, failed: bool) -> None:
    (result,) = parts({"functionResponse": {"name": "f", "response": response}})
    assert isinstance(result, ToolResult)
    assert (result.parts, result.is_error, result.name) == ((Text(text),), failed, "f")


def test_a_result_may_hold_pictures() -> None:
    (result,) = parts(
        {
            "functionResponse": {
                "name": "f",
                "response": {"result": "a"},
                "parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}, {"odd": 1}],
            }
        }
    )
    assert isinstance(result, ToolResult)
    assert result.parts == (
        Text("a"),
        Image(Inline("image/png", "aGk=")),
        Foreign("gemini", {"odd": 1}),
    )


def deep() -> Any:
    value: Any = {}
    for _ in range(100_000):
        value = {"items": value}
    return value


@pytest.mark.parametrize(
    ("members", "code", "param"),
    [
        ({"contents": []}, "missing_contents", "contents"),
        ({"contents": [5]}, "invalid_type", "contents[0]"),
        ({"contents": [{"role": 5}]}, "invalid_type", "contents[0].role"),
        ({"contents": [{"parts": 5}]}, "invalid_type", "contents[0].parts"),
        ({"contents": [{"parts": [5]}]}, "invalid_type", "contents[0].parts[0]"),
        ({"model": 5}, "invalid_type", "model"),
        ({"tools": [5]}, "invalid_type", "tools[0]"),
        (
            {"tools": [{"functionDeclarations": [{}]}]},
            "invalid_type",
            "tools[0].functionDeclarations.name",
        ),
        (
            {"generationConfig": {"topP": "1"}},
            "invalid_type",
            "generationConfig.topP",
        ),
        ({"generationConfig.topP": 1}, "invalid_value", "generationConfig.topP"),
        (
            {"tools": [{"functionDeclarations": [{"name": "f", "parameters": deep()}]}]},
            "too_deeply_nested",
            None,
        ),
        (
            {"contents": [{"parts": [{"functionCall": {"name": "f", "args": deep()}}]}]},
            "invalid_json",
            None,
        ),
    ],
)
def test_bad_requests_are_named(members: Any, code: str, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(**members)
    assert (caught.value.code, caught.value.param) == (code, param)


def test_a_response_schema_without_end_is_kept_as_it_is() -> None:
    config = {"responseMimeType": "application/json", "responseSchema": deep()}
    output = read(generationConfig=config).output
    assert output is not None
    assert (output.kind, output.schema) == ("json", None)
