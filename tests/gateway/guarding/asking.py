"""Asks a running data path in any wire, with words that decide what the model says."""

import json
from collections.abc import Mapping
from typing import Any

from tests.conformance.client_wires import CLIENTS, QUESTION
from tests.gateway.rig import FAMILIES, KEY, Rig, connection, price_of
from tests.product.answers import Reading
from tests.product.books import disagreements
from tests.simulator.raw import Raw, exchange, request

from trunkline.gateway.guarding.guard import Guard
from trunkline.gateway.metering.event import Finished
from trunkline.gateway.snapshot import Alias, Target
from trunkline.guardrails.compiling import compile_guard
from trunkline.simulator.prices import PRICES
from trunkline.simulator.server import Simulator

PRICE = price_of("sim-fast", PRICES["sim-fast"])
HEADER = "x-trunkline-guardrails"


def guard(name: str = "pii", **spec: Any) -> Guard:
    """A guardrail as it would be written; personal data, redacted, both ways by default."""
    return compile_guard(name, {"kind": "pii", "action": "redact", **spec})


def provider_wire(client: str) -> str:
    """The wire that a provider speaks to whoever calls by this one."""
    return "gemini" if client == "gemini_array" else client


def guarded_alias(
    simulator: Simulator, wire: str, *guards: Guard, model: str = "sim-fast", **alias: Any
) -> Alias:
    """The alias ``m`` at a provider of this wire."""
    family = FAMILIES.get(wire, "")
    target = Target(connection(simulator, wire), model, PRICE, family=family)
    return Alias(name="m", targets=(target,), guards=guards, **alias)


async def ask(
    rig: Rig,
    client: str,
    words: str,
    *,
    stream: bool,
    model: str = "m",
    more: Mapping[str, Any] | None = None,
) -> tuple[Raw, Reading]:
    """Send words as the user's in a client's wire."""
    wire = CLIENTS[client]
    path, document = wire.request(model, stream=stream)
    written = json.dumps(document).replace(json.dumps(QUESTION)[1:-1], json.dumps(words)[1:-1])
    body = json.loads(written) | dict(more or {})
    answer = await exchange(rig.base_url, request(path, body, {"authorization": f"Bearer {KEY}"}))
    return answer, wire.read(answer, stream=stream)


def mistakes_in_the_bill(event: Finished, simulator: Simulator) -> list[str]:
    """Where the cost of the only attempt is not what the provider bills; nothing when exact."""
    [(attempt, outcome)] = event.attempts
    row = {
        "id": attempt.id,
        "ending": outcome.ending,
        "cost_state": outcome.cost_state,
        "cost_nano": outcome.cost_nano,
        "floor_nano": attempt.floor_nano,
        "hold_nano": attempt.hold_nano,
    }
    found = disagreements([row], simulator.ledger[-1:])
    return found if outcome.cost_state == "exact" else [*found, "the cost is not exact"]
