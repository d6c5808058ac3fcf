"""Guardrails as the data path asks them, from what is written of each."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakValueDictionary

import msgspec

from trunkline.gateway.guarding.guard import Guard
from trunkline.guardrails.compiling import compile_guard

Written = Mapping[str, Any]


class GuardMaker:
    """Compiles guardrails.

    Its state is the guards that some snapshot still has, so that a rebuild makes none of them
    anew. Long lists of phrases take a tenth of a second: that is done beside the event loop.

    Args:
        expect: hears of each new guard before anybody is served by it.
    """

    def __init__(self, expect: Callable[[Guard], None] | None = None) -> None:
        self._expect = expect
        self._kept: WeakValueDictionary[bytes, Guard] = WeakValueDictionary()

    async def make(self, written: Mapping[str, Written]) -> dict[str, Guard | str]:
        """Each guard by its name, or a sentence that says why there is none."""
        return {name: await self._made(name, spec) for name, spec in written.items()}

    async def _made(self, name: str, spec: Written) -> Guard | str:
        key = msgspec.json.encode((name, spec), order="deterministic")
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        try:
            guard = await asyncio.to_thread(compile_guard, name, spec)
        except Exception as error:  # noqa: BLE001 - whatever is wrong, nobody is served around it.
            why = str(error).removesuffix(".")
            return f"its guardrail {name!r} cannot be used: {why}"
        self._kept[key] = guard
        if self._expect is not None:
            self._expect(guard)
        return guard
