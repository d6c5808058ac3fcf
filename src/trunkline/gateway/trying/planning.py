"""One request's way through the policies of an alias: its targets in order, with their bounds."""

import random
from collections.abc import Sequence

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.bounds import NOTHING, are_bound_alike, bounds_of, honoured_ceiling
from trunkline.gateway.caller import Caller
from trunkline.gateway.routing.choose import Facts, choose, facts_of
from trunkline.gateway.routing.resolve import check_ceiling
from trunkline.gateway.routing.speaking import Speech, speak
from trunkline.gateway.routing.view import HealthView
from trunkline.gateway.scope import RequestScope
from trunkline.gateway.snapshot import Alias, Snapshot
from trunkline.gateway.trying.course import Leg
from trunkline.gateway.wire.contract import COUNT_TOKENS, Inbound, OwnCeiling, Wire


class Planner(msgspec.Struct, eq=False):
    """Plans one request for its alias, and for those that its alias falls back to.

    Attributes:
        in_service: whether the newest plan found any target that takes requests.
    """

    _scope: RequestScope
    _snapshot: Snapshot
    _caller: Caller
    _request: Inbound
    _health: HealthView
    _rng: random.Random
    in_service: bool = True

    def elsewhere(self, name: str) -> Sequence[Leg]:
        """The legs of a fallback; none where it is not there or does not allow the request."""
        alias = self._snapshot.aliases.get(name)
        if alias is None:
            return ()
        forget_ceiling(self._request)
        try:
            check_ceiling(alias, self._request)
        except InvalidRequest:
            return ()
        return self.legs(alias)

    def legs(self, alias: Alias) -> list[Leg]:
        """The targets that can be asked, in order, and what each may use and cost."""
        scope, request = self._scope, self._request
        targets = choose(alias, self._facts, self._health, self._rng)
        self.in_service = bool(targets)
        wire, operation = scope.wire, scope.operation
        if operation == COUNT_TOKENS:
            # Nothing is generated, and only who speaks the caller's wire counts in its shape.
            speeches = (speak(target, wire, operation, request) for target in targets)
            return [Leg(alias, found, NOTHING) for found in speeches if found and found.passes]
        legs: list[Leg] = []
        is_limited = alias.max_tokens is not None
        for target in targets:
            speech = speak(target, wire, operation, request)
            if speech is None:
                continue
            if is_limited:
                limit(wire, request, alias, speech)
            if legs and are_bound_alike(legs[0].speech, speech):
                # The same model in several places, which is what most aliases have.
                bounds = legs[0].bounds
            else:
                bounds = bounds_of(request, speech)
            legs.append(Leg(alias, speech, bounds))
        if is_limited:
            # Who asks the same is known again by what it said itself.
            forget_ceiling(request)
        return legs

    def _facts(self) -> Facts:
        scope = self._scope
        return facts_of(
            self._caller, self._request, scope.arrival.headers, scope.wire, scope.operation
        )


def limit(wire: Wire, request: Inbound, alias: Alias, speech: Speech) -> None:
    """Say the alias's ceiling where this provider reads it, in place of what was said to others.

    It is said before the bounds are taken, and once more before each attempt, because the attempts
    of a request may be under different aliases, and even side by side.
    """
    if request.own_ceiling is not None:
        forget_ceiling(request)
    if alias.max_tokens is None:
        return
    connection = speech.target.connection
    if honoured_ceiling(request, connection) is not None:
        return
    request.own_ceiling = OwnCeiling(request.fields, request.max_tokens, request.ceilings)
    request.fields = dict(request.fields)
    ceiling = min(alias.max_tokens, request.max_tokens or alias.max_tokens)
    wire.limit_output(request, ceiling, connection.output_limit_field)


def forget_ceiling(request: Inbound) -> None:
    """Let the request say again what its caller said."""
    own = request.own_ceiling
    if own is not None:
        request.fields, request.max_tokens, request.ceilings = (
            own.fields, own.max_tokens, own.ceilings,
        )  # fmt: skip
        request.own_ceiling = None
