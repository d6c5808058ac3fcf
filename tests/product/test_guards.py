"""Guardrails from the configuration to every kind of call, in one running front."""

import asyncio
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.guardrails import tiny_analyser
from tests.guardrails.running import analysers
from tests.product.conftest import StartProduct
from tests.product.offer import ACME, rates_of
from tests.product.running import PATIENCE, Product

from trunkline.simulator.server import Simulator

EMAIL = "jo@example.com"
RESPONSES = "/v1/responses"
GUARDRAILS: list[dict[str, Any]] = [
    {"name": "hide", "kind": "pii", "action": "redact"},
    {"name": "hide-in", "kind": "pii", "way": "in", "action": "redact"},
    {"name": "hide-out", "kind": "pii", "way": "out", "action": "redact"},
    {"name": "stop", "kind": "pii", "way": "in", "action": "refuse"},
    {"name": "stop-out", "kind": "pii", "way": "out", "action": "refuse"},
    {"name": "names", "kind": "presidio", "way": "in", "action": "redact",
     "presidio": {"entities": ["PERSON"], "model": "en_core_web_sm", "timeout": 20}},
]  # fmt: skip
# By the name of the guardrail; ``plain`` has none.
CHAT_MODELS = ["plain", *(one["name"] for one in GUARDRAILS)]


def offered(simulator: Simulator, tmp_path: Path) -> dict[str, Any]:
    """An organisation whose models are named like their guardrail."""
    secret = tmp_path / "openai.secret"
    secret.write_text("sk-own")
    connection = {
        "name": "own",
        "provider": "openai",
        "base_url": f"{simulator.base_url}/v1",
        "secret": f"file:{secret}",
    }
    models: list[dict[str, Any]] = [
        {
            "name": name,
            "targets": [{"connection": "own", "model": "sim-fast"}],
            "guardrails": [] if name == "plain" else [name],
        }
        for name in CHAT_MODELS
    ]
    embedding = "text-embedding-3-small"
    models.append(
        {
            "name": "embed",
            "kind": "embedding",
            "targets": [{"connection": "own", "model": embedding}],
            "guardrails": ["stop"],
        }
    )
    prices = [
        {"connection": "own", "model": model, **rates_of(model)}
        for model in ("sim-fast", embedding)
    ]
    return {
        **ACME,
        "guardrails": GUARDRAILS,
        "connections": [connection],
        "models": models,
        "prices": prices,
    }


@pytest_asyncio.fixture
async def product(start_product: StartProduct, simulator: Simulator, tmp_path: Path) -> Product:
    """The product with that organisation, and a small analyser in Presidio's place."""
    program = tmp_path / "python"
    words = shlex.join([sys.executable, str(tiny_analyser.__file__)])
    program.write_text(f"#!/bin/sh\nexec {words}\n")
    program.chmod(0o700)
    return await start_product(
        organisations=[offered(simulator, tmp_path)], presidio_python=program
    )


async def made(product: Product, model: str, words: str, **members: Any) -> dict[str, Any]:
    answer = await product.post(RESPONSES, {"model": model, "input": words, **members})
    document: dict[str, Any] = answer.json()
    return document


def text_of(response: dict[str, Any]) -> str:
    return "".join(
        part.get("text", "") for item in response["output"] for part in item.get("content", ())
    )


async def test_what_is_kept_is_what_the_provider_was_told(product: Product) -> None:
    first = await made(product, "hide-in", f"say {EMAIL}")
    assert text_of(first) == "[EMAIL]"
    items = await product.get(f"{RESPONSES}/{first['id']}/input_items")
    assert EMAIL not in items.text
    assert "[EMAIL]" in items.text
    # Under a guard that refuses it goes on, because nothing of it is left.
    second = await made(product, "stop", "say more", previous_response_id=first["id"])
    assert text_of(second) == "more"


async def test_what_was_kept_without_a_guard_is_guarded_when_it_goes_on(product: Product) -> None:
    first = await made(product, "plain", f"say {EMAIL}")
    assert text_of(first) == EMAIL
    refused = await made(product, "stop", "say more", previous_response_id=first["id"])
    assert refused["error"]["code"] == "guardrail_refused"
    hidden = await made(product, "hide-in", "say more", previous_response_id=first["id"])
    items = await product.get(f"{RESPONSES}/{hidden['id']}/input_items")
    assert EMAIL not in items.text


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_is_kept_as_its_caller_got_it(product: Product, stream: bool) -> None:
    body = {"model": "hide-out", "input": f"say {EMAIL}", "stream": stream}
    answer = await product.post(RESPONSES, body)
    assert EMAIL not in answer.text
    if stream:
        events = [json.loads(one[6:]) for one in answer.text.splitlines() if one[:6] == "data: "]
        first = events[-1]["response"]
    else:
        first = answer.json()
    kept = await product.get(f"{RESPONSES}/{first['id']}")
    assert (text_of(first), text_of(kept.json())) == ("[EMAIL]", "[EMAIL]")


async def test_a_run_in_the_background_is_guarded_at_both_ends(product: Product) -> None:
    refused = await made(product, "stop", f"say {EMAIL}", background=True)
    assert refused["error"]["code"] == "guardrail_refused"
    for model, status in (("hide-out", "completed"), ("stop-out", "failed")):
        begun = await made(product, model, f"say {EMAIL}", background=True)
        shown: dict[str, Any] = begun
        async with asyncio.timeout(PATIENCE):
            while shown["status"] in {"queued", "in_progress"}:
                await asyncio.sleep(0.02)
                shown = (await product.get(f"{RESPONSES}/{begun['id']}")).json()
        assert shown["status"] == status
        if status == "completed":
            assert text_of(shown) == "[EMAIL]"
        else:
            assert "stop-out" in shown["error"]["message"]
            assert text_of(shown) == ""


async def test_the_one_call_api_is_guarded(product: Product) -> None:
    path = "/api/llm/process"
    for model in ("hide-in", "hide-out", "hide"):
        answer = await product.post(path, {"model": model, "prompt": f"say {EMAIL}"})
        assert answer.json()["content"] == "[EMAIL]"
        assert answer.headers["x-trunkline-guardrails"] == f"{model}=redacted:1"
    for model in ("stop", "stop-out"):
        answer = await product.post(path, {"model": model, "prompt": f"say {EMAIL}"})
        assert answer.status_code == 400
        assert "guardrail_refused" in answer.text
    told = await product.post(path, {"model": "stop", "prompt": "say x", "system": EMAIL})
    assert told.status_code == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"model": "embed", "input": ["plain", EMAIL]}),
        ("/v1/embeddings", {"model": "embed", "input": EMAIL}),
        ("/v1/messages/count_tokens",
         {"model": "stop", "messages": [{"role": "user", "content": EMAIL}]}),
        ("/v1/completions", {"model": "stop", "prompt": [EMAIL]}),
        ("/v1/chat/completions", {"model": "stop", "messages": [{"role": "user", "content": [
            {"type": "text", "text": EMAIL}]}]}),
        ("/api/chat", {"model": "stop", "messages": [{"role": "user", "content": EMAIL}]}),
    ],
)  # fmt: skip
async def test_no_kind_of_call_goes_around_a_guard(
    product: Product, path: str, body: dict[str, Any]
) -> None:
    answer = await product.post(path, body)
    assert answer.status_code == 400
    assert "'stop' refuses this request" in answer.text
    assert product.simulator.ledger == []


async def test_presidio_is_asked_by_a_front_that_needs_it(product: Product) -> None:
    [process] = analysers()
    body = {"model": "names", "prompt": "say Ada Lovelace"}
    answer = await product.post("/api/llm/process", body)
    assert answer.json()["content"] == "[PERSON]"
    assert "Ada" not in await product.log_text()
    metrics = (await product.get("/metrics")).text
    assert "\ntrunkline_analysis_ready 1" in metrics
    assert "\ntrunkline_analysis_restarts_total 0" in metrics
    assert process.is_running()
