"""What the front opens it closes."""

from pathlib import Path

from tests.product.running import CHAT, running_product

from trunkline.simulator.server import Simulator


async def test_a_front_that_ends_leaves_no_connection_to_a_provider_open(
    data_dir: Path, simulator: Simulator
) -> None:
    hello = {"model": "sim-fast", "messages": [{"role": "user", "content": "hello"}]}
    async with running_product(data_dir, simulator) as product:
        assert (await product.post(CHAT, hello)).status_code == 200
        await product.idle()
        upstream = product.front.upstream
        assert sum(origin.idle for origin in upstream.stats().origins) == 1
    assert sum(origin.idle + origin.busy for origin in upstream.stats().origins) == 0
