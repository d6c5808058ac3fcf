"""What the answer cache asks of near matches, where a policy is ``semantic``."""

from typing import Protocol

import msgspec
from typing_extensions import override

from trunkline.gateway.caller import Caller
from trunkline.gateway.policy import CachePolicy
from trunkline.gateway.snapshot import Alias
from trunkline.gateway.wire.contract import Inbound, Wire


class Near(msgspec.Struct, frozen=True):
    """A stored answer to a question that is nearly the same.

    Attributes:
        key: of the stored answer, as ``add`` was told.
        similarity: cosine of the two embeddings, from the policy's threshold up to 1.
    """

    key: str
    similarity: float


class Nearness(Protocol):
    """Finds stored answers to near questions. Never raises: what goes wrong is a miss."""

    async def find(
        self,
        caller: Caller,
        alias: Alias,
        policy: CachePolicy,
        space: str,
        request: Inbound,
        wire: Wire,
    ) -> Near | None:
        """The nearest question with a stored answer; asked after an exact match was missed.

        Args:
            caller: pays for the embedding, and must be allowed to use its alias.
            alias: what the request asks for.
            policy: of mode ``semantic``.
            space: who shares answers; only what was added in the same space is found.
            request: as it would be sent.
            wire: the caller's.
        """
        ...

    async def add(
        self,
        caller: Caller,
        alias: Alias,
        policy: CachePolicy,
        space: str,
        request: Inbound,
        wire: Wire,
        key: str,
    ) -> None:
        """An answer was stored under this key, and lives as long as the policy says."""
        ...

    def forget(self, key: str) -> None:
        """The answer under a key that ``find`` gave is gone."""
        ...


class NoNearness(Nearness):
    """Finds nothing: exact matches only."""

    @override
    async def find(
        self,
        caller: Caller,
        alias: Alias,
        policy: CachePolicy,
        space: str,
        request: Inbound,
        wire: Wire,
    ) -> Near | None:
        return None

    @override
    async def add(
        self,
        caller: Caller,
        alias: Alias,
        policy: CachePolicy,
        space: str,
        request: Inbound,
        wire: Wire,
        key: str,
    ) -> None:
        return

    @override
    def forget(self, key: str) -> None:
        return
