"""What a provider once said reaches the caller byte for byte, and is metered as it said."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.conformance.transcripts import TRANSCRIPTS, needs_transcripts, transcripts_in
from tests.product.conftest import StartProduct
from tests.product.running import Product
from tests.simulator.raw import exchange, request

from trunkline.ledger.rows import Row
from trunkline.simulator.server import Simulator
from trunkline.storage.tables.ledger import TOKEN_BUCKETS

SPLITS = (0, 1, 2)


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """A simulator that plays the recorded transcripts."""
    running = Simulator(seed=3, speed=1e6, transcripts=TRANSCRIPTS)
    await running.start()
    yield running
    await running.stop()


@needs_transcripts
@pytest.mark.parametrize("folder", ["openai-chat", "anthropic"])
async def test_every_transcript_passes_byte_equal_however_it_is_split(
    start_product: StartProduct, folder: str
) -> None:
    product = await start_product()
    different = {}
    for transcript in transcripts_in(folder):
        for split in SPLITS:
            headers = {
                "authorization": f"Bearer {product.key}",
                "x-simulator-replay": transcript.name,
                "x-simulator-split": str(split),
            }
            sent = request(transcript.path, transcript.asked, headers)
            answer = await exchange(product.base_url, sent)
            if (answer.status, answer.ended_well) != (transcript.status, True):
                different[transcript.name, split] = answer.data[:400]
            elif answer.body != transcript.body:
                different[transcript.name, split] = answer.body
    assert different == {}


@needs_transcripts
@pytest.mark.parametrize("folder", ["openai-chat", "anthropic"])
async def test_the_recorded_usage_is_in_the_ledger(
    start_product: StartProduct, folder: str
) -> None:
    product = await start_product()
    recorded = transcripts_in(folder)
    for transcript in recorded:
        headers = {
            "authorization": f"Bearer {product.key}",
            "x-simulator-replay": transcript.name,
            "x-request-id": transcript.name,
        }
        await exchange(product.base_url, request(transcript.path, transcript.asked, headers))
    rows = {row["client_request_id"]: row for row in await product.rows()}
    metered = {name: _metered(row) for name, row in rows.items()}
    wanted = {
        transcript.name: ("exact", transcript.usage or {})
        for transcript in recorded
        if transcript.usage is not None or transcript.status >= 400 or "count" in transcript.name
    }
    assert {name: metered[name] for name in wanted} == wanted
    # What says nothing about its usage is estimated, and never taken for nothing.
    silent = {name: metered[name][0] for name in metered.keys() - wanted.keys()}
    assert set(silent.values()) <= {"estimated"}
    assert metered.keys() == {transcript.name for transcript in recorded}


def _metered(row: Row) -> tuple[str, dict[str, int]]:
    return row["cost_state"], {name: row[name] for name in TOKEN_BUCKETS if row[name]}


async def test_nobody_replays_what_is_not_in_the_folder(product: Product) -> None:
    headers = {"x-simulator-replay": "../../etc/passwd"}
    answer = await product.post(
        "/v1/chat/completions",
        {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]},
        **headers,
    )
    assert answer.status_code == 404
