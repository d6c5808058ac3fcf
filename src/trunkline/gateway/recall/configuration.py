"""What an alias would do with a request, as a digest: an answer lives no longer than this holds."""

import hashlib
from collections import OrderedDict
from typing import Any, Final

import msgspec

from trunkline.gateway.guarding.guard import Guard
from trunkline.gateway.snapshot import Alias, Target
from trunkline.kit.ids import new_id

_MOST_KNOWN: Final = 4_096

_encode = msgspec.json.Encoder(order="deterministic", enc_hook=repr).encode


class Configurations:
    """Digests of aliases. Its state is the newest of each alias and guard, up to a bound."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], tuple[Alias, str]] = OrderedDict()
        self._guards: OrderedDict[int, tuple[Guard, str]] = OrderedDict()

    def of(self, org_id: str, alias: Alias) -> str:
        """The digest: another one after each change that may change answers.

        Prices, weights, states, limits and retries change none.
        """
        name = (org_id, alias.name)
        known = self._known.get(name)
        if known is not None and known[0] is alias:
            return known[1]
        digest = hashlib.blake2b(_encode(self._told(alias)), digest_size=8).hexdigest()
        self._known[name] = (alias, digest)
        self._known.move_to_end(name)
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        return digest

    def _told(self, alias: Alias) -> tuple[Any, ...]:
        return (
            [_target(target) for target in alias.targets],
            alias.route.strategy,
            alias.route.rules,
            alias.max_tokens,
            alias.on_unsupported,
            [self._guard(guard) for guard in alias.guards],
        )

    def _guard(self, guard: Guard) -> str:
        """What a guard does; one that cannot say is like no other, as long as this process lives.

        A guard never changes, and one that was changed is another object.
        """
        digest = getattr(guard, "digest", None)
        if isinstance(digest, str):
            return digest
        known = self._guards.get(id(guard))
        if known is None or known[0] is not guard:
            known = self._guards[id(guard)] = (guard, new_id())
            if len(self._guards) > _MOST_KNOWN:
                self._guards.popitem(last=False)
        return known[1]


def _target(target: Target) -> tuple[Any, ...]:
    connection = target.connection
    headers = hashlib.blake2b(repr(connection.headers).encode(), digest_size=8).hexdigest()
    return (
        connection.id,
        connection.provider,
        connection.wires,
        str(connection.origin),
        connection.query,
        connection.output_limit_field,
        connection.quirks,
        headers,
        target.model,
        target.max_output_tokens,
        target.traits,
        target.family,
    )
