"""The recorded transcripts, and what the tests of several wires do with them."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.wire.contract import Answering, Inbound, Sight, StreamReader, Wire

ROOT = Path(__file__).parents[3]
FIXTURES = Path(
    os.environ.get("TRUNKLINE_FIXTURES", ROOT.parent / "shared" / "fixtures")  # noqa: TID251 - where fixtures lie is no setting of the product
)
needs_transcripts = pytest.mark.skipif(
    not FIXTURES.is_dir(), reason=f"no recorded transcripts at {FIXTURES}"
)
NOBODY = Inbound(fields={}, model="", size=0)


def asked(name: str) -> Document:
    """The recorded request."""
    meta = json.loads((FIXTURES / f"{name}.meta.json").read_text())
    body: Document = meta["request"]["body"]
    return body


def recorded(name: str) -> bytes:
    """The recorded answer, by its name with its ending."""
    return (FIXTURES / name).read_bytes()


def answering(request: Any = None, model: str = "public", created: int = 0) -> Answering:
    return Answering("0123456789abcdef0123456789abcdef", model, created, request)


def metered(wire: Wire, chunks: list[bytes]) -> tuple[StreamReader, list[Sight], list[bytes]]:
    """What the meter makes of a stream that comes in these chunks."""
    reader, splitter = wire.stream_reader(NOBODY), wire.splitter(1 << 20)
    sights, frames = [], []
    for chunk in chunks:
        for frame in splitter.feed(chunk):
            frames.append(frame)
            sights.append(reader.read(frame))
    assert not splitter.rest().strip()
    return reader, sights, frames


def retold(
    provider: Wire, caller: Wire, data: bytes, answering: Answering, cut: Callable[[bytes], bytes]
) -> list[bytes]:
    """A provider's stream as its caller gets it, each frame passed through ``cut``."""
    reader, sights, frames = metered(provider, [data])
    assert provider.events is not None
    assert caller.events is not None
    events, writer = provider.events.event_reader("5eed"), caller.events.event_writer(answering)
    told = b"".join(writer.write(events.read(frame)) for frame in frames)
    told += writer.write(events.close()) + writer.close(reader.usage)
    assert sights[-1] is Sight.END
    return [cut(frame) for frame in caller.splitter(1 << 20).feed(told)]
