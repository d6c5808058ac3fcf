"""Who may do what: revocation by another process, organisations apart from each other, scopes."""

import asyncio
import os
import sys
from typing import Any

from tests.product.conftest import StartProduct
from tests.product.running import CHAT, MESSAGES, PATIENCE, Product

HELLO = {"model": "sim-fast", "messages": [{"role": "user", "content": "hello"}]}
# Shared models are published to all; each organisation has one of its own as well.
TWO: tuple[dict[str, Any], ...] = tuple(
    {
        "slug": slug,
        "keys": [{"name": "app"}],
        "models": [
            {
                "name": f"{slug}-own",
                "targets": [{"connection": "sim-openai", "model": "sim-fast"}],
            }
        ],
    }
    for slug in ("acme", "rival")
)


async def run_command(product: Product, *arguments: str) -> str:
    """What a command prints, run as a process of its own on the same installation."""
    environment = {
        "PATH": os.environ["PATH"],  # noqa: TID251 - of the test, not of the product
        "TRUNKLINE_DATA_DIR": str(product.settings.data_dir),
    }
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "trunkline.cli.main", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
        cwd=product.settings.data_dir.parent,
    )
    output, errors = await child.communicate()
    assert child.returncode == 0, errors
    return output.decode()


async def test_a_key_revoked_by_another_process_is_soon_refused(product: Product) -> None:
    assert (await product.post(CHAT, HELLO)).status_code == 200
    public_id = product.key[: len("tl_") + 12]
    await run_command(product, "keys", "revoke", public_id)
    async with asyncio.timeout(PATIENCE):
        while (answer := await product.post(CHAT, HELLO)).status_code == 200:  # noqa: ASYNC110 - the front tells nobody what it knows
            await asyncio.sleep(0.02)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "api_key_revoked"
    assert (await product.get("/v1/models")).status_code == 401
    assert (await product.get("/api/me/usage")).status_code == 401


async def test_a_key_made_by_another_process_is_soon_known(product: Product) -> None:
    text = (await run_command(product, "keys", "create", "--name", "late")).strip()
    async with asyncio.timeout(PATIENCE):
        while (await product.post(CHAT, HELLO, key=text)).status_code != 200:  # noqa: ASYNC110 - the front tells nobody what it knows
            await asyncio.sleep(0.02)


async def test_organisations_see_nothing_of_each_other(start_product: StartProduct) -> None:
    product = await start_product(organisations=TWO)
    ours, theirs = product.chain.texts["acme-app"], product.chain.texts["rival-app"]
    answer = await product.post(CHAT, {**HELLO, "model": "rival-own"}, key=theirs)
    assert answer.status_code == 200
    generation = answer.headers["x-trunkline-generation-id"]
    listed = (await product.get("/v1/models", key=ours)).json()["data"]
    names = {model["id"] for model in listed}
    assert "acme-own" in names
    assert "rival-own" not in names
    foreign = await product.post(CHAT, {**HELLO, "model": "rival-own"}, key=ours)
    unknown = await product.post(CHAT, {**HELLO, "model": "nobody-own"}, key=ours)
    assert foreign.status_code == unknown.status_code == 404
    # Nothing tells a foreign model from one that does not exist, not even the near names.
    assert "'rival-own'" not in foreign.json()["error"]["hint"]
    path = f"/v1/generations/{generation}"
    assert (await product.get(path, key=theirs)).status_code == 200
    for _ in ("from the journal", "from the ledger"):
        assert (await product.get(path, key=ours)).status_code == 404
        await product.rows()
    usage = (await product.get("/api/me/usage?scope=org", key=ours)).json()
    assert (usage["total"]["attempts"], usage["lines"]) == (0, [])
    assert (await product.get("/v1/models/rival-own", key=ours)).status_code == 404


async def test_scopes_open_their_own_doors_only(start_product: StartProduct) -> None:
    keys = [
        {"name": "caller", "scopes": ["inference"]},
        {"name": "lister", "scopes": ["models:read"]},
        {"name": "reader", "scopes": ["usage:read"]},
    ]
    product = await start_product(organisations=[{"slug": "acme", "keys": keys}])

    async def statuses(name: str) -> tuple[int, int, int]:
        key = product.chain.texts[f"acme-{name}"]
        called = await product.post(CHAT, HELLO, key=key)
        listed = await product.get("/v1/models", key=key)
        usage = await product.get("/api/me/usage", key=key)
        return called.status_code, listed.status_code, usage.status_code

    assert await statuses("caller") == (200, 200, 403)
    assert await statuses("lister") == (403, 200, 403)
    assert (await statuses("reader"))[0::2] == (403, 200)
    assert len(product.simulator.ledger) == 1


async def test_a_key_is_taken_from_either_header_and_from_nowhere_else(product: Product) -> None:
    document = {**HELLO, "model": "claude-sim-fast", "max_tokens": 20}
    async with product.client() as client:
        del client.headers["authorization"]
        by_key = await client.post(MESSAGES, json=document, headers={"x-api-key": product.key})
        nowhere = await client.post(MESSAGES, json=document)
        in_query = await client.post(f"{MESSAGES}?api_key={product.key}", json=document)
        claimed = await client.post(MESSAGES, json=document, headers={"x-org-id": "acme"})
    assert by_key.status_code == 200
    assert [a.status_code for a in (nowhere, in_query, claimed)] == [401, 401, 401]
    assert product.key not in await product.log_text()
