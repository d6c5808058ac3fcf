from typing import Any

import openai
import pytest
from tests.simulator.raw import Raw, exchange, request

from trunkline.simulator import Simulator

CATEGORIES = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit"),
    *("illicit/violent", "self-harm", "self-harm/intent", "self-harm/instructions", "sexual"),
    *("sexual/minors", "violence", "violence/graphic"),
)
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


async def ask(simulator: Simulator, **fields: Any) -> Raw:
    body = {"input": "I want to kill time", **fields}
    return await exchange(simulator.base_url, request("/v1/moderations", body))


async def test_a_whole_answer_is_one_document_and_free(simulator: Simulator) -> None:
    answer = (await ask(simulator)).json()
    flags = {**dict.fromkeys(CATEGORIES, False), "violence": True}
    assert answer == {
        "id": answer["id"],
        "model": "omni-moderation-latest",
        "results": [
            {
                "flagged": True,
                "categories": flags,
                "category_scores": {
                    name: 0.9 if flagged else 1e-05 for name, flagged in flags.items()
                },
                "category_applied_input_types": {key: ["text"] for key in CATEGORIES},
            }
        ],
    }
    (seen,) = simulator.ledger
    assert (seen.input_tokens, seen.bill_nano, seen.complete) == (5, 0, True)
    assert seen.reported_usage is False


async def test_each_text_gets_a_result_and_parts_get_one(
    openai_client: openai.AsyncOpenAI,
) -> None:
    answer = await openai_client.moderations.create(input=["how are you", "a bomb"])
    assert [one.flagged for one in answer.results] == [False, True]
    assert answer.results[1].categories.illicit_violent
    parts: Any = [{"type": "text", "text": "look at"}, PICTURE]
    answer = await openai_client.moderations.create(model="sim-moderate", input=parts)
    (result,) = answer.results
    assert result.category_applied_input_types.violence == ["text", "image"]
    assert result.category_applied_input_types.hate == ["text"]


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"model": "gpt-4o"}, 404, None),
        ({"input": []}, 400, "input"),
        ({"input": ["text", PICTURE]}, 400, "input"),
        ({"text": "a"}, 400, "text"),
    ],
)
async def test_what_breaks_a_rule_is_refused(
    simulator: Simulator, fields: Any, status: int, param: str | None
) -> None:
    raw = await ask(simulator, **fields)
    assert (raw.status, raw.json()["error"]["param"]) == (status, param)
