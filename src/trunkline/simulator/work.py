"""Work that is no conversation: what it came to, and the shapes that several wires share."""

import base64
import hashlib
import struct

import msgspec

from trunkline.simulator.billing import TokenUse
from trunkline.simulator.embedding import embedding
from trunkline.simulator.models import SimModel
from trunkline.simulator.script import Step

_JUDGED_DIMENSIONS = 256
_DOCUMENTS_PER_SEARCH = 100


class Work(msgspec.Struct, frozen=True):
    """An answer of one body, or of events where the request asked for them.

    Attributes:
        use: what is billed.
        steps: the answer without timing; their tokens add up to ``use.output``.
        digest: what the timings are drawn from.
        stream: whether the steps are events.
    """

    model: SimModel
    use: TokenUse
    steps: tuple[Step, ...]
    digest: bytes
    content_type: str = "application/json"
    stream: bool = False
    chunked: bool = False


def done(model: SimModel, use: TokenUse, body: bytes, *, with_usage: bool) -> Work:
    """Work whose answer is one JSON document."""
    step = Step(body, tokens=use.output, kind="body", reports_usage=with_usage)
    return Work(model, use, (step,), hashlib.blake2b(body, digest_size=16).digest())


def vector(seed: int, model: SimModel, text: str, dimensions: int) -> list[float]:
    """The embedding of a text, of length 1: texts that share words point in a like direction."""
    return embedding(f"{seed} {model.name}".encode()[:64], text, dimensions)


def packed(floats: list[float]) -> str:
    """A vector as OpenAI packs it: little-endian floats of 4 bytes in base64."""
    return base64.b64encode(struct.pack(f"<{len(floats)}f", *floats)).decode()


def ranked(seed: int, model: SimModel, query: str, documents: list[str]) -> list[tuple[int, float]]:
    """The documents by their place in the request, each with its score from 0 to 1, best first."""
    wanted = vector(seed, model, query, _JUDGED_DIMENSIONS)
    scores = []
    for index, document in enumerate(documents):
        given = vector(seed, model, document, _JUDGED_DIMENSIONS)
        likeness = sum(one * other for one, other in zip(wanted, given, strict=True))
        scores.append((index, round(min(1.0, max(0.0, likeness)), 7)))
    return sorted(scores, key=lambda scored: (-scored[1], scored[0]))


def search_units(documents: int) -> int:
    """What a rerank is billed by: one unit for each hundred documents that were begun."""
    return -(-documents // _DOCUMENTS_PER_SEARCH)
