"""The recorded transcripts of Bedrock, and what the tests of its wire share."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.wire.bedrock_converse.passing import BedrockConverse
from trunkline.gateway.wire.contract import Answering, Place

ROOT = Path(__file__).parents[4]
FIXTURES = Path(
    os.environ.get("TRUNKLINE_FIXTURES", ROOT.parent / "shared" / "fixtures")  # noqa: TID251 - where fixtures lie is no setting of the product
)
BEDROCK = FIXTURES / "bedrock"
needs_transcripts = pytest.mark.skipif(
    not BEDROCK.is_dir(), reason=f"no recorded transcripts at {BEDROCK}"
)

WIRE = BedrockConverse()
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
REPLIES = ("converse-cache", "converse-text", "converse-tool", "guardrail-intervened")
STREAMS = ("converse-stream", "converse-stream-empty-delta")
ANSWERING = Answering("abc", CLAUDE, 1, None)


def body_of(name: str) -> Document:
    """The recorded request."""
    meta = json.loads((BEDROCK / f"{name}.meta.json").read_text())
    body: Document = meta["request"]["body"]
    return body


def reply_of(name: str) -> bytes:
    return (BEDROCK / f"{name}.json").read_bytes()


def stream_of(name: str) -> bytes:
    return (BEDROCK / f"{name}.eventstream.bin").read_bytes()


def read(document: Any) -> Request:
    return WIRE.codec.read_request(document, Place(item=CLAUDE))


def written(
    request: Request, destination: Destination | None = None
) -> tuple[Document, tuple[str, ...]]:
    """The document for Bedrock, and what was lost on the way."""
    losses = Losses()
    target = destination or Destination(CLAUDE, family="anthropic")
    return WIRE.codec.write_request(request, target, losses), losses.names
