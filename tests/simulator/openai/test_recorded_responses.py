"""The simulator's events beside recorded ones: the same order, the same members."""

import json
from itertools import groupby
from typing import Any

import pytest
from tests.simulator.conftest import TRANSCRIPTS
from tests.simulator.raw import exchange, request

from trunkline.simulator import Simulator

FOLDER = TRANSCRIPTS / "openai-responses"
TOOL = {"type": "function", "name": "final_result", "parameters": {"type": "object"}}

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no recorded transcripts are here")


def read(body: str) -> list[dict[str, Any]]:
    blocks = [block for block in body.split("\n\n") if block.strip()]
    return [json.loads(block.partition("data: ")[2]) for block in blocks]


def recorded(name: str) -> list[dict[str, Any]]:
    return read((FOLDER / name).read_text())


def whole(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())


def grammar(events: list[dict[str, Any]]) -> list[str]:
    """The types in order, runs of the same as one."""
    return [name for name, _ in groupby(event["type"] for event in events)]


def members(value: Any, path: str = "") -> set[str]:
    """Where the members are; what a client sent is not looked into."""
    if isinstance(value, list):
        return set().union(*(members(one, f"{path}[]") for one in value))
    if not isinstance(value, dict) or path.endswith((".parameters", ".schema")):
        return {path}
    return {path}.union(*(members(inner, f"{path}.{name}") for name, inner in value.items()))


async def told(simulator: Simulator, **fields: Any) -> list[dict[str, Any]]:
    body = {"model": "sim-fast", "stream": True, **fields}
    return read((await exchange(simulator.base_url, request("/v1/responses", body))).body.decode())


async def test_a_stream_of_text_has_exactly_the_members_of_a_recorded_one(
    simulator: Simulator,
) -> None:
    ours, theirs = await told(simulator, input="Why?"), recorded("stream-text.sse")
    assert grammar(ours) == grammar(theirs)
    for kind in grammar(theirs):
        both = [
            members([event for event in events if event["type"] == kind])
            for events in (ours, theirs)
        ]
        assert both[0] == both[1], kind


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        (
            "stream-reasoning-tool.sse",
            {
                "model": "sim-think",
                "tools": [TOOL],
                "tool_choice": "required",
                "include": ["reasoning.encrypted_content"],
            },
        ),
        ("stream-tool-calls-multi.sse", {"tools": [TOOL], "tool_choice": "required"}),
    ],
)
async def test_a_stream_of_calls_has_the_order_of_a_recorded_one_and_no_member_less(
    simulator: Simulator, name: str, fields: dict[str, Any]
) -> None:
    ours, theirs = await told(simulator, input="Why?", **fields), recorded(name)
    # Recorded calls in parallel are the same few events again.
    assert grammar(ours) == [*grammar(theirs)[: len(grammar(ours)) - 1], "response.completed"]
    missing = members(theirs) - members(ours)
    # An early recording calls the summary otherwise.
    assert missing <= {"[].response.reasoning.generate_summary"}


async def test_a_summary_of_reasoning_has_the_events_of_a_recorded_one(
    simulator: Simulator,
) -> None:
    ours = await told(
        simulator,
        model="sim-think",
        input="Why?",
        reasoning={"summary": "detailed"},
        include=["reasoning.encrypted_content"],
    )
    theirs = recorded("stream-reasoning-summary-shape.sse")

    def of_reasoning(events: list[dict[str, Any]]) -> set[str]:
        return members([event for event in events if "reasoning" in event["type"]])

    assert of_reasoning(ours) == of_reasoning(theirs)
    first_item = grammar(ours).index("response.output_item.done") + 1
    assert grammar(ours)[:first_item] == grammar(theirs)[:first_item]


@pytest.mark.parametrize(
    "name", ["basic.json", "json-schema.json", "reasoning-encrypted-tools.json"]
)
async def test_a_whole_response_has_no_member_less_than_a_recorded_one(
    simulator: Simulator, name: str
) -> None:
    schema = {"type": "json_schema", "name": "a", "schema": {"type": "object"}, "description": "b"}
    body = {
        "model": "sim-think",
        "input": "Why?",
        "tools": [{**TOOL, "description": "Ends it."}],
        "include": ["reasoning.encrypted_content"],
        **({"text": {"format": schema}, "tool_choice": "none"} if "schema" in name else {}),
        **({"tool_choice": "none"} if "basic" in name else {}),
    }
    raw = await exchange(simulator.base_url, request("/v1/responses", body))
    theirs = members(whole(name))
    # What newer models added and nothing depends on.
    newer = {".billing", ".billing.payer", ".moderation", ".output[].phase", ".reasoning.context"}
    assert theirs - members(raw.json()) <= newer
