"""Small transcripts written by us: shapes that the recorded ones do not have."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from tests.product.running import CHAT, MESSAGES


class Case(msgspec.Struct, frozen=True):
    """One answer of a provider and what becomes of it.

    Attributes:
        body: the provider's bytes.
        passed: what the caller gets; the same bytes where nothing else is said.
        usage: what is metered, by bucket; None where it must be estimated.
        asks_for_usage: whether a chat stream asks for the usage chunk itself.
    """

    path: str
    body: bytes
    usage: Mapping[str, int] | None
    passed: bytes | None = None
    stream: bool = True
    asks_for_usage: bool = True

    @property
    def wanted(self) -> bytes:
        """What the caller gets."""
        return self.body if self.passed is None else self.passed


def chunk(content: str | None = None, **members: Any) -> str:
    """A chunk of a chat stream, without its framing."""
    delta = {} if content is None else {"content": content}
    choice = {"index": 0, "delta": delta, "finish_reason": members.pop("finish", None)}
    document = {"id": "c1", "object": "chat.completion.chunk", "choices": [choice], **members}
    return json.dumps(document, ensure_ascii=False)


def frames(*datas: str, end: str = "\n\n") -> bytes:
    """Data lines as a stream."""
    return "".join(f"data: {data}{end}" for data in datas).encode()


def events(*documents: Mapping[str, Any], end: str = "\n") -> bytes:
    """Named events of a messages stream."""
    return "".join(
        f"event: {document['type']}{end}data: {json.dumps(document)}{end}{end}"
        for document in documents
    ).encode()


USED = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
USAGE = json.dumps({"id": "c1", "object": "chat.completion.chunk", "choices": [], "usage": USED})
NINE_FOUR = {"input": 9, "output": 4}
HELLO, WORLD, STOP = chunk("Hello, "), chunk("wörld 🌍"), chunk(finish="stop")

START: dict[str, Any] = {
    "type": "message_start",
    "message": {"id": "m1", "type": "message", "role": "assistant", "model": "m", "content": [],
                "usage": {"input_tokens": 9, "output_tokens": 1}},
}  # fmt: skip
OPEN = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
SHUT = {"type": "content_block_stop", "index": 0}
END = {"type": "message_stop"}


def said(text: str) -> dict[str, Any]:
    """A piece of text."""
    return {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": text},
    }


def done(**usage: Any) -> dict[str, Any]:
    """The last report of a message."""
    return {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}


PLAIN = (HELLO, WORLD, STOP, USAGE, "[DONE]")
MESSAGE = (START, OPEN, said("Hello, "), said("world"), SHUT, done(output_tokens=4), END)

_TWO_LINES = b'data: {"choices":[{"index":0,\ndata: "delta":{"content":"two lines"}}]}\n\n'
_ALL_FIELDS = b"id: 7\nretry: 100\nevent: chunk\ndata: " + HELLO.encode() + b"\n\n"
_COMMENT = b": keep-alive\n\n"
_FUTURE = frames('{"object": "future.thing", "payload": [1, {"deep": null}]}')

CASES: Mapping[str, Case] = {
    "chat plain": Case(CHAT, frames(*PLAIN), NINE_FOUR),
    "chat usage taken out": Case(
        CHAT, frames(*PLAIN), NINE_FOUR,
        passed=frames(HELLO, WORLD, STOP, "[DONE]"), asks_for_usage=False,
    ),
    "chat crlf": Case(CHAT, frames(*PLAIN, end="\r\n\r\n"), NINE_FOUR),
    "chat crlf usage taken out": Case(
        CHAT, frames(*PLAIN, end="\r\n\r\n"), NINE_FOUR,
        passed=frames(HELLO, WORLD, STOP, "[DONE]", end="\r\n\r\n"), asks_for_usage=False,
    ),
    "chat comments": Case(
        CHAT, _COMMENT + frames(HELLO) + _COMMENT + _COMMENT + frames(*PLAIN[1:]), NINE_FOUR
    ),
    "chat data on two lines": Case(CHAT, _TWO_LINES + frames(*PLAIN[1:]), NINE_FOUR),
    "chat all fields of a frame": Case(CHAT, _ALL_FIELDS + frames(*PLAIN[1:]), NINE_FOUR),
    "chat no space after the colon": Case(
        CHAT, frames(*PLAIN).replace(b"data: ", b"data:"), NINE_FOUR
    ),
    "chat unknown object": Case(CHAT, frames(HELLO) + _FUTURE + frames(*PLAIN[1:]), NINE_FOUR),
    "chat usage beside the reason": Case(
        CHAT, frames(HELLO, chunk(finish="stop", usage=USED), "[DONE]"), NINE_FOUR
    ),
    "chat usage beside an empty delta": Case(
        CHAT, frames(HELLO, chunk("", usage=USED), "[DONE]"), NINE_FOUR
    ),
    "chat usage is null until the end": Case(
        CHAT, frames(chunk("a", usage=None), chunk("b", usage=None), STOP, USAGE, "[DONE]"),
        NINE_FOUR,
    ),
    "chat running usage without a bill": Case(
        CHAT, frames(chunk("a", usage=USED), chunk("bcdefgh"), "[DONE]"), None
    ),
    # Synthetic, after Cerebras' API reference: thought in a member of its own, and the last chunk
    # of the answer says what it used and how long it took.
    "chat of Cerebras": Case(
        CHAT,
        frames(
            json.dumps({"choices": [{"index": 0, "delta": {"reasoning": "A greeting."}}]}),
            HELLO,
            chunk(finish="stop", usage=USED, time_info={"queue_time": 7.3e-05, "created": 1}),
            "[DONE]",
        ),
        NINE_FOUR,
    ),
    "chat without usage": Case(CHAT, frames(HELLO, STOP, "[DONE]"), None),
    "chat end without its empty line": Case(
        CHAT, frames(*PLAIN[:-1]) + b"data: [DONE]\n", NINE_FOUR
    ),
    "chat bytes after the end": Case(
        CHAT, frames(*PLAIN, "after"), NINE_FOUR, passed=frames(*PLAIN)
    ),
    "chat cached, audio and reasoning tokens": Case(
        CHAT,
        frames(HELLO, STOP, json.dumps({"choices": [], "usage": {
            "prompt_tokens": 100, "completion_tokens": 50,
            "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 10},
            "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 5}}}), "[DONE]"),
        {"input": 30, "cache_read": 60, "audio_input": 10,
         "output": 25, "reasoning": 20, "audio_output": 5},
    ),
    "chat body with odd spelling": Case(
        CHAT,
        b'\n {"choices" : [{"message":{"content":"\\u00e9\\/"},"x":1.0e3}] ,\r\n'
        b'"usage":{"prompt_tokens":9,"completion_tokens":4}, "z":{"z":{}}} \n',
        NINE_FOUR, stream=False,
    ),
    "chat body without usage": Case(CHAT, b'{"choices":[]}', None, stream=False),
    "messages plain": Case(MESSAGES, events(*MESSAGE), NINE_FOUR),
    "messages crlf": Case(MESSAGES, events(*MESSAGE, end="\r\n"), NINE_FOUR),
    "messages comments and pings": Case(
        MESSAGES,
        _COMMENT + events(START, {"type": "ping"}, OPEN, said("a")) + _COMMENT
        + events({"type": "ping"}, *MESSAGE[3:]),
        NINE_FOUR,
    ),
    "messages unknown event and delta": Case(
        MESSAGES,
        events(START, OPEN, said("a"), {"type": "future_event", "list": [1, 2]},
               {"type": "content_block_delta", "index": 0, "delta": {"type": "future_delta"}},
               SHUT, done(output_tokens=4), END),
        NINE_FOUR,
    ),
    "messages without event lines": Case(
        MESSAGES, frames(*(json.dumps(document) for document in MESSAGE)), NINE_FOUR
    ),
    "messages usage at the end alone": Case(
        MESSAGES,
        events({"type": "message_start", "message": {"type": "message", "model": "m"}}, OPEN,
               said("a"), SHUT, done(input_tokens=9, output_tokens=4), END),
        NINE_FOUR,
    ),
    "messages caches, thinking and searches": Case(
        MESSAGES,
        events({"type": "message_start", "message": {"type": "message", "usage": {
                    "input_tokens": 9, "output_tokens": 1, "cache_read_input_tokens": 100,
                    "cache_creation_input_tokens": 70,
                    "cache_creation": {"ephemeral_5m_input_tokens": 50,
                                       "ephemeral_1h_input_tokens": 20}}}},
               OPEN, said("a"), SHUT,
               done(output_tokens=44, output_tokens_details={"thinking_tokens": 40},
                    server_tool_use={"web_search_requests": 2}), END),
        {"input": 9, "cache_read": 100, "cache_write_5m": 50, "cache_write_1h": 20,
         "output": 4, "reasoning": 40, "searches": 2},
    ),
    "messages end without its empty line": Case(
        MESSAGES, events(*MESSAGE).removesuffix(b"\n"), NINE_FOUR
    ),
    "messages body": Case(
        MESSAGES,
        b'{"type":"message" ,"content":[ ],"usage":{"input_tokens":9,"output_tokens":4}}\n',
        NINE_FOUR, stream=False,
    ),
}  # fmt: skip

# What breaks after its beginning: all that came whole, and then an error event of ours.
BROKEN: Mapping[str, Case] = {
    "chat without an end": Case(CHAT, frames(HELLO, STOP), None, passed=frames(HELLO, STOP)),
    "chat half a frame": Case(
        CHAT, frames(HELLO) + b'data: {"choices":[{"ind', None, passed=frames(HELLO)
    ),
    "chat no JSON": Case(CHAT, frames(HELLO, "{oops", STOP), None, passed=frames(HELLO)),
    "messages without an end": Case(
        MESSAGES, events(START, OPEN, said("a")), None, passed=events(START, OPEN, said("a"))
    ),
    "messages half an event": Case(
        MESSAGES,
        events(START, OPEN, said("a"), END)[:-20],
        None,
        passed=events(START, OPEN, said("a")),
    ),
}
