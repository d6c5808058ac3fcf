"""The demo, started as a newcomer would, and started once more by mistake."""

import json
import subprocess
import urllib.parse
from pathlib import Path

from tests.docs.demo import BIN, running_demo

SECONDS = 30


def test_a_second_demo_on_the_same_data_is_refused_and_leaves_the_first_as_it_is(
    tmp_path: Path,
) -> None:
    with running_demo(tmp_path / "data") as demo:
        second = subprocess.run(
            [BIN / "trunkline", "demo", "--port", "0"],
            env=demo.environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        call = subprocess.run(
            ["sh", "-c", demo.curl], capture_output=True, text=True, timeout=SECONDS, check=True
        )

    assert second.returncode == 4
    assert second.stderr.startswith(
        f"Error: Another front serves from the data directory {demo.data}."
    )
    assert [choice["finish_reason"] for choice in json.loads(call.stdout)["choices"]] == ["stop"]


def test_the_demo_prints_a_command_for_its_usage_that_works_as_it_stands(tmp_path: Path) -> None:
    with running_demo(tmp_path / "some data") as demo:
        line = next(line for line in demo.welcome if line.startswith("  usage "))
        usage = subprocess.run(
            ["sh", "-c", line.removeprefix("  usage ")],
            env={"PATH": "/usr/bin:/bin"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )

    assert usage.stdout.startswith("Day")


def test_the_log_says_where_a_front_listens(tmp_path: Path) -> None:
    with running_demo(tmp_path / "data") as demo:
        lines = (demo.data / "trunkline.log").read_text().splitlines()

    told = [line for line in map(json.loads, lines) if line.get("event") == "listening"]
    assert [(line["host"], line["port"], line["tls"]) for line in told] == [
        ("127.0.0.1", urllib.parse.urlsplit(demo.base_url).port, False)
    ]
