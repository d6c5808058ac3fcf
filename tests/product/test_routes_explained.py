"""What an explanation says of a running front is what happens to its requests."""

from typing import Any

from tests.product.conftest import StartProduct
from tests.product.running import CHAT, Product

TARGETS = [
    {"connection": "sim-openai", "model": "sim-fast"},
    {"connection": "sim-openai", "model": "gpt-4o-mini", "weight": 3},
    {"connection": "sim-openai", "model": "gpt-4o", "state": "disabled"},
]
MODELS = [
    {"name": "kept", "targets": TARGETS, "route": {"policy": "sticky"}},
    {"name": "cheap", "targets": TARGETS, "route": {"policy": "price"}},
    {
        "name": "ruled",
        "targets": TARGETS,
        "route": {
            "rules": [
                {
                    "when": {"tags": {"job": "batch"}},
                    "targets": ["sim-openai/gpt-4o-mini"],
                },
                {
                    "when": {"input_tokens_from": 2_000, "needs": ["json"]},
                    "targets": ["sim-openai/gpt-4o-mini"],
                },
            ]
        },
    },
]
LONG = "lighthouse " * 1_000


async def explained(product: Product, query: str) -> dict[str, Any]:
    answer = await product.get(f"/api/routes/explain?{query}")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def served(product: Product, model: str, **members: Any) -> str:
    """The upstream model that answers such a request."""
    headers = members.pop("headers", {})
    said = [{"role": "user", "content": members.pop("said", "hello")}]
    document = {"model": model, "messages": said, "max_tokens": 5, **members}
    answer = await product.post(CHAT, document, **headers)
    assert answer.status_code == 200, answer.text
    return product.simulator.ledger[-1].model


def first(told: dict[str, Any]) -> str:
    name: str = told["targets"][0]["target"]
    return name.removeprefix("sim-openai/")


async def test_requests_go_where_the_explanation_says(start_product: StartProduct) -> None:
    product = await start_product(models=MODELS)

    # Connections have an id of their own in each run, so only many conversations surely spread.
    places = {
        f"talk-{number}": first(await explained(product, f"model=kept&conversation=talk-{number}"))
        for number in range(60)
    }
    assert set(places.values()) == {"sim-fast", "gpt-4o-mini"}
    for talk in list(places)[:8]:
        headers = {"x_trunkline_conversation": talk}
        assert await served(product, "kept", headers=headers) == places[talk]

    cheap = await explained(product, "model=cheap&max_tokens=5")
    assert await served(product, "cheap") == first(cheap)

    for query, members, place in (
        ("", {}, "sim-fast"),
        ("&tag=job%3Dbatch", {"metadata": {"job": "batch"}}, "gpt-4o-mini"),
        (
            "&input_tokens=2750&needs=json",
            {"said": LONG, "response_format": {"type": "json_object"}},
            "gpt-4o-mini",
        ),
        ("&input_tokens=2750", {"said": LONG}, "sim-fast"),
    ):
        assert first(await explained(product, f"model=ruled{query}")) == place
        assert await served(product, "ruled", **members) == place

    (fast, mini, off) = (await explained(product, "model=ruled"))["targets"]
    assert [one["circuit"] for one in (fast, mini, off)] == ["closed"] * 3
    # Those that were asked have an average now.
    assert fast["first_content"] > 0
    assert mini["first_content"] > 0
    assert (off["first_content"], off["why"]) == (None, "it is disabled")
