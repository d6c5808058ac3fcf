"""Examples of the documents that are marked ``run`` do run, against a demo."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.demo import BIN, Demo, running_demo

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w+) run\n(.*?)^```$", re.DOTALL | re.MULTILINE)
EXAMPLES = [
    pytest.param(language, text, id=f"{page.name}-{number}-{language}")
    for page in PAGES
    for number, (language, text) in enumerate(FENCE.findall(page.read_text(encoding="utf-8")))
]
SECONDS = 30


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("demo") / "data") as demo:
        yield demo


def run(demo: Demo, *command: str, stdin: str = "", **variables: str) -> str:
    """What a command prints; it has to succeed without a word on standard error."""
    done = subprocess.run(
        command,
        input=stdin,
        cwd=demo.data.parent,
        env=demo.environment | variables,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout if done.returncode else "") == (0, ""), done.stderr
    return done.stdout


def apply(demo: Demo, text: str) -> str:
    """Apply a configuration file, with a key in each variable that it refers to."""
    file = demo.data.parent / "trunkline.yaml"
    file.write_text(text)
    keys = {name: run(demo, f"{BIN}/trunkline", "keys", "generate").strip() for name in named(text)}
    return run(demo, f"{BIN}/trunkline", "config", "apply", "-f", str(file), **keys)


def named(text: str) -> list[str]:
    return re.findall(r"env:(\w+)", text)


@pytest.mark.parametrize(("language", "text"), EXAMPLES)
def test_each_example_runs(demo: Demo, language: str, text: str) -> None:
    text = text.replace("http://127.0.0.1:3000", demo.base_url)
    if language == "bash":
        told = run(demo, "bash", "-euo", "pipefail", stdin=text)
    elif language == "python":
        told = run(demo, sys.executable, "-W", "error", "-c", text)
    else:
        assert language == "yaml"
        told = apply(demo, text)
    assert told.strip() != ""
    assert '"error"' not in told


def test_the_readme_shows_a_call_with_curl_and_with_both_sdks() -> None:
    shown = FENCE.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    tools = ("curl http", "from openai", "from anthropic", "trunkline keys create", "budgets:")
    assert [tool for tool in tools if not any(tool in text for _, text in shown)] == []


def test_the_line_that_the_demo_prints_works_as_it_stands(demo: Demo) -> None:
    answer = json.loads(run(demo, "bash", "-c", demo.curl.replace("curl ", "curl -sS ", 1)))
    assert (answer["object"], answer["choices"][0]["finish_reason"]) == ("chat.completion", "stop")


def test_nothing_is_empty_at_the_first_look(demo: Demo) -> None:
    def ask(*arguments: str) -> list[dict[str, object]]:
        told = json.loads(run(demo, f"{BIN}/trunkline", *arguments, "--json"))
        return list(told["lines"] if isinstance(told, dict) else told)

    used = ask("usage", "--by", "model")
    assert [line for line in used if not line["requests"]] == []
    assert len(used) >= 5
    assert len(ask("models", "--org", "demo")) >= 10
    assert len(ask("limits", "list", "--org", "demo")) >= 3
    assert len(ask("budgets", "list", "--org", "demo")) >= 2
    assert len(ask("keys", "list", "--org", "demo")) >= 1
