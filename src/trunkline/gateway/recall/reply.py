"""An answer as it is kept: what the caller got, without what was this caller's alone."""

import re
from typing import Final

import msgspec

from trunkline.gateway.headers import Pairs
from trunkline.gateway.metering.event import Outcome
from trunkline.kit.money import format_usd

# Bytes of the whole frames that are given at once when a stream is given again.
_PIECE: Final = 16_384

# Why an answer ended where it should not have: its provider's filter, or an error that it calls an
# end. A quotation mark inside a text is escaped, so a text can look like this only where it is
# nothing but such a word, and is then not kept. Source: the references of each wire's stop reasons.
# The two patterns are apart because one with two beginnings is looked for six times as slowly.
_UNCLEAN: Final = re.compile(
    rb':\s*"(?:content_filter|content_filtered|refusal|guardrail_intervened|error|failed|SAFETY|'
    rb"RECITATION|LANGUAGE|OTHER|BLOCKLIST|PROHIBITED_CONTENT|SPII|MALFORMED_FUNCTION_CALL|"
    rb"MODEL_ARMOR|IMAGE_SAFETY|UNEXPECTED_TOOL_CALL|TOO_MANY_TOOL_CALLS|"
    rb'ERROR|ERROR_TOXIC|ERROR_LIMIT|USER_CANCEL|TIMEOUT|pause_turn|load)"'
)
# OpenAI's chats have a member for a refusal, which is null where there is none.
_REFUSAL: Final = re.compile(rb'"refusal"\s*:\s*"[^"]')


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """One whole answer.

    Attributes:
        made_ms: Unix time in milliseconds at which it was whole.
        stream: whether it is one.
        head: the headers that the provider gave it.
        pieces: of a stream, each of them whole frames; otherwise the body alone.
        label: the model as a header shows it.
        dropped: what of the request was left out.
        provider: id of the provider's row.
        connection_id: the connection that it came from.
        model: the upstream id.
        wire: the API format spoken with the provider.
        outcome: what it used and cost.
    """

    made_ms: int
    stream: bool
    head: tuple[tuple[bytes, bytes], ...]
    pieces: tuple[bytes, ...]
    label: bytes
    dropped: tuple[str, ...]
    provider: str
    connection_id: str
    model: str
    wire: str
    outcome: Outcome

    @property
    def cost_nano(self) -> int:
        """Nano-dollars; 0 where nobody knows them."""
        return self.outcome.cost_nano or 0

    def age(self, now: float) -> float:
        """Seconds since it was made."""
        return max(0.0, now - self.made_ms / 1000)

    def is_clean(self) -> bool:
        """Whether it ended as it should; the request's own limit of length is such an end."""
        text = b"".join(self.pieces)
        return _UNCLEAN.search(text) is None and _REFUSAL.search(text) is None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Reply).decode


def write_reply(reply: Reply) -> bytes:
    """The bytes that are kept."""
    return _encode(msgspec.structs.replace(reply, pieces=_joined(reply.pieces)))


def read_reply(kept: bytes) -> Reply | None:
    """The reply, or None where another version of the product wrote it."""
    try:
        return _decode(kept)
    except msgspec.DecodeError:
        return None


def told_of(label: bytes, dropped: tuple[str, ...]) -> Pairs:
    """What headers say of an answer that another request had made."""
    told = [(b"x-trunkline-model", label)] if label else []
    if dropped:
        told.append((b"x-trunkline-dropped", ", ".join(dropped).encode()))
    return told


def money_told(reply: Reply, *, charged: bool) -> Pairs:
    """What headers say of the money: what is paid now, and what is not."""
    outcome = reply.outcome
    known = outcome.cost_nano is not None
    amount = format_usd(reply.cost_nano).encode() if known else b"unpriced"
    if known and outcome.cost_state != "exact":
        amount += b" estimated"
    if charged:
        return [(b"x-trunkline-cost", amount)]
    return [(b"x-trunkline-cost", b"0.00"), (b"x-trunkline-saved", amount)]


def _joined(pieces: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The same bytes in fewer pieces, so that each piece still ends with a frame."""
    joined: list[bytes] = []
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        if waiting and size + len(piece) > _PIECE:
            joined.append(b"".join(waiting))
            waiting, size = [], 0
        waiting.append(piece)
        size += len(piece)
    joined.append(b"".join(waiting))
    return tuple(joined)
