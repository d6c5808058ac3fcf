import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
import typer
from tests.simulator.raw import BOUND

from trunkline.cli.simulate import _run, simulate
from trunkline.simulator import Simulator
from trunkline.simulator.fault_table import FAULTS
from trunkline.simulator.models import MODELS

PROGRAM = "import typer; from trunkline.cli.simulate import simulate; typer.run(simulate)"
SOURCES = Path(__file__).parents[2] / "src"


def start(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCES), "COLUMNS": "200"},  # noqa: TID251 - passed on
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path, number: int) -> None:
    file = tmp_path / "seen.jsonl"
    with start("--port", "0", "--json", "--seed", "7", "--ledger", str(file)) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert [model["name"] for model in told["models"]] == [model.name for model in MODELS]
        assert [fault["name"] for fault in told["faults"]] == [row.name for row in FAULTS]
        answer = httpx2.post(
            f"{told['openai_base_url']}/chat/completions",
            headers={"authorization": "Bearer key"},
            json={"model": "sim-fast", "messages": [{"role": "user", "content": "Say hi"}]},
        )
        assert answer.json()["choices"][0]["message"]["content"] == "hi"
        assert httpx2.get(f"{told['control_url']}/state").json()["seed"] == 7
        process.send_signal(number)
        assert process.wait(BOUND) == 0
    assert json.loads(file.read_text())["complete"] is True


@pytest.mark.parametrize("as_json", [False, True])
async def test_it_prints_tables_and_addresses_or_one_line_of_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    simulator = Simulator()
    running = asyncio.ensure_future(_run(simulator, as_json=as_json))
    async with asyncio.timeout(BOUND):
        while simulator.base_url.endswith(":0"):  # noqa: ASYNC110 - it tells nobody that it began
            await asyncio.sleep(0.001)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, BOUND)
    printed = capsys.readouterr().out
    if as_json:
        assert json.loads(printed)["anthropic_base_url"] == simulator.base_url
        return
    assert all(row.name in printed for row in FAULTS)
    assert all(model.name in printed for model in MODELS)
    assert f"OpenAI base URL     {simulator.base_url}/v1\n" in printed


def test_a_ledger_that_cannot_be_written_is_said_in_a_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "none" / "seen.jsonl"
    with pytest.raises(typer.Exit) as caught:
        simulate(port=0, ledger=file)
    assert caught.value.exit_code == 1
    assert capsys.readouterr().err == f"Cannot write {file}: No such file or directory.\n"


def test_a_taken_port_is_said_in_a_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(typer.Exit) as caught:
            simulate(port=port, ledger=tmp_path / "seen.jsonl")
    assert caught.value.exit_code == 1
    assert capsys.readouterr().err == (
        f"Cannot listen on 127.0.0.1:{port}: Address already in use.\n"
    )
