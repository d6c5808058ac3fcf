"""Adapters that do nothing: the path alone, for its own tests and for the benchmark's bare row."""

from typing import Final

import msgspec
from typing_extensions import override

from trunkline.errors import NotFound, Unauthenticated
from trunkline.gateway.caller import Caller
from trunkline.gateway.metering.event import Attempt, Finished, Outcome, Progress
from trunkline.gateway.ports import (
    Admission,
    Allowance,
    Ask,
    Callers,
    Generations,
    KeptResponses,
    Lease,
    Observer,
    Recorder,
    Recounts,
    Repeats,
    Routes,
    StoredAnswer,
    Unmetered,
)
from trunkline.gateway.snapshot import Snapshot, Target
from trunkline.gateway.wire.contract import Inbound


class OneCaller(Callers):
    """Knows one credential."""

    def __init__(self, credential: str, caller: Caller) -> None:
        self._credential = credential
        self._caller = caller

    @override
    def identify(self, credential: str) -> Caller:
        if credential != self._credential:
            raise Unauthenticated("The key is not known.", hint="Check the key.")
        return self._caller


class FixedRoutes(Routes):
    """One snapshot for everybody."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    @override
    def snapshot(self, org_id: str) -> Snapshot:
        return self._snapshot

    @override
    def target_for(self, snapshot: Snapshot, name: str) -> Target | None:
        return None


class _Free(msgspec.Struct, frozen=True):
    allowances: tuple[Allowance, ...] = ()


FREE_LEASE: Final[Lease] = _Free()


class NoLimits(Admission):
    """Admits everything."""

    @override
    async def admit(self, ask: Ask) -> Lease:
        return FREE_LEASE

    @override
    async def cover(self, lease: Lease, attempt_id: str, hold_nano: int | None) -> None:
        return

    @override
    def settle(
        self, lease: Lease, attempt_id: str, outcome: Outcome, *, provisional: bool = False
    ) -> None:
        return

    @override
    def release(self, lease: Lease) -> None:
        return


class NoRecords(Recorder):
    """Writes nothing down."""

    @override
    def opened(self, attempt: Attempt) -> Progress:
        return Progress(attempt.id)

    @override
    def closed(self, attempt: Attempt, outcome: Outcome) -> None:
        return


class NoObserver(Observer):
    """Looks away."""

    @override
    def began(self) -> None:
        return

    @override
    def finished(self, event: Finished) -> None:
        return


class NoRepeats(Repeats):
    """Takes every request for the first with its key."""

    @override
    async def begin(self, caller: Caller, key: str, fingerprint: bytes) -> StoredAnswer | None:
        return None

    @override
    async def finish(self, caller: Caller, key: str, answer: StoredAnswer | None) -> None:
        return


class NoRecounts(Recounts):
    """Leaves estimates as they are."""

    @override
    def offer(self, unmetered: Unmetered) -> bool:
        return False


class NoGenerations(Generations):
    """Remembers nothing."""

    @override
    async def find(self, caller: Caller, request_id: str) -> dict[str, object] | None:
        return None


class NoResponses(KeptResponses):
    """Keeps nothing."""

    @override
    async def load(self, caller: Caller, response_id: str) -> list[msgspec.Raw]:
        raise _not_kept(response_id)

    @override
    async def items(self, caller: Caller, item_ids: tuple[str, ...]) -> dict[str, msgspec.Raw]:
        return {}

    @override
    async def keep(
        self, caller: Caller, request: Inbound, response: bytes, under: str | None = None
    ) -> None:
        return

    @override
    async def begin(self, caller: Caller, request: Inbound, response: bytes) -> None:
        return

    @override
    async def fail(self, caller: Caller, response_id: str, error: dict[str, str]) -> None:
        return

    @override
    async def get(self, caller: Caller, response_id: str) -> bytes:
        raise _not_kept(response_id)

    @override
    async def delete(self, caller: Caller, response_id: str) -> None:
        raise _not_kept(response_id)

    @override
    async def cancel(self, caller: Caller, response_id: str) -> bytes:
        raise _not_kept(response_id)

    @override
    async def input_items(self, caller: Caller, response_id: str) -> list[msgspec.Raw]:
        raise _not_kept(response_id)


def _not_kept(response_id: str) -> NotFound:
    return NotFound(f"Response with id '{response_id[:100]}' not found.")


NO_RESPONSES: Final[KeptResponses] = NoResponses()
