"""What a client that trusts nothing reads from the bytes of an answer."""

import json
from typing import Any

import msgspec
from tests.product.running import CHAT
from tests.simulator.raw import Raw


class Reading(msgspec.Struct, frozen=True):
    """An answer as an SDK would understand it.

    Attributes:
        status: of HTTP; None when no head came.
        clean: the client takes it for a whole answer: the transfer ended as HTTP demands, the
            wire's own end is there, and no error is in it.
        text: the content, or the sentence of an error body.
        error: code of the error, in a body or in an event.
    """

    status: int | None
    clean: bool
    text: str
    error: str | None

    @property
    def summary(self) -> str:
        """For people."""
        if self.status is None:
            return "no answer"
        if self.clean:
            return f"{self.status}, clean end"
        if self.error is None:
            return f"{self.status}, broken transfer"
        where = "error event" if self.status == 200 else "error body"
        return f"{self.status}, {where}"


def read_answer(path: str, answer: Raw, *, stream: bool) -> Reading:
    """Read the answer to a request of this path."""
    if not answer.data:
        return Reading(None, clean=False, text="", error=None)
    if answer.status != 200 or not stream:
        return _read_body(path, answer)
    return _read_chat(answer) if path == CHAT else _read_messages(answer)


def _read_body(path: str, answer: Raw) -> Reading:
    try:
        document: Any = json.loads(answer.body)
    except ValueError:
        return Reading(answer.status, clean=False, text="", error=None)
    error = document.get("error")
    if error is not None:
        sentence = str(error.get("message"))
        return Reading(answer.status, clean=False, text=sentence, error=code_of(error))
    if path == CHAT:
        text = document["choices"][0]["message"]["content"]
    else:
        text = document["content"][0]["text"]
    clean = answer.status == 200 and answer.ended_well
    return Reading(answer.status, clean=clean, text=text, error=None)


def _read_chat(answer: Raw) -> Reading:
    text, error, ended = "", None, False
    for data in _data_of(answer):
        if data == "[DONE]":
            ended = True
            continue
        chunk = json.loads(data)
        if chunk.get("error"):
            error = code_of(chunk["error"])
        for choice in chunk.get("choices") or ():
            text += choice["delta"].get("content") or ""
    clean = ended and error is None and answer.ended_well
    return Reading(answer.status, clean=clean, text=text, error=error)


def _read_messages(answer: Raw) -> Reading:
    text, error, ended = "", None, False
    for data in _data_of(answer):
        event = json.loads(data)
        if event["type"] == "error":
            error = code_of(event["error"])
        elif event["type"] == "content_block_delta":
            text += event["delta"].get("text", "")
        ended = ended or event["type"] == "message_stop"
    clean = ended and error is None and answer.ended_well
    return Reading(answer.status, clean=clean, text=text, error=error)


def _data_of(answer: Raw) -> list[str]:
    return [
        line.removeprefix("data:").strip()
        for event in answer.events
        for line in event.splitlines()
        if line.startswith("data:")
    ]


def code_of(error: Any) -> str:
    """Our code of an error where it has one, else the provider's type."""
    return str(error.get("reason") or error.get("code") or error.get("type"))
