"""A long conversation of a coding tool: 40 messages in 200 KB, with calls of tools and results.

What grows in such a conversation are the results: lines of files, full of quotes and line ends.
"""

import json
from typing import Any, Final

from bench.cases import Case

_ROUNDS: Final = 10
_TOOL: Final = "read_file"
_DESCRIPTION: Final = "Read a file of the project and return its lines with their numbers."
_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "path": {"type": "string", "description": "Below the project's folder."},
        "first": {"type": "integer", "description": "The first line, counted from 1."},
    },
    "required": ["path"],
    "additionalProperties": False,
}
_SYSTEM: Final = "You work on the code of a railway's timetable. Read before you change anything."
_QUESTION: Final = "Why does the train of line {number} wait for so long before the harbour? " * 25
_WORDS: Final = "The signal before it stays red until the bridge has been closed again. " * 56
_LINE: Final = '{number}\tif signal.state == "red" and not bridge["closed"]:\n'


def talk_body(case: Case) -> dict[str, Any]:
    """The request in the caller's wire."""
    chat = case.operation.wire == "chat"
    body: dict[str, Any] = {"model": case.model, "max_tokens": 256, "temperature": 0.2}
    messages = [message for number in range(_ROUNDS) for message in _round(number, chat=chat)]
    # The last answer of the model is the one that is asked for.
    messages.pop()
    if chat:
        function = {"name": _TOOL, "description": _DESCRIPTION, "parameters": _SCHEMA}
        body["tools"] = [{"type": "function", "function": function}]
        body["messages"] = [{"role": "system", "content": _SYSTEM}, *messages]
    else:
        body["tools"] = [{"name": _TOOL, "description": _DESCRIPTION, "input_schema": _SCHEMA}]
        body |= {"system": _SYSTEM, "messages": messages}
    return body


def _round(number: int, *, chat: bool) -> list[dict[str, Any]]:
    """A question, a call, its result and an answer."""
    asked = {"path": f"lines/{number}.py", "first": 1}
    lines = "".join(_LINE.format(number=line) for line in range(1, 250))
    call_id = f"call_bench{number:014d}"
    if chat:
        function = {"name": _TOOL, "arguments": json.dumps(asked)}
        call = {"id": call_id, "type": "function", "function": function}
        called: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [call]}
        result: dict[str, Any] = {"role": "tool", "tool_call_id": call_id, "content": lines}
    else:
        use = {"type": "tool_use", "id": call_id, "name": _TOOL, "input": asked}
        called = {"role": "assistant", "content": [use]}
        told = {"type": "tool_result", "tool_use_id": call_id, "content": lines}
        result = {"role": "user", "content": [told]}
    question = {"role": "user", "content": _QUESTION.format(number=number)}
    return [question, called, result, {"role": "assistant", "content": _WORDS}]
