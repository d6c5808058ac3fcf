"""Guard in: the guards of an alias look at every text of a request that the model will read."""

from typing import Final, Protocol

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.guarding.guard import Guard
from trunkline.gateway.guarding.look import Look
from trunkline.gateway.guarding.stand_ins import StandIns
from trunkline.gateway.guarding.texts import STRUCTURE, TextWalk
from trunkline.gateway.metering.event import Guarded
from trunkline.gateway.wire.contract import Inbound

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_TURNS: Final = frozenset({"messages", "contents", "input"})
_OPENINGS: Final = frozenset({b'"', b"[", b"{"})


class HasGuards(Protocol):
    """An alias, as far as it matters here."""

    @property
    def guards(self) -> tuple[Guard, ...]: ...


def guard_request(alias: HasGuards, request: Inbound, told: list[Guarded]) -> None:
    """Show a request to the guards of its alias, and write back what they change.

    Members that are not changed keep their bytes. Bodies that are no JSON, such as uploads, are
    not looked at.

    Args:
        alias: whose guards look.
        request: its members are changed in place, and it remembers what the answer gets back.
        told: where what the guards did is written down, also when one refuses.

    Raises:
        GuardrailRefused: a guard does not let it through.
        InvalidRequest: it is nested too deeply to be looked at.
    """
    guards = [guard for guard in alias.guards if guard.inward]
    if not guards or request.form is not None:
        return
    stand_ins = StandIns()
    look = Look(guards, told, "in", stand_ins)
    try:
        _look_at(request, look)
    except RecursionError:
        raise InvalidRequest(
            "The body is nested too deeply to be read.",
            code="too_deeply_nested",
            hint="Flatten the content, or send the nested part as a string.",
        ) from None
    if stand_ins.restored:
        request.stand_ins = stand_ins.restored


def _look_at(request: Inbound, look: Look) -> None:
    fields = request.fields
    for name, raw in fields.items():
        if name in STRUCTURE or not _may_hold_text(raw):
            continue
        value = _decode(raw)
        if name in _TURNS:
            look.count_messages(len(value) if isinstance(value, list) else 1)
        walk = TextWalk(look.edit)
        value = walk.request_member(name, value)
        if walk.changed:
            changed = _encode(value)
            # The bounds of tokens and money are taken from the size of what is sent.
            request.size += len(changed) - len(raw)
            fields[name] = msgspec.Raw(changed)


def _may_hold_text(raw: msgspec.Raw) -> bool:
    """Whether it is no number and no word of JSON."""
    return bytes(raw).lstrip()[:1] in _OPENINGS
