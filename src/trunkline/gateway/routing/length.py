"""How long a request and its answer are likely to be."""

import math
from collections.abc import Iterator
from typing import Final

from trunkline.gateway.wire.contract import EMBEDDING, MODERATION, RERANK, Inbound

TYPICAL_BYTES_PER_TOKEN: Final = 4.0
"""Of a request whose target is not known yet; the same as a target's that does not say."""

WITHOUT_OUTPUT: Final = frozenset({EMBEDDING, RERANK, MODERATION})
"""Operations whose answers are vectors or scores, so that no token is generated."""

# A picture of a thousand pixels each way: Anthropic's vision guide gives width x height / 750
# tokens, OpenAI's 765 for a square of that size.
_TOKENS_PER_ATTACHMENT: Final = 1_200
# What precedes data in base64: links with their data inside, as in OpenAI's formats, and members,
# as in Anthropic's, Google's and Amazon's.
_LINKED: Final = b";base64,"
_MEMBERS: Final = (b'"data"', b'"bytes"')
# Shorter ones are texts or ids as often as data.
_SHORTEST_DATA: Final = 1_024
_SPOKEN: Final = ("messages", "contents", "input")


def input_tokens_of(request: Inbound) -> int:
    """The likely number of input tokens: text by its bytes, pictures and sound by their number."""
    size = request.size + request.repeated
    if not (request.attachments or request.files):
        return math.ceil(size / TYPICAL_BYTES_PER_TOKEN)
    data = 0
    for name in _SPOKEN:
        raw = request.fields.get(name)
        if raw is not None:
            data += sum(_data_sizes(bytes(raw)))
    things = request.attachments * _TOKENS_PER_ATTACHMENT
    return math.ceil(max(size - data, 0) / TYPICAL_BYTES_PER_TOKEN) + things


def _data_sizes(raw: bytes) -> Iterator[int]:
    """The lengths of what is data and no text, found without decoding."""
    for mark in (_LINKED, *_MEMBERS):
        place = raw.find(mark)
        while place >= 0:
            begin = place + len(mark)
            if mark is not _LINKED:
                begin = raw.find(b'"', begin) + 1
            end = raw.find(b'"', begin) if begin else -1
            if end < 0:
                break
            if end - begin >= _SHORTEST_DATA:
                yield end - begin
            place = raw.find(mark, end)


def output_tokens_of(request: Inbound, operation: str, typical: int) -> int:
    """What the request asks for at most, or the typical length where it does not say."""
    if operation in WITHOUT_OUTPUT:
        return 0
    return request.answers * (request.max_tokens or typical)
