import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvloop
from tests.simulator.raw import ANTHROPIC, BOTH, BOUND, OPENAI, Raw, ask, asked, exchange, request

from trunkline.simulator import Simulator
from trunkline.simulator.rules import RuleRequest

BODIES: list[Any] = [
    {},
    {"messages": [{"role": "user", "content": "Weather in Rome and Oslo, please"}]},
    {"model": "sim-think"},
]


async def control(simulator: Simulator, method: str, name: str, body: Any = None) -> Any:
    async with httpx2.AsyncClient(base_url=simulator.base_url) as client:
        return await client.request(method, f"/_simulator/{name}", json=body)


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fields", BODIES)
async def test_the_same_request_and_seed_give_the_same_bytes(
    path: str, stream: bool, fields: dict[str, Any]
) -> None:
    async def answer(seed: int) -> Raw:
        running = Simulator(seed=seed, speed=1000)
        await running.start()
        raw = await ask(running.base_url, path, stream=stream, **fields)
        await running.stop()
        return raw

    first, again, other = await answer(1), await answer(1), await answer(2)
    assert first.payload == again.payload != other.payload
    name = "x-request-id" if path == OPENAI else "request-id"
    assert first.headers[name] == again.headers[name] != other.headers[name]


async def test_a_connection_serves_many_requests_also_pipelined(simulator: Simulator) -> None:
    plain = [await ask(simulator.base_url, path) for path in BOTH]
    sent = [request(path, asked(path), keep_alive=path == OPENAI) for path in BOTH]
    raw = await exchange(simulator.base_url, b"".join(sent))
    assert raw.data.count(b"HTTP/1.1 200 OK") == 2
    first, _, second = raw.data.rpartition(b"HTTP/1.1 200 OK\r\n")
    assert Raw(first, "open").json() == plain[0].json()
    assert Raw(b"HTTP/1.1 200 OK\r\n" + second, "closed").body == plain[1].body


async def test_a_client_that_waits_for_leave_to_send_its_body_gets_it(
    simulator: Simulator,
) -> None:
    sent = request(OPENAI, asked(OPENAI), {"expect": "100-continue"})
    raw = await exchange(simulator.base_url, sent)
    assert raw.data.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


async def test_what_is_no_http_is_refused(simulator: Simulator) -> None:
    raw = await exchange(simulator.base_url, b"what is this\r\n\r\n")
    assert (raw.status, raw.ending) == (400, "closed")
    assert simulator.ledger == []


async def test_a_body_beyond_all_measure_is_reset(simulator: Simulator) -> None:
    head = request(OPENAI, b"", {"content-length": str(10**9)})
    host, port = simulator.base_url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(head)

    async def pour() -> None:
        while True:
            writer.write(b"x" * 1_000_000)
            await writer.drain()

    with pytest.raises(ConnectionError):
        await asyncio.wait_for(pour(), BOUND)
    writer.close()


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"model": 3}'])
async def test_a_body_that_cannot_be_read_is_a_bad_request(
    simulator: Simulator, path: str, body: bytes
) -> None:
    raw = await exchange(simulator.base_url, request(path, body))
    assert (raw.status, raw.json()["error"]["type"]) == (400, "invalid_request_error")
    assert (simulator.ledger[-1].request_bytes, simulator.ledger[-1].bill_nano) == (len(body), 0)


@pytest.mark.parametrize(
    ("line", "version", "kind"),
    [
        ("POST /v1/nothing", "", "invalid_request_error"),
        ("GET /v1/chat/completions", "", "invalid_request_error"),
        ("GET /v1/message", "anthropic-version: 1\r\n", "not_found_error"),
    ],
)
async def test_unknown_paths_are_not_found(
    simulator: Simulator, line: str, version: str, kind: str
) -> None:
    sent = f"{line} HTTP/1.1\r\nhost: x\r\n{version}connection: close\r\n\r\n".encode()
    raw = await exchange(simulator.base_url, sent)
    assert (raw.status, raw.json()["error"]["type"]) == (404, kind)


async def test_the_ledger_keeps_what_tells_the_sender_and_never_the_key(
    simulator: Simulator, tmp_path: Path
) -> None:
    headers = {
        "x-trunkline-attempt": "attempt-1",
        "x-request-id": "mine",
        "idempotency-key": "once",
        "traceparent": "00-1-2-01",
        "x-other": "no",
    }
    await ask(simulator.base_url, ANTHROPIC, headers=headers, stream=True)
    (seen,) = simulator.ledger
    del headers["x-other"]
    assert seen.headers == headers
    assert seen.reference == "attempt-1"
    lines = (tmp_path / "seen.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [seen.id]
    assert "Bearer" not in lines[0]
    listed = (await control(simulator, "GET", "attempts")).json()
    assert listed == {"total": 1, "attempts": [json.loads(lines[0])]}


async def test_the_ledger_shows_running_attempts_and_is_bounded() -> None:
    running = Simulator(ledger_size=3)
    await running.start()
    for _ in range(4):
        await ask(running.base_url, OPENAI)
    sent = request(OPENAI, asked(OPENAI, model="sim-fast+fault=silence_in_stream", stream=True))
    waiting = asyncio.ensure_future(exchange(running.base_url, sent))
    async with asyncio.timeout(BOUND):
        while _newest(running) != (None, 2):  # noqa: ASYNC110 - the ledger tells nobody
            await asyncio.sleep(0.001)
    seen = running.ledger[-1]
    assert len(running.ledger) == 3
    assert seen.bill_nano == 13 * 500 + 2 * 1500
    state = (await control(running, "GET", "state")).json()
    assert (state["attempts"], state["running"], state["connections"]) == (5, 1, 2)
    await control(running, "DELETE", "attempts")
    assert running.ledger == [seen]
    await running.stop()
    assert (await waiting).ending in {"closed", "reset"}
    assert (seen.client_closed, seen.complete) == (False, False)


def _newest(simulator: Simulator) -> tuple[float | None, int]:
    seen = simulator.ledger[-1]
    return seen.ended, seen.output_tokens


async def test_the_newest_attempts_can_be_asked_for(simulator: Simulator) -> None:
    for _ in range(3):
        await ask(simulator.base_url, OPENAI)
    newest = (await control(simulator, "GET", "attempts?limit=1")).json()
    assert [one["id"] for one in newest["attempts"]] == [simulator.ledger[-1].id]
    assert newest["total"] == 3
    assert len((await control(simulator, "GET", "attempts?limit=9")).json()["attempts"]) == 3
    assert (await control(simulator, "GET", "attempts?limit=x")).status_code == 400


async def test_rules_can_be_set_in_the_same_process(simulator: Simulator) -> None:
    simulator.faults.add(RuleRequest("status_402", count=1))
    assert (await ask(simulator.base_url, ANTHROPIC)).status == 402
    assert simulator.faults.shown() == []


async def test_a_simulator_that_never_started_can_be_stopped(tmp_path: Path) -> None:
    await Simulator(ledger_file=tmp_path / "seen.jsonl").stop()


async def test_rules_set_faults_for_the_next_requests(simulator: Simulator) -> None:
    async def statuses(number: int, **fields: Any) -> list[int]:
        raws = [await ask(simulator.base_url, OPENAI, **fields) for _ in range(number)]
        return [raw.status for raw in raws]

    set_two = {"fault": "status_503;retry_after=3", "count": 2}
    told = await control(simulator, "POST", "fault", set_two)
    assert told.json() == {
        "faults": [{"fault": "status_503;retry_after=3", "model": None, "left": 2, "share": 1.0}]
    }
    assert await statuses(3) == [503, 503, 200]
    await control(simulator, "POST", "fault", {"fault": "status_500", "model": "sim-own"})
    assert await statuses(1) == [200]
    assert await statuses(2, model="sim-own") == [500, 500]
    assert (await control(simulator, "DELETE", "fault")).json() == {"faults": []}
    assert await statuses(1, model="sim-own") == [200]


async def test_a_share_of_the_requests_is_drawn_by_the_seed() -> None:
    async def drawn(seed: int) -> list[int]:
        running = Simulator(seed=seed, speed=1e6)
        await running.start()
        running.faults.add(RuleRequest("status_500", share=0.5))
        running.faults.add(RuleRequest("status_503", share=0.5))
        raws = [await ask(running.base_url, OPENAI) for _ in range(60)]
        await running.stop()
        return [raw.status for raw in raws]

    first = await drawn(1)
    assert 20 <= first.count(500) <= 40
    assert 5 <= first.count(503) <= 25
    assert first == await drawn(1)
    assert first != await drawn(2)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"fault": "nonsense"}, "no fault is called 'nonsense'"),
        ({"fault": "reset", "count": 0}, "count must be at least 1"),
        ({"fault": "reset", "share": 0}, "share must be above 0 and at most 1"),
        ({"fault": "reset", "share": 1.5}, "share must be above 0 and at most 1"),
        ({"fault": "reset", "colour": 1}, "Object contains unknown field `colour`"),
        ({}, "Object missing required field `fault`"),
    ],
)
async def test_rules_that_make_no_sense_are_refused(
    simulator: Simulator, body: Any, sentence: str
) -> None:
    told = await control(simulator, "POST", "fault", body)
    assert (told.status_code, told.json()) == (400, {"error": sentence})


async def test_unknown_controls_are_not_found(simulator: Simulator) -> None:
    assert (await control(simulator, "PUT", "fault")).status_code == 404


async def test_speed_divides_the_delays_of_a_model() -> None:
    with pytest.raises(ValueError, match="speed must be above 0"):
        Simulator(speed=0)
    running = Simulator(speed=20)
    await running.start()
    body: Any = {
        "model": "sim-slow",
        "messages": [{"role": "user", "content": "Say a b c d e f g h"}],
    }
    await ask(running.base_url, OPENAI, stream=True, **body)
    (seen,) = running.ledger
    assert seen.ended is not None
    # One second and eight tokens at ten a second, with a fifth of jitter, twenty times faster.
    assert seen.ended - seen.started >= 1.6 / 20 - 0.02
    await running.stop()


def test_many_streams_run_at_once_also_under_uvloop() -> None:
    async def run() -> list[Raw]:
        running = Simulator()
        await running.start()
        try:
            sent = request(
                ANTHROPIC, asked(ANTHROPIC, stream=True, model="sim-chat", max_tokens=20)
            )
            raws = await asyncio.gather(*(exchange(running.base_url, sent) for _ in range(200)))
            reset = await ask(running.base_url, OPENAI, model="sim-fast+fault=reset")
            assert reset.ending == "reset"
            assert sum(seen.complete and seen.reported_usage for seen in running.ledger) == 200
            return raws
        finally:
            await running.stop()

    raws = uvloop.run(run())
    assert {raw.ended_well for raw in raws} == {True}
    assert len({raw.body for raw in raws}) == 1


async def test_a_reader_that_is_slow_holds_the_answer_back(simulator: Simulator) -> None:
    model = "sim-fast+fault=huge_chunk;megabytes=30"
    sent = request(OPENAI, asked(OPENAI, model=model, stream=True))
    host, port = simulator.base_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    writer.write(sent)
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(0.05)
    assert (simulator.ledger[-1].complete, simulator.ledger[-1].reported_usage) == (False, False)
    async with asyncio.timeout(BOUND):
        while await reader.read(1_000_000):
            pass
    writer.close()
    assert (simulator.ledger[-1].complete, simulator.ledger[-1].reported_usage) == (True, True)
