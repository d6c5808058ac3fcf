"""What one organisation writes of a shared connection is no matter of the others."""

from tests.product.conftest import StartProduct
from tests.product.offer import ACME
from tests.product.running import CHAT

HASTY = {
    "slug": "globex",
    "keys": [{"name": "app"}],
    "models": [
        {
            "name": "hasty",
            "targets": [{"connection": "sim-openai", "model": "sim-fast"}],
            "route": {
                "circuit": {"minimum": 1, "slow": 0.000001, "slow_share": 0.01, "open": 600},
            },
        }
    ],
}


async def test_no_organisation_opens_a_shared_circuit_by_its_own_terms(
    start_product: StartProduct,
) -> None:
    product = await start_product(organisations=(ACME, HASTY))
    asked = {"messages": [{"role": "user", "content": "Hello."}], "max_tokens": 5}
    hasty = await product.post(
        CHAT, {"model": "hasty", **asked}, key=product.chain.texts["globex-app"]
    )
    assert hasty.status_code == 200
    answer = await product.post(CHAT, {"model": "sim-fast", **asked})
    assert answer.status_code == 200
