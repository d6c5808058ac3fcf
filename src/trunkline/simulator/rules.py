"""Faults that are set from outside for requests still to come."""

import msgspec

from trunkline.simulator.fault_table import Fault, parse_fault


class RuleRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What a client of the control endpoint asks for.

    Attributes:
        fault: ``name[;param=number...]``.
        count: for how many requests; None until it is taken back.
        model: only for requests to this model; None for all.
    """

    fault: str
    count: int | None = None
    model: str | None = None


class _Rule(msgspec.Struct):
    text: str
    fault: Fault
    model: str | None
    left: int | None


class FaultRules:
    """The rules in force, oldest first; the first that fits is used. The simulator owns them."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []

    def add(self, asked: RuleRequest) -> None:
        """Put one more rule in force.

        Raises:
            ValueError: the fault is unknown, or the count is not positive.
        """
        if asked.count is not None and asked.count < 1:
            raise ValueError("count must be at least 1")
        fault = parse_fault(asked.fault)
        self._rules.append(_Rule(asked.fault, fault, asked.model, asked.count))

    def clear(self) -> None:
        """Take all rules back."""
        self._rules.clear()

    def take(self, model: str) -> Fault | None:
        """The fault for one request to this model, or None; it counts as used."""
        for rule in self._rules:
            if rule.model not in {None, model}:
                continue
            if rule.left is not None:
                rule.left -= 1
                if rule.left == 0:
                    self._rules.remove(rule)
            return rule.fault
        return None

    def shown(self) -> list[dict[str, str | int | None]]:
        """The rules as JSON objects."""
        return [
            {"fault": rule.text, "model": rule.model, "left": rule.left} for rule in self._rules
        ]
