"""OpenAI Transcriptions: made-up words for a sound, at the tokens or seconds of real ones."""

import hashlib
import math
import random
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from typing_extensions import override

from trunkline.simulator.asked import Asked
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.models import SimModel, WireName
from trunkline.simulator.multipart import Field, read_form
from trunkline.simulator.openai.sound import seconds_of
from trunkline.simulator.openai.wire import OpenAiWire, invalid, pretty, required_model
from trunkline.simulator.prose import verbatim, write_prose
from trunkline.simulator.reading import decode
from trunkline.simulator.script import Step
from trunkline.simulator.tokens import count_tokens, split_tokens
from trunkline.simulator.wire import EVENTS, WorkWire
from trunkline.simulator.work import Work

_BILLED_BY_SECONDS = "whisper-1"
_AUDIO_TOKENS_PER_SECOND = 10
_SPOKEN_TOKENS_PER_SECOND = 3
_FORMATS = ("flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm")
_LISTS = frozenset({"include", "timestamp_granularities"})


class _Form(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    language: str | None = None
    prompt: str = ""
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt"] = "json"
    temperature: str | None = None
    stream: Literal["true", "false", "True", "False"] = "false"
    chunking_strategy: str | None = None
    include: list[str] = []
    timestamp_granularities: list[str] = []


class _Heard(msgspec.Struct, frozen=True):
    """What came of one sound."""

    model: SimModel
    form: _Form
    seconds: float
    pieces: tuple[str, ...]
    digest: bytes

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def by_seconds(self) -> bool:
        return self.model.name == _BILLED_BY_SECONDS

    def use(self) -> TokenUse:
        if self.by_seconds:
            return TokenUse(seconds=math.ceil(self.seconds))
        return TokenUse(
            uncached=count_tokens(self.form.prompt),
            audio=max(1, round(self.seconds * _AUDIO_TOKENS_PER_SECOND)),
            output=len(self.pieces),
        )

    def usage(self) -> dict[str, Any]:
        use = self.use()
        if self.by_seconds:
            return {"type": "duration", "seconds": use.seconds}
        return {
            "type": "tokens",
            "total_tokens": use.input_total + use.output,
            "input_tokens": use.input_total,
            "input_token_details": {"text_tokens": use.uncached, "audio_tokens": use.audio},
            "output_tokens": use.output,
        }


class Transcriptions(OpenAiWire, WorkWire):
    """``/v1/audio/transcriptions``."""

    name: WireName = "openai_transcription"

    @override
    def named(self, asked: Asked) -> str:
        fields = read_form(asked.headers.get("content-type", ""), asked.body) or ()
        return next((field.text for field in fields if field.name == "model"), "")

    @override
    def work(self, asked: Asked, seed: int, *, with_usage: bool) -> Work:
        form, sound = _read(asked)
        model = required_model(form.model, self.name)
        heard = _hear(form, sound, model, seed)
        if form.stream.lower() == "true" and not heard.by_seconds:
            steps = tuple(_events(heard, with_usage=with_usage))
            return Work(model, heard.use(), steps, heard.digest, EVENTS, stream=True)
        kind, body, reports = _written(heard, with_usage=with_usage)
        step = Step(body, heard.use().output, kind="body", reports_usage=reports)
        return Work(model, heard.use(), (step,), heard.digest, kind)


def _read(asked: Asked) -> tuple[_Form, bytes]:
    fields = read_form(asked.headers.get("content-type", ""), asked.body)
    if fields is None:
        raise invalid("Could not parse multipart form.")
    values: dict[str, Any] = {}
    sound: Field | None = None
    for field in fields:
        name = field.name.removesuffix("[]")
        if name == "file":
            sound = field
        elif name in _LISTS:
            values.setdefault(name, []).append(field.text)
        else:
            values[name] = field.text
    form = decode(msgspec.json.encode(values), _Form, invalid)
    if sound is None:
        raise invalid("Missing required parameter: 'file'.", "file", "missing_required_parameter")
    ending = (sound.filename or "").rpartition(".")[2].lower()
    if ending not in _FORMATS:
        raise invalid(f"Unrecognized file format. Supported formats: {list(_FORMATS)}", "file")
    return form, sound.content


def _hear(form: _Form, sound: bytes, model: SimModel, seed: int) -> _Heard:
    if not sound:
        raise invalid("Audio file might be corrupted or unsupported", "file", "invalid_value")
    if model.name != _BILLED_BY_SECONDS and form.response_format not in {"json", "text"}:
        raise invalid(
            f"response_format '{form.response_format}' is not compatible with model "
            f"'{model.name}'. Use 'json' or 'text' instead.",
            "response_format",
            "unsupported_value",
        )
    digest = hashlib.blake2b(sound + f"{seed} {form.prompt}".encode(), digest_size=16).digest()
    seconds = seconds_of(sound)
    spoken = max(1, round(seconds * _SPOKEN_TOKENS_PER_SECOND))
    text = verbatim(form.prompt) or write_prose(random.Random(digest), form.prompt, spoken)
    return _Heard(model, form, seconds, tuple(split_tokens(text)), digest)


def _written(heard: _Heard, *, with_usage: bool) -> tuple[str, bytes, bool]:
    """Content type and body, and whether usage is in it."""
    usage = {"usage": heard.usage()} if with_usage else {}
    match heard.form.response_format:
        case "text":
            return "text/plain; charset=utf-8", heard.text.encode() + b"\n", False
        case "srt":
            timing = f"{_clock(0, ',')} --> {_clock(heard.seconds, ',')}"
            return "text/plain; charset=utf-8", f"1\n{timing}\n{heard.text}\n\n".encode(), False
        case "vtt":
            timing = f"{_clock(0, '.')} --> {_clock(heard.seconds, '.')}"
            return "text/vtt", f"WEBVTT\n\n{timing}\n{heard.text}\n\n".encode(), False
        case "verbose_json":
            return "application/json", pretty({**_verbose(heard), **usage}), with_usage
        case _:
            return "application/json", pretty({"text": heard.text, **usage}), with_usage


def _verbose(heard: _Heard) -> dict[str, Any]:
    segment = {
        "id": 0,
        "seek": 0,
        "start": 0.0,
        "end": heard.seconds,
        "text": heard.text,
        "tokens": list(range(len(heard.pieces))),
        "temperature": 0.0,
        "avg_logprob": -0.25,
        "compression_ratio": 1.0,
        "no_speech_prob": 0.01,
    }
    return {
        "task": "transcribe",
        "language": heard.form.language or "english",
        "duration": heard.seconds,
        "text": heard.text,
        "segments": [segment],
    }


def _events(heard: _Heard, *, with_usage: bool) -> Iterator[Step]:
    for piece in heard.pieces:
        event = _event({"type": "transcript.text.delta", "delta": piece})
        yield Step(event, 1, kind="content")
    done: dict[str, Any] = {"type": "transcript.text.done", "text": heard.text}
    if with_usage:
        done["usage"] = heard.usage()
    yield Step(_event(done), kind="end", reports_usage=with_usage)


def _event(event: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(event) + b"\n\n"


def _clock(seconds: float, point: str) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{thousandths:03}"
