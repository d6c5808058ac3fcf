"""Long texts, a piece at a time, so that nobody else waits for them."""

import asyncio
from time import perf_counter
from typing import Final

from trunkline.gateway.guarding.held import HeldText
from trunkline.gateway.guarding.look import Look

TURN_SECONDS: Final = 0.001
PIECE: Final = 32_768
"""Characters that are looked at in one go."""


class Turns:
    """Gives the event loop a turn when a millisecond is over. Its state is when one was given."""

    __slots__ = ("_since",)

    def __init__(self) -> None:
        self._since = perf_counter()

    async def give(self) -> None:
        """Let others run, if it is time."""
        if perf_counter() - self._since >= TURN_SECONDS:
            await asyncio.sleep(0)
            self._since = perf_counter()


async def edited(text: str, look: Look, turns: Turns) -> str:
    """The text as it goes on, like ``look.edit``; a long one is read like a stream.

    Raises:
        GuardrailRefused: it does not go on.
    """
    if len(text) <= PIECE:
        await turns.give()
        return look.edit(text)
    look.measure(text)
    held = HeldText(look, measured=True)
    told = []
    for start in range(0, len(text), PIECE):
        told.append(held.add(text[start : start + PIECE]))
        await turns.give()
    told.append(held.end())
    return "".join(told)
