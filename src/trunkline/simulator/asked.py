"""A request as a wire gets to see it: its body with what path, query and headers say."""

from collections.abc import Mapping

import msgspec


class Asked(msgspec.Struct, frozen=True):
    """One request on one route.

    Attributes:
        body: as it came.
        headers: by lower-case name.
        query: the last value of each parameter in the query.
        params: what stood in the path in place of the pattern's ``{names}``, unquoted.
        stream: whether path or query alone already ask for a stream.
        method: as it came.
        target: path and query as they came, for signatures over them.
    """

    body: bytes
    headers: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    params: Mapping[str, str] = {}
    stream: bool = False
    method: str = "POST"
    target: str = ""


class _Named(msgspec.Struct):
    model: str = ""


def named_model(asked: Asked) -> str:
    """The model's name in the path or in a JSON body; nothing where there is none to be read."""
    if "model" in asked.params:
        return asked.params["model"]
    try:
        return msgspec.json.decode(asked.body, type=_Named).model
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
