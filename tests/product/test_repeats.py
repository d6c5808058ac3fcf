"""A request that carries an Idempotency-Key is billed once, however often it is sent.

An answer is kept just after its last byte has left, so these tests let the product come to rest
before they repeat; whoever is quicker is told that the first still runs.
"""

import asyncio
import json
from typing import Any

import pytest
from tests.product.books import disagreements
from tests.product.conftest import StartProduct
from tests.product.offer import ACME, configuration
from tests.product.running import CHAT, MESSAGES, Product
from tests.simulator.raw import exchange, request

from trunkline.cli.applying import apply_in
from trunkline.cli.session import open_session

WIRES = {CHAT: "sim-fast", MESSAGES: "claude-sim-fast"}


def asked(path: str, *, stream: bool = False, **fields: Any) -> dict[str, Any]:
    hello = [{"role": "user", "content": "hello"}]
    return {"model": WIRES[path], "messages": hello, "max_tokens": 60, "stream": stream, **fields}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", WIRES)
async def test_a_repeat_gets_the_stored_answer_and_no_second_bill(
    product: Product, path: str, stream: bool
) -> None:
    first = await product.post(path, asked(path, stream=stream), idempotency_key="k1")
    await product.idle()
    again = await product.post(path, asked(path, stream=stream), idempotency_key="k1")
    other = await product.post(path, asked(path, stream=stream), idempotency_key="k2")
    assert [a.status_code for a in (first, again, other)] == [200, 200, 200]
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["x-trunkline-replayed"] == "true"
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert "x-trunkline-replayed" not in first.headers
    assert len(product.simulator.ledger) == 2
    rows = await product.rows()
    assert disagreements(rows, product.simulator.ledger) == []
    assert (await product.standing()).spent_nano == sum(row["cost_nano"] for row in rows)


async def test_a_repeat_is_refused_while_the_first_runs_and_when_it_is_another_request(
    product: Product,
) -> None:
    slow = asked(CHAT, stream=True, model="sim-fast")
    waiting = {"idempotency_key": "k1", "x_simulator_fault": "slow_first_token;seconds=0.5"}
    running = asyncio.create_task(product.post(CHAT, slow, **waiting))
    await _reached(product, 1)
    early = await product.post(CHAT, slow, **waiting)
    assert early.status_code == 409
    assert early.json()["error"]["code"] == "idempotency_key_in_use"
    assert (early.headers["x-should-retry"], early.headers["retry-after"]) == ("true", "1")
    assert (await running).status_code == 200
    await product.idle()
    different = await product.post(CHAT, asked(CHAT, temperature=0.5), idempotency_key="k1")
    assert different.status_code == 409
    assert different.json()["error"]["code"] == "idempotency_key_reused"
    assert different.headers["x-should-retry"] == "false"
    assert len(product.simulator.ledger) == 1


async def test_a_repeat_is_one_whatever_became_of_guardrails_and_ceilings_meanwhile(
    product: Product,
) -> None:
    mail = [{"role": "user", "content": "say to ann@example.com"}]
    document = {"model": "changing", "messages": mail}
    answers = []
    for placeholder, ceiling in (("<one>", 30), ("<another>", 40)):
        await change(product, placeholder, ceiling)
        answers.append(await product.post(CHAT, document, idempotency_key="k1"))
        await product.idle()
    assert [answer.status_code for answer in answers] == [200, 200]
    assert "<one>" in answers[0].text
    assert answers[1].content == answers[0].content
    assert answers[1].headers["x-trunkline-replayed"] == "true"
    assert len(product.simulator.ledger) == 1


async def change(product: Product, placeholder: str, ceiling: int) -> None:
    """Publish the model ``changing`` anew, and wait until the front knows it."""
    guardrail = {
        "name": "personal", "kind": "pii", "action": "redact", "way": "in",
        "pii": {"entities": ["email"], "placeholder": placeholder},
    }  # fmt: skip
    model = {
        "name": "changing",
        "targets": [{"connection": "sim-openai", "model": "sim-fast"}],
        "max_tokens": ceiling,
        "guardrails": ["personal"],
    }
    section = {**ACME, "guardrails": [guardrail], "models": [model]}
    content = configuration(product.simulator.base_url, product.chain, [section])
    async with open_session(product.settings) as session:
        applied = await apply_in(session, content, source="test")
    async with asyncio.timeout(20):
        while product.front.known.poller.seq < applied.changes[-1].seq:  # noqa: ASYNC110 - tells nobody
            await asyncio.sleep(0.01)


async def test_keys_of_two_callers_do_not_meet(start_product: StartProduct) -> None:
    sections = [{"slug": slug, "keys": [{"name": "app"}]} for slug in ("acme", "rival")]
    product = await start_product(organisations=sections)
    first, second = product.chain.texts.values()
    for key in (first, second):
        answer = await product.post(CHAT, asked(CHAT), key=key, idempotency_key="same")
        assert answer.status_code == 200
        assert "x-trunkline-replayed" not in answer.headers
    assert len(product.simulator.ledger) == 2


async def test_an_answer_whose_caller_left_is_there_for_the_repeat(product: Product) -> None:
    document = asked(MESSAGES, stream=True)
    headers = {
        "authorization": f"Bearer {product.key}",
        "idempotency-key": "k1",
        "x-simulator-fault": "slow_first_token;seconds=0.3",
    }
    # Spelled as the client below spells it: a repeat is the same bytes.
    spelled = json.dumps(document, separators=(",", ":")).encode()
    await exchange(product.base_url, request(MESSAGES, spelled, headers), patience=0.1)
    await product.idle()
    again = await product.post(
        MESSAGES, document, idempotency_key="k1", x_simulator_fault="slow_first_token;seconds=0.3"
    )
    assert again.status_code == 200, again.text
    assert again.content.rstrip().endswith(b'data: {"type":"message_stop"}')
    assert again.headers["x-trunkline-replayed"] == "true"
    (row,) = await product.rows()
    assert (row["ending"], row["cost_state"]) == ("completed", "exact")
    assert disagreements([row], product.simulator.ledger) == []


async def test_what_was_refused_for_free_may_be_repeated_and_what_was_billed_may_not(
    product: Product,
) -> None:
    free = await product.post(
        CHAT, asked(CHAT), idempotency_key="k1", x_simulator_fault="status_503"
    )
    await product.idle()
    good = await product.post(CHAT, asked(CHAT), idempotency_key="k1")
    assert (free.status_code, good.status_code) == (503, 200)
    billed = await product.post(
        CHAT, asked(CHAT), idempotency_key="k2", x_simulator_fault="cut_after_events"
    )
    await product.idle()
    again = await product.post(CHAT, asked(CHAT), idempotency_key="k2")
    assert (billed.status_code, again.status_code) == (502, 502)
    assert again.content == billed.content
    # What was refused for free was tried once more, and what was billed was not.
    assert len(product.simulator.ledger) == 4
    assert disagreements(await product.rows(), product.simulator.ledger) == []


@pytest.mark.parametrize("bad", ["", "x" * 256, "caf\xe9"])
async def test_a_key_that_cannot_be_one_is_refused(product: Product, bad: str) -> None:
    headers = {"authorization": f"Bearer {product.key}", "idempotency-key": bad}
    sent = request(CHAT, asked(CHAT), headers).decode().encode("latin-1")
    answer = await exchange(product.base_url, sent)
    assert (answer.status, answer.json()["error"]["code"]) == (400, "invalid_idempotency_key")
    assert product.simulator.ledger == []


async def _reached(product: Product, attempts: int) -> None:
    async with asyncio.timeout(10):
        while len(product.simulator.ledger) < attempts:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.005)
