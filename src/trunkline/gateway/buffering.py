"""Whether a stream is held until it is whole, so that none of its faults reaches the caller."""

from collections.abc import Mapping
from typing import Final

from trunkline.errors import InvalidRequest
from trunkline.gateway.caller import Caller
from trunkline.gateway.snapshot import Alias

HEADER: Final = b"x-trunkline-buffered"

_WORDS: Final = {
    **dict.fromkeys((b"true", b"1", b"on", b"yes"), True),
    **dict.fromkeys((b"false", b"0", b"off", b"no"), False),
}


def wants_it_whole(caller: Caller, alias: Alias, headers: Mapping[bytes, bytes]) -> bool:
    """What the request says of streams, else its key or route; other answers are whole anyway.

    Raises:
        InvalidRequest: the request's header says neither yes nor no.
    """
    asked = headers.get(HEADER)
    if asked is None:
        return caller.buffered or alias.route.buffered
    word = _WORDS.get(asked.strip().lower())
    if word is None:
        raise InvalidRequest(
            "The header 'x-trunkline-buffered' says neither true nor false.",
            code="invalid_header",
            param="x-trunkline-buffered",
            hint="Send 'true' to have a stream held until it is whole, or 'false'.",
        )
    return word
