"""How targets do, told by the running product to each organisation for itself."""

from tests.product.conftest import StartProduct
from tests.product.offer import ACME
from tests.product.running import CHAT, Product

from trunkline.simulator.server import Simulator

GLOBEX = {"slug": "globex", "keys": [{"name": "app"}]}
HELLO = [{"role": "user", "content": "Hello."}]


def key_of(product: Product, organisation: str) -> str:
    return product.chain.texts[f"{organisation}-app"]


async def test_each_organisation_sees_the_targets_and_its_own_traffic(
    start_product: StartProduct,
) -> None:
    product = await start_product(organisations=(ACME, GLOBEX))
    for _ in range(3):
        answer = await product.post(CHAT, {"model": "sim-fast", "messages": HELLO})
        assert answer.status_code == 200
    await product.post(
        CHAT,
        {"model": "sim-openai/globex-secret", "messages": HELLO},
        key=key_of(product, "globex"),
    )
    told = (await product.get("/api/providers/health")).json()
    (busy,) = [target for target in told["targets"] if target["share"]]
    assert (busy["connection"], busy["model"], busy["aliases"]) == (
        "sim-openai",
        "sim-fast",
        ["sim-fast"],
    )
    assert (busy["state"], busy["share"], busy["in_flight"]) == ("ok", 1.0, 0)
    assert 0 < busy["latency_ms"]["average"] < 5000
    assert "globex-secret" not in str(told)
    short = (await product.get("/api/llm/health")).json()
    assert (short["status"], short["providers"]["openai"]) == ("ok", "ok")
    theirs = (await product.get("/api/providers/health", key=key_of(product, "globex"))).json()
    assert [(one["model"], one["share"]) for one in theirs["targets"] if one["share"]] == [
        ("globex-secret", 1.0)
    ]


async def test_the_one_call_api_takes_the_default_model_and_is_in_the_ledger(
    start_product: StartProduct,
) -> None:
    product = await start_product(default_model="sim-fast")
    answer = await product.post(
        "/api/llm/process", {"prompt": "Say hello.", "userId": "ann", "maxTokens": 30}
    )
    told = answer.json()
    (row,) = await product.rows()
    assert answer.status_code == 200
    assert (told["model"], told["costState"]) == ("sim-fast", "exact")
    assert round(float(told["cost"]) * 1e9) == row["cost_nano"]
    assert (row["end_user"], row["user_id"], row["reason"]) == ("ann", None, "first")
    refused = await product.post("/api/llm/process", {"prompt": "x"}, key="tl_wrong")
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")


async def test_circuits_show_in_the_scrape(product: Product) -> None:
    await product.post(CHAT, {"model": "sim-fast", "messages": HELLO})
    text = (await product.get("/metrics")).text
    target = 'gen_ai_provider_name="openai",gen_ai_request_model="sim-fast"'
    assert f'trunkline_circuit_state{{{target},state="closed"}} 1.0' in text
    assert (
        f'{target},trunkline_alias="sim-fast",ending="completed",status="200",reason="first"'
        in text
    )


async def test_only_an_organisations_own_connections_can_be_held(
    start_product: StartProduct, simulator: Simulator
) -> None:
    own = {
        "slug": "acme",
        "connections": [
            {
                "name": "mine",
                "provider": "openai",
                "base_url": f"{simulator.base_url}/v1",
                "cancels_on_close": True,
            }
        ],
        "keys": [
            {"name": "app"},
            {"name": "operator", "scopes": ["circuits:write", "models:read"]},
        ],
    }
    product = await start_product(organisations=(own,))
    operator = product.chain.texts["acme-operator"]
    order = {"connection": "mine", "model": "sim-fast", "state": "open", "reason": "a drill"}

    async def give(key: str, **changes: object) -> int:
        answer = await product.post("/api/providers/circuit", order | changes, key=key)
        return answer.status_code

    assert await give(product.key) == 403
    assert await give(operator, connection="sim-openai") == 404
    assert await give(operator) == 200
    assert await give(operator, state="auto") == 200
    assert await give(operator, state="auto") == 404
