"""What Bedrock refuses, the simulator refuses, so that a wrong translation is found."""

import base64
from typing import Any

import pytest
from tests.simulator.raw import Raw, exchange, request

from trunkline.simulator import Simulator

PIXEL = base64.b64encode(b"\x89PNG").decode()
SPEC: Any = {"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}
TOOLS: Any = {"toolConfig": {"tools": [SPEC]}}
HELLO: Any = {"role": "user", "content": [{"text": "hello"}]}
POINT: Any = {"cachePoint": {"type": "default"}}


def use(ident: str) -> Any:
    return {"toolUse": {"toolUseId": ident, "name": "f", "input": {}}}


def result(ident: str) -> Any:
    return {"toolResult": {"toolUseId": ident, "content": [{"text": "17"}]}}


def turns(*contents: list[Any]) -> Any:
    roles = ("user", "assistant")
    return {
        "messages": [
            {"role": roles[number % 2], "content": content}
            for number, content in enumerate(contents)
        ]
    }


def document(name: str) -> Any:
    source = {"bytes": PIXEL}
    return {"document": {"format": "pdf", "name": name, "source": source}}


async def ask(simulator: Simulator, body: Any, model: str = "sim-fast") -> Raw:
    body = {"messages": [HELLO], **body} if isinstance(body, dict) else body
    return await exchange(simulator.base_url, request(f"/model/{model}/converse", body))


async def refusal(simulator: Simulator, body: Any, **options: Any) -> str:
    raw = await ask(simulator, body, **options)
    kind = raw.headers["x-amzn-errortype"].partition(":")[0]
    assert (raw.status, set(raw.json())) == (400, {"message"})
    assert kind in {"ValidationException", "SerializationException"}
    message: str = raw.json()["message"]
    return message


SAID = [{"text": "hello"}]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"messages": []}, "The messages field must not be empty"),
        ({"messages": [{"role": "assistant", "content": SAID}]}, "must start with a user message"),
        ({"messages": [HELLO, HELLO]}, "must alternate between user and assistant"),
        ({"messages": [{"role": "system", "content": SAID}]}, "Value at 'messages"),
        (turns([]), "The content field in the Message object at messages.0 is empty"),
        (turns([{"text": ""}]), "is blank"),
        (turns([{"text": " \n"}]), "is blank"),
        (turns([{}]), "exactly one of its members; it sets 0"),
        (turns([{"text": "x", **POINT}]), "exactly one of its members; it sets 2"),
        (turns([use("a")], [result("a")]), "is not for the user role"),
        (turns(SAID, [result("a")]), "is not for the assistant role"),
        (turns([{"image": {"format": "png", "source": {"bytes": "%"}}}]), "not valid base64"),
        (turns([{"image": {"format": "png", "source": {"bytes": ""}}}]), "are empty"),
        (turns([{"image": {"format": "tiff", "source": {"bytes": PIXEL}}}]), "Value at"),
        (turns([document("a"), document("a")]), "unique names"),
        (turns([document("a_b")]), "can only contain alphanumeric"),
        (turns([document("a  b")]), "can only contain alphanumeric"),
        ({**turns(SAID, [use("a")], SAID), **TOOLS}, "Expected toolResult blocks at messages.2"),
        (
            {**turns(SAID, [use("a")], [result("a"), result("b")]), **TOOLS},
            "exceeds the number of toolUse blocks",
        ),
        (
            {**turns(SAID, [use("a")], [result("a"), result("a")]), **TOOLS},
            "exceeds the number of toolUse blocks",
        ),
        ({**turns(SAID, [use("a"), use("a")], [result("a")]), **TOOLS}, "duplicate Ids"),
        ({**turns(SAID, [use("a")]), **TOOLS}, "Expected toolResult blocks for the following Ids"),
        (turns(SAID, [use("a")], [result("a")]), "The toolConfig field must be defined"),
        ({**turns(SAID, [use("a.b")], [result("a.b")]), **TOOLS}, "failed to satisfy"),
        ({**turns(SAID, [use("a" * 65)], [result("a" * 65)]), **TOOLS}, "failed to satisfy"),
        ({**turns(SAID, [use("")], [result("")]), **TOOLS}, "failed to satisfy"),
        (turns(SAID, [{"reasoningContent": {}}], SAID), "exactly one of its members"),
        (
            turns(SAID, [{"reasoningContent": {"reasoningText": {"text": "x"}}}], SAID),
            "Invalid `signature`",
        ),
        (turns([POINT] * 5), "At most 4 cache points"),
    ],
)
async def test_turns_that_bedrock_refuses_are_refused(
    simulator: Simulator, body: Any, sentence: str
) -> None:
    assert sentence in await refusal(simulator, body)


def thinking(budget: int | None, **fields: Any) -> Any:
    told = {"type": "enabled", "budget_tokens": budget}
    return {"additionalModelRequestFields": {"thinking": told}, **fields}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"inferenceConfig": {"maxTokens": 0}}, "Value at 'inferenceConfig.maxTokens'"),
        ({"inferenceConfig": {"temperature": 1.5}}, "Value at 'inferenceConfig.temperature'"),
        ({"inferenceConfig": {"stopSequences": [""]}}, "failed to satisfy"),
        ({"inferenceConfig": {"maxTokens": 10**6}}, "exceeds the model limit"),
        ({"system": [{"text": ""}]}, "failed to satisfy"),
        ({"toolConfig": {"tools": []}}, "failed to satisfy"),
        ({"toolConfig": {"tools": [SPEC, SPEC]}}, "unique names"),
        ({"toolConfig": {"tools": [SPEC], "toolChoice": {}}}, "exactly one of auto, any and tool"),
        (
            {"toolConfig": {"tools": [SPEC], "toolChoice": {"tool": {"name": "g"}}}},
            "not among the tools",
        ),
        (
            {
                "outputConfig": {
                    "textFormat": {
                        "type": "json_schema",
                        "structure": {"jsonSchema": {"schema": "{"}},
                    }
                }
            },
            "not valid JSON",
        ),
        (thinking(1000), "greater than or equal to 1024"),
        (thinking(None), "greater than or equal to 1024"),
        (thinking(2000, inferenceConfig={"maxTokens": 2000}), "must be greater than"),
        (
            thinking(1024, toolConfig={"tools": [SPEC], "toolChoice": {"any": {}}}),
            "forces tool use",
        ),
        (turns([{"text": "x " * 210_000}]), "prompt is too long"),
        (b"{", "must be valid JSON"),
        (b"[]", "Expected `object`"),
        (b"\xff", "must be valid JSON"),
        ({"messages": 3}, "Value at 'messages'"),
    ],
)
async def test_settings_that_bedrock_refuses_are_refused(
    simulator: Simulator, body: Any, sentence: str
) -> None:
    assert sentence in await refusal(simulator, body)


async def test_only_models_that_can_think_may_be_told_to(simulator: Simulator) -> None:
    asked = thinking(1024)
    told = await refusal(simulator, asked, model="amazon.nova-lite-v1%3A0")
    assert "Extra inputs are not permitted" in told


async def test_what_bedrock_accepts_is_accepted(simulator: Simulator) -> None:
    body = {
        **turns(
            [{"text": "hello"}, POINT, document("A report (1)")],
            [{"reasoningContent": {"redactedContent": "eA=="}}, use("tooluse_a-B_9")],
            [
                {
                    "toolResult": {
                        "toolUseId": "tooluse_a-B_9",
                        "status": "error",
                        "content": [
                            {"json": {"degrees": 17}},
                            {"image": {"format": "png", "source": {"bytes": PIXEL}}},
                            {"document": document("x")["document"]},
                        ],
                    }
                },
                {"text": "go on"},
            ],
        ),
        "toolConfig": {"tools": [SPEC, POINT]},
        "system": [{"text": "Be brief."}, POINT],
        "serviceTier": {"type": "flex"},
        "requestMetadata": {"a": "b"},
    }
    raw = await ask(simulator, body)
    assert (raw.status, raw.json()["stopReason"]) == (200, "end_turn")
    assert simulator.ledger[-1].service_tier == "flex"


async def test_a_cache_point_is_no_token(
    simulator: Simulator,
) -> None:
    bare = turns(SAID)
    pointed = turns([*SAID, POINT])
    first, second = await ask(simulator, bare), await ask(simulator, pointed)
    assert first.json()["usage"]["inputTokens"] == second.json()["usage"]["inputTokens"]
