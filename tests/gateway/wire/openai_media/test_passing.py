import json
from typing import Any

import httpx2
import pytest

from trunkline.errors import InvalidRequest
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import (
    IMAGE,
    MODERATION,
    SPEECH,
    TRANSCRIPTION,
    Malformed,
    Place,
    Sight,
)
from trunkline.gateway.wire.openai_media.passing import (
    OPENAI_IMAGES,
    OPENAI_MODERATION,
    OPENAI_SPEECH,
    OPENAI_TRANSCRIPTION,
)

USAGE = {
    "input_tokens": 30,
    "output_tokens": 7,
    "total_tokens": 37,
    "input_token_details": {"audio_tokens": 20, "text_tokens": 10},
}


def body(**members: Any) -> bytes:
    return json.dumps(members).encode()


def test_an_image_request_is_read_as_far_as_the_path_needs_it() -> None:
    sent = body(model="gpt-image-1", prompt="a duck", n=3, user="u", stream=True, odd=[1])
    read = OPENAI_IMAGES.read_request(sent, IMAGE)
    assert (read.model, read.answers, read.end_user, read.stream) == ("gpt-image-1", 3, "u", True)
    written = json.loads(OPENAI_IMAGES.write_request(read, "gpt-image-2"))
    assert written == {**json.loads(sent), "model": "gpt-image-2"}
    assert OPENAI_IMAGES.path(IMAGE, "gpt-image-2", stream=True) == b"/images/generations"


def test_an_upload_passes_but_for_its_model() -> None:
    request = httpx2.Request(
        "POST",
        "http://127.0.0.1/",
        data={"model": "mine", "stream": "true", "user": "u"},
        files={"file": ("a.wav", b"RIFF\r\n--x", "audio/wav")},
    )
    sent = request.read()
    place = Place(content_type=request.headers["content-type"].encode())
    read = OPENAI_TRANSCRIPTION.read_request(sent, TRANSCRIPTION, place)
    assert (read.model, read.stream, read.end_user) == ("mine", True, "u")
    written = OPENAI_TRANSCRIPTION.write_request(read, "gpt-4o-transcribe")
    assert written == sent.replace(b"mine", b"gpt-4o-transcribe")


def test_only_moderation_has_a_model_of_its_own() -> None:
    read = OPENAI_MODERATION.read_request(body(input="x"), MODERATION)
    assert read.model == "omni-moderation-latest"
    with pytest.raises(InvalidRequest) as refused:
        OPENAI_SPEECH.read_request(body(input="x"), SPEECH)
    assert refused.value.code == "missing_model"


def test_usage_is_told_in_disjoint_buckets_or_not_at_all() -> None:
    told = OPENAI_TRANSCRIPTION.read_reply(body(text="hi", usage=USAGE), TRANSCRIPTION)
    assert told.usage == Usage(input=10, audio_input=20, output=7)
    seconds = body(text="hi", usage={"type": "duration", "seconds": 9})
    assert OPENAI_TRANSCRIPTION.read_reply(seconds, TRANSCRIPTION).usage is None
    assert OPENAI_TRANSCRIPTION.read_reply(b"1\n00:00 --> 00:01\nhi", TRANSCRIPTION).usage is None
    assert OPENAI_SPEECH.read_reply(b"\xff\xfb sound", SPEECH).usage is None
    with pytest.raises(Malformed):
        OPENAI_IMAGES.read_reply(b'{"data": [', IMAGE)


def test_a_stream_ends_after_its_last_kind_of_event() -> None:
    read = OPENAI_TRANSCRIPTION.read_request(body(model="m", stream=True), TRANSCRIPTION)
    reader = OPENAI_TRANSCRIPTION.stream_reader(read)
    done = {"type": "transcript.text.done", "text": "hi", "usage": USAGE}
    frames = [
        (b": waiting\n\n", Sight.START),
        (b'data: {"type":"transcript.text.delta","delta":"hi"}\n\n', Sight.CONTENT),
        (b'data: {"type":1}\n\n', Sight.CONTENT),
        (b"data: " + json.dumps(done).encode() + b"\n\n", Sight.CLOSING),
        (b"data: [DONE]\n\n", Sight.END),
    ]
    assert [reader.read(frame) for frame, _ in frames] == [sight for _, sight in frames]
    assert reader.usage == Usage(input=10, audio_input=20, output=7)
    with pytest.raises(Malformed):
        reader.read(b"data: {\n\n")


def test_a_failure_in_a_stream_is_the_providers_fault() -> None:
    read = OPENAI_IMAGES.read_request(body(model="m", stream=True), IMAGE)
    reader = OPENAI_IMAGES.stream_reader(read)
    frame = b'data: {"type":"error","error":{"message":"No.","type":"server_error"}}\n\n'
    assert reader.read(frame) is Sight.ERROR
    assert reader.error is not None
    assert reader.error.message == "No."
