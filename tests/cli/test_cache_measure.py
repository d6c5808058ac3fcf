"""``trunkline cache measure`` as a user calls it, against a data path that runs."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.gateway.rig import KEY, Rig, running

from trunkline.cache.near_pairs import HELD_OUT, SHIPPED, set_of_ours
from trunkline.simulator.server import Simulator

ALIAS = "openai_embeddings:sim-embed"


@pytest_asyncio.fixture
async def rig() -> AsyncIterator[Rig]:
    simulator = Simulator(seed=3, speed=1e6)
    await simulator.start()
    async with running(simulator) as served:
        yield served
    await simulator.stop()


async def measure(rig: Rig | str, *arguments: str, key: str = KEY) -> tuple[int, str, str]:
    url = rig if isinstance(rig, str) else rig.base_url
    command = [sys.executable, "-m", "trunkline.cli.main", "cache", "measure"]
    own = dict(os.environ)  # noqa: TID251 - the test starts a process as a user would
    process = await asyncio.create_subprocess_exec(
        *command,
        *("--url", url, "--key-env", "THE_KEY"),
        *arguments,
        env=own | {"THE_KEY": key},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def pairs(folder: Path, *lines: str) -> str:
    file = folder / "mine.jsonl"
    file.write_text("\n".join(lines))
    return str(file)


def requests(name: str) -> int:
    """How many it takes to embed a set, 64 texts at once."""
    texts = {text for pair in set_of_ours(name).pairs for text in (pair.a, pair.b)}
    return -(-len(texts) // 64)


async def test_both_of_our_sets_are_measured_and_the_tuned_one_recommends_nothing(rig: Rig) -> None:
    code, out, err = await measure(rig, "--alias", ALIAS)
    assert (code, err) == (0, "")
    held_out, shipped = out.split("\nshipped: ")
    assert held_out.startswith("held-out: 381 pairs, 153 of them the same question, embedded by")
    assert "The marks were tuned on them." not in held_out
    assert shipped.startswith("262 pairs, 100 of them the same question, embedded by")
    assert "The marks were tuned on them." in shipped
    assert "which is no recommendation: the marks were tuned on these pairs." in shipped
    for told in (held_out, shipped):
        lines = told.splitlines()
        assert lines[2].split()[:2] == ["Threshold", "Hits"]
        assert [line.split()[0] for line in lines[3:23]] == [f"0.{n}" for n in range(80, 100)]
        assert "Recommended threshold" not in told
        assert "so few pairs leave it possible (95 % confidence) that up to" in lines[-1]
    # Each attempt is one of the key's own.
    assert {attempt.key_id for attempt, _ in rig.recorded.outcomes} == {"key-1"}
    assert {attempt.alias for attempt, _ in rig.recorded.outcomes} == {ALIAS}
    assert len(rig.recorded.outcomes) == requests(HELD_OUT) + requests(SHIPPED)


@pytest.mark.parametrize("name", [HELD_OUT, SHIPPED])
async def test_one_of_our_sets_is_measured_by_its_name(rig: Rig, name: str) -> None:
    code, out, err = await measure(rig, "--alias", ALIAS, "--pairs", name, "--json")
    assert (code, err) == (0, "")
    (told,) = json.loads(out)
    assert (told["name"], told["fitted"]) == (name, name == SHIPPED)
    assert told["pairs"] == len(set_of_ours(name).pairs)
    assert len(rig.recorded.outcomes) == requests(name)


async def test_pairs_of_ones_own_recommend_a_threshold(rig: Rig, tmp_path: Path) -> None:
    file = pairs(tmp_path, '{"a": "Is tea good?", "b": "is tea good", "same": true}')
    code, out, _ = await measure(rig, "--alias", ALIAS, "--pairs", file)
    assert code == 0
    assert out.startswith("mine.jsonl: 1 pairs, 1 of them the same question, embedded by")
    assert "Recommended threshold for this model and these pairs: 0.80" in out


async def test_where_no_pair_is_near_no_bound_is_told(rig: Rig, tmp_path: Path) -> None:
    file = pairs(tmp_path, '{"a": "Is tea good?", "b": "Who painted this?", "same": true}')
    code, out, _ = await measure(rig, "--alias", ALIAS, "--pairs", file, "--threshold", "0.95")
    assert code == 0
    assert out.splitlines()[-1].startswith("No threshold keeps wrong answers under 1%")


async def test_json_has_all_figures(rig: Rig, tmp_path: Path) -> None:
    file = pairs(
        tmp_path,
        '{"a": "What is a cat?", "b": "what is a cat", "same": true, "kind": "case"}',
        '{"a": "What is a cat?", "b": "What is no cat?", "same": false, "kind": "negation"}',
    )
    code, out, err = await measure(
        rig, "--alias", ALIAS, "--pairs", file, "--threshold", "0.9", "--json"
    )
    assert (code, err) == (0, "")
    (told,) = json.loads(out)
    usage = [outcome.usage.input_total for _, outcome in rig.recorded.outcomes]
    one_is_right = {"hits": 1, "false_hits": 0, "false_hit_rate": 0.0}
    assert told == {
        "name": "mine.jsonl",
        "fitted": False,
        "model": "sim-embed",
        "dimensions": told["dimensions"],
        "tokens": sum(usage),
        "pairs": 2,
        "same": 1,
        "tolerated": 0.01,
        "recommended": 0.9,
        "thresholds": [
            {
                "threshold": 0.9,
                "missed": 0,
                "marked": one_is_right | {"at_most": pytest.approx(0.7301, abs=1e-4)},
                "unmarked": told["thresholds"][0]["unmarked"],
            }
        ],
        "at": 0.9,
        "kinds": told["kinds"],
        "wrong": [],
    }
    assert [(kind["kind"], kind["given"]) for kind in told["kinds"]] == [
        ("case", 1),
        ("negation", 0),
    ]


async def test_where_wrong_answers_would_be_given_they_are_shown(rig: Rig, tmp_path: Path) -> None:
    file = pairs(tmp_path, '{"a": "Is tea good?", "b": "is tea good", "same": false}')
    code, out, _ = await measure(rig, "--alias", ALIAS, "--pairs", file)
    assert code == 0
    assert "Wrong at 1.0000: 'Is tea good?' and 'is tea good'" in out
    assert "No threshold keeps wrong answers under 1%: keep to exact matches." in out


@pytest.mark.parametrize(
    ("arguments", "key", "code", "told"),
    [
        (["--alias", "nobody"], KEY, 3, "Error: The model 'nobody' does not exist"),
        (["--alias", ALIAS], "tl_other", 6, "Error: The key is not known."),
        (["--alias", ALIAS], "", 4, "Error: There is no key to ask the server with."),
        (["--alias", ALIAS, "--pairs", "/nowhere"], KEY, 4, "Error: /nowhere cannot be read"),
        (["--alias", ALIAS, "--threshold", "1.5"], KEY, 2, "Usage: "),
    ],
)
async def test_what_cannot_be_measured_is_told(
    rig: Rig, arguments: list[str], key: str, code: int, told: str
) -> None:
    ended, out, err = await measure(rig, *arguments, key=key)
    assert (ended, out) == (code, "")
    assert err.startswith(told)


async def test_a_server_that_is_not_there_is_told() -> None:
    ended, _, err = await measure("http://127.0.0.1:9", "--alias", ALIAS)
    assert ended == 5
    assert "No server of ours answers at http://127.0.0.1:9." in err


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"data": []}, "2 texts gave 0 vectors"),
        ({"data": [{"embedding": "AAAA"}]}, "Expected `array`, got `str`"),
        ({"data": [{"embedding": [0.0]}] * 2}, "a vector has no direction"),
        ({"data": [{"embedding": [1.0]}, {"embedding": [1.0, 2.0]}]}, "they are of several models"),
    ],
)
async def test_an_answer_without_vectors_is_told(answer: object, told: str, tmp_path: Path) -> None:
    file = pairs(tmp_path, '{"a": "Is tea good?", "b": "Is tea bad?", "same": false}')
    body = json.dumps(answer).encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        url = f"http://127.0.0.1:{port}"
        ended, _, err = await measure(url, "--alias", ALIAS, "--pairs", file)
    assert ended == 5
    assert told in err
