"""OpenAI Speech: silence of the length that the text would take, in chunks or as events."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal

import msgspec
from typing_extensions import override

from trunkline.simulator.asked import Asked
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.models import SimModel, WireName
from trunkline.simulator.openai.sound import silence
from trunkline.simulator.openai.wire import OpenAiWire, invalid, required_model
from trunkline.simulator.reading import decode
from trunkline.simulator.script import Step
from trunkline.simulator.tokens import count_tokens
from trunkline.simulator.wire import EVENTS, WorkWire
from trunkline.simulator.work import Work

_BILLED_BY_CHARACTERS = "tts-1"
_LONGEST_INPUT = 4096
_CHARACTERS_PER_SECOND = 15
_TOKENS_PER_SECOND = 20
_TYPES: Mapping[str, str] = {"mp3": "audio/mpeg", "wav": "audio/wav", "pcm": "audio/pcm"}
_VOICES = (
    *("alloy", "ash", "ballad", "coral", "echo", "fable", "nova"),
    *("onyx", "sage", "shimmer", "verse", "marin", "cedar"),
)


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    input: str
    voice: str | dict[str, Any]
    instructions: str | None = None
    response_format: Literal["mp3", "wav", "pcm"] = "mp3"
    speed: Annotated[float, msgspec.Meta(ge=0.25, le=4)] = 1.0
    stream_format: Literal["audio", "sse"] = "audio"


class Speech(OpenAiWire, WorkWire):
    """``/v1/audio/speech``; it writes mp3, wav and pcm."""

    name: WireName = "openai_speech"

    @override
    def work(self, asked: Asked, seed: int, *, with_usage: bool) -> Work:
        body = decode(asked.body, _Body, invalid)
        model = required_model(body.model, self.name)
        _check(body, model)
        seconds = max(1, round(len(body.input) / _CHARACTERS_PER_SECOND / body.speed))
        use = _use(body, model, seconds)
        digest = hashlib.blake2b(asked.body, digest_size=16).digest()
        pieces = _pieces(silence(body.response_format, seconds), seconds)
        if body.stream_format == "sse":
            steps = tuple(_events(pieces, use, with_usage=with_usage))
            return Work(model, use, steps, digest, EVENTS, stream=True)
        tokens = use.output // seconds
        steps = tuple(Step(piece, tokens, kind="body") for piece in pieces)
        return Work(model, use, steps, digest, _TYPES[body.response_format], chunked=True)


def _check(body: _Body, model: SimModel) -> None:
    if not body.input:
        raise invalid("Invalid 'input': input cannot be an empty string.", "input")
    if len(body.input) > _LONGEST_INPUT:
        raise invalid(
            f"Invalid 'input': string too long. Expected a string with maximum length "
            f"{_LONGEST_INPUT}, but got a string with length {len(body.input)} instead.",
            "input",
            "string_above_max_length",
        )
    if isinstance(body.voice, str) and body.voice not in _VOICES:
        known = ", ".join(f"'{voice}'" for voice in _VOICES)
        raise invalid(
            f"Invalid value: '{body.voice}'. Supported values are: {known}.",
            "voice",
            "invalid_value",
        )
    if model.name == _BILLED_BY_CHARACTERS and body.stream_format == "sse":
        raise invalid("'stream_format' 'sse' is not supported with this model.", "stream_format")


def _use(body: _Body, model: SimModel, seconds: int) -> TokenUse:
    """Older models are billed by the characters of their input, and nothing else."""
    if model.name == _BILLED_BY_CHARACTERS:
        return TokenUse(uncached=len(body.input))
    tokens = count_tokens(body.input) + count_tokens(body.instructions or "")
    return TokenUse(uncached=tokens, output=seconds * _TOKENS_PER_SECOND)


def _pieces(sound: bytes, number: int) -> list[bytes]:
    bounds = [len(sound) * place // number for place in range(number + 1)]
    return [sound[start:end] for start, end in pairwise(bounds)]


def _events(pieces: list[bytes], use: TokenUse, *, with_usage: bool) -> Iterator[Step]:
    for piece in pieces:
        audio = base64.b64encode(piece).decode()
        event = _event({"type": "speech.audio.delta", "audio": audio})
        yield Step(event, use.output // len(pieces), kind="content")
    done: dict[str, Any] = {"type": "speech.audio.done"}
    if with_usage:
        done["usage"] = {
            "input_tokens": use.uncached,
            "output_tokens": use.output,
            "total_tokens": use.uncached + use.output,
        }
    yield Step(_event(done), kind="end", reports_usage=with_usage)


def _event(event: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(event) + b"\n\n"
