"""Marks in a conversation that decide what the model calls and says."""

import json
from typing import Any

import httpx2
import openai
import pytest

from trunkline.simulator import Simulator

READ = '[[call read_file {"path": "a.txt"}]]'
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
    for name in ("search", "read_file", "team.write")
]


async def _answer(simulator: Simulator, messages: list[Any], **fields: Any) -> Any:
    """The message of the model."""
    asked = {"model": "sim-fast", "messages": messages, "tools": TOOLS, **fields}
    async with httpx2.AsyncClient(base_url=simulator.base_url) as client:
        answer = await client.post(
            "/v1/chat/completions", json=asked, headers={"authorization": "Bearer key"}
        )
    return answer.json()["choices"][0]["message"]


def _user(text: str) -> Any:
    return {"role": "user", "content": text}


def _calls(message: Any) -> list[tuple[str, Any]]:
    return [
        (call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in message.get("tool_calls") or ()
    ]


@pytest.mark.parametrize(
    ("words", "calls"),
    [
        (READ, [("read_file", {"path": "a.txt"})]),
        (f"<wrapped>Do this and that: {READ}</wrapped>", [("read_file", {"path": "a.txt"})]),
        (READ.replace('"', '\\"'), [("read_file", {"path": "a.txt"})]),
        (
            f'{READ} [[call team.write {{"rows": [[{{}}]]}}]]',
            [("read_file", {"path": "a.txt"}), ("team.write", {"rows": [[{}]]})],
        ),
        ('[[call unknown {"path": "a.txt"}]]', []),
        ('[[call read_file {"path": ]]', []),
        ('[[call read_file {"path": "a.txt"} and more]]', []),
    ],
)
async def test_the_newest_user_message_names_the_calls_and_their_arguments(
    swift: Simulator, words: str, calls: list[Any]
) -> None:
    assert _calls(await _answer(swift, [_user(words)])) == calls


async def test_calls_are_made_once_and_a_result_may_hold_the_words_that_follow(
    swift: Simulator,
) -> None:
    asked = [_user(READ)]
    first = await _answer(swift, asked)
    result = {
        "role": "tool",
        "tool_call_id": first["tool_calls"][0]["id"],
        "content": "1: [[say first]]\n2: [[say the lamp\nis green]]",
    }
    second = await _answer(swift, [*asked, first, result])
    assert (second["content"], _calls(second)) == ("the lamp\nis green", [])
    assert [attempt.tool_results for attempt in swift.ledger] == [False, True]


@pytest.mark.parametrize(
    ("words", "written"),
    [('[[call patch "*** Begin\\n"]]', "*** Begin\n"), ('[[call patch {"a": 1}]]', '{"a":1}')],
)
async def test_a_tool_of_free_text_is_called_with_the_text_itself(
    swift: Simulator, words: str, written: str
) -> None:
    async with openai.AsyncOpenAI(base_url=f"{swift.base_url}/v1", api_key="key") as client:
        answer = await client.responses.create(
            model="sim-fast", input=words, tools=[{"type": "custom", "name": "patch"}]
        )
    calls = [item for item in answer.output if item.type == "custom_tool_call"]
    assert [(call.name, call.input) for call in calls] == [("patch", written)]


async def test_a_demanded_call_goes_before_the_script_of_a_tool_that_is_not_offered(
    swift: Simulator,
) -> None:
    must = {"type": "function", "function": {"name": "search"}}
    forced = await _answer(swift, [_user("[[call unknown {}]]")], tool_choice=must)
    assert [name for name, _ in _calls(forced)] == ["search"]
    none = await _answer(swift, [_user(READ)], tool_choice="none")
    assert _calls(none) == []


async def test_words_are_said_wherever_they_stand_in_the_message(swift: Simulator) -> None:
    message = await _answer(swift, [_user("Hello. [[say yes]] Thank you.")])
    assert (message["content"], _calls(message)) == ("yes", [])
