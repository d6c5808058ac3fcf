import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.wire.recordings import FIXTURES, NOBODY, metered, needs_transcripts, recorded

from trunkline.errors import BudgetExhausted, InvalidRequest, LimitExceeded, Unavailable
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Malformed, Place, ProviderFault, Sight
from trunkline.gateway.wire.gemini.passing import Gemini

WIRE = Gemini()
STREAM = Gemini(streams=True)
HERE = Place(item="gemini-3-pro")
HELLO = [{"role": "user", "parts": [{"text": "hello"}]}]


def body(**members: Any) -> bytes:
    return json.dumps({"contents": HELLO, **members}).encode()


def frame(**members: Any) -> bytes:
    return b"data: " + json.dumps(members).encode() + b"\r\n\r\n"


def says(*parts: Any, **members: Any) -> dict[str, Any]:
    return {"content": {"parts": list(parts), "role": "model"}, **members}


def test_a_request_is_read_as_far_as_the_path_needs_it() -> None:
    parts = [
        {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
        {"inline_data": {"mime_type": "application/pdf", "data": "aGk="}},
        {"fileData": {"fileUri": "gs://b/c"}},
    ]
    sent = body(
        contents=[{"parts": parts}],
        generationConfig={"maxOutputTokens": 9, "candidateCount": 2},
        tools=[{"googleSearch": {}}, {"functionDeclarations": []}],
        serviceTier="flex",
        labels={"team": "a", "odd": 1},
        cachedContent="cachedContents/c",
    )
    read = STREAM.read_request(sent, "chat", HERE)
    assert (read.model, read.stream, read.max_tokens, read.answers) == ("gemini-3-pro", True, 9, 2)
    assert read.ceilings == ("maxOutputTokens", "max_tokens")
    assert (read.attachments, read.files) == (2, 3)
    assert (read.has_tools, read.server_tools, read.searches) == (True, True, True)
    assert (read.service_tier, read.tags, read.place) == ("flex", (("team", "a"),), HERE)


def test_names_with_underscores_are_read_as_well() -> None:
    sent = body(
        generation_config={"max_output_tokens": 9, "candidate_count": 2}, service_tier="flex"
    )
    read = WIRE.read_request(sent, "chat", HERE)
    assert (read.stream, read.max_tokens, read.answers) == (False, 9, 2)
    assert read.service_tier == "flex"


def test_what_is_not_said_is_not_assumed() -> None:
    read = WIRE.read_request(body(), "chat", Place(item="models/m"))
    assert (read.model, read.max_tokens, read.ceilings, read.answers) == ("m", None, (), 1)
    assert (read.attachments, read.files, read.has_tools, read.server_tools) == (0, 0, False, False)
    assert (read.service_tier, read.tags) == (None, ())


@pytest.mark.parametrize(
    ("raw", "code", "param"),
    [
        (b"", "empty_body", None),
        (b"{}", "missing_contents", "contents"),
        (b'{"contents":{}}', "invalid_type", "contents"),
        (b'{"contents":[1],"generationConfig":1}', "invalid_type", "generationConfig"),
        (
            b'{"contents":[1],"generationConfig":{"maxOutputTokens":"9"}}',
            "invalid_type",
            "maxOutputTokens",
        ),
        (
            b'{"contents":[1],"generationConfig":{"maxOutputTokens":0}}',
            "invalid_value",
            "maxOutputTokens",
        ),
        (
            b'{"contents":[1],"generationConfig":{"topP":1},"generation_config":{}}',
            "invalid_value",
            "generationConfig",
        ),
    ],
)
def test_bad_requests_are_named(raw: bytes, code: str, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        WIRE.read_request(raw, "chat", HERE)
    assert (caught.value.code, caught.value.param) == (code, param)


def test_a_request_without_a_model_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        WIRE.read_request(body(), "chat")
    assert caught.value.code == "missing_model"
    assert WIRE.read_request(body(model="models/m"), "chat").model == "m"


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_raise_anything_but_its_own_error(raw: bytes) -> None:
    with contextlib.suppress(InvalidRequest):
        WIRE.read_request(raw, "chat", HERE)


def test_a_body_passes_as_it_is_but_for_a_model_that_it_names() -> None:
    sent = json.loads(body(model="models/public", labels={"é": "1"}))
    read = WIRE.read_request(json.dumps(sent).encode(), "chat", Place(item="public"))
    assert json.loads(WIRE.write_request(read, "public")) == sent
    assert json.loads(WIRE.write_request(read, "own")) == {**sent, "model": "models/own"}
    plain = WIRE.read_request(body(), "chat", HERE)
    assert json.loads(WIRE.write_request(plain, "own")) == {"contents": HELLO}


def test_a_whole_request_whose_tokens_are_counted_is_read_and_renamed() -> None:
    inner = {"model": "models/public", "contents": HELLO, "tools": [{"codeExecution": {}}]}
    sent = json.dumps({"generateContentRequest": inner}).encode()
    read = STREAM.read_request(sent, "count_tokens", Place(item="public"))
    assert (read.stream, read.server_tools, read.searches) == (False, True, False)
    assert json.loads(WIRE.write_request(read, "own")) == {
        "generateContentRequest": {**inner, "model": "models/own"}
    }


def test_a_ceiling_is_set_where_the_request_names_none() -> None:
    for spelt in ("generationConfig", "generation_config"):
        read = WIRE.read_request(body(**{spelt: {"topP": 1}}), "chat", HERE)
        WIRE.limit_output(read, 7, "whatever")
        assert (read.max_tokens, read.ceilings) == (7, ("maxOutputTokens", "max_tokens"))
        assert json.loads(WIRE.write_request(read, read.model)) == {
            "contents": HELLO,
            spelt: {"topP": 1, "maxOutputTokens": 7},
        }


@pytest.mark.parametrize(
    ("operation", "model", "stream", "path"),
    [
        ("chat", "gemini-3-pro", False, b"/models/gemini-3-pro:generateContent"),
        ("chat", "m@1", True, b"/models/m@1:streamGenerateContent?alt=sse"),
        ("count_tokens", "a/b:c ?", False, b"/models/a%2Fb%3Ac%20%3F:countTokens"),
        ("chat", "tunedModels/t:1", False, b"/tunedModels/t%3A1:generateContent"),
    ],
)
def test_the_model_and_the_action_stand_in_the_path(
    operation: str, model: str, stream: bool, path: bytes
) -> None:
    assert WIRE.path(operation, model, stream=stream) == path


@pytest.mark.parametrize(
    ("reported", "usage"),
    [
        ({"promptTokenCount": 3, "totalTokenCount": 3}, Usage(input=3)),
        (
            {
                "promptTokenCount": 10,
                "cachedContentTokenCount": 4,
                "toolUsePromptTokenCount": 5,
                "candidatesTokenCount": 7,
                "thoughtsTokenCount": 2,
                "totalTokenCount": 24,
            },
            Usage(input=11, cache_read=4, output=7, reasoning=2),
        ),
        # Some answers count the thoughts among the candidates' tokens, as their total shows.
        (
            {
                "promptTokenCount": 10,
                "candidatesTokenCount": 7,
                "thoughtsTokenCount": 2,
                "totalTokenCount": 17,
            },
            Usage(input=10, output=5, reasoning=2),
        ),
        (
            {"promptTokenCount": 10, "thoughtsTokenCount": 2, "totalTokenCount": 15},
            Usage(input=10, output=3, reasoning=2),
        ),
        ({"candidatesTokenCount": 7, "totalTokenCount": 17}, Usage(input=10, output=7)),
        ({"promptTokenCount": 10, "candidatesTokenCount": 7}, Usage(input=10, output=7)),
        ({"promptTokenCount": 10}, Usage(input=10)),
        ({"candidatesTokenCount": 7}, None),
        (
            {
                "promptTokenCount": 20,
                "cachedContentTokenCount": 6,
                "candidatesTokenCount": 9,
                "totalTokenCount": 29,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 8},
                    {"modality": "AUDIO", "tokenCount": 12},
                ],
                "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 5}],
                "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 4}],
            },
            Usage(input=7, cache_read=6, audio_input=7, output=5, audio_output=4),
        ),
    ],
)
def test_usage_is_split_into_disjoint_buckets(
    reported: dict[str, Any], usage: Usage | None
) -> None:
    raw = json.dumps({"candidates": [], "usageMetadata": reported}).encode()
    assert WIRE.read_reply(raw, "chat").usage == usage


def test_searches_are_counted_and_the_tier_is_told() -> None:
    grounded = says({"text": "a"}, groundingMetadata={"webSearchQueries": ["a", "b"]})
    raw = json.dumps(
        {
            "candidates": [grounded],
            "modelVersion": "gemini-x",
            "usageMetadata": {"promptTokenCount": 1, "serviceTier": "flex"},
        }
    ).encode()
    reply = WIRE.read_reply(raw, "chat")
    assert reply.usage == Usage(input=1, searches=2)
    assert (reply.model, reply.service_tier) == ("gemini-x", "flex")


def test_an_answer_of_a_shape_that_we_do_not_know_passes() -> None:
    assert WIRE.read_reply(b'{"candidates":[1]}', "chat").usage is None
    assert WIRE.read_reply(b'{"promptFeedback":{"blockReason":"SAFETY"}}', "chat").usage is None


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[1]", b"{}", b'{"candidates":'])
def test_an_answer_that_is_none_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        WIRE.read_reply(raw, "chat")


def test_a_count_of_tokens_costs_nothing() -> None:
    assert WIRE.read_reply(b'{"totalTokens":5}', "count_tokens").usage == Usage()
    for raw in (b"{}", b"nope"):
        with pytest.raises(Malformed):
            WIRE.read_reply(raw, "count_tokens")


STREAMS = {
    "stream-text": ([Sight.CONTENT, Sight.CONTENT, Sight.CLOSING], Usage(input=13, output=8)),
    "stream-tool-thought-signature": (
        [Sight.CONTENT, Sight.CLOSING],
        Usage(input=29, output=10, reasoning=202),
    ),
    "stream-tool-thought-signature-followup": (
        [Sight.CONTENT, Sight.CONTENT, Sight.CLOSING],
        Usage(input=257, output=8),
    ),
}


@needs_transcripts
@pytest.mark.parametrize("name", STREAMS)
def test_a_recorded_stream_ends_in_the_same_state_wherever_it_is_cut(name: str) -> None:
    data = recorded(f"gemini/{name}.sse")
    for cut in range(len(data) + 1):
        reader, sights, frames = metered(WIRE, [data[:cut], data[cut:]])
        assert b"".join(frames) == data
        assert (sights, reader.usage) == STREAMS[name]


def test_usage_is_a_bill_only_beside_what_may_be_the_last_event() -> None:
    reader = WIRE.stream_reader(NOBODY)
    report = {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7}
    text = {"text": "Hé"}
    assert reader.read(frame(candidates=[says({"text": ""})])) is Sight.START
    assert reader.read(frame(candidates=[says(text)], usageMetadata=report)) is Sight.CONTENT
    assert (reader.usage, reader.input_usage) == (None, Usage(input=5, output=2))
    ending = frame(candidates=[says(text, finishReason="STOP")], usageMetadata=report)
    assert reader.read(ending) is Sight.CLOSING
    bills = [reader.usage]
    # An older model goes on after its reason to finish.
    assert reader.read(frame(candidates=[says(text)])) is Sight.CONTENT
    bills.append(reader.usage)
    assert bills == [Usage(input=5, output=2), None]
    last = frame(candidates=[says(finishReason="STOP")], modelVersion="m")
    assert reader.read(last) is Sight.CLOSING
    late = {**report, "serviceTier": "flex"}
    assert reader.read(frame(usageMetadata=late)) is Sight.CLOSING
    assert reader.usage == Usage(input=5, output=2)
    assert (reader.service_tier, reader.content_bytes, reader.model) == ("flex", 9, "m")


def test_what_counts_as_content() -> None:
    reader = WIRE.stream_reader(NOBODY)
    call = {"functionCall": {"name": "f", "args": {}}}
    for part, size in ((call, 25), ({"toolCall": {}}, 1), ({"executableCode": {"a": 1}}, 8)):
        before = reader.content_bytes
        assert reader.read(frame(candidates=[says(part)])) is Sight.CONTENT
        assert reader.content_bytes - before == size
    assert reader.read(b": hello\r\n\r\n") is Sight.START
    assert reader.read(frame(candidates=[{"index": 0}])) is Sight.START


def test_a_blocked_prompt_is_a_clean_end() -> None:
    reader = WIRE.stream_reader(NOBODY)
    assert reader.read(frame(promptFeedback={"blockReason": "SAFETY"})) is Sight.CLOSING


def test_an_error_inside_a_stream_is_an_error() -> None:
    error = {"code": 503, "status": "UNAVAILABLE", "message": "Overloaded"}
    for told in (frame(error=error), frame(error=error, candidates=5)):
        reader = WIRE.stream_reader(NOBODY)
        assert reader.read(told) is Sight.ERROR
        assert reader.error == ProviderFault(503, "UNAVAILABLE", "Overloaded", ours=False)


def test_an_event_of_a_shape_that_we_do_not_know_passes() -> None:
    reader = WIRE.stream_reader(NOBODY)
    assert reader.read(frame(candidates=5)) is Sight.CLOSING
    assert reader.content_bytes == 17
    assert reader.read(b"data: [1]\r\n\r\n") is Sight.CONTENT
    with pytest.raises(Malformed):
        reader.read(b'data: {"candidates"\r\n\r\n')


def details(*members: dict[str, Any], status: str = "INVALID_ARGUMENT") -> bytes:
    error = {"code": 400, "message": "No.", "status": status, "details": list(members)}
    return json.dumps({"error": error}).encode()


@pytest.mark.parametrize(
    ("status", "raw", "fault"),
    [
        (400, details(), ProviderFault(400, "INVALID_ARGUMENT", "No.", ours=False)),
        (
            400,
            details({"reason": "API_KEY_INVALID", "domain": "googleapis.com"}),
            ProviderFault(400, "INVALID_ARGUMENT", "No.", ours=True),
        ),
        (
            400,
            details(status="FAILED_PRECONDITION"),
            ProviderFault(400, "FAILED_PRECONDITION", "No.", ours=True),
        ),
        (
            429,
            details({"violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]}, {"x": 1}),
            ProviderFault(429, "INVALID_ARGUMENT", "No.", ours=True),
        ),
        (
            503,
            details({"retryDelay": "1.5s"}, {"retryDelay": "9s"}, {"reason": 5}),
            ProviderFault(503, "INVALID_ARGUMENT", "No.", ours=False, retry_after=1.5),
        ),
        (
            503,
            details({"retryDelay": "soon"}, {"retryDelay": "xs"}, {"retryDelay": "-1s"}),
            ProviderFault(503, "INVALID_ARGUMENT", "No.", ours=False),
        ),
        (
            500,
            b'[{"error":{"code":500,"status":"INTERNAL"}}]',
            ProviderFault(500, "INTERNAL", None, ours=False),
        ),
        (
            404,
            b'{"error":{"code":"not_found","message":"Gone."}}',
            ProviderFault(404, "not_found", "Gone.", ours=False),
        ),
        (403, b"<html>", ProviderFault(403, None, None, ours=True)),
        (0, b"[]", ProviderFault(502, None, None, ours=False)),
        (0, b'{"error":{"code":7}}', ProviderFault(502, None, None, ours=False)),
        (
            0,
            b'{"error":{"status":"DEADLINE_EXCEEDED"}}',
            ProviderFault(504, "DEADLINE_EXCEEDED", None, ours=False),
        ),
    ],
)
def test_faults_of_the_provider_are_understood(
    status: int, raw: bytes, fault: ProviderFault
) -> None:
    assert WIRE.read_fault(status, raw) == fault


@needs_transcripts
def test_a_recorded_refusal_says_when_to_come_again() -> None:
    raw = (FIXTURES / "gemini/error-429-shape.json").read_bytes()
    message = "You exceeded your current quota, please check your plan."
    assert WIRE.read_fault(429, raw) == ProviderFault(
        429, "RESOURCE_EXHAUSTED", message, ours=False, retry_after=34.4
    )


def test_our_errors_have_googles_shape() -> None:
    error = LimitExceeded("Too many.", hint="Wait.", param="model", retry_after=2.5)
    kind = "type.googleapis.com/google.rpc."
    assert json.loads(WIRE.error_body(error, "r1")) == {
        "error": {
            "code": 429,
            "message": "Too many. Wait.",
            "status": "RESOURCE_EXHAUSTED",
            "details": [
                {
                    "@type": f"{kind}ErrorInfo",
                    "reason": "RATE_LIMIT_EXCEEDED",
                    "domain": "trunkline",
                    "metadata": {
                        "code": "rate_limit_exceeded",
                        "requestId": "r1",
                        "param": "model",
                    },
                },
                {"@type": f"{kind}RetryInfo", "retryDelay": "2.5s"},
            ],
        }
    }


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [
        (BudgetExhausted("Spent."), 402, "RESOURCE_EXHAUSTED"),
        (Unavailable("Full."), 503, "UNAVAILABLE"),
        (InvalidRequest("No.", status=413), 413, "INVALID_ARGUMENT"),
        (Unavailable("Full.", status=507), 507, "INTERNAL"),
    ],
)
def test_an_error_in_a_stream_has_googles_word(error: Any, status: int, word: str) -> None:
    told = WIRE.error_frame(error, "r1")
    assert told.startswith(b"data: {")
    assert told.endswith(b"\r\n\r\n")
    inner = json.loads(told[6:])["error"]
    assert (inner["code"], inner["status"]) == (status, word)
