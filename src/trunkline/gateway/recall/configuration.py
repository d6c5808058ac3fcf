"""What an alias would do with a request, as a digest: an answer lives no longer than this holds."""

import hashlib
from collections import OrderedDict
from typing import Any, Final

import msgspec

from trunkline.gateway.guarding.guard import Guard
from trunkline.gateway.recall.place import place_of
from trunkline.gateway.snapshot import Alias, Target
from trunkline.kit.ids import new_id

_MOST_KNOWN: Final = 4_096

_encode = msgspec.json.Encoder(order="deterministic", enc_hook=repr).encode


class Configuration(msgspec.Struct, frozen=True):
    """What of an alias parts its requests.

    Attributes:
        alias: whose it is.
        place: what all its keys begin with.
        digest: another one after each change of the alias that may change answers. Prices, weights,
            states, limits and retries change none.
        teams: whose requests a rule sends elsewhere, though they read the same.
        tags: what rules look for among the tags of a key and of a request.
        tells_callers_apart: computed: whether rules look at either of these.
        shared_by_all: computed: how keys begin whose answers the whole organisation shares; empty
            where the policy lets fewer share.
    """

    alias: Alias
    place: str
    digest: str
    teams: frozenset[str]
    tags: frozenset[tuple[str, str]]
    tells_callers_apart: bool = False
    shared_by_all: str = ""

    def __post_init__(self) -> None:
        """Compute what most keys have in common."""
        told_apart = bool(self.teams or self.tags)
        msgspec.structs.force_setattr(self, "tells_callers_apart", told_apart)
        if self.alias.cache.scope == "org":
            msgspec.structs.force_setattr(self, "shared_by_all", self.shared_by("org"))

    def shared_by(self, who: str) -> str:
        """How keys begin whose answers these share, such as ``team:`` with the id."""
        return f"{self.place}{who}/{self.digest}"


class Configurations:
    """Reads aliases. Its state is the newest of each alias and guard, up to a bound."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], Configuration] = OrderedDict()
        self._guards: OrderedDict[int, tuple[Guard, str]] = OrderedDict()

    def of(self, org_id: str, alias: Alias) -> Configuration:
        """The configuration of an alias, which is read once as long as it is the same object."""
        name = (org_id, alias.name)
        known = self._known.get(name)
        if known is None or known.alias is not alias:
            known = self._known[name] = self._read(org_id, alias)
            self._known.move_to_end(name)
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return known

    def _read(self, org_id: str, alias: Alias) -> Configuration:
        rules = alias.route.rules
        return Configuration(
            alias,
            place_of(org_id, alias.name),
            hashlib.blake2b(_encode(self._told(alias)), digest_size=8).hexdigest(),
            frozenset(team for rule in rules for team in rule.when.teams),
            frozenset(tag for rule in rules for tag in rule.when.tags),
        )

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
