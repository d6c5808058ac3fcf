"""From a request in the caller's wire to a passage: untouched, or written for another wire."""

from typing import Any

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.passage import Passage, Passing, Translating
from trunkline.gateway.routing.speaking import Speech
from trunkline.gateway.snapshot import Alias, Target
from trunkline.gateway.wire.contract import Answering, Inbound, Wire
from trunkline.gateway.wire.members import encode_members

_decode = msgspec.json.Decoder().decode


class Translator:
    """Writes one request for each wire that its targets speak.

    Its state is the request in the internal form, read once and only when a target needs it.
    """

    __slots__ = ("_alias", "_answering", "_id", "_request", "_wire", "dropped")

    def __init__(self, wire: Wire, request: Inbound, alias: Alias, request_id: str) -> None:
        self._wire = wire
        self._request = request
        self._alias = alias
        self._id = request_id.replace("-", "")
        self._answering: Answering | None = None
        self.dropped: tuple[str, ...] = ()

    def passage(self, speech: Speech, created: int) -> Passage:
        """The way to this target.

        Raises:
            InvalidRequest: the request cannot be read, or loses what the alias must not lose.
        """
        self.dropped = ()
        if speech.passes:
            return Passing(speech, self._request)
        codec = speech.wire.codec
        if codec is None:
            raise AssertionError("a plan names only wires that can be written")
        answering = self._answering or self._read(created)
        losses = Losses()
        document = codec.write_request(answering.request, destination_of(speech.target), losses)
        if losses:
            if self._alias.on_unsupported == "refuse":
                raise losses.refuse(self._alias.name, _HINT)
            self.dropped = losses.names
        return Translating(
            self._wire, speech.wire, document, answering, stream=self._request.stream
        )

    def _read(self, created: int) -> Answering:
        request, codec = self._request, self._wire.codec
        if codec is None:
            raise AssertionError("a plan translates only from wires that can be read")
        read: Any = codec.read_request(_document(request), request.place)
        self._answering = Answering(self._id, request.model, created, read)
        return self._answering


_HINT = "Leave it out, or use a model whose provider speaks your own wire."


def destination_of(target: Target) -> Destination:
    """A target as writers see it."""
    connection = target.connection
    return Destination(
        model=target.model,
        max_output_tokens=target.max_output_tokens,
        output_limit_field=connection.output_limit_field,
        family=target.family,
        traits=target.traits,
        quirks=connection.quirks,
    )


def _document(request: Inbound) -> dict[str, Any]:
    """The members as they were read and, where the path sets some, changed."""
    try:
        document: dict[str, Any] = _decode(encode_members(request.fields))
    except RecursionError:
        raise InvalidRequest(
            "The body is nested too deeply to be read.",
            code="too_deeply_nested",
            hint="Flatten the content, or send the nested part as a string.",
        ) from None
    except msgspec.DecodeError as error:
        raise InvalidRequest(
            f"The body is not valid JSON: {error}.", code="invalid_json", hint="Send valid JSON."
        ) from None
    return document
