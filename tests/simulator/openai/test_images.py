import base64
import json
import zlib
from typing import Any

import openai
import pytest
from tests.simulator.raw import Raw, exchange, request

from trunkline.simulator import Simulator


async def ask(simulator: Simulator, **fields: Any) -> Raw:
    body = {"model": "gpt-image-1", "prompt": "a red cat", **fields}
    return await exchange(simulator.base_url, request("/v1/images/generations", body))


def usage(output: int) -> dict[str, Any]:
    return {
        "input_tokens": 3,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": 3},
        "output_tokens": output,
        "output_tokens_details": {"image_tokens": output, "text_tokens": 0},
        "total_tokens": 3 + output,
    }


async def test_a_whole_answer_is_one_document_with_the_tokens_of_a_real_picture(
    simulator: Simulator,
) -> None:
    answer = (await ask(simulator)).json()
    assert answer == {
        "created": answer["created"],
        "background": "opaque",
        "output_format": "png",
        "quality": "medium",
        "size": "1024x1024",
        "data": answer["data"],
        "usage": usage(1056),
    }
    (picture,) = answer["data"]
    png = base64.b64decode(picture["b64_json"])
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    start = png.index(b"IDAT") + 4
    assert len(zlib.decompress(png[start : png.index(b"IEND") - 8])) == 8 * (1 + 8 * 3)
    (seen,) = simulator.ledger
    # $5 and $40 per million tokens are 5,000 and 40,000 nano-dollars per token.
    assert seen.bill_nano == 3 * 5_000 + 1056 * 40_000


async def test_size_quality_and_number_decide_the_price(
    openai_client: openai.AsyncOpenAI,
) -> None:
    answer = await openai_client.images.generate(
        model="gpt-image-1",
        prompt="a red cat",
        n=2,
        size="1024x1536",
        quality="high",
        background="transparent",
    )
    assert answer.usage is not None
    assert answer.usage.output_tokens == 2 * 6240
    assert (answer.background, answer.quality, answer.size) == ("transparent", "high", "1024x1536")
    assert len({one.b64_json for one in answer.data or ()}) == 2


async def test_a_stream_shows_the_picture_on_its_way(simulator: Simulator) -> None:
    raw = await ask(simulator, stream=True, partial_images=2)
    whole = (await ask(simulator)).json()
    assert raw.headers["content-type"] == "text/event-stream; charset=utf-8"
    told = [block.partition("\ndata: ") for block in raw.events]
    events = [json.loads(data) for _, _, data in told]
    assert [name for name, _, _ in told] == [f"event: {event['type']}" for event in events]
    shown = {
        "created_at": whole["created"],
        **{name: whole[name] for name in ("background", "output_format", "quality", "size")},
    }
    pictures = [event["b64_json"] for event in events]
    assert events == [
        {
            "type": "image_generation.partial_image",
            **shown,
            "partial_image_index": number,
            "b64_json": pictures[number],
        }
        for number in range(2)
    ] + [
        {
            "type": "image_generation.completed",
            **shown,
            "b64_json": whole["data"][0]["b64_json"],
            "usage": usage(1056 + 2 * 100),
        }
    ]
    seen = simulator.ledger[0]
    assert (seen.output_tokens, seen.reported_usage, seen.complete) == (1256, True, True)


async def test_a_stream_that_is_cut_costs_what_was_painted(simulator: Simulator) -> None:
    fault = "sim-image+fault=cut_after_events;after=1"
    await ask(simulator, model=fault, stream=True, partial_images=2)
    assert simulator.ledger[-1].output_tokens == 100


@pytest.mark.parametrize(
    ("fields", "status", "param", "code"),
    [
        ({"model": "gpt-4o"}, 404, None, "model_not_found"),
        ({"prompt": ""}, 400, "prompt", None),
        ({"prompt": "a " * 32_001}, 400, "prompt", "string_above_max_length"),
        ({"n": 11}, 400, "n", "invalid_type"),
        ({"size": "5x5"}, 400, "size", "invalid_type"),
        ({"response_format": "url"}, 400, "response_format", "unknown_parameter"),
    ],
)
async def test_what_breaks_a_rule_is_refused(
    simulator: Simulator, fields: Any, status: int, param: str | None, code: str | None
) -> None:
    raw = await ask(simulator, **fields)
    error = raw.json()["error"]
    assert (raw.status, error["param"], error["code"]) == (status, param, code)
    assert simulator.ledger[-1].bill_nano == 0
