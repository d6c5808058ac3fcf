"""The simulator's own endpoints under ``/_simulator/``: faults, state and the ledger."""

from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from trunkline.simulator.fault_table import FAULTS
from trunkline.simulator.ledger import SeenAttempts
from trunkline.simulator.models import MODELS
from trunkline.simulator.rules import FaultRules, RuleRequest
from trunkline.simulator.script import Script, body_script

_HEADERS = (("content-type", "application/json"),)


class Control:
    """Answers the endpoints; it changes the rules and may empty the ledger, and owns neither."""

    def __init__(
        self,
        seed: int,
        rules: FaultRules,
        attempts: SeenAttempts,
        connections: Collection[object],
    ) -> None:
        self._seed = seed
        self._rules = rules
        self._attempts = attempts
        self._connections = connections

    def answer(self, method: str, name: str, query: Mapping[str, list[str]], body: bytes) -> Script:
        """The answer to one control request; ``name`` is the path behind the prefix."""
        match method, name:
            case "GET", "state":
                return _json(HTTPStatus.OK, self._state())
            case "GET", "attempts":
                return self._listed(query)
            case "DELETE", "attempts":
                self._attempts.clear()
                return _json(HTTPStatus.OK, {"attempts": []})
            case "POST", "fault":
                return self._add(body)
            case "DELETE", "fault":
                self._rules.clear()
                return _json(HTTPStatus.OK, {"faults": []})
            case _:
                return _json(HTTPStatus.NOT_FOUND, {"error": f"no control {method} {name}"})

    def _state(self) -> dict[str, Any]:
        attempts = self._attempts.list()
        return {
            "seed": self._seed,
            "faults": self._rules.shown(),
            "attempts": self._attempts.total,
            "running": sum(attempt.ended is None for attempt in attempts),
            "connections": len(self._connections),
            "models": [model.name for model in MODELS],
            "known_faults": [row.name for row in FAULTS],
        }

    def _listed(self, query: Mapping[str, list[str]]) -> Script:
        """All remembered attempts, or the newest ``limit``."""
        attempts = self._attempts.list()
        limit = query.get("limit", [""])[0]
        if limit and not limit.isdecimal():
            return _json(HTTPStatus.BAD_REQUEST, {"error": "limit must be a whole number"})
        if limit:
            attempts = attempts[max(0, len(attempts) - int(limit)) :]
        return _json(HTTPStatus.OK, {"total": self._attempts.total, "attempts": attempts})

    def _add(self, body: bytes) -> Script:
        try:
            self._rules.add(msgspec.json.decode(body, type=RuleRequest))
        except (ValueError, UnicodeDecodeError) as error:
            return _json(HTTPStatus.BAD_REQUEST, {"error": str(error)})
        return _json(HTTPStatus.OK, {"faults": self._rules.shown()})


def _json(status: HTTPStatus, value: Any) -> Script:
    return body_script(status, _HEADERS, msgspec.json.encode(value))
