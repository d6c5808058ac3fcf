"""The records of money: what an attempt was, and how it ended.

They are written to the journal as they are and become rows of the ledger, so a field is only ever
added at the end, with a default.
"""

from typing import Literal

import msgspec

from trunkline.gateway.metering.usage import NO_USAGE, Usage
from trunkline.gateway.policy import AttemptReason

CostState = Literal["exact", "estimated", "unpriced"]

Ending = Literal[
    "completed",  # The provider's answer arrived whole.
    "refused",  # The provider answered with an error status and billed nothing.
    "not_sent",  # No byte of the request reached the provider.
    "failed",  # The answer broke off, was malformed or carried an error after its start.
    "timed_out",  # The provider stayed silent.
    "client_gone",  # The caller left and the provider was cut off.
    "shut_down",  # We ended it at our own deadline.
    "superseded",  # Another attempt of the same request was faster, and this one was cut off.
    "lost",  # The process died; written by whoever adopted its journal.
]


class Attempt(msgspec.Struct, frozen=True, array_like=True):
    """One outbound try, as it is known before its bytes leave. Written as the ``open`` record.

    Attributes:
        id: UUIDv7 of the attempt; the ledger's primary key.
        request_id: ours, UUIDv7, the same for all attempts of one request.
        client_request_id: what ``x-request-id`` carried or we made up for it; never a key.
        number: 1 for the first attempt of its request.
        opened_ms: Unix time in milliseconds.
        wire: the API format spoken with the provider, such as ``openai_chat``.
        operation: ``chat``, ``messages`` or ``count_tokens``.
        hold_nano: nano-dollars reserved; None when the target has no price.
        input_bound: the most input tokens that the request can have.
        input_estimate: the likely number of input tokens.
        output_bound: the most output tokens that the provider may produce.
        floor_nano: nano-dollars of the estimated input alone; None when the target has no price.
        output_rate_nano: nano-dollars per million output tokens, for estimates after a crash.
        price_ref: identifies the price that the hold was computed with.
        tags: attribution, sorted pairs.
        end_user: the caller's own user id as the request named it, or None.
        reason: why the attempt was made; see ``AttemptReason``.
        credential: id of the connection's secret that was used; safe to log.
    """

    id: str
    request_id: str
    client_request_id: str
    number: int
    opened_ms: int
    org_id: str
    team_id: str | None
    user_id: str | None
    key_id: str
    alias: str
    provider: str
    connection_id: str
    model: str
    wire: str
    operation: str
    stream: bool
    hold_nano: int | None
    input_bound: int
    input_estimate: int
    output_bound: int
    floor_nano: int | None
    output_rate_nano: int | None
    price_ref: str | None
    tags: tuple[tuple[str, str], ...] = ()
    end_user: str | None = None
    reason: AttemptReason = "first"
    credential: str | None = None


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """How an attempt ended. With its ``Attempt`` it is the ``close`` record.

    Attributes:
        closed_ms: Unix time in milliseconds.
        ending: see ``Ending``.
        status: HTTP status of the provider, or None when none arrived.
        cost_state: ``exact`` when the provider reported the usage or billed nothing, else
            ``estimated``; ``unpriced`` when the usage is known and its price is not.
        cost_nano: nano-dollars; None exactly when ``unpriced``.
        usage: the disjoint buckets; estimated counts when the cost is estimated.
        price_ref: identifies the price that the cost was computed with.
        served_model: the model that the provider said it used.
        service_tier: the provider's service tier when it was not the ordinary one.
        upstream_id: the provider's own id of the request, for support cases.
        error_code: our code of the failure, or None.
        first_byte_ms: from open to the first byte of the answer's head.
        first_token_ms: from open to the commit point.
        output_bytes: bytes of content relayed to the caller.
    """

    closed_ms: int
    ending: Ending
    status: int | None = None
    cost_state: CostState = "exact"
    cost_nano: int | None = 0
    usage: Usage = NO_USAGE
    price_ref: str | None = None
    served_model: str | None = None
    service_tier: str | None = None
    upstream_id: str | None = None
    error_code: str | None = None
    first_byte_ms: int | None = None
    first_token_ms: int | None = None
    output_bytes: int = 0


class Progress(msgspec.Struct, array_like=True):
    """How far a live attempt has come; the journal's ``progress`` record lists these.

    ``output_bytes`` is written by the relay and read by the recorder; both run on the event loop.
    """

    attempt_id: str
    output_bytes: int = 0


CacheUse = Literal["hit", "near", "follow", "miss"]
"""``hit``: given from the store. ``near``: given because a stored prompt means the same.
``follow``: shared with a request that was already running. ``miss``: made, and stored."""


class Guarded(msgspec.Struct, frozen=True):
    """What one guardrail did.

    Attributes:
        guardrail: its name.
        way: whether it looked at the request or at the answer.
        action: what it did.
        kinds: what it found, and how often, such as ``(("email", 2),)``; never the texts.
    """

    guardrail: str
    way: Literal["in", "out"]
    action: Literal["redacted", "refused", "noted"]
    kinds: tuple[tuple[str, int], ...] = ()


class Finished(msgspec.Struct, frozen=True):
    """One request from its acceptance to its last byte, for logs, metrics and spans.

    Attributes:
        started_ns: Unix time in nanoseconds at which the request's head was complete.
        url: path and query with secrets scrubbed.
        route: the template of the path, never the raw one, so that it can be a metric label.
        status: HTTP status sent to the caller.
        duration_ms: until the last byte was handed to the socket.
        overhead_ms: the part of it before the first attempt's bytes left.
        ttft_ms: until the first content was handed to the caller, or None.
        error_code: our code where the request failed, also inside a stream.
        traceparent: W3C trace context that the caller sent, or None.
        cache: what the answer cache did, or None where it was not asked.
        saved_nano: nano-dollars that the answer cost when it was made, where none was paid again.
        guarded: what guardrails did to the request and its answer.
    """

    started_ns: int
    request_id: str
    client_request_id: str
    method: str
    url: str
    route: str
    status: int
    duration_ms: float
    user_agent: str | None = None
    org_id: str | None = None
    key_id: str | None = None
    wire: str | None = None
    operation: str | None = None
    alias: str | None = None
    stream: bool = False
    overhead_ms: float | None = None
    ttft_ms: float | None = None
    error_code: str | None = None
    traceparent: str | None = None
    attempts: tuple[tuple[Attempt, Outcome], ...] = ()
    cache: CacheUse | None = None
    saved_nano: int = 0
    guarded: tuple[Guarded, ...] = ()
