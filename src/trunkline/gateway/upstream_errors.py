"""What a failure at the provider means to the caller: one boundary, one table."""

import re
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from trunkline.errors import TrunklineError, Unavailable, UpstreamFailed
from trunkline.errors import UpstreamTimeout as ProviderSilent
from trunkline.gateway.metering.event import Ending
from trunkline.gateway.policy import FallbackKind
from trunkline.gateway.transport import (
    AddressRefused,
    BodyTooLarge,
    ConnectFailed,
    ConnectTimeout,
    FirstByteTimeout,
    IdleTimeout,
    NameNotResolved,
    PoolTimeout,
    TLSFailed,
    TotalTimeout,
    TransportError,
)
from trunkline.gateway.wire.contract import ProviderFault

# A word, as every provider's codes are, that the ledger's column holds.
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,62}")

# Statuses after which another target may succeed. 400, 413 and 422 speak of the request itself.
_ELSEWHERE = frozenset({401, 402, 403, 404, 408, 409, 425, 429})


CredentialVerdict = Literal["fine", "limited", "dead", "barred"]
"""Of a credential: nothing against it, rate limited for a while, refused by the provider, or
refused for this model only."""

TOO_LARGE: Final = "upstream_answer_too_large"

# Beyond a day nobody waits, and no sensible provider says so.
MOST_RETRY_SECONDS = 86_400


class ProviderAnswer(msgspec.Struct, frozen=True):
    """An error answer of the provider that passes to the caller as it is."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class AttemptFailed(Exception):
    """One attempt came to nothing before its commit point.

    Attributes:
        error: what the caller is told unless the provider's own answer passes.
        answer: the provider's answer, where it passes.
        elsewhere: whether another target may succeed.
        again: whether the same target may succeed if it is asked once more.
        kind: which fallbacks it calls for after all targets.
        credential: what it says about the credential: nothing, that it must rest, or that it is
            dead.
        wait: seconds that the provider asks to wait, or None.
        blames: whether it counts against the target's circuit.
    """

    def __init__(
        self,
        error: TrunklineError,
        ending: Ending,
        *,
        answer: ProviderAnswer | None = None,
        elsewhere: bool = True,
        again: bool = False,
        kind: FallbackKind = "error",
        credential: CredentialVerdict = "fine",
        wait: float | None = None,
        blames: bool = True,
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.ending = ending
        self.answer = answer
        self.elsewhere = elsewhere
        self.again = again
        self.kind = kind
        self.credential = credential
        self.wait = wait
        self.blames = blames


def from_transport(error: TransportError) -> AttemptFailed:
    """The meaning of a failure of the connection."""
    silent = isinstance(error, (FirstByteTimeout, IdleTimeout, TotalTimeout))
    ending: Ending = "timed_out" if silent else "failed"
    return AttemptFailed(
        _told(error),
        ending if error.sent else "not_sent",
        elsewhere=not isinstance(error, BodyTooLarge),
    )


def _told(error: TransportError) -> TrunklineError:
    """What the caller is told; what only the log may say stands in the reference."""
    if isinstance(error, (FirstByteTimeout, IdleTimeout, TotalTimeout)):
        return ProviderSilent(
            "The provider stayed silent for too long.",
            hint="Try again later, or use another model.",
            should_retry=False,
        )
    if isinstance(error, PoolTimeout):
        return Unavailable(
            "All connections to the provider are in use.",
            code="upstream_pool_exhausted",
            retry_after=1,
        )
    if isinstance(error, (AddressRefused, NameNotResolved, TLSFailed)):
        return UpstreamFailed(
            "The provider's address cannot be used.",
            code="upstream_unreachable",
            hint="The administrator finds the reason in the log under this request id.",
            should_retry=False,
            reference=repr(error),
        )
    if isinstance(error, (ConnectFailed, ConnectTimeout)):
        return UpstreamFailed(
            "The provider cannot be reached.",
            code="upstream_unreachable",
            hint="Try again later, or use another model; the administrator finds the reason in "
            "the log under this request id.",
            reference=repr(error),
        )
    if isinstance(error, BodyTooLarge):
        return UpstreamFailed(
            "The provider's answer is larger than the operator allows.",
            code=TOO_LARGE,
            should_retry=False,
        )
    return UpstreamFailed(
        "The provider's answer broke off or was not valid.",
        code="upstream_connection_lost",
        reference=repr(error),
    )


def malformed(reason: str) -> AttemptFailed:
    """The provider's bytes are not what its wire promises."""
    return AttemptFailed(
        UpstreamFailed(
            f"The provider's answer cannot be used: {reason}.", code="upstream_malformed"
        ),
        "failed",
    )


def from_fault(
    fault: ProviderFault, ending: Ending, answer: ProviderAnswer | None
) -> AttemptFailed:
    """The meaning of a failure that the provider itself reported."""
    elsewhere = fault.status in _ELSEWHERE or fault.status >= 500 or fault.ours
    if fault.ours:
        return AttemptFailed(_about_us(fault), ending, elsewhere=True)
    sentence = fault.message or f"The provider answered with status {fault.status}."
    status = fault.status if 400 <= fault.status <= 599 else 502
    error = UpstreamFailed(
        sentence,
        code=_code(fault.type),
        status=status,
        should_retry=status in {408, 409, 429} or status >= 500,
    )
    return AttemptFailed(error, ending, answer=answer, elsewhere=elsewhere)


def retry_after(headers: Iterable[tuple[bytes, bytes]]) -> float | None:
    """Seconds after which the provider wants to be asked again, from an error answer's headers.

    Source: the retry rules of OpenAI's and Anthropic's SDKs: milliseconds first, then seconds. A
    date is left out, since the two clocks need not agree.
    """
    found = dict(headers)
    for name, scale in ((b"retry-after-ms", 0.001), (b"retry-after", 1.0)):
        try:
            seconds = float(found[name]) * scale
        except (KeyError, ValueError):
            continue
        if 0 <= seconds < MOST_RETRY_SECONDS:
            return seconds
    return None


def _code(word: str | None) -> str | None:
    """The provider's word for a failure where it is one; it is counted, logged and kept."""
    return word if word is not None and _CODE.fullmatch(word) else None


def _about_us(fault: ProviderFault) -> TrunklineError:
    hint = "Tell the administrator; your own key is fine."
    reference = f"{fault.status} {fault.type}: {fault.message}"
    if fault.status in {401, 403}:
        return UpstreamFailed(
            "The provider refuses this installation's credentials.",
            code="upstream_credentials",
            hint=hint,
            should_retry=False,
            reference=reference,
        )
    return Unavailable(
        "This installation's account at the provider is used up.",
        code="upstream_credentials",
        hint=hint,
        should_retry=False,
        reference=reference,
    )
