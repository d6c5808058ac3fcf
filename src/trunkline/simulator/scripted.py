"""What a request tells the model to do: calls and texts written as marks into the conversation.

``[[call NAME ARGUMENTS]]`` names a tool and the JSON that it is called with; ``[[say TEXT]]`` is
the text of the answer. A drill with a real client decides so what happens, whatever else that
client writes around its user's words.
"""

import json
import re
from typing import Any, NamedTuple

from trunkline.simulator.question import Question

_CALL = re.compile(r"\[\[call ([A-Za-z0-9_.:/-]+) ")
_SAY = re.compile(r"\[\[say (.+?)\]\]", re.DOTALL)
_END = "]]"
_decoder = json.JSONDecoder()


class ScriptedCall(NamedTuple):
    """A call that the user's words demand: the tool's name and any JSON value."""

    name: str
    arguments: Any


def scripted_calls(question: Question) -> tuple[ScriptedCall, ...] | None:
    """The calls that the newest user message demands; None where it demands nothing.

    A tool that the request does not offer cannot be called, so that a client's side requests, such
    as for a title, get a text. Calls are made once: the turn after their results is a text.
    """
    text = question.last_text
    if "[[call " not in text:
        return () if _SAY.search(text) else None
    if question.after_tools:
        return ()
    offered = {tool.name for tool in question.tools}
    found = (_call_at(text, match) for match in _CALL.finditer(text))
    return tuple(call for call in found if call is not None and call.name in offered)


def scripted_text(question: Question) -> str | None:
    """The text of the newest ``[[say TEXT]]``, or None.

    After results of tools the whole conversation is read, so that a file which a tool read can
    hold the mark: whoever sees its text knows that the result came back.
    """
    text = question.last_text
    if question.after_tools:
        text = "\n".join("".join(segment.pieces) for segment in question.prompt)
    said = _SAY.findall(text)
    return said[-1] if said else None


def _call_at(text: str, match: re.Match[str]) -> ScriptedCall | None:
    written = text[match.end() :]
    # Some clients hand their user's words on with each quote escaped, as a shell would want it.
    for plain in (written, written.replace('\\"', '"')):
        try:
            arguments, end = _decoder.raw_decode(plain)
        except (ValueError, RecursionError):
            continue
        if plain.startswith(_END, end):
            return ScriptedCall(match[1], arguments)
    return None
