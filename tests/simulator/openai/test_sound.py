"""Speech and transcriptions."""

import base64
import io
import json
import wave
from typing import Any

import openai
import pytest
from tests.simulator.raw import Raw, exchange, request

from trunkline.simulator import Simulator

TEXT = "Hello there, this is thirty ch"
MP3 = b"\0" * 48_000
"""Three seconds by the rule for what is no wav."""


async def speak(simulator: Simulator, **fields: Any) -> Raw:
    body = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": TEXT, **fields}
    return await exchange(simulator.base_url, request("/v1/audio/speech", body))


async def listen(simulator: Simulator, *fields: tuple[str, Any]) -> Raw:
    parts = [
        f'--mark\r\ncontent-disposition: form-data; name="{name}"'.encode()
        + (b'; filename="a.mp3"' if isinstance(value, bytes) else b"")
        + b"\r\n\r\n"
        + (value if isinstance(value, bytes) else str(value).encode())
        + b"\r\n"
        for name, value in fields
    ]
    headers = {"content-type": "multipart/form-data; boundary=mark"}
    body = b"".join(parts) + b"--mark--\r\n"
    return await exchange(simulator.base_url, request("/v1/audio/transcriptions", body, headers))


@pytest.mark.parametrize(
    ("kind", "content_type", "length"),
    [("mp3", "audio/mpeg", 56 * 36), ("pcm", "audio/pcm", 96_000), ("wav", "audio/wav", 96_044)],
)
async def test_speech_is_sound_in_chunks_and_billed_by_its_length(
    simulator: Simulator, kind: str, content_type: str, length: int
) -> None:
    raw = await speak(simulator, response_format=kind)
    assert raw.headers["content-type"] == content_type
    assert (raw.headers["transfer-encoding"], len(raw.body)) == ("chunked", length)
    if kind == "wav":
        with wave.open(io.BytesIO(raw.body)) as file:
            assert file.getnframes() / file.getframerate() == 2
    (seen,) = simulator.ledger
    # $0.60 and $12 per million tokens; 20 tokens are one second.
    assert (seen.input_tokens, seen.output_tokens) == (7, 40)
    assert seen.bill_nano == 7 * 600 + 40 * 12_000
    assert (seen.complete, seen.reported_usage) == (True, False)


async def test_the_tokens_of_long_speech_add_up(simulator: Simulator) -> None:
    await speak(simulator, input="a" * 4092, speed=0.25)
    assert simulator.ledger[-1].output_tokens == 1091 * 20


async def test_the_sdk_reads_speech(openai_client: openai.AsyncOpenAI) -> None:
    async with openai_client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="nova", input=TEXT, speed=2.0
    ) as answer:
        sound = await answer.read()
    assert len(sound) == 28 * 36


async def test_an_older_model_is_billed_by_characters(simulator: Simulator) -> None:
    await speak(simulator, model="tts-1")
    # $15 per million characters.
    assert simulator.ledger[-1].bill_nano == 30 * 15_000


async def test_speech_can_come_as_events_with_usage(simulator: Simulator) -> None:
    whole = (await speak(simulator, instructions="Be calm.")).body
    raw = await speak(simulator, instructions="Be calm.", stream_format="sse")
    events = [json.loads(event.removeprefix("data: ")) for event in raw.events]
    assert b"".join(base64.b64decode(event["audio"]) for event in events[:-1]) == whole
    assert {event["type"] for event in events[:-1]} == {"speech.audio.delta"}
    usage = {"input_tokens": 10, "output_tokens": 40, "total_tokens": 50}
    assert events[-1] == {"type": "speech.audio.done", "usage": usage}
    assert simulator.ledger[-1].reported_usage is True
    raw = await speak(simulator, stream_format="sse", model="sim-speech+fault=no_usage")
    assert json.loads(raw.events[-1].removeprefix("data: ")) == {"type": "speech.audio.done"}


@pytest.mark.parametrize(
    ("fields", "status", "param", "code"),
    [
        ({"model": "gpt-4o"}, 404, None, "model_not_found"),
        ({"input": ""}, 400, "input", None),
        ({"input": "a" * 4097}, 400, "input", "string_above_max_length"),
        ({"voice": "robot"}, 400, "voice", "invalid_value"),
        ({"voice": None}, 400, "voice", "invalid_type"),
        ({"model": "tts-1", "stream_format": "sse"}, 400, "stream_format", None),
        ({"speed": 5}, 400, "speed", "invalid_type"),
    ],
)
async def test_speech_that_breaks_a_rule_is_refused(
    simulator: Simulator, fields: Any, status: int, param: str | None, code: str | None
) -> None:
    raw = await speak(simulator, **fields)
    error = raw.json()["error"]
    assert (raw.status, error["param"], error["code"]) == (status, param, code)
    assert simulator.ledger[-1].bill_nano == 0


async def test_a_transcription_is_one_document_and_is_billed_by_tokens(
    simulator: Simulator,
) -> None:
    fields = (("model", "gpt-4o-transcribe"), ("file", MP3), ("prompt", "Say good morning"))
    raw = await listen(simulator, *fields)
    assert raw.json() == {
        "text": "good morning",
        "usage": {
            "type": "tokens",
            "total_tokens": 4 + 30 + 3,
            "input_tokens": 34,
            "input_token_details": {"text_tokens": 4, "audio_tokens": 30},
            "output_tokens": 3,
        },
    }
    (seen,) = simulator.ledger
    assert (seen.model, seen.input_tokens, seen.audio_tokens) == ("gpt-4o-transcribe", 34, 30)
    # $2.50 for text, $6 for sound and $10 for output, per million tokens.
    assert seen.bill_nano == 4 * 2_500 + 30 * 6_000 + 3 * 10_000


async def test_a_transcription_streams(openai_client: openai.AsyncOpenAI) -> None:
    fields: Any = {"model": "gpt-4o-transcribe", "file": ("a.mp3", MP3)}
    whole = await openai_client.audio.transcriptions.create(**fields)
    stream = await openai_client.audio.transcriptions.create(**fields, stream=True)
    events = [event async for event in stream]
    *deltas, done = [event.model_dump(exclude_none=True) for event in events]
    assert {event["type"] for event in deltas} == {"transcript.text.delta"}
    assert "".join(event["delta"] for event in deltas) == whole.text
    assert done == {
        "type": "transcript.text.done",
        "text": whole.text,
        "usage": whole.usage.model_dump(exclude_none=True) if whole.usage else None,
    }


async def test_whisper_is_billed_by_seconds_and_writes_every_format(simulator: Simulator) -> None:
    fields = (("model", "whisper-1"), ("file", MP3), ("prompt", "Say hello there"))
    whole = (await listen(simulator, *fields, ("stream", "true"))).json()
    usage = {"type": "duration", "seconds": 3}
    assert whole == {"text": "hello there", "usage": usage}
    seen = simulator.ledger[-1]
    assert (seen.audio_seconds, seen.bill_nano, seen.stream) == (3, 3 * 100_000, False)

    async def written(kind: str) -> bytes:
        return (await listen(simulator, *fields, ("response_format", kind))).body

    assert await written("text") == b"hello there\n"
    assert await written("srt") == b"1\n00:00:00,000 --> 00:00:03,000\nhello there\n\n"
    assert await written("vtt") == b"WEBVTT\n\n00:00:00.000 --> 00:00:03.000\nhello there\n\n"
    assert simulator.ledger[-1].reported_usage is False
    raw = await listen(
        simulator,
        *fields,
        ("response_format", "verbose_json"),
        ("timestamp_granularities[]", "segment"),
        ("language", "german"),
    )
    segment = {
        "id": 0,
        "seek": 0,
        "start": 0.0,
        "end": 3.0,
        "text": "hello there",
        "tokens": [0, 1],
        "temperature": 0.0,
        "avg_logprob": -0.25,
        "compression_ratio": 1.0,
        "no_speech_prob": 0.01,
    }
    assert raw.json() == {
        "task": "transcribe",
        "language": "german",
        "duration": 3.0,
        "text": "hello there",
        "segments": [segment],
        "usage": usage,
    }


async def test_a_wav_says_how_long_it_is(
    simulator: Simulator, openai_client: openai.AsyncOpenAI
) -> None:
    sound = (await speak(simulator, response_format="wav", input="a" * 150)).body
    answer = await openai_client.audio.transcriptions.create(
        model="whisper-1", file=("a.wav", sound)
    )
    assert answer.usage is not None
    assert answer.usage.model_dump() == {"type": "duration", "seconds": 10.0}


async def test_a_form_carries_a_fault_in_its_model(simulator: Simulator) -> None:
    model = ("model", "sim-transcribe+fault=status_503")
    assert (await listen(simulator, model, ("file", MP3))).status == 503
    assert simulator.ledger[-1].model == "sim-transcribe"
    model = ("model", "sim-transcribe+fault=no_usage")
    assert set((await listen(simulator, model, ("file", MP3))).json()) == {"text"}
    stream = ("stream", "true")
    raw = await listen(simulator, model, ("file", MP3), stream)
    last = json.loads(raw.events[-1].removeprefix("data: "))
    assert set(last) == {"type", "text"}


WHISPER = ("model", "whisper-1")


@pytest.mark.parametrize(
    ("fields", "status", "param", "code"),
    [
        ([WHISPER], 400, "file", "missing_required_parameter"),
        ([("file", MP3)], 400, "model", "missing_required_parameter"),
        ([("model", "gpt-4o"), ("file", MP3)], 404, None, "model_not_found"),
        ([WHISPER, ("file", "no file")], 400, "file", None),
        ([WHISPER, ("file", b"")], 400, "file", "invalid_value"),
        ([WHISPER, ("file", MP3), ("colour", "red")], 400, "colour", "unknown_parameter"),
        (
            [("model", "gpt-4o-transcribe"), ("file", MP3), ("response_format", "srt")],
            400,
            "response_format",
            "unsupported_value",
        ),
    ],
)
async def test_a_form_that_breaks_a_rule_is_refused(
    simulator: Simulator,
    fields: list[tuple[str, Any]],
    status: int,
    param: str | None,
    code: str | None,
) -> None:
    raw = await listen(simulator, *fields)
    error = raw.json()["error"]
    assert (raw.status, error["param"], error["code"]) == (status, param, code)
    assert simulator.ledger[-1].bill_nano == 0


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data; boundary=mark", b"nothing of it"),
        ("multipart/form-data; boundary=mark", b'--mark\r\nname="a"\r\n\r\nbroken off'),
        ("multipart/form-data; boundary=mark", b"--mark\r\n\r\nno name\r\n--mark--"),
    ],
)
async def test_what_is_no_form_is_refused(
    simulator: Simulator, content_type: str, body: bytes
) -> None:
    headers = {"content-type": content_type}
    sent = request("/v1/audio/transcriptions", body, headers)
    raw = await exchange(simulator.base_url, sent)
    assert raw.status == 400
    assert raw.json()["error"]["message"] == "Could not parse multipart form."
