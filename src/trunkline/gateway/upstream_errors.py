"""What a failure at the provider means to the caller: one boundary, one table."""

import re
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from trunkline.errors import TrunklineError, Unavailable, UpstreamFailed
from trunkline.errors import UpstreamTimeout as ProviderSilent
from trunkline.gateway.metering.event import Ending, Guarded
from trunkline.gateway.policy import FallbackKind
from trunkline.gateway.transport import (
    AddressRefused,
    BodyTooLarge,
    ConnectFailed,
    ConnectionLost,
    ConnectTimeout,
    FirstByteTimeout,
    IdleTimeout,
    NameNotResolved,
    PoolTimeout,
    TLSFailed,
    TotalTimeout,
    TransportError,
)
from trunkline.gateway.upstream_waits import retry_after, told_to_retry
from trunkline.gateway.upstream_words import kind_of
from trunkline.gateway.wire.contract import ProviderFault

# A word, as every provider's codes are, that the ledger's column holds.
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,62}")

# Statuses after which another target may succeed. 400, 413 and 422 speak of the request itself.
# 498 is Groq's word for a tier without room, 499 Cohere's for a call that it gave up.
_ELSEWHERE = frozenset({401, 402, 403, 404, 408, 409, 410, 425, 429, 498, 499})

# Statuses after which the same target may succeed, beside all others from 500.
# Source: the retry rules of OpenAI's and Anthropic's SDKs.
_AGAIN = frozenset({408, 409, 429, 498})

# What no repeat changes: the operation is not there.
_NEVER_AGAIN = frozenset({501, 505})

# Statuses that speak of the target's health, beside all from 500.
_BLAMED = frozenset({408, 498})

# Words in a 403 that speak of the secret as a whole; any other 403 bars it from the one model.
# Source: Google's reasons for refusing a key, OpenAI's and AWS's error pages.
_REFUSED_CODES = frozenset(
    {
        "account_deactivated",
        "invalid_api_key",
        "invalid_organization",
        "unsupported_country_region_territory",
    }
)
# Each is the beginning of a sentence, since what follows in one may be the caller's own words.
_REFUSED_SENTENCES = (
    "The security token included in the request",
    "The request signature we calculated",
    "Signature expired",
    "Signature not yet current",
    "Your API key was reported as leaked",
    "Permission denied: Consumer",
)

CredentialVerdict = Literal["fine", "limited", "dead", "barred"]
"""Of a credential: nothing against it, rate limited for a while, refused by the provider, or
refused for this model only."""

TOO_LARGE: Final = "upstream_answer_too_large"


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
        noted: what guardrails did to the answer that they refused.
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
        noted: tuple[Guarded, ...] = (),
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
        self.noted = noted

    def tried_enough(self) -> None:
        """Tell the caller's SDK to leave it at that, because a repeat was made here already.

        It would otherwise multiply what was tried with what it tries itself.
        """
        self.error.should_retry = False
        answer = self.answer
        if answer is not None:
            pairs = [pair for pair in answer.headers if pair[0] != b"x-should-retry"]
            pairs.append((b"x-should-retry", b"false"))
            self.answer = msgspec.structs.replace(answer, headers=pairs)


def from_transport(error: TransportError) -> AttemptFailed:
    """The meaning of a failure of the connection.

    A connection that failed or was lost may be better at once. Silence is not asked again: the
    caller has waited for it, and would wait as long once more.
    """
    silent = isinstance(error, (FirstByteTimeout, IdleTimeout, TotalTimeout))
    ending: Ending = "timed_out" if silent else "failed"
    return AttemptFailed(
        _told(error),
        ending if error.sent else "not_sent",
        elsewhere=not isinstance(error, BodyTooLarge),
        again=isinstance(error, (ConnectFailed, NameNotResolved, ConnectionLost)),
        # Neither our own pool nor our own bound of an answer says anything about the target.
        blames=not isinstance(error, (BodyTooLarge, PoolTimeout)),
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
        "The provider's answer broke off, or was not valid.",
        code="upstream_connection_lost",
        hint="Try again, or use another model.",
        reference=repr(error),
    )


def malformed(reason: str) -> AttemptFailed:
    """The provider's bytes are not what its wire promises."""
    return AttemptFailed(
        UpstreamFailed(
            f"The provider's answer cannot be used: {reason}.",
            code="upstream_malformed",
            hint="Try again, or use another model.",
        ),
        "failed",
    )


def filtered(ending: Ending) -> AttemptFailed:
    """An answer that the provider's filter ended, where the route goes elsewhere for that.

    Without such a fallback it is the answer, as the provider gave it.
    """
    return AttemptFailed(
        UpstreamFailed(
            "The provider's filter ended the answer.",
            code="content_filter",
            status=400,
            hint="Ask in another way.",
            should_retry=False,
        ),
        ending,
        elsewhere=False,
        kind="content_filter",
        blames=False,
    )


def from_fault(
    fault: ProviderFault,
    ending: Ending,
    answer: ProviderAnswer | None,
    headers: Iterable[tuple[bytes, bytes]] = (),
) -> AttemptFailed:
    """The meaning of a failure that the provider itself reported.

    Args:
        fault: what it said.
        ending: how the attempt is told to have ended.
        answer: the error answer, where the caller gets it as it is.
        headers: of the error answer, by lower-case name; none inside a stream.
    """
    status, found = fault.status, dict(headers)
    kind = kind_of(fault)
    # Some say 403 of a text that is too long or not wanted; that is no word about our secret.
    about_us = fault.ours and not (status == 403 and kind != "error")
    verdict = _verdict(fault) if about_us or status == 429 else "fine"
    wait = None
    if verdict in {"fine", "limited"}:
        wait = retry_after(status, found)
        wait = fault.retry_after if wait is None else wait
    again = _may_pass(fault) and verdict in {"fine", "limited"}
    advice = told_to_retry(found)
    if advice is not None and verdict in {"fine", "limited"} and kind == "error":
        again = advice
    return AttemptFailed(
        _about_us(fault) if about_us else _about_the_request(fault, wait),
        ending,
        answer=None if about_us else answer,
        elsewhere=kind == "error" and (about_us or again or _elsewhere(fault)),
        again=again,
        kind=kind,
        credential=verdict,
        wait=wait,
        blames=not about_us and (status >= 500 or status in _BLAMED),
    )


def credentials_exhausted(last: TrunklineError) -> UpstreamFailed:
    """What the caller is told when the provider refuses all of a connection's secrets.

    Args:
        last: of the secret that was refused last.
    """
    return UpstreamFailed(
        "The provider refuses all credentials of this installation.",
        code="upstream_credentials_exhausted",
        hint="Tell the administrator; your own key is fine.",
        should_retry=False,
        reference=last.reference,
    )


def _about_the_request(fault: ProviderFault, wait: float | None) -> TrunklineError:
    status = fault.status if 400 <= fault.status <= 599 else 502
    return UpstreamFailed(
        fault.message or f"The provider answered with status {fault.status}.",
        code=_code(fault.type),
        status=status,
        should_retry=status in {408, 409, 429} or status >= 500,
        retry_after=wait,
    )


def _elsewhere(fault: ProviderFault) -> bool:
    return fault.status >= 500 or fault.status in _ELSEWHERE or _is_too_much_at_once(fault)


def _may_pass(fault: ProviderFault) -> bool:
    """Whether the same target may succeed if it is asked once more."""
    if fault.status in _NEVER_AGAIN or _is_too_much_at_once(fault):
        return False
    return fault.status >= 500 or fault.status in _AGAIN


def _is_too_much_at_once(fault: ProviderFault) -> bool:
    """One request above a limit per minute, which passes at no time at this target.

    OpenAI says so with 429 and Groq with 413.
    """
    return (
        fault.status in {413, 429}
        and fault.type in {"rate_limit_exceeded", "tokens"}
        and (fault.message or "").startswith("Request too large for")
    )


def _verdict(fault: ProviderFault) -> CredentialVerdict:
    """What a failure says about the secret; it is about our account, or a limit."""
    status, message = fault.status, fault.message or ""
    if status == 429 and not fault.ours:
        return "fine" if _is_too_much_at_once(fault) else "limited"
    if fault.type in {"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"}:
        # Google counts its days, and opens its models, one by one.
        return "barred"
    if status == 402 and "can only afford" in message:
        # OpenRouter's account suffices for a request with a lower ceiling.
        return "barred"
    if status == 403 and not _speaks_of_the_secret(fault):
        return "barred"
    return "dead"


def _speaks_of_the_secret(fault: ProviderFault) -> bool:
    return fault.type in _REFUSED_CODES or (fault.message or "").startswith(_REFUSED_SENTENCES)


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
