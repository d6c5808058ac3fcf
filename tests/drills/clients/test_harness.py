"""What the drill with real clients makes of what they print and of what the simulator saw."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.drills.clients import aider, claude_code, cline, codex, gemini_cli, opencode
from tests.drills.clients.dead_end import dead_end
from tests.drills.clients.errand import Client, Errand, Run, new_errand
from tests.drills.clients.offer import models_for, running_offer
from tests.drills.clients.packages import CODEX, Package, install
from tests.drills.clients.page import results_table, write_results
from tests.drills.clients.turn import Ended, Turn, judge_attempts, judge_client, take_turn

from trunkline.simulator.ledger import SeenAttempt

OPENAI, ANTHROPIC, GEMINI = models_for("openai_responses")


@pytest.fixture
def errand(tmp_path: Path) -> Errand:
    return new_errand(tmp_path / "room", "http://127.0.0.1:1", "tl_key", "coder", "other")


def lines(*events: dict[str, Any]) -> str:
    return "\n".join(["Reading input", *map(json.dumps, events), "[1, 2]", ""])


SAID = {
    claude_code.CLIENT: (
        json.dumps({"is_error": False, "result": "the end"}),
        json.dumps({"is_error": True, "result": "the end"}),
    ),
    codex.CLIENT: (
        lines(
            {"type": "item.completed", "item": {"type": "agent_message", "text": "I look."}},
            {"type": "item.completed", "item": {"type": "command_execution"}},
            {"type": "item.completed", "item": {"type": "agent_message", "text": "the end"}},
            {"type": "turn.completed"},
        ),
        lines(
            {"type": "item.completed", "item": {"type": "agent_message", "text": "the end"}},
            {"type": "turn.failed"},
        ),
    ),
    opencode.CLIENT: (
        lines(
            {"type": "text", "part": {"text": "I look."}},
            {"type": "text", "part": {"text": "the end"}},
        ),
        lines({"type": "error"}),
    ),
    cline.CLIENT: (
        lines({"type": "run_result", "finishReason": "completed", "text": "the end"}),
        lines({"type": "run_result", "finishReason": "error", "text": "the end"}),
    ),
    gemini_cli.CLIENT: (json.dumps({"response": "the end"}), json.dumps({"error": {}})),
}


@pytest.mark.parametrize("client", SAID, ids=lambda client: client.package.program)
def test_the_last_words_are_those_of_a_turn_that_ended_well(client: Client, errand: Errand) -> None:
    well, badly = SAID[client]
    assert (client.final_words(well, errand), client.final_words(badly, errand)) == ("the end", "")


def test_aiders_last_words_are_the_file_that_its_check_demanded(errand: Errand) -> None:
    aider.CLIENT.prepare(errand)
    assert aider.CLIENT.final_words("", errand) == ""
    (errand.workspace / "second.txt").write_text("the end")
    assert aider.CLIENT.final_words("", errand) == "the end"


@pytest.mark.parametrize(
    "client",
    [*SAID, codex.IN_PLACE_OF_OPENAI, opencode.RESPONSES, aider.CLIENT],
    ids=lambda client: client.title,
)
def test_a_client_is_told_the_address_and_the_key_but_never_the_word(
    client: Client, errand: Errand
) -> None:
    run = client.prepare(errand)
    settings = [path.read_text() for path in errand.home.rglob("*") if path.is_file()]
    told = "\n".join([*run.arguments, *run.environment.values(), *map(str, run.first), *settings])
    assert (errand.base_url in told, errand.key in told, errand.word in told) == (True, True, False)


@pytest.mark.parametrize(
    ("ended", "begins"),
    [
        (Ended(None, "", ""), "it did not end within"),
        (Ended(3, "out", " went wrong\n"), "it ended with 3: went wrong"),
        (Ended(0, "no document", ""), "its output could not be read (JSONDecodeError("),
        (Ended(0, "{}", ""), "its output could not be read (KeyError('is_error'))"),
        (Ended(0, SAID[claude_code.CLIENT][0], ""), "its last words are not what the model said"),
    ],
)
def test_what_went_wrong_with_a_client_is_said(ended: Ended, begins: str, errand: Errand) -> None:
    (problem,) = judge_client(claude_code.CLIENT, errand, ended, errand.word)
    assert problem.startswith(begins)


def test_a_client_that_says_the_word_did_what_it_should(errand: Errand) -> None:
    ended = Ended(0, json.dumps({"is_error": False, "result": f"It is {errand.word}."}), "")
    assert judge_client(claude_code.CLIENT, errand, ended, errand.word) == []


def _seen(model: str, **members: Any) -> SeenAttempt:
    usual = {"status": 200, "complete": True} | members
    return SeenAttempt("id", "req", "openai_chat", "/v1/x", 0.0, 1, {}, model, **usual)


def test_a_turn_needs_two_whole_answers_of_the_model_and_the_tools_result() -> None:
    target = OPENAI.target
    asked, answered = _seen(target), _seen(target, tool_results=True)
    assert judge_attempts(codex.CLIENT, OPENAI, [asked, answered]) == []
    assert judge_attempts(aider.CLIENT, OPENAI, [asked, asked]) == []
    assert judge_attempts(codex.CLIENT, OPENAI, [asked, asked]) == [
        "no request carried the tool's result"
    ]
    assert judge_attempts(codex.CLIENT, OPENAI, []) == [
        f"the provider was asked for nothing instead of {target}",
        "the provider was asked 0 times, which is no turn with a tool",
    ]
    broken = [_seen(target, status=400), _seen("gpt-9", complete=False, tool_results=True)]
    assert judge_attempts(codex.CLIENT, OPENAI, broken) == [
        "the provider answered 400 to /v1/x",
        "the provider answered 200 to /v1/x",
        f"the provider was asked for {target}, gpt-9 instead of {target}",
    ]


# Asks twice over plain HTTP, as a client does, and looks for somebody else in between.
_CLIENT = """
import json, os, sys, urllib.request
base, key, model = sys.argv[1:4]
messages = json.loads(sys.argv[4])
tools = [{"type": "function", "function": {"name": "read", "parameters": {"type": "object"}}}]
def ask():
    body = json.dumps({"model": model, "messages": messages, "tools": tools}).encode()
    request = urllib.request.Request(base + "/v1/chat/completions", body)
    request.add_header("authorization", "Bearer " + key)
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["choices"][0]["message"]
said = ask()
try:
    urllib.request.urlopen("http://telemetry.example/v1/track")
except OSError:
    pass
messages.append(said)
for call in said.get("tool_calls") or ():
    path = json.loads(call["function"]["arguments"])["path"]
    content = open(path).read()
    messages.append({"role": "tool", "tool_call_id": call["id"], "content": content})
if messages[-1]["role"] == "tool":
    said = ask()
print(said["content"])
"""


def _prepare(errand: Errand) -> Run:
    words = errand.words("read", lambda path: {"path": path})
    start = ("-c", _CLIENT, errand.base_url, errand.key)

    def run(model: str, text: str) -> tuple[str, ...]:
        return (*start, model, json.dumps([{"role": "user", "content": text}]))

    return Run(run(errand.model, words), again=run(errand.other_model, errand.last_words))


async def test_a_turn_is_taken_through_every_provider_and_nobody_else_is_reached(
    tmp_path: Path,
) -> None:
    client = Client("Tiny", CODEX, "openai_chat", _prepare, lambda output, _: output)
    plain, anthropic, gemini = models_for("openai_chat")
    turns = []
    async with running_offer(tmp_path, 7) as product, dead_end() as proxy:
        for pair in ((plain, anthropic), (anthropic, gemini), (gemini, plain)):
            room = tmp_path / pair[0].name
            program = Path(sys.executable)
            turns.append(await take_turn(client, program, pair, product, proxy, room))
    assert [(turn.calls, turn.outside, turn.problems) for turn in turns] == [
        (3, ("telemetry.example",), ())
    ] * 3
    assert "Farewell" in (tmp_path / plain.name / "again.out").read_text()


async def test_the_proxy_lets_nobody_out_and_remembers_who_was_looked_for() -> None:
    async with dead_end() as proxy:
        for line in (
            b"CONNECT a.example:443 HTTP/1.1\r\n\r\n",
            b"CONNECT a.example:443 x\r\n",
            b"x\r\n",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(line)
            answer = await reader.read()
            assert answer.startswith(b"HTTP/1.1 403" if b" " in line else b"")
            writer.close()
        assert (proxy.wanted(), proxy.wanted()) == (("a.example",), ())


async def test_what_was_installed_before_is_not_downloaded_again(tmp_path: Path) -> None:
    package = Package("npm", "@maker/tool", "1.2.3", "tool")
    home = tmp_path / "maker-tool-1.2.3"
    home.mkdir()
    (home / ".installed").touch()
    assert await install(package, tmp_path) == home / "node_modules" / ".bin" / "tool"


def test_results_are_written_between_the_marks_of_the_page(tmp_path: Path) -> None:
    turns = [
        Turn(codex.CLIENT, OPENAI, ANTHROPIC, 4, 0.74),
        Turn(codex.CLIENT, ANTHROPIC, OPENAI, 2, 61.2, problems=("it ended with 1",)),
    ]
    table = (
        "| client | version | its wire | openai | anthropic |\n"
        "|---|---|---|---|---|\n"
        f"| Codex | {CODEX.version} | Responses | 4 calls, 0.7 s | fails |\n"
    )
    assert results_table(turns) == table
    page = tmp_path / "clients.md"
    page.write_text("# A\n<!-- results -->\nold\n<!-- end of results -->\nB\n")
    write_results(turns, page)
    assert page.read_text() == f"# A\n<!-- results -->\n\n{table}\n<!-- end of results -->\nB\n"
    page.write_text("# A\n")
    with pytest.raises(ValueError, match="lost the marks"):
        write_results(turns, page)
