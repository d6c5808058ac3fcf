"""What the matrix needs of a configuration: models, their prices, and connections of their own."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from tests.drills.matrix.kinds import Harm, harms
from tests.drills.matrix.promises import MODES, Mode
from tests.product.offer import Copy, rates_of
from tests.product.running import CHAT, MESSAGES

PATHS = {CHAT: "chat", MESSAGES: "messages"}
FIRST, SECOND = "sim-fast", "sim-chat"
HEDGE_AFTER = 1.0
SETTINGS: dict[str, Any] = {"first_byte_timeout": 4.0, "idle_timeout": 4.0, "connect_timeout": 4.0}
"""Silence counts as such only well after a slow answer has come."""

_FORMS = {False: "body", True: "stream"}
_OWN = {CHAT: "sim-openai", MESSAGES: "sim-anthropic"}
_OTHER = {CHAT: "sim-anthropic", MESSAGES: "sim-openai"}
_POLICY: Mapping[str, Any] = {
    # A circuit would leave a target alone after so many faults, and a budget would end repeats.
    "circuit": {"enabled": False},
    "retry": {"base": 0.01, "budget": 1.0},
}


class Cell(msgspec.Struct, frozen=True):
    """One call that is to be made."""

    harm: Harm
    mode: Mode
    path: str
    stream: bool

    @property
    def model(self) -> str:
        """The published model with this fault and policy; it tells the cell in the books, too."""
        harm = self.harm.label.replace(", ", "-")
        return f"{harm}/{self.mode}/{PATHS[self.path]}/{_FORMS[self.stream]}"

    @property
    def connection(self) -> str:
        """Where the first target is.

        What a provider says about a secret must not reach other cells.
        """
        about_all = f".{self.harm.label}" if self.harm.body.dead else ""
        return f"{PATHS[self.path]}.{self.mode}.{_FORMS[self.stream]}{about_all}"


def cells() -> Iterator[Cell]:
    """All of them."""
    for harm in harms():
        for mode in MODES:
            for path in PATHS:
                for stream in _FORMS:
                    yield Cell(harm, mode, path, stream=stream)


def name_of_second(path: str, *, translated: bool) -> str:
    """The model that has the second target alone."""
    return f"{'other' if translated else 'own'}/{PATHS[path]}"


def models() -> Iterator[Mapping[str, Any]]:
    """One for each cell, and the second targets by themselves."""
    for path in PATHS:
        for translated in (False, True):
            target = _second(path, translated=translated)
            yield {"name": name_of_second(path, translated=translated), "targets": [target]}
    yield from (_model(cell) for cell in cells())


def copies() -> list[Copy]:
    """The connections of the first targets; the second ones are at the demo's."""
    named = {cell.connection: _OWN[cell.path] for cell in cells()}
    return [Copy(name, of) for name, of in named.items()]


def prices() -> list[Mapping[str, Any]]:
    """A model whose name carries a fault costs what it costs without."""
    rates = rates_of(FIRST)
    return [{"provider": name, "model": "*", **rates} for name in ("openai", "anthropic")]


def _model(cell: Cell) -> Mapping[str, Any]:
    fault = cell.harm.told(stream=cell.stream)
    model = f"{FIRST}+fault={fault}" if fault else FIRST
    targets = [{"connection": cell.connection, "model": model}]
    route = dict(_POLICY)
    if cell.mode != "alone":
        targets.append(_second(cell.path, translated=cell.mode == "translated"))
    if cell.mode == "hedged":
        route["hedge"] = {"after": HEDGE_AFTER}
    if cell.mode == "buffered":
        route["buffered"] = True
    return {"name": cell.model, "targets": targets, "route": route}


def _second(path: str, *, translated: bool) -> dict[str, str]:
    return {"connection": (_OTHER if translated else _OWN)[path], "model": SECOND}
