import json
from pathlib import Path
from typing import Any

import pytest
from tests.simulator.conftest import TRANSCRIPTS
from tests.simulator.raw import ANTHROPIC, BOTH, OPENAI, Raw, ask, asked, exchange, request

from trunkline.simulator import Simulator

WIRES = {OPENAI: "openai-chat", ANTHROPIC: "anthropic"}


def transcripts() -> list[Any]:
    """Each recorded transcript of both wires, with the path that plays it."""
    found = [
        pytest.param(path, file, id=f"{folder}/{file.name}")
        for path, folder in WIRES.items()
        for file in sorted((TRANSCRIPTS / folder).glob("*"))
        if not file.name.endswith(".meta.json")
    ]
    reason = f"no recorded transcripts in {TRANSCRIPTS}"
    return found or [pytest.param("", Path(), marks=pytest.mark.skip(reason=reason))]


@pytest.mark.parametrize(("path", "file"), transcripts())
async def test_a_recorded_transcript_comes_byte_equal_however_it_is_split(
    simulator: Simulator, path: str, file: Path
) -> None:
    name = f"{file.parent.name}/{file.name}"
    recorded = file.read_bytes()  # noqa: ASYNC240 - a small file, and nothing else runs
    meta = json.loads(file.with_name(f"{file.name.partition('.')[0]}.meta.json").read_text())
    for split in range(3):
        headers = {"x-simulator-replay": name, "x-simulator-split": str(split)}
        raw = await ask(simulator.base_url, path, headers=headers)
        assert raw.body == recorded
        assert (raw.status, raw.ended_well) == (meta["response"]["status"] or 200, True)
        for header, value in (meta["response"]["headers"] or {}).items():
            if header != "transfer-encoding":
                assert raw.headers[header] == value
    seen = simulator.ledger[-1]
    assert (seen.replay, seen.complete, seen.bill_nano) == (name, True, 0)


@pytest.fixture
async def player(tmp_path: Path) -> Any:
    folder = tmp_path / "own"
    folder.mkdir()
    events = b"".join(b"data: %d\n\n" % number for number in range(200))
    (folder / "stream.sse").write_bytes(events)
    (folder / "error.json").write_bytes(b'{"error": {}}')
    meta = {"response": {"status": 418, "headers": {"x-own": "1", "content-length": "99"}}}
    (folder / "error.meta.json").write_text(json.dumps(meta))
    (tmp_path / "secret.json").write_text("{}")
    running = Simulator(transcripts=folder)
    await running.start()
    yield running
    await running.stop()


@pytest.mark.parametrize("path", BOTH)
async def test_the_seed_decides_where_a_transcript_is_split(player: Any, path: str) -> None:
    async def played(split: str) -> Raw:
        return await ask(player.base_url, path, model=f"replay:stream.sse;split={split}")

    first, again, other = await played("1"), await played("1"), await played("2")
    assert first.payload == again.payload != other.payload
    assert first.body == other.body
    assert first.headers["content-type"] == "text/event-stream; charset=utf-8"


async def test_status_and_headers_are_the_recorded_ones_but_for_the_framing(player: Any) -> None:
    raw = await ask(player.base_url, OPENAI, model="replay:error.json")
    assert (raw.status, raw.body) == (418, b'{"error": {}}')
    assert raw.headers == {"x-own": "1", "content-length": "13", "connection": "close"}


@pytest.mark.parametrize(
    ("model", "status"),
    [
        ("replay:none.sse", 404),
        ("replay:../secret.json", 404),
        ("replay:.", 404),
        ("replay:stream.sse;split=x", 400),
    ],
)
async def test_only_transcripts_of_the_folder_are_played(
    player: Any, model: str, status: int
) -> None:
    raw = await ask(player.base_url, OPENAI, model=model)
    assert raw.status == status
    assert raw.json()["error"]["type"] == "invalid_request_error"


async def test_without_a_folder_nothing_is_played() -> None:
    running = Simulator()
    await running.start()
    sent = request(OPENAI, asked(OPENAI, model="replay:stream.sse"))
    assert (await exchange(running.base_url, sent)).status == 404
    await running.stop()
