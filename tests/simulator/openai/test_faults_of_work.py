"""The faults on operations that are no conversation, whole and as events."""

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.simulator.raw import BOUND, Raw, exchange, request

from trunkline.simulator import SeenAttempt, Simulator

Ended = Callable[[], "asyncio.Future[SeenAttempt]"]

FORM = (
    b'--mark\r\ncontent-disposition: form-data; name="model"\r\n\r\nsim-transcribe\r\n'
    b'--mark\r\ncontent-disposition: form-data; name="file"; filename="a.mp3"\r\n\r\n'
    + bytes(48_000)
    + b"\r\n"
)
STREAMED = b'--mark\r\ncontent-disposition: form-data; name="stream"\r\n\r\ntrue\r\n'
SPEECH = {"model": "sim-speech", "input": "Say it in a few words, and slowly", "voice": "alloy"}
IMAGE = {"model": "sim-image", "prompt": "a red cat", "n": 3}

BODIES: dict[str, tuple[str, Any]] = {
    "embeddings": ("/v1/embeddings", {"model": "sim-embed", "input": ["one", "two"]}),
    "images": ("/v1/images/generations", IMAGE),
    "speech": ("/v1/audio/speech", SPEECH),
    "moderations": ("/v1/moderations", {"model": "sim-moderate", "input": "hello"}),
    "transcription": ("/v1/audio/transcriptions", FORM + b"--mark--\r\n"),
}
STREAMS: dict[str, tuple[str, Any]] = {
    "images": ("/v1/images/generations", {**IMAGE, "stream": True, "partial_images": 3}),
    "speech": ("/v1/audio/speech", {**SPEECH, "input": "word " * 20, "stream_format": "sse"}),
    "transcription": ("/v1/audio/transcriptions", FORM + STREAMED + b"--mark--\r\n"),
}
NO_USAGE_AT_ALL = {"speech", "moderations"}

bodies = pytest.mark.parametrize("name", BODIES)
streams = pytest.mark.parametrize("name", STREAMS)


async def under(
    simulator: Simulator, asked: tuple[str, Any], fault: str = "", *, patience: float = BOUND
) -> Raw:
    path, body = asked
    headers = {"x-simulator-fault": fault} if fault else {}
    if isinstance(body, bytes):
        headers["content-type"] = "multipart/form-data; boundary=mark"
    return await exchange(simulator.base_url, request(path, body, headers), patience=patience)


def last(raw: Raw) -> Any:
    return json.loads(raw.events[-1].partition("data: ")[2])


@bodies
async def test_an_error_status_is_openais_and_free(
    simulator: Simulator, ended: Ended, name: str
) -> None:
    statuses = {"status_429": 429, "overloaded": 503, "insufficient_quota": 429, "status_500": 500}
    for fault, status in statuses.items():
        raw = await under(simulator, BODIES[name], fault)
        assert (raw.status, set(raw.json()["error"])) == (
            status,
            {"message", "type", "param", "code"},
        )
        seen = await ended()
        assert (seen.fault, seen.status, seen.bill_nano) == (fault, status, 0)


@bodies
@pytest.mark.parametrize("fault", ["error_first", "error_in_stream"])
async def test_an_error_can_be_the_body_of_a_200(
    simulator: Simulator, ended: Ended, name: str, fault: str
) -> None:
    raw = await under(simulator, BODIES[name], fault)
    assert (raw.status, set(raw.json())) == (200, {"error"})
    seen = await ended()
    assert (seen.complete, seen.bill_nano) == (False, seen.input_only_nano)


@streams
@pytest.mark.parametrize(("fault", "before"), [("error_first", 0), ("error_in_stream;after=3", 3)])
async def test_an_error_ends_a_stream(
    simulator: Simulator, ended: Ended, name: str, fault: str, before: int
) -> None:
    whole = await under(simulator, STREAMS[name])
    raw = await under(simulator, STREAMS[name], fault)
    assert raw.events[:-1] == whole.events[:before]
    assert last(raw)["error"]["code"] == "server_is_overloaded"
    assert ((await ended()).complete, raw.ended_well) == (False, True)


@bodies
async def test_a_cut_is_exact(simulator: Simulator, ended: Ended, name: str) -> None:
    whole = await under(simulator, BODIES[name])
    raw = await under(simulator, BODIES[name], "cut_after_bytes;bytes=33")
    assert (raw.ending, raw.ended_well, raw.body) == ("closed", False, whole.body[:33])
    seen = await ended()
    assert (seen.complete, seen.reported_usage) == (False, False)
    raw = await under(simulator, BODIES[name], "missing_end")
    assert raw.ended_well
    assert raw.body == whole.body.rstrip()[:-1]
    assert (await ended()).complete is False


@streams
async def test_a_stream_is_cut_between_its_events(
    simulator: Simulator, ended: Ended, name: str
) -> None:
    whole = await under(simulator, STREAMS[name])
    raw = await under(simulator, STREAMS[name], "cut_after_events;after=2")
    assert (raw.events, raw.ended_well) == (whole.events[:2], False)
    seen = await ended()
    assert seen.input_only_nano < seen.bill_nano
    raw = await under(simulator, STREAMS[name], "missing_end")
    assert (raw.events, raw.ended_well) == (whole.events[:-1], True)
    raw = await under(simulator, STREAMS[name], "malformed_chunk;after=2")
    assert [one == other for one, other in zip(raw.events, whole.events, strict=True)].count(
        False
    ) == 1
    assert ((await ended()).complete, raw.ended_well) == (False, True)


@pytest.mark.parametrize("asked", [*BODIES.values(), *STREAMS.values()])
async def test_padding_and_packing_change_nothing_that_matters(
    simulator: Simulator, ended: Ended, asked: tuple[str, Any]
) -> None:
    whole = await under(simulator, asked)
    raw = await under(simulator, asked, "huge_chunk;megabytes=0.1")
    assert len(raw.body) >= len(whole.body) + 100_000
    assert (await ended()).complete
    raw = await under(simulator, asked, "gzip")
    assert gzip.decompress(raw.body) == whole.body
    raw = await under(simulator, asked, "stale_keep_alive")
    assert raw.body == whole.body


@bodies
async def test_a_body_can_keep_its_usage_to_itself(
    simulator: Simulator, ended: Ended, name: str
) -> None:
    whole = await under(simulator, BODIES[name])
    assert (b'"usage"' in whole.body) == (name not in NO_USAGE_AT_ALL)
    billed = (await ended()).bill_nano
    raw = await under(simulator, BODIES[name], "no_usage")
    assert b'"usage"' not in raw.body
    seen = await ended()
    assert (seen.complete, seen.reported_usage, seen.bill_nano) == (True, False, billed)


@streams
async def test_a_stream_can_keep_its_usage_to_itself(
    simulator: Simulator, ended: Ended, name: str
) -> None:
    assert "usage" in last(await under(simulator, STREAMS[name]))
    assert "usage" not in last(await under(simulator, STREAMS[name], "no_usage"))
    seen = await ended()
    assert (seen.complete, seen.reported_usage) == (True, False)


@pytest.mark.parametrize("asked", [*BODIES.values(), *STREAMS.values()])
@pytest.mark.parametrize(
    ("fault", "ending"),
    [
        ("reset", "reset"),
        ("reset_after_head", "reset"),
        ("bad_chunk_size", "closed"),
        ("wrong_length", "closed"),
        ("wrong_content_type", "closed"),
        ("not_json", "closed"),
        ("empty_body", "closed"),
    ],
)
async def test_what_happens_below_the_wire_happens_here_too(
    simulator: Simulator, ended: Ended, asked: tuple[str, Any], fault: str, ending: str
) -> None:
    assert (await under(simulator, asked, fault)).ending == ending
    seen = await ended()
    assert (seen.complete, seen.client_closed) == (False, False)
    assert seen.bill_nano >= seen.input_only_nano


@pytest.mark.parametrize("asked", [BODIES["speech"], STREAMS["speech"]])
async def test_silence_waits_for_the_client_to_leave(
    simulator: Simulator, ended: Ended, asked: tuple[str, Any]
) -> None:
    raw = await under(simulator, asked, "silence_in_stream", patience=0.05)
    assert (raw.status, raw.ending) == (200, "open")
    assert (await ended()).client_closed
