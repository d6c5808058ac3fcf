"""From the name in a request to the targets behind it."""

from collections.abc import Callable
from difflib import get_close_matches

from trunkline.errors import (
    Forbidden,
    InvalidRequest,
    NotFound,
    Unavailable,
)
from trunkline.gateway.caller import Caller
from trunkline.gateway.snapshot import Alias, Snapshot, Target
from trunkline.gateway.wire.contract import Inbound

FindTarget = Callable[[Snapshot, str], Target | None]


def resolve(snapshot: Snapshot, caller: Caller, name: str, find: FindTarget) -> Alias:
    """The alias that a request names: a published one, or ``connection/model`` as it stands.

    Raises:
        NotFound: nobody publishes it; the error lists near names that the key may use.
        Forbidden: it exists, and the key's list of aliases does not contain it.
    """
    alias = snapshot.aliases.get(name)
    if alias is None:
        target = find(snapshot, name)
        if target is None:
            raise _unknown(snapshot, caller, name)
        alias = Alias(name=name, targets=(target,))
    if not caller.may_use(alias.name):
        raise Forbidden(
            f"This key may not use the model '{_short(name)}'.",
            code="model_not_allowed",
            param="model",
            hint=_near(snapshot, caller, name),
        )
    return alias


def out_of_service(alias: Alias) -> Unavailable:
    """No target of an alias takes such requests at present."""
    return Unavailable(
        f"The model '{_short(alias.name)}' is out of service.",
        code="model_out_of_service",
        hint="Use another model; the administrator has disabled the targets of this one.",
        should_retry=False,
    )


def unable(alias: Alias, operation: str) -> InvalidRequest:
    """No target of an alias can be asked for what the request wants."""
    return InvalidRequest(
        f"The model '{_short(alias.name)}' cannot do what this endpoint is for: "
        f"{_DEEDS.get(operation, operation)}.",
        code="unsupported_operation",
        param="model",
        hint="GET /v1/models lists the models and what each is for.",
    )


_DEEDS = {
    "chat": "chat",
    "completion": "completing or filling in text",
    "embedding": "embeddings",
    "rerank": "ranking documents",
    "image": "making images",
    "image_edit": "changing images",
    "speech": "speaking",
    "transcription": "transcribing",
    "audio_translation": "translating speech",
    "moderation": "judging content",
}


def check_ceiling(alias: Alias, request: Inbound) -> None:
    """Refuse a request for more output than the alias allows.

    Raises:
        InvalidRequest: with the ceiling.
    """
    ceiling = alias.max_tokens
    if ceiling is not None and request.max_tokens is not None and request.max_tokens > ceiling:
        raise InvalidRequest(
            f"max_tokens is {request.max_tokens} and '{_short(alias.name)}' allows {ceiling}.",
            code="max_tokens_too_large",
            param="max_tokens",
            hint=f"Ask for at most {ceiling} output tokens.",
        )


def _unknown(snapshot: Snapshot, caller: Caller, name: str) -> NotFound:
    return NotFound(
        f"The model '{_short(name)}' does not exist or your key may not use it.",
        code="model_not_found",
        param="model",
        hint=_near(snapshot, caller, name),
    )


def _near(snapshot: Snapshot, caller: Caller, name: str) -> str:
    usable = [alias for alias in snapshot.aliases if caller.may_use(alias)]
    if not usable:
        return "No model is published for this key; ask the administrator."
    near = get_close_matches(name[:100], usable, n=3, cutoff=0.4)
    listed = ", ".join(f"'{alias}'" for alias in near or sorted(usable)[:3])
    told = "Near names" if near else "Some names"
    return f"{told} that it may use: {listed}; GET /v1/models lists all."


def _short(name: str) -> str:
    return name if len(name) <= 100 else name[:100] + "…"
