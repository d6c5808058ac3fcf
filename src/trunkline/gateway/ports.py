"""What the data path needs from outside, as Protocols that speak of meaning.

Adapters live in the features and are plugged in by ``app.py``. All methods run on the event loop
and must not block it; the journal's append is the one disk call that is allowed.
"""

from typing import Literal, Protocol

import msgspec

from trunkline.gateway.caller import Caller
from trunkline.gateway.metering.event import Attempt, Finished, Outcome, Progress
from trunkline.gateway.metering.price import Price
from trunkline.gateway.snapshot import Snapshot, Target
from trunkline.gateway.wire.contract import Inbound


class Callers(Protocol):
    """Turns credentials into callers, from memory."""

    def identify(self, credential: str) -> Caller:
        """The caller behind a credential.

        Raises:
            Unauthenticated: unknown, malformed, expired or revoked.
            Unavailable: the key is unknown and our own knowledge is too old to say so.
        """
        ...


class Routes(Protocol):
    """Gives the frozen routing state of an organisation, from memory."""

    def snapshot(self, org_id: str) -> Snapshot:
        """The newest snapshot.

        Raises:
            Unavailable: none has been built yet.
        """
        ...

    def target_for(self, snapshot: Snapshot, name: str) -> Target | None:
        """The target of a ``connection/model`` name that no alias publishes, or None."""
        ...


class Ask(msgspec.Struct, frozen=True):
    """What a request may cost at worst, for limits and budgets.

    Attributes:
        hold_nano: nano-dollars of the dearest planned target; None when one has no price.
        input_tokens: upper bound.
        output_tokens: upper bound.
    """

    request_id: str
    caller: Caller
    alias: str
    hold_nano: int | None
    input_tokens: int
    output_tokens: int


class Allowance(msgspec.Struct, frozen=True):
    """The state of the tightest limit of one kind, for OpenAI's rate-limit headers.

    Attributes:
        limit: how much the window or the bucket holds.
        remaining: how much is left after this request.
        reset_ms: milliseconds until it is full again.
    """

    kind: Literal["requests", "tokens"]
    limit: int
    remaining: int
    reset_ms: int


class Lease(Protocol):
    """What admit grants: a place in each limit and the right to spend up to the hold."""

    @property
    def allowances(self) -> tuple[Allowance, ...]:
        """The tightest request limit and the tightest token limit, where there are any."""
        ...


class Admission(Protocol):
    """Limits and budgets over organisation, team, user, key and alias, all or nothing.

    The life of a lease: ``admit`` once; ``cover`` before each attempt's bytes leave; ``settle``
    once for each covered attempt when its cost is known; ``release`` once, on every way out.
    """

    async def admit(self, ask: Ask) -> Lease:
        """Check and reserve at all levels in one atomic step.

        Raises:
            LimitExceeded: a limit or quota is used up, or a budget is covered by holds only.
            BudgetExhausted: a budget's money is spent, or the target has no price under one.
        """
        ...

    async def cover(self, lease: Lease, attempt_id: str, hold_nano: int | None) -> None:
        """Put a hold on one attempt. The first takes what admit reserved, others reserve again.

        Raises:
            LimitExceeded, BudgetExhausted: as ``admit``; the attempt must not be made.
        """
        ...

    def settle(
        self, lease: Lease, attempt_id: str, outcome: Outcome, *, provisional: bool = False
    ) -> None:
        """Replace an attempt's hold by its cost. Idempotent by attempt; never waits.

        A provisional outcome is about to be corrected: the attempt keeps its hold until it is.
        """
        ...

    def release(self, lease: Lease) -> None:
        """Give back what no attempt holds, and the place in the concurrency limits. Idempotent."""
        ...


class Recorder(Protocol):
    """Writes attempts where a crash of the process cannot lose them."""

    def opened(self, attempt: Attempt) -> Progress:
        """Record an attempt before its bytes leave; the relay updates the returned object.

        Raises:
            Unavailable: it could not be written, so the attempt must not be made.
        """
        ...

    def closed(self, attempt: Attempt, outcome: Outcome) -> None:
        """Record the end of an attempt. Never raises: what cannot be written is retried."""
        ...


class Observer(Protocol):
    """Takes finished requests for logs, metrics and spans."""

    def began(self) -> None:
        """A request is in progress. Must be cheap."""
        ...

    def finished(self, event: Finished) -> None:
        """The request is over; called exactly once after each ``began``. Must be cheap."""
        ...


class StoredAnswer(msgspec.Struct, frozen=True):
    """A whole answer as it was sent, to be given again."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Repeats(Protocol):
    """Answers repeats of a request that carries an ``Idempotency-Key``. Used only for those."""

    async def begin(self, caller: Caller, key: str, fingerprint: bytes) -> StoredAnswer | None:
        """Claim the key; None means that this request is the first and must call ``finish``.

        Raises:
            Conflict: the first is still running, its outcome is unknown after a crash, its answer
                was too large to keep, or the fingerprint differs: the same key for another request.
        """
        ...

    async def finish(self, caller: Caller, key: str, answer: StoredAnswer | None) -> None:
        """Keep the answer for 24 hours; None gives the key back because nothing was billed."""
        ...


class Unmetered(msgspec.Struct, frozen=True):
    """An attempt that ended well and whose provider told no usage.

    Attributes:
        prompt: the body that was sent.
        answer: the body that came back; empty for a stream, whose text is not kept.
        answer_bytes: UTF-8 bytes of the content, also of a stream's.
    """

    attempt: Attempt
    price: Price | None
    prompt: bytes
    answer: bytes
    answer_bytes: int


class Recounts(Protocol):
    """Has tokens counted where that may take its time, to correct the estimate made here."""

    def offer(self, unmetered: Unmetered) -> bool:
        """Take an attempt. Never raises and never waits.

        Returns whether it was taken: what is too much is left as it is.
        """
        ...


class Generations(Protocol):
    """Looks up what a past request used and cost."""

    async def find(self, caller: Caller, request_id: str) -> dict[str, object] | None:
        """The JSON object of a request of the caller's organisation, or None."""
        ...


class KeptResponses(Protocol):
    """Keeps responses, so that later requests can go on from them and their owner look them up.

    A response belongs to the user behind the key, or to the key where there is no user; for anybody
    else, in the same organisation too, there is none of that id.
    """

    async def load(self, caller: Caller, response_id: str) -> list[msgspec.Raw]:
        """What a request that goes on from this response has before its own input.

        Raises:
            NotFound: there is none; code ``previous_response_not_found``.
            Conflict: it has not ended well, or was too large to be kept whole.
        """
        ...

    async def items(self, caller: Caller, item_ids: tuple[str, ...]) -> dict[str, msgspec.Raw]:
        """The items of kept responses' output that are known by these ids."""
        ...

    async def keep(
        self, caller: Caller, request: Inbound, response: bytes, under: str | None = None
    ) -> None:
        """Keep a response and what led to it. Never raises: what cannot be kept is logged.

        Args:
            caller: its owner.
            request: with its whole input, what it goes on from included.
            response: the response object.
            under: the id that the caller got before there was an answer, if it did.
        """
        ...

    async def begin(self, caller: Caller, request: Inbound, response: bytes) -> None:
        """Keep a response whose answer is still to come.

        Raises:
            Unavailable: it could not be written, so its id must not be told.
        """
        ...

    async def fail(self, caller: Caller, response_id: str, error: dict[str, str]) -> None:
        """End a response that was begun and got no answer, if it has not ended. Never raises.

        Args:
            caller: its owner.
            response_id: as in its object.
            error: what the object's member ``error`` says.
        """
        ...

    async def get(self, caller: Caller, response_id: str) -> bytes:
        """The response object.

        Raises:
            NotFound: there is none.
        """
        ...

    async def delete(self, caller: Caller, response_id: str) -> None:
        """Forget a response; errors as of ``get``."""
        ...

    async def cancel(self, caller: Caller, response_id: str) -> bytes:
        """End a response that was begun; the response object, as it is after that.

        Raises:
            NotFound: there is none.
            InvalidRequest: its caller waited for its answer.
        """
        ...

    async def input_items(self, caller: Caller, response_id: str) -> list[msgspec.Raw]:
        """The items that led to a response, oldest first; errors as of ``load`` and ``get``."""
        ...
