"""Faults that are set from outside for requests still to come."""

import random

import msgspec

from trunkline.simulator.fault_table import Fault, parse_fault


class RuleRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What a client of the control endpoint asks for.

    Attributes:
        fault: ``name[;param=number...]``.
        count: for how many requests; None until it is taken back.
        model: only for requests to this model; None for all.
        share: of these requests, drawn by chance; what is left goes to the next rules.
    """

    fault: str
    count: int | None = None
    model: str | None = None
    share: float = 1.0


class _Rule(msgspec.Struct):
    text: str
    fault: Fault
    model: str | None
    left: int | None
    share: float


class FaultRules:
    """The rules in force, oldest first; the first that fits is used. The simulator owns them.

    Args:
        seed: of what is drawn by chance: the same seed and order of requests draw the same again.
    """

    def __init__(self, seed: int = 0) -> None:
        self._rng = random.Random(seed)
        self._rules: list[_Rule] = []

    def add(self, asked: RuleRequest) -> None:
        """Put one more rule in force.

        Raises:
            ValueError: the fault is unknown, the count is not positive, or the share is none.
        """
        if asked.count is not None and asked.count < 1:
            raise ValueError("count must be at least 1")
        if not 0 < asked.share <= 1:
            raise ValueError("share must be above 0 and at most 1")
        fault = parse_fault(asked.fault)
        self._rules.append(_Rule(asked.fault, fault, asked.model, asked.count, asked.share))

    def clear(self) -> None:
        """Take all rules back."""
        self._rules.clear()

    def take(self, model: str) -> Fault | None:
        """The fault for one request to this model, or None; it counts as used."""
        for rule in self._rules:
            if rule.model not in {None, model}:
                continue
            if rule.share < 1 and self._rng.random() >= rule.share:
                continue
            if rule.left is not None:
                rule.left -= 1
                if rule.left == 0:
                    self._rules.remove(rule)
            return rule.fault
        return None

    def shown(self) -> list[dict[str, str | float | None]]:
        """The rules as JSON objects."""
        return [
            {"fault": rule.text, "model": rule.model, "left": rule.left, "share": rule.share}
            for rule in self._rules
        ]
