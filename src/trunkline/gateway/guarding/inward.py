"""Guard in: the guards of an alias look at every text of a request that the model will read."""

import asyncio
from typing import Final, Protocol

from trunkline.errors import InvalidRequest
from trunkline.gateway.guarding.analysis import Analysis, AnalysisDown, AwaitedGuard
from trunkline.gateway.guarding.guard import Guard
from trunkline.gateway.guarding.look import Look
from trunkline.gateway.guarding.members import each_text, edit_members
from trunkline.gateway.guarding.stand_ins import StandIns
from trunkline.gateway.guarding.turns import Turns, edited
from trunkline.gateway.metering.event import Guarded
from trunkline.gateway.wire.contract import Inbound

AT_ONCE: Final = 65_536
"""Bytes of a request that is looked at in one go: about a millisecond of the event loop."""


class HasGuards(Protocol):
    """An alias, as far as it matters here."""

    @property
    def guards(self) -> tuple[Guard, ...]: ...


async def guard_request(
    alias: HasGuards, request: Inbound, noted: list[Guarded], analysis: Analysis
) -> None:
    """Show a request to the guards of its alias, and write back what they change.

    Members that are not changed keep their bytes. Of uploads only the prompt is looked at. Nothing
    is waited for unless the request is long or a guard needs an analysis;
    such guards look last, at what the others left.

    Args:
        alias: whose guards look.
        request: its members are changed in place, and it remembers what the answer gets back.
        noted: where what the guards did is written down, also when one refuses.
        analysis: looks for the guards that cannot look here.

    Raises:
        GuardrailRefused: a guard does not let it through.
        InvalidRequest: it is nested too deeply to be looked at.
        Unavailable: nobody could look, and the guard says that this will not do.
    """
    guards = [guard for guard in alias.guards if guard.inward]
    if not guards:
        return
    stand_ins = StandIns()
    awaited = [guard for guard in guards if isinstance(guard, AwaitedGuard)]
    here = [guard for guard in guards if not isinstance(guard, AwaitedGuard)] if awaited else guards
    look = Look(here, noted, "in", stand_ins)
    try:
        if request.size > AT_ONCE:
            await _look_in_turns(request, look)
        else:
            for _ in edit_members(request, look.edit, look.count_messages):
                pass
        for guard in awaited:
            await _await(guard, request, look, analysis)
    except RecursionError:
        raise InvalidRequest(
            "The body is nested too deeply to be read.",
            code="too_deeply_nested",
            hint="Flatten the content, or send the nested part as a string.",
        ) from None
    if stand_ins.restored:
        request.stand_ins = stand_ins.restored


async def _look_in_turns(request: Inbound, look: Look) -> None:
    """As at once, with turns for all others between."""
    turns = Turns()
    texts: list[str] = []
    for _ in each_text(request, texts, look.count_messages):
        await turns.give()
    going = iter([await edited(text, look, turns) for text in texts])

    def put(text: str) -> str:
        told = next(going)
        return text if told == text else told

    for _ in edit_members(request, put):
        await turns.give()


async def _await(guard: AwaitedGuard, request: Inbound, look: Look, analysis: Analysis) -> None:
    turns = Turns()
    texts: list[str] = []
    for _ in each_text(request, texts):
        await turns.give()
    try:
        async with asyncio.timeout(guard.timeout):
            spots = await analysis.look(guard.task, texts)
    except TimeoutError:
        look.unseen(guard, "late")
        return
    except AnalysisDown as down:
        look.unseen(guard, down.reason)
        return
    found = iter([guard.findings(one) for one in spots])
    for _ in edit_members(request, lambda text: look.edit_by(guard, text, next(found))):
        await turns.give()
