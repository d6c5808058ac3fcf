"""Finished requests for the tests of what is made of them."""

from typing import Any

import msgspec

from trunkline.gateway.metering.event import Attempt, Finished, Outcome
from trunkline.gateway.metering.usage import Usage

STARTED_NS = 1_763_686_923_000_000_000
STARTED_MS = STARTED_NS // 1_000_000
REQUEST = "01890a5d-ac96-774b-bcce-b302099a8057"
FIRST = "01890a5d-ac97-7000-8000-000000000001"
SECOND = "01890a5d-ac98-7000-8000-000000000002"


def attempt(**changes: Any) -> Attempt:
    base = Attempt(
        id=FIRST,
        request_id=REQUEST,
        client_request_id="client-1",
        number=1,
        opened_ms=STARTED_MS + 1,
        org_id="org-1",
        team_id=None,
        user_id=None,
        key_id="key-1",
        alias="fast",
        provider="openai",
        connection_id="connection-1",
        model="gpt-5-mini",
        wire="openai_chat",
        operation="chat",
        stream=True,
        hold_nano=5000,
        input_bound=200,
        input_estimate=100,
        output_bound=1000,
        floor_nano=100,
        output_rate_nano=100,
        price_ref="p1",
    )
    return msgspec.structs.replace(base, **changes)


def outcome(**changes: Any) -> Outcome:
    base = Outcome(
        closed_ms=STARTED_MS + 1201,
        ending="completed",
        status=200,
        cost_state="exact",
        cost_nano=1_230_000,
        usage=Usage(input=80, cache_read=20, cache_write=4, output=90, reasoning=11),
        price_ref="p1",
        served_model="gpt-5-mini-2025-08-07",
        upstream_id="req_abc",
        first_byte_ms=150,
        first_token_ms=200,
        output_bytes=400,
    )
    return msgspec.structs.replace(base, **changes)


def finished(**changes: Any) -> Finished:
    base = Finished(
        started_ns=STARTED_NS,
        request_id=REQUEST,
        client_request_id="client-1",
        method="POST",
        url="/v1/chat/completions?key=[secret]",
        route="/v1/chat/completions",
        status=200,
        duration_ms=1202.5,
        user_agent="OpenAI/Python 1.99.1",
        org_id="org-1",
        key_id="key-1",
        wire="openai_chat",
        operation="chat",
        alias="fast",
        stream=True,
        overhead_ms=0.3125,
        ttft_ms=202.5,
        attempts=((attempt(), outcome()),),
    )
    return msgspec.structs.replace(base, **changes)
