"""OpenAI Images: tiny pictures at the tokens of real ones, whole or as events."""

import base64
import hashlib
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec
from typing_extensions import override

from trunkline.simulator.asked import Asked
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.models import WireName
from trunkline.simulator.openai.wire import OpenAiWire, created, invalid, pretty, required_model
from trunkline.simulator.reading import decode
from trunkline.simulator.script import Step
from trunkline.simulator.tokens import count_tokens
from trunkline.simulator.wire import EVENTS, WorkWire
from trunkline.simulator.work import Work, done

_SIDE = 8
_PARTIAL_TOKENS = 100
_TOKENS: Mapping[str, Mapping[str, int]] = {
    "1024x1024": {"low": 272, "medium": 1056, "high": 4160},
    "1024x1536": {"low": 408, "medium": 1584, "high": 6240},
    "1536x1024": {"low": 400, "medium": 1568, "high": 6208},
}
"""What gpt-image-1 bills for one picture, by its size and quality."""


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    prompt: str
    model: str
    n: Annotated[int, msgspec.Meta(ge=1, le=10)] | None = None
    size: Literal["auto", "1024x1024", "1024x1536", "1536x1024"] | None = None
    quality: Literal["auto", "low", "medium", "high"] | None = None
    background: Literal["auto", "opaque", "transparent"] | None = None
    output_format: Literal["png"] | None = None
    output_compression: int | None = None
    moderation: Literal["auto", "low"] | None = None
    stream: bool | None = None
    partial_images: Annotated[int, msgspec.Meta(ge=0, le=3)] | None = None
    user: str | None = None


class Images(OpenAiWire, WorkWire):
    """``/v1/images/generations``; it paints png only."""

    name: WireName = "openai_images"

    @override
    def work(self, asked: Asked, seed: int, *, with_usage: bool) -> Work:
        body = decode(asked.body, _Body, invalid)
        model = required_model(body.model, self.name)
        if not body.prompt:
            raise invalid("Invalid 'prompt': prompt cannot be an empty string.", "prompt")
        tokens = count_tokens(body.prompt)
        if tokens > model.context:
            raise invalid(
                f"Invalid 'prompt': string too long. Expected at most {model.context} tokens.",
                "prompt",
                "string_above_max_length",
            )
        painter = _Painter(body, seed, tokens, with_usage=with_usage)
        if not body.stream:
            return done(model, painter.use, pretty(painter.document()), with_usage=with_usage)
        return Work(
            model, painter.use, tuple(painter.events()), painter.digest, EVENTS, stream=True
        )


class _Painter:
    """Paints and describes the pictures of one request."""

    def __init__(self, body: _Body, seed: int, tokens: int, *, with_usage: bool) -> None:
        self._body = body
        self._with_usage = with_usage
        self._partial = body.partial_images or 0 if body.stream else 0
        self._number = body.n or 1
        size = "1024x1024" if body.size in {None, "auto"} else str(body.size)
        quality = "medium" if body.quality in {None, "auto"} else str(body.quality)
        self._picture = _TOKENS[size][quality]
        output = self._number * self._picture + self._partial * _PARTIAL_TOKENS
        self.use = TokenUse(uncached=tokens, output=output)
        self.digest = hashlib.blake2b(f"{seed} {body.prompt}".encode(), digest_size=16).digest()
        self._described = {
            "background": "transparent" if body.background == "transparent" else "opaque",
            "output_format": "png",
            "quality": quality,
            "size": size,
        }

    def document(self) -> dict[str, Any]:
        """All pictures as one document."""
        document: dict[str, Any] = {
            "created": created(self.digest),
            **self._described,
            "data": [{"b64_json": self._painted(number)} for number in range(self._number)],
        }
        return {**document, **self._usage()}

    def events(self) -> Iterator[Step]:
        """The pictures as events, with what they looked like on the way."""
        for number in range(self._partial):
            partial = {"partial_image_index": number, "b64_json": self._painted(number)}
            event = self._event("image_generation.partial_image", partial)
            yield Step(event, _PARTIAL_TOKENS, kind="content")
        for number in range(self._number):
            last = number == self._number - 1
            whole = {"b64_json": self._painted(number), **(self._usage() if last else {})}
            event = self._event("image_generation.completed", whole)
            reports = last and self._with_usage
            yield Step(
                event, self._picture, kind="end" if last else "content", reports_usage=reports
            )

    def _event(self, name: str, fields: dict[str, Any]) -> bytes:
        event = {"type": name, "created_at": created(self.digest), **self._described, **fields}
        return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(event) + b"\n\n"

    def _painted(self, number: int) -> str:
        return base64.b64encode(
            _png(hashlib.blake2b(self.digest + bytes((number,))).digest())
        ).decode()

    def _usage(self) -> dict[str, Any]:
        if not self._with_usage:
            return {}
        use = self.use
        usage = {
            "input_tokens": use.uncached,
            "input_tokens_details": {"image_tokens": 0, "text_tokens": use.uncached},
            "output_tokens": use.output,
            "output_tokens_details": {"image_tokens": use.output, "text_tokens": 0},
            "total_tokens": use.uncached + use.output,
        }
        return {"usage": usage}


def _png(colours: bytes) -> bytes:
    """A valid picture of eight by eight pixels in rows of the colours."""
    rows = b"".join(b"\0" + colours[3 * row : 3 * row + 3] * _SIDE for row in range(_SIDE))
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
