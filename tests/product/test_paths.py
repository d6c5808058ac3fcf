"""Who answers which path: Ollama has names directly below /api, where the control API is too."""

import re

from tests.product.running import Product
from tests.simulator.raw import exchange

from trunkline.gateway.routes import ROUTES

# A path's first name below /api, which may be a place that takes any name.
BELOW_API = re.compile(r"/api/([^/]+)")

UPGRADE = (
    b"GET /v1/responses HTTP/1.1\r\nHost: trunkline\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def test_no_route_of_the_control_api_takes_a_name_of_ollamas(product: Product) -> None:
    described = (await product.get("/api/openapi.json")).json()
    control = {match[1] for path in described["paths"] if (match := BELOW_API.match(path))}
    reserved = {match[1] for row in ROUTES if (match := BELOW_API.match(row.path))}
    assert reserved >= {"chat", "generate", "embed", "embeddings", "tags", "show", "version", "ps"}
    assert control != set()
    assert sorted(control & reserved) == []
    assert [name for name in control if "{" in name] == []


async def test_a_websocket_for_responses_is_refused_at_once(product: Product) -> None:
    answer = await exchange(product.base_url, UPGRADE)
    assert (answer.status, answer.headers["upgrade"], answer.ending) == (426, "HTTP/1.1", "closed")
    assert answer.json()["error"]["message"].startswith("This server speaks no WebSocket; ")
    assert product.simulator.ledger == []
