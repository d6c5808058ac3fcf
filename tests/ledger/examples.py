"""Attempts and outcomes to record."""

from typing import Any

from trunkline.gateway.metering.event import Attempt, Outcome
from trunkline.gateway.metering.usage import Usage
from trunkline.kit.ids import new_id

START_MS = 1_750_000_000_000
ORG = "01970000-0000-7000-8000-00000000000a"
OTHER_ORG = "01970000-0000-7000-8000-00000000000b"
TEAM = "01970000-0000-7000-8000-0000000000aa"
USER = "01970000-0000-7000-8000-0000000000ab"
KEY = "01970000-0000-7000-8000-0000000000ac"
CONNECTION = "01970000-0000-7000-8000-0000000000ad"


def attempt(**changes: Any) -> Attempt:
    fields: dict[str, Any] = {
        "id": new_id(),
        "request_id": new_id(),
        "client_request_id": "client-1",
        "number": 1,
        "opened_ms": START_MS,
        "org_id": ORG,
        "team_id": TEAM,
        "user_id": USER,
        "key_id": KEY,
        "alias": "fast",
        "provider": "openai",
        "connection_id": CONNECTION,
        "model": "gpt-4o",
        "wire": "openai_chat",
        "operation": "chat",
        "stream": True,
        "hold_nano": 90_000,
        "input_bound": 100,
        "input_estimate": 20,
        "output_bound": 5000,
        "floor_nano": 1_000,
        "output_rate_nano": 10_000_000,
        "price_ref": "openai/gpt-4o@1",
    }
    return Attempt(**(fields | changes))


def outcome(**changes: Any) -> Outcome:
    fields: dict[str, Any] = {
        "closed_ms": START_MS + 1500,
        "ending": "completed",
        "status": 200,
        "cost_state": "exact",
        "cost_nano": 5_000,
        "usage": Usage(input=11, cache_read=3, output=7),
        "price_ref": "openai/gpt-4o@1",
        "served_model": "gpt-4o-2024-08-06",
        "upstream_id": "chatcmpl-1",
        "first_byte_ms": 100,
        "first_token_ms": 200,
        "output_bytes": 28,
    }
    return Outcome(**(fields | changes))


def estimated(**changes: Any) -> Outcome:
    return outcome(**({"ending": "client_gone", "cost_state": "estimated"} | changes))


def unpriced(**changes: Any) -> Outcome:
    return outcome(**({"cost_state": "unpriced", "cost_nano": None, "price_ref": None} | changes))
