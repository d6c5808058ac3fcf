"""Whether a stream is held until it is whole, so that none of its faults reaches the caller."""

from collections.abc import Mapping
from typing import Final

from trunkline.gateway.caller import Caller
from trunkline.gateway.snapshot import Alias

HEADER: Final = b"x-trunkline-buffered"

_YES: Final = frozenset({b"true", b"1", b"on"})


def wants_it_whole(caller: Caller, alias: Alias, headers: Mapping[bytes, bytes]) -> bool:
    """What the key, the route or the request says of streams; other answers are whole anyway."""
    if caller.buffered or alias.route.buffered:
        return True
    asked = headers.get(HEADER)
    return asked is not None and asked.strip().lower() in _YES
