"""The Responses API end to end: kept, gone on from, looked up, run in the background."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
import pytest_asyncio
from openai.types.responses import Response
from tests.product.books import disagreements
from tests.product.conftest import StartProduct
from tests.product.offer import ACME
from tests.product.running import PATIENCE, Product

from trunkline.kit.money import format_usd
from trunkline.simulator.prices import PRICES
from trunkline.simulator.server import Simulator

RESPONSES = "/v1/responses"
# The first passes bytes; the others are written for chat completions and Anthropic's Messages.
MODELS = ["own-fast", "sim-fast", "claude-sim-fast"]
THINKS = "own-think"
OWN = {"own-fast": "sim-fast", THINKS: "gpt-5-mini"}
OTHERS = {"slug": "other", "keys": [{"name": "app"}]}


@pytest.fixture
def acme(simulator: Simulator, tmp_path: Path) -> dict[str, Any]:
    """An organisation with a provider of its own that speaks the Responses API."""
    secret = tmp_path / "openai.secret"
    secret.write_text("sk-own")
    connection = {
        "name": "own",
        "provider": "openai",
        "base_url": f"{simulator.base_url}/v1",
        "secret": f"file:{secret}",
        "cancels_on_close": True,
    }
    models = [
        {"name": name, "targets": [{"connection": "own", "model": model}]}
        for name, model in OWN.items()
    ]
    prices = [
        {
            "connection": "own",
            "model": model,
            "input": format_usd(PRICES[model].input),
            "output": format_usd(PRICES[model].output),
            "cache_read": format_usd(PRICES[model].cache_read),
        }
        for model in OWN.values()
    ]
    return {**ACME, "connections": [connection], "models": models, "prices": prices}


@pytest_asyncio.fixture
async def product(start_product: StartProduct, acme: dict[str, Any]) -> Product:
    """The product with that organisation."""
    return await start_product(organisations=[acme])


def asked(model: str, text: str = "hello", **members: Any) -> dict[str, Any]:
    return {"model": model, "input": text, "max_output_tokens": 60, **members}


async def created(product: Product, model: str, **members: Any) -> dict[str, Any]:
    answer = await product.post(RESPONSES, {**asked(model), **members})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def shown(product: Product, response_id: str) -> dict[str, Any]:
    answer = await product.get(f"{RESPONSES}/{response_id}")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def until(product: Product, response_id: str, *statuses: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        while (found := await shown(product, response_id))["status"] not in statuses:  # noqa: ASYNC110 - it is asked for as callers do
            await asyncio.sleep(0.02)
    return found


def client(product: Product) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{product.base_url}/v1", api_key=product.key, max_retries=0)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", MODELS)
async def test_a_conversation_goes_on_from_what_is_kept(
    product: Product, model: str, stream: bool
) -> None:
    async with client(product) as sdk:
        first: Response
        if stream:
            async with sdk.responses.stream(model=model, input="first words") as events:
                first = await events.get_final_response()
        else:
            first = await sdk.responses.create(model=model, input="first words")
        second = await sdk.responses.create(
            model=model, input="second words", previous_response_id=first.id
        )
        third = await sdk.responses.create(
            model=model, input="third", previous_response_id=second.id, stream=False
        )
        items = await sdk.responses.input_items.list(third.id, order="asc")
        assert [item.type for item in items.data] == ["message"] * 5
        assert third.usage is not None
        assert second.usage is not None
        assert third.usage.input_tokens > second.usage.input_tokens
        kept = await sdk.responses.retrieve(second.id)
        assert (kept.output_text, kept.previous_response_id) == (second.output_text, first.id)
        await sdk.responses.delete(second.id)
        with pytest.raises(openai.NotFoundError) as missing:
            await sdk.responses.create(model=model, input="x", previous_response_id=second.id)
        assert missing.value.code == "previous_response_not_found"
        # What went on from it is whole.
        last = await sdk.responses.create(model=model, input="x", previous_response_id=third.id)
        assert last.status == "completed"
    assert disagreements(await product.rows(), product.simulator.ledger) == []


async def test_a_conversation_goes_on_with_a_model_of_another_provider(product: Product) -> None:
    previous = await created(product, MODELS[0])
    for model in (*MODELS, THINKS, *MODELS):
        previous = await created(
            product, model, previous_response_id=previous["id"], max_output_tokens=4000
        )
        assert previous["status"] == "completed"


@pytest.mark.parametrize("model", [THINKS, "sim-think", "claude-sim-think"])
async def test_thought_before_a_call_is_there_when_its_result_comes(
    product: Product, model: str
) -> None:
    tool = {"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": False}
    wanted = {"tools": [tool], "reasoning": {"effort": "low"}, "max_output_tokens": 4000}
    first = await created(product, model, input="look at it", **wanted)
    calls = [item for item in first["output"] if item["type"] == "function_call"]
    results = [
        {"type": "function_call_output", "call_id": call["call_id"], "output": "x"}
        for call in calls
    ]
    assert results
    second = await created(
        product, model, input=results, previous_response_id=first["id"], **wanted
    )
    assert second["status"] == "completed"
    # The other way round: the caller gives everything back itself.
    said = [{"role": "user", "content": "look at it"}, *first["output"], *results]
    again = await created(product, model, input=said, store=False, **wanted)
    assert again["status"] == "completed"


async def test_nobody_else_sees_a_response(
    start_product: StartProduct, acme: dict[str, Any]
) -> None:
    keys = [{"name": "app"}, {"name": "second"}]
    product = await start_product(organisations=[{**acme, "keys": keys}, OTHERS])
    response = await created(product, MODELS[0])
    _, second, other = product.chain.texts.values()
    for key in (second, other):
        for method, path in (
            ("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/input_items")
        ):  # fmt: skip
            async with product.client(key) as http:
                answer = await http.request(method, f"{RESPONSES}/{response['id']}{path}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (
                404,
                "response_not_found",
            )
        going_on = asked("sim-fast", previous_response_id=response["id"])
        answer = await product.post(RESPONSES, going_on, key=key)
        assert answer.status_code == 404
        reference = [{"type": "item_reference", "id": response["output"][0]["id"]}]
        answer = await product.post(RESPONSES, {"model": "sim-fast", "input": reference}, key=key)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "item_not_found")


async def test_what_shall_not_be_kept_is_not(product: Product) -> None:
    response = await created(product, MODELS[0], store=False)
    assert (await product.get(f"{RESPONSES}/{response['id']}")).status_code == 404


async def test_items_may_be_referred_to(product: Product) -> None:
    response = await created(product, MODELS[0])
    reference = {"type": "item_reference", "id": response["output"][0]["id"]}
    said = [{"role": "user", "content": "a"}, reference, {"role": "user", "content": "b"}]
    again = await created(product, MODELS[0], input=said)
    listed = await product.get(f"{RESPONSES}/{again['id']}/input_items?order=asc")
    assert listed.json()["data"][1] == response["output"][0]


@pytest.mark.parametrize("model", MODELS)
async def test_a_response_runs_in_the_background(product: Product, model: str) -> None:
    begun = await created(product, model, background=True)
    assert (begun["status"], begun["background"], begun["output"]) == ("queued", True, [])
    ended = await until(product, begun["id"], "completed")
    assert ended["id"] == begun["id"]
    assert ended["output"]
    await product.idle()
    later = await created(product, model, previous_response_id=begun["id"])
    assert later["status"] == "completed"
    rows = await product.rows()
    assert disagreements(rows, product.simulator.ledger) == []


async def test_a_response_in_the_background_can_be_cancelled(product: Product) -> None:
    slow = {"x_simulator_fault": "slow_first_token;seconds=30"}
    answer = await product.post(RESPONSES, asked(MODELS[0], background=True), **slow)
    begun = answer.json()
    async with product.client() as http:
        cancelled = await http.post(f"{RESPONSES}/{begun['id']}/cancel")
    assert cancelled.json()["status"] == "cancelled"
    await product.idle()
    assert (await shown(product, begun["id"]))["status"] == "cancelled"


async def test_a_refusal_before_the_run_is_told_at_once(product: Product) -> None:
    unknown = await product.post(RESPONSES, asked("no-such-model", background=True))
    assert unknown.status_code == 404
    streamed = await product.post(RESPONSES, asked(MODELS[0], background=True, stream=True))
    assert (streamed.status_code, streamed.json()["error"]["param"]) == (400, "stream")


async def test_a_failure_of_the_provider_is_the_state_of_the_response(product: Product) -> None:
    fault = {"x_simulator_fault": "status;status=500"}
    begun = (await product.post(RESPONSES, asked(MODELS[0], background=True), **fault)).json()
    failed = await until(product, begun["id"], "failed")
    assert failed["error"]["message"]


async def test_a_run_that_the_shutdown_ends_has_failed(
    start_product: StartProduct, acme: dict[str, Any]
) -> None:
    product = await start_product(organisations=[acme], shutdown_deadline=0.2)
    slow = {"x_simulator_fault": "slow_first_token;seconds=30"}
    begun = (await product.post(RESPONSES, asked(MODELS[0], background=True), **slow)).json()
    product.front.server.stop()
    kept = product.front.kept.database
    async with asyncio.timeout(PATIENCE):
        while (status := await _status(kept, begun["id"]))[0] == "in_progress":  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)
    assert (status[0], json.loads(status[1])["error"]["code"]) == ("failed", "shutting_down")


async def _status(database: Any, response_id: str) -> Any:
    async with database.read(None) as conn:
        rows = await conn.exec_driver_sql(
            "SELECT status, response FROM kept_response WHERE id = ?", (response_id,)
        )
        return rows.one()


async def test_an_upgrade_to_a_web_socket_is_refused_with_426(product: Product) -> None:
    upgrade = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    async with httpx2.AsyncClient(base_url=product.base_url) as http:
        answer = await http.get(RESPONSES, headers=upgrade)
    assert answer.status_code == 426


async def test_counting_tokens_sees_the_whole_conversation(product: Product) -> None:
    response = await created(product, MODELS[0])
    path = f"{RESPONSES}/input_tokens"
    alone = await product.post(path, {"model": MODELS[0], "input": "x"})
    whole = await product.post(
        path, {"model": MODELS[0], "input": "x", "previous_response_id": response["id"]}
    )
    assert whole.json()["input_tokens"] > alone.json()["input_tokens"]
