"""The simulator as AWS's own library sees it: it signs, encodes the path and parses the frames."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from tests.simulator.talks import TALKS

from trunkline.simulator import Simulator
from trunkline.simulator.rules import RuleRequest

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
PIXEL = b"\x89PNG"
ASKED: Any = [{"role": "user", "content": [{"text": "Why do gateways exist?"}]}]
TOOLS: Any = {
    "tools": [
        {
            "toolSpec": {
                "name": "get_weather",
                "description": "The weather in a city.",
                "inputSchema": {
                    "json": {
                        "type": "object",
                        "properties": {"city": {"type": "string"}},
                        "required": ["city"],
                    }
                },
            }
        }
    ]
}
THINKING: Any = {
    "inferenceConfig": {"maxTokens": 4000},
    "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
}

Run = Callable[[Callable[[Any], Any]], Any]


def client_of(simulator: Simulator, secret: str) -> Any:
    return botocore.session.Session().create_client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=simulator.base_url,
        aws_access_key_id="AKIASIMULATOR",
        aws_secret_access_key=secret,
        config=Config(retries={"max_attempts": 0}),
    )


@pytest.fixture
def run(swift: Simulator) -> Run:
    """Runs what waits for the network in a thread, beside the simulator's loop."""

    def work(job: Callable[[Any], Any]) -> Any:
        client = client_of(swift, "sim-secret")
        try:
            return job(client)
        finally:
            client.close()

    return lambda job: asyncio.to_thread(work, job)


def converse(**fields: Any) -> Callable[[Any], Any]:
    return lambda client: client.converse(**{"modelId": "sim-fast", "messages": ASKED, **fields})


def stream(**fields: Any) -> Callable[[Any], Any]:
    asked = {"modelId": "sim-fast", "messages": ASKED, **fields}

    def job(client: Any) -> Any:
        with contextlib.closing(client.converse_stream(**asked)["stream"]) as events:
            return list(events)

    return job


def joined(events: list[Any]) -> dict[str, Any]:
    """The message that a stream told, as a body has it."""
    blocks: dict[int, Any] = {}
    for event in events:
        if start := event.get("contentBlockStart"):
            blocks[start["contentBlockIndex"]] = {
                "toolUse": {**start["start"]["toolUse"], "input": ""}
            }
        if not (told := event.get("contentBlockDelta")):
            continue
        ((kind, delta),) = told["delta"].items()
        if kind == "text":
            block = blocks.setdefault(told["contentBlockIndex"], {"text": ""})
            block["text"] += delta
        elif kind == "toolUse":
            blocks[told["contentBlockIndex"]]["toolUse"]["input"] += delta["input"]
        else:
            empty = {"reasoningContent": {"reasoningText": {"text": "", "signature": ""}}}
            block = blocks.setdefault(told["contentBlockIndex"], empty)
            for name, fragment in delta.items():
                block["reasoningContent"]["reasoningText"][name] += fragment
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"])
    return {"role": "assistant", "content": [blocks[index] for index in sorted(blocks)]}


async def test_an_answer_is_text_with_usage_and_the_ledger_knows_it(
    swift: Simulator, run: Run
) -> None:
    answer = await run(converse(modelId=CLAUDE, inferenceConfig={"maxTokens": 3}))
    assert answer["stopReason"] == "max_tokens"
    assert [set(block) for block in answer["output"]["message"]["content"]] == [{"text"}]
    usage = answer["usage"]
    assert (usage["inputTokens"], usage["outputTokens"], usage["totalTokens"]) == (9, 3, 12)
    (seen,) = swift.ledger
    assert (seen.wire, seen.complete, seen.reported_usage) == ("bedrock_converse", True, True)
    assert seen.model == CLAUDE.removeprefix("us.")
    assert seen.bill_nano == 9 * 3000 + 3 * 15_000
    assert answer["ResponseMetadata"]["RequestId"] == seen.request_id


@pytest.mark.parametrize("fields", [{}, {"toolConfig": TOOLS}, {"toolConfig": TOOLS, **THINKING}])
async def test_a_stream_carries_the_same_message(run: Run, fields: Any) -> None:
    whole = await run(converse(**fields))
    events = await run(stream(**fields))
    assert joined(events) == whole["output"]["message"]
    assert events[0] == {"messageStart": {"role": "assistant"}}
    assert events[-2] == {"messageStop": {"stopReason": whole["stopReason"]}}
    assert events[-1] == {"metadata": {"usage": whole["usage"], "metrics": whole["metrics"]}}


async def test_tools_are_called_and_answered_with_the_reasoning_given_back(run: Run) -> None:
    question: Any = {"role": "user", "content": [{"text": "The weather in Paris and Boston?"}]}
    asked: Any = {"modelId": CLAUDE, "toolConfig": TOOLS, **THINKING}
    answer = await run(converse(messages=[question], **asked))
    assert answer["stopReason"] == "tool_use"
    message = answer["output"]["message"]
    kinds = [next(iter(block)) for block in message["content"]]
    assert kinds == ["reasoningContent", "text", "toolUse", "toolUse"]
    uses = [block["toolUse"] for block in message["content"] if "toolUse" in block]
    assert len({use["toolUseId"] for use in uses}) == 2
    results: Any = {
        "role": "user",
        "content": [
            {"toolResult": {"toolUseId": use["toolUseId"], "content": [{"json": {"degrees": 17}}]}}
            for use in uses
        ],
    }
    final = await run(converse(messages=[question, message, results], **asked))
    assert final["stopReason"] == "end_turn"
    told = message["content"][0]["reasoningContent"]["reasoningText"]
    for name in ("text", "signature"):
        changed = {**message, "content": [*message["content"]]}
        changed["content"][0] = {
            "reasoningContent": {"reasoningText": {**told, name: "AAAA" + told[name][4:]}}
        }
        with pytest.raises(ClientError, match="Invalid `signature` in `thinking` block"):
            await run(converse(messages=[question, changed, results], **asked))
    without = {**message, "content": message["content"][1:]}
    with pytest.raises(ClientError, match="Expected `thinking` or `redacted_thinking`"):
        await run(converse(messages=[question, without, results], **asked))


async def test_tool_choice_is_honoured(run: Run) -> None:
    async def names(choice: Any) -> list[str]:
        answer = await run(converse(toolConfig={**TOOLS, "toolChoice": choice}))
        content = answer["output"]["message"]["content"]
        return [block["toolUse"]["name"] for block in content if "toolUse" in block]

    assert await names({"any": {}}) == ["get_weather"]
    assert await names({"tool": {"name": "get_weather"}}) == ["get_weather"]
    assert await names({"auto": {}}) == ["get_weather"]


async def test_structured_output_follows_the_schema(run: Run) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    structure = {"jsonSchema": {"schema": json.dumps(schema), "name": "place"}}
    wanted = {"textFormat": {"type": "json_schema", "structure": structure}}
    answer = await run(converse(outputConfig=wanted))
    assert set(json.loads(answer["output"]["message"]["content"][0]["text"])) == {"city"}


async def test_pictures_and_files_count_by_their_kind(run: Run) -> None:
    async def tokens(*blocks: Any) -> int:
        messages = [{"role": "user", "content": [{"text": "hello"}, *blocks]}]
        answer = await run(converse(messages=messages))
        count: int = answer["usage"]["inputTokens"]
        return count

    bare = await tokens()
    assert bare == 4
    assert await tokens({"image": {"format": "png", "source": {"bytes": PIXEL}}}) == bare + 1600
    document = {"format": "pdf", "name": "A report", "source": {"bytes": b"%PDF"}}
    assert await tokens({"document": document}) == bare + 2000


async def test_the_cache_is_used_at_cache_points(run: Run) -> None:
    point = {"cachePoint": {"type": "default"}}
    hour = {"cachePoint": {"type": "default", "ttl": "1h"}}
    long = {"text": "many words " * 600}
    fields: Any = {
        "modelId": CLAUDE,
        "system": [long, hour],
        "messages": [{"role": "user", "content": [long, point, {"text": "hello"}]}],
    }
    first = (await run(converse(**fields)))["usage"]
    second = (await run(converse(**fields)))["usage"]
    assert first["cacheDetails"] == [
        {"ttl": "5m", "inputTokens": 1204},
        {"ttl": "1h", "inputTokens": 1201},
    ]
    assert (first["inputTokens"], first["cacheWriteInputTokens"]) == (1, 2405)
    assert (second["inputTokens"], second["cacheReadInputTokens"]) == (1, 2405)
    assert second["totalTokens"] == 1 + 2405 + second["outputTokens"]


async def test_errors_have_their_kind(swift: Simulator, run: Run) -> None:
    with pytest.raises(ClientError) as unknown:
        await run(converse(modelId="anthropic.claude-9"))
    assert unknown.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": "The provided model identifier is invalid.",
    }
    swift.faults.add(RuleRequest("overloaded"))
    with pytest.raises(ClientError) as busy:
        await run(converse())
    assert busy.value.response["Error"]["Code"] == "ServiceUnavailableException"
    swift.faults.clear()
    swift.faults.add(RuleRequest("error_in_stream"))
    with pytest.raises(EventStreamError, match="serviceUnavailableException"):
        await run(stream())


async def test_a_wrong_secret_is_a_wrong_signature(swift: Simulator) -> None:
    def job() -> None:
        client = client_of(swift, "another-secret")
        try:
            client.converse(modelId="sim-fast", messages=ASKED)
        finally:
            client.close()

    with pytest.raises(ClientError) as refused:
        await asyncio.to_thread(job)
    told = refused.value.response
    assert told["Error"]["Code"] == "InvalidSignatureException"
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 403


async def test_a_key_may_be_sent_as_it_is(swift: Simulator) -> None:
    talk = TALKS["bedrock"]
    assert (await talk.ask(swift.base_url)).status == 200
    for wrong in ("", "Bearer bad-key", "Basic x"):
        raw = await talk.ask(swift.base_url, headers={"authorization": wrong})
        assert raw.status == 403
        kind = raw.headers["x-amzn-errortype"].partition(":")[0]
        known = {"MissingAuthenticationTokenException", "AccessDeniedException"}
        assert kind in known
