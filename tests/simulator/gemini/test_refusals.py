"""What Google refuses, the simulator refuses, so that a wrong translation is found."""

import base64
import json
from typing import Any

import pytest
from tests.simulator.raw import Raw, exchange, request

from trunkline.simulator import Simulator

HELLO: Any = {"role": "user", "parts": [{"text": "hello"}]}
CALL: Any = {"functionCall": {"name": "f", "args": {"a": 1}}}
RESULT: Any = {"functionResponse": {"name": "f", "response": {"result": 1}}}
SKIP = "skip_thought_signature_validator"
VERTEX = "/v1/projects/p/locations/l/publishers/google"


def turn(role: str, *parts: Any) -> Any:
    return {"role": role, "parts": list(parts)}


def declared(**fields: Any) -> Any:
    return {"tools": [{"functionDeclarations": [{"name": "f", **fields}]}]}


async def ask(
    swift: Simulator, body: Any, *, model: str = "sim-fast", base: str = "/v1beta", **headers: str
) -> Raw:
    body = {"contents": [HELLO], **body} if isinstance(body, dict) else body
    path = f"{base}/models/{model}:generateContent"
    return await exchange(swift.base_url, request(path, body, headers))


async def refusal(swift: Simulator, body: Any, **options: Any) -> str:
    raw = await ask(swift, body, **options)
    assert raw.status == 400, raw.body
    error = raw.json()["error"]
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    message: str = error["message"]
    return message


@pytest.mark.parametrize(
    ("body", "name", "path"),
    [
        ({"temperature": 1}, "temperature", ""),
        (
            {"contents": [{"parts": [{"text": "x", "type": "text"}]}]},
            "type",
            "contents[0].parts[0]",
        ),
        ({"generationConfig": {"max_tokens": 1}}, "maxTokens", "generationConfig"),
        (declared(strict=True), "strict", "tools[0].functionDeclarations[0]"),
        (
            declared(parameters={"type": "object", "additionalProperties": False}),
            "additionalProperties",
            "tools[0].function_declarations[0].parameters",
        ),
        (
            declared(parameters={"properties": {"a": {"$ref": "#/$defs/a"}}}),
            "$ref",
            "tools[0].function_declarations[0].parameters.properties[0].value",
        ),
        ({"labels": {"a": "b"}}, "labels", ""),
    ],
)
async def test_a_name_that_nobody_knows_is_refused_wherever_it_stands(
    swift: Simulator, body: Any, name: str, path: str
) -> None:
    place = f" at '{path}'" if path else ""
    told = await refusal(swift, body)
    assert (
        told == f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.'
    )


@pytest.mark.parametrize(
    ("contents", "sentence"),
    [
        ([], "contents is not specified"),
        ([turn("assistant", {"text": "x"})], "Please use a valid role: user, model."),
        ([turn("system", {"text": "x"}), HELLO], "Please use a valid role: user, model."),
        ([turn("model", {"text": "x"}), HELLO], "begin with a user turn"),
        ([turn("user")], "contents.parts must not be empty"),
        ([turn("user", {})], "required oneof field 'data'"),
        ([turn("user", {"text": "x", **CALL})], "oneof field 'data' is already set"),
        ([turn("user", {"inlineData": {"mimeType": "image/png", "data": "%"}})], "Base64"),
        ([turn("user", {"inlineData": {"data": "eA=="}})], "has no mimeType"),
        (
            [turn("user", {"fileData": {"fileUri": "https://example.com/a.png"}})],
            "Unsupported file uri",
        ),
        ([HELLO, turn("user", RESULT)], "function response turn comes immediately after"),
        ([HELLO, turn("model", CALL), HELLO], "number of function response parts is equal"),
        ([HELLO, turn("model", CALL, CALL), turn("user", RESULT)], "number of function response"),
        (
            [HELLO, turn("model", CALL), turn("user", {"functionResponse": {"name": "g"}})],
            "have the names of the function call parts",
        ),
        (
            [HELLO, turn("model", CALL), turn("user", {"functionResponse": {"response": {}}})],
            "Name cannot be empty",
        ),
        (
            [
                HELLO,
                turn("model", {"functionCall": {"name": "f", "id": "1"}}),
                turn("user", {"functionResponse": {"name": "f", "id": "2"}}),
            ],
            "ids of function responses",
        ),
        ([HELLO, turn("model", CALL)], "the last turn is a user turn"),
        ([HELLO, turn("model", {"text": "x"}), turn("model", CALL)], "function call turn comes"),
        ([turn("user", CALL), turn("user", RESULT)], "function call turn comes"),
    ],
)
async def test_turns_that_google_refuses_are_refused(
    swift: Simulator, contents: Any, sentence: str
) -> None:
    assert sentence in await refusal(swift, {"contents": contents})


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"generationConfig": {"temperature": 3}}, "must be in the range [0, 2]"),
        ({"generationConfig": {"stopSequences": list("abcdef")}}, "at most 5"),
        ({"generationConfig": {"candidateCount": 9}}, "must be in the range [1, 8]"),
        ({"generationConfig": {"maxOutputTokens": "x"}}, "Invalid value at 'generationConfig"),
        (
            {"generationConfig": {"responseSchema": {"type": "object"}}},
            "only allowed with the response mime type",
        ),
        (
            {"generationConfig": {"responseSchema": {}, "responseJsonSchema": {}}},
            "mutually exclusive",
        ),
        (
            {"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": 1}},
            "must be an object",
        ),
        (
            {"generationConfig": {"thinkingConfig": {"thinkingBudget": 1, "thinkingLevel": "low"}}},
            "only set only one of",
        ),
        ({"generationConfig": {"thinkingConfig": {"thinkingLevel": "vast"}}}, '"vast"'),
        ({"generationConfig": {"thinkingConfig": {"thinkingBudget": -2}}}, "must be -1, 0 or"),
        (declared(parameters={"type": ["string", "null"]}), "cannot start list"),
        (declared(parameters={"type": "any"}), '"any"'),
        (declared(parameters={"enum": [1]}), "TYPE_STRING"),
        (declared(parameters={"properties": []}), "Expected an object"),
        (declared(parameters={"anyOf": {}}), "Expected a list"),
        (declared(parameters=1), "Expected an object"),
        (declared(parameters={}, parametersJsonSchema={}), "mutually exclusive"),
        (declared(name="1f"), "Invalid function name"),
        ({"tools": declared()["tools"] * 2}, "Duplicate function declaration"),
        (
            {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
            "without function_declarations",
        ),
        ({**declared(), "toolConfig": {"functionCallingConfig": {"mode": "MUST"}}}, '"MUST"'),
        (
            {
                **declared(),
                "toolConfig": {"functionCallingConfig": {"allowedFunctionNames": ["f"]}},
            },
            "only when the mode is ANY",
        ),
        (
            {
                **declared(),
                "toolConfig": {
                    "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["g"]}
                },
            },
            "not among the function declarations",
        ),
        ({"contents": [turn("user", {"text": "x " * 210_000})]}, "exceeds the maximum number"),
    ],
)
async def test_settings_that_google_refuses_are_refused(
    swift: Simulator, body: Any, sentence: str
) -> None:
    assert sentence in await refusal(swift, body)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"contents": 3}'])
async def test_a_body_that_cannot_be_read_is_an_invalid_argument(
    swift: Simulator, body: bytes
) -> None:
    assert await refusal(swift, body)


async def test_thinking_follows_the_model(swift: Simulator) -> None:
    async def told(model: str, **thinking: Any) -> str:
        body = {"generationConfig": {"thinkingConfig": thinking}}
        return await refusal(swift, body, model=model)

    assert "only works in thinking mode" in await told("gemini-2.5-pro", thinkingBudget=0)
    assert "not supported" in await told("gemini-2.5-flash", thinkingLevel="low")


async def test_names_may_have_underscores_and_nulls_are_nothing(swift: Simulator) -> None:
    body = {
        "system_instruction": {"parts": [{"text": "Be brief."}]},
        "generation_config": {"max_output_tokens": "3", "temperature": None},
        "tools": [
            {
                "function_declarations": [
                    {
                        "name": "f",
                        "parameters": {
                            "type": "OBJECT",
                            "properties": {
                                "a_b": {
                                    "type": "ARRAY",
                                    "items": {"type": "STRING"},
                                    "minItems": "1",
                                },
                                "c": {"any_of": [{"type": "NULL"}, {"type": "NUMBER"}]},
                            },
                        },
                    }
                ]
            }
        ],
        "tool_config": {
            "function_calling_config": {"mode": "ANY", "allowed_function_names": ["f"]}
        },
    }
    raw = await ask(swift, {**body, "generation_config": None})
    (part,) = raw.json()["candidates"][0]["content"]["parts"]
    assert set(part["functionCall"]["args"]) == {"a_b", "c"}
    short = (await ask(swift, body)).json()
    assert short["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert "parts" not in short["candidates"][0]["content"]


async def conversation(swift: Simulator, model: str) -> list[Any]:
    """A turn of two calls of a thinking model, and their results."""
    body = {
        "contents": [turn("user", {"text": "Weather in Rome and Oslo"})],
        **declared(),
        "generationConfig": {"thinkingConfig": {"includeThoughts": True}},
    }
    content = (await ask(swift, body, model=model)).json()["candidates"][0]["content"]
    return [*body["contents"], content, turn("user", RESULT, RESULT)]


@pytest.mark.parametrize("model", ["gemini-3-pro-preview", "sim-gemini", "sim-think"])
async def test_a_thinking_model_insists_on_its_signature(swift: Simulator, model: str) -> None:
    thinking = {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}
    contents = await conversation(swift, model)
    signed = next(part for part in contents[1]["parts"] if "functionCall" in part)
    kept = signed["thoughtSignature"]

    async def told(signature: str | None, *more: Any) -> str | None:
        signed["thoughtSignature"] = signature
        body = {"contents": [*contents, *more], **thinking}
        raw = await ask(swift, body, model=model)
        return None if raw.status == 200 else raw.json()["error"]["message"]

    assert await told(kept) is None
    # The SDK for Python writes it in the other alphabet.
    assert await told(kept.replace("+", "-").replace("/", "_")) is None
    assert await told(SKIP) is None
    assert await told(base64.b64encode(SKIP.encode()).decode()) is None
    missing = await told(None)
    assert missing is not None
    assert missing.startswith("Function call is missing a thought_signature")
    assert "function call `default_api:f` , position 2." in missing
    for wrong in ("AAAA" + kept[4:], "é", "made up", "bWFkZSB1cA=="):
        assert await told(wrong) == "Corrupted thought signature."
    # What lies before the newest words of the user is not looked at any more.
    assert await told(None, turn("model", {"text": "17"}), HELLO) is None


@pytest.mark.parametrize("action", ["generateContent", "streamGenerateContent"])
async def test_a_call_that_was_cut_is_not_told(swift: Simulator, action: str) -> None:
    body = {
        "contents": [HELLO],
        **declared(),
        "generationConfig": {"maxOutputTokens": 14},
    }
    sent = request(f"/v1beta/models/sim-fast:{action}", body)
    told = (await exchange(swift.base_url, sent)).json()
    chunks = told if isinstance(told, list) else [told]
    parts = [part for one in chunks for part in one["candidates"][0]["content"]["parts"]]
    assert "".join(part["text"] for part in parts) == "I'll look that up for you."
    assert chunks[-1]["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert chunks[-1]["usageMetadata"]["candidatesTokenCount"] == 14


async def test_a_signature_does_not_fit_another_function(swift: Simulator) -> None:
    contents = await conversation(swift, "sim-gemini")
    text = json.dumps(contents).replace('"name": "f"', '"name": "g"')
    raw = await ask(swift, {"contents": json.loads(text)}, model="sim-gemini")
    assert raw.json()["error"]["message"] == "Corrupted thought signature."


async def test_older_models_and_those_that_do_not_think_need_no_signature(
    swift: Simulator,
) -> None:
    contents = [HELLO, turn("model", CALL), turn("user", RESULT)]
    for model in ("gemini-2.5-flash", "sim-gemini"):
        assert (await ask(swift, {"contents": contents}, model=model)).status == 200


async def test_texts_of_the_newest_models_are_signed_and_may_come_back(swift: Simulator) -> None:
    body = {"generationConfig": {"thinkingConfig": {"thinkingLevel": "low"}}}
    content = (await ask(swift, body)).json()["candidates"][0]["content"]
    (part,) = content["parts"]
    assert set(part) == {"text", "thoughtSignature"}
    path = "/v1beta/models/sim-fast:streamGenerateContent"
    streamed = await exchange(swift.base_url, request(path, {"contents": [HELLO], **body}))
    *begun, end = [chunk["candidates"][0]["content"]["parts"] for chunk in streamed.json()]
    assert [set(one) for (one,) in begun] == [{"text"}] * len(begun)
    assert end == [{"text": "", "thoughtSignature": part["thoughtSignature"]}]
    again = {**body, "contents": [HELLO, content, HELLO]}
    assert (await ask(swift, again)).status == 200
    part["thoughtSignature"] = "AAAA" + part["thoughtSignature"][4:]
    assert await refusal(swift, again) == "Corrupted thought signature."


@pytest.mark.parametrize("base", ["", "/v1beta", "/v1"])
async def test_a_key_may_stand_in_the_query(swift: Simulator, base: str) -> None:
    path = f"{base or '/v1beta'}/models/sim-fast:generateContent"
    body = {"contents": [HELLO]}
    good = request(f"{path}?key=mine", body, {"authorization": ""})
    assert (await exchange(swift.base_url, good)).status == 200
    none = await exchange(swift.base_url, request(path, body, {"authorization": ""}))
    assert (none.status, none.json()["error"]["status"]) == (403, "PERMISSION_DENIED")
    wrong = await exchange(swift.base_url, request(path, body, {"x-goog-api-key": "bad-key"}))
    assert wrong.status == 400
    assert wrong.json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"


async def test_vertex_has_its_own_ideas_of_keys_files_labels_and_schemas(swift: Simulator) -> None:
    body = {
        "contents": [turn("user", {"fileData": {"fileUri": "https://example.com/a.png"}})],
        "labels": {"team": "a"},
        **declared(parameters={"type": "object", "additionalProperties": False}),
    }
    raw = await ask(swift, body, base=VERTEX)
    told = raw.json()
    assert (raw.status, told["usageMetadata"]["trafficType"]) == (200, "ON_DEMAND")
    assert told["createTime"].startswith("2025-")
    for wrong in ("", "Bearer bad-key"):
        raw = await ask(swift, body, base=VERTEX, authorization=wrong)
        assert (raw.status, raw.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


async def test_a_limit_says_in_its_body_when_to_come_back(swift: Simulator) -> None:
    headers = {"x-simulator-fault": "status_429;retry_after=34.4"}
    raw = await ask(swift, {}, **headers)
    kinds = {one["@type"].rpartition(".")[2]: one for one in raw.json()["error"]["details"]}
    assert kinds["RetryInfo"]["retryDelay"] == "34.4s"
    assert "PerMinute" in kinds["QuotaFailure"]["violations"][0]["quotaId"]
    assert "retry-after" not in raw.headers
    spent = await ask(swift, {}, **{"x-simulator-fault": "insufficient_quota"})
    (failure,) = spent.json()["error"]["details"]
    assert "PerDay" in failure["violations"][0]["quotaId"]


async def counted(swift: Simulator, body: Any) -> Raw:
    path = "/v1beta/models/sim-fast:countTokens"
    return await exchange(swift.base_url, request(path, body))


async def test_tokens_are_counted_of_contents_or_of_a_whole_request(swift: Simulator) -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": "eA=="}}
    bare = await counted(swift, {"contents": [turn("user", {"text": "hello"}, image)]})
    assert bare.json() == {
        "totalTokens": 2 + 258,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 2},
            {"modality": "IMAGE", "tokenCount": 258},
        ],
    }
    whole = {"contents": [HELLO], "systemInstruction": {"parts": [{"text": "Be brief."}]}}
    told = await counted(swift, {"generateContentRequest": whole})
    assert told.json()["totalTokens"] == 2 + 3
    both = await counted(swift, {"contents": [HELLO], "generateContentRequest": whole})
    assert both.status == 400
    assert swift.ledger[0].bill_nano == 0


async def test_errors_of_a_stream_that_is_an_array_are_arrays(swift: Simulator) -> None:
    path = "/v1beta/models/gemini-9:streamGenerateContent"
    raw = await exchange(swift.base_url, request(path, {"contents": [HELLO]}))
    ((error),) = raw.json()
    assert (raw.status, error["error"]["status"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "contents is not specified"),
        ({"content": {"parts": [{"text": ""}]}}, "contents is not specified"),
        ({"content": {"parts": [{"text": "x"}]}, "taskType": "SOLVE"}, '"SOLVE"'),
        ({"content": {"parts": [{"text": "x"}]}, "title": "x"}, "only for RETRIEVAL_DOCUMENT"),
        ({"content": {"parts": [{"text": "x"}]}, "outputDimensionality": 9999}, "range [1, 256]"),
    ],
)
async def test_embeddings_that_google_refuses_are_refused(
    swift: Simulator, body: Any, sentence: str
) -> None:
    path = "/v1beta/models/sim-embed:embedContent"
    raw = await exchange(swift.base_url, request(path, body))
    assert (raw.status, sentence in raw.json()["error"]["message"]) == (400, True)


async def test_a_batch_is_for_the_model_of_its_path_and_not_without_end(swift: Simulator) -> None:
    path = "/v1beta/models/sim-embed:batchEmbedContents"
    one = {"model": "models/sim-embed", "content": {"parts": [{"text": "x"}]}}

    async def status(*requests: Any) -> int:
        return (await exchange(swift.base_url, request(path, {"requests": requests}))).status

    assert await status(one, one) == 200
    assert await status() == 400
    assert await status(*[one] * 101) == 400
    assert await status({**one, "model": "models/other"}) == 400


async def test_one_embedding_comes_with_its_count(swift: Simulator) -> None:
    path = "/v1beta/models/sim-embed:embedContent"
    body = {"content": {"parts": [{"text": "one two"}]}, "outputDimensionality": 4}
    told = (await exchange(swift.base_url, request(path, body))).json()
    assert len(told["embedding"]["values"]) == 4
    assert told["usageMetadata"]["promptTokenCount"] == 2
    quiet = request(path, body, {"x-simulator-fault": "no_usage"})
    assert set((await exchange(swift.base_url, quiet)).json()) == {"embedding"}
