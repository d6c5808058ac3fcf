"""From a request in the caller's wire to a passage: untouched, or written for another wire."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.continuity import Continuity
from trunkline.gateway.exchange.continuity import Kept, restore
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.fit import fit
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.guarding.look import Look
from trunkline.gateway.guarding.stand_ins import StandIns
from trunkline.gateway.links import Limits, inline_links
from trunkline.gateway.metering.event import Guarded
from trunkline.gateway.passage import Passage, Passing, Retelling, Translating, Watching
from trunkline.gateway.routing.speaking import Speech
from trunkline.gateway.snapshot import Alias, Target
from trunkline.gateway.transport import UpstreamPool
from trunkline.gateway.wire.contract import (
    CHAT,
    COMPLETION,
    IMAGE,
    IMAGE_EDIT,
    RERANK,
    TRANSCRIPTION,
    TRANSLATION,
    Answering,
    Inbound,
    Wire,
)
from trunkline.kit.clock import Clock

_decode = msgspec.json.Decoder().decode


class Tools(msgspec.Struct, frozen=True):
    """What translating needs beside the request."""

    upstream: UpstreamPool
    continuity: Continuity
    links: Limits
    clock: Clock


class Translator(msgspec.Struct, eq=False):
    """Writes one request for each wire that its targets speak.

    Its state is the request in the internal form, read only when a target needs it, and once for
    each output ceiling that it names, with the links of it fetched once and only when a provider
    does not fetch them itself.

    Args:
        tools: what it needs beside the request.
        wire: the caller's.
        org_id: whose request it is.
        request_id: ours, from which ids in the caller's wire are made.
        request: what is translated.
        alias: whose guards and policies hold.

    Attributes:
        dropped: what the newest passage leaves out, by the names that callers know.
        restored: bytes at most that were kept for the caller and now stand in the request, which
            are billed like those that it sent.
    """

    _tools: Tools
    _wire: Wire
    _org_id: str
    _request_id: str
    _request: Inbound
    _alias: Alias
    _answering: dict[int | None, Answering] = {}
    _inlined: dict[tuple[int | None, tuple[str, ...]], Request] = {}
    dropped: tuple[str, ...] = ()
    restored: int = 0

    def untouched(self, speech: Speech) -> Passage | None:
        """The way to a target that speaks the caller's wire, if nobody looks at the answer."""
        if not speech.passes or self._alias.guards or self._request.stand_ins is not None:
            return None
        self.dropped = ()
        return Passing(speech, self._request)

    async def passage(self, speech: Speech, noted: list[Guarded]) -> Passage:
        """The way to any other target.

        Args:
            speech: the target, and how it is spoken to.
            noted: where is written down what guardrails do to this target's answer.

        Raises:
            InvalidRequest: the request cannot be read, or loses what the alias must not lose.
        """
        look = self._look(speech.operation, noted)
        if speech.passes:
            self.dropped = ()
            return Passing(speech, self._request) if look is None else self._watched(speech, look)
        codec = speech.wire.codec
        if codec is None:
            raise AssertionError("a plan names only wires that can be written")
        answering = self._asked()
        destination = destination_of(speech.target)
        losses = Losses()
        asked = answering.request
        if isinstance(asked, Request):
            asked = fit(await self._with_bytes(asked, destination), destination, losses)
        document = codec.write_request(asked, destination, losses)
        if losses and self._alias.on_unsupported == "refuse":
            raise losses.refuse(self._alias.name, _HINT)
        # Another passage may have been made while links were fetched.
        self.dropped = losses.names if losses else ()
        return Translating(
            self._wire,
            speech.wire,
            document,
            answering,
            self._keep,
            look,
            stream=self._request.stream,
        )

    def _look(self, operation: str, noted: list[Guarded]) -> Look | None:
        """What looks at the answer, if anything does; each attempt begins anew."""
        guards, restored = self._alias.guards, self._request.stand_ins
        if restored is None and not any(guard.outward for guard in guards):
            return None
        if operation not in _TELLING:
            return None
        outward = [guard for guard in guards if guard.outward]
        return Look(outward, noted, "out", StandIns(restored))

    def _watched(self, speech: Speech, look: Look) -> Passage:
        """The way to a target that speaks the caller's wire, under the eyes of guards.

        Raises:
            InvalidRequest: it is a stream of a kind that cannot be looked at.
        """
        request = self._request
        events = speech.wire.events
        if not request.stream:
            return Watching(speech, request, look)
        if events is None:
            if speech.operation not in _HEARD:
                return Passing(speech, request)
            raise InvalidRequest(
                "A guardrail cannot look at a transcript that is streamed.",
                code="guardrail_unsupported",
                param="stream",
                hint="Leave 'stream' out.",
            )
        return Retelling(speech, request, self._asked(), look)

    async def _with_bytes(self, asked: Request, destination: Destination) -> Request:
        quirks = destination.quirks
        if quirks.fetches:
            return asked
        place = self._request.max_tokens, quirks.fetches_from
        known = self._inlined.get(place)
        if known is None:
            tools = self._tools
            known = await inline_links(
                asked, tools.upstream, tools.links, leave=quirks.fetches_from
            )
            self._inlined[place] = known
        return known

    def _asked(self) -> Answering:
        """The request as it is now: aliases that follow each other have ceilings of their own."""
        ceiling = self._request.max_tokens
        answering = self._answering.get(ceiling)
        if answering is None:
            self.restored = 0
            answering = self._answering[ceiling] = self._read()
        return answering

    def _read(self) -> Answering:
        request, codec = self._request, self._wire.codec
        if codec is None:
            raise AssertionError("a plan translates only from wires that can be read")
        asked: Any = codec.read_request(_document(request), request.place)
        if isinstance(asked, Request):
            asked = restore(asked, self._finder())
        return Answering(
            self._request_id.replace("-", ""), request.model, int(self._tools.clock.now()), asked
        )

    def _finder(self) -> Callable[[str], Kept | None]:
        """Looks up what is kept, and counts it."""
        look_up = self._tools.continuity.finder(self._org_id)

        def find(call_id: str) -> Kept | None:
            kept = look_up(call_id)
            if kept is not None:
                self.restored += kept.size
            return kept

        return find

    def _keep(self, calls: Mapping[str, Kept]) -> None:
        self._tools.continuity.keep(self._org_id, calls)


# What has texts in its answer.
_HEARD: Final = frozenset({TRANSCRIPTION, TRANSLATION})
_TELLING: Final = _HEARD | {CHAT, COMPLETION, RERANK, IMAGE, IMAGE_EDIT}

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
        document = {name: _decode(raw) for name, raw in request.fields.items()}
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
