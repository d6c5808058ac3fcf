"""One small conversation on each wire, with what its bytes mean there."""

import json
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.simulator.raw import BOUND, Raw, exchange, request

QUESTION = "Why do gateways exist?"

_PRELUDE = 12


@dataclass(frozen=True)
class Talk:
    """How to ask on a wire, and how to take an answer apart.

    Attributes:
        plain: the path of an answer in one body.
        streamed: the path of a stream.
        body: asks ``QUESTION``, without a model and without a stream.
        split: the events of a stream with all that frames them, so that they joined are the body.
        document: the JSON in an event; None where there is none.
        message: the sentence of an error, in a body or in the event that ends a stream.
        input_tokens: how many the question has on this wire.
        when_streamed: more fields of the body that asks for a stream.
    """

    plain: str
    streamed: str
    body: dict[str, Any]
    split: Callable[[bytes], list[bytes]]
    document: Callable[[bytes], Any]
    message: Callable[[bytes], str]
    input_tokens: int
    model_in_body: bool = True
    stream_in_body: bool = True
    end_events: int = 1
    usage: frozenset[str] = field(default_factory=frozenset)
    when_streamed: dict[str, Any] = field(default_factory=dict)

    def request(self, *, stream: bool, model: str = "sim-fast", **fields: Any) -> bytes:
        """The request as bytes; more fields go to the body, ``headers`` to the head."""
        headers = fields.pop("headers", None)
        body = {**self.body, **(self.when_streamed if stream else {}), **fields}
        if self.model_in_body:
            body["model"] = model
        if self.stream_in_body:
            body["stream"] = stream
        path = (self.streamed if stream else self.plain).replace("{model}", model)
        return request(path, body, headers)

    async def ask(
        self,
        base_url: str,
        *,
        stream: bool = False,
        fault: str = "",
        patience: float = BOUND,
        **fields: Any,
    ) -> Raw:
        """The exchange, under a fault where one is named."""
        if fault:
            fields["headers"] = {"x-simulator-fault": fault, **fields.get("headers", {})}
        return await exchange(base_url, self.request(stream=stream, **fields), patience=patience)


def _frames(body: bytes) -> list[bytes]:
    frames = []
    while body:
        (length,) = struct.unpack_from(">I", body)
        frames.append(body[:length])
        body = body[length:]
    return frames


def _payload(frame: bytes) -> bytes:
    (headers,) = struct.unpack_from(">I", frame, 4)
    return frame[_PRELUDE + headers : -4]


def _kept(pattern: bytes) -> Callable[[bytes], list[bytes]]:
    """Splits behind each match of a pattern."""
    return lambda body: [part for part in re.split(b"(?<=" + pattern + b")", body) if part]


def _items(body: bytes) -> list[bytes]:
    """Splits a JSON array before the commas between its items and before its end."""
    return [part for part in re.split(rb"(?=,\r\n\{)|(?<=\}\n)(?=\]\n\Z)", body) if part]


def _data(event: bytes) -> Any:
    data = event.partition(b"data: ")[2]
    return None if data.startswith(b"[DONE]") else json.loads(data)


def _item(event: bytes) -> Any:
    bare = event.strip(b"[],\r\n")
    return json.loads(bare) if bare else None


def _failed(told: bytes) -> str:
    """The sentence of an error of Responses, where a stream says it twice."""
    if told.startswith(b"{"):
        return str(json.loads(told)["error"]["message"])
    error, failed = _kept(b"\n\n")(told)
    assert _data(error)["type"] == "error"
    assert _data(failed)["type"] == "response.failed"
    assert _data(failed)["response"]["error"]["message"] == _data(error)["error"]["message"]
    return str(_data(error)["error"]["message"])


def _mistral(told: bytes) -> str:
    document = json.loads(told.removeprefix(b"data: "))
    return str(document.get("message") or document["detail"])


_GEMINI = {"contents": [{"role": "user", "parts": [{"text": QUESTION}]}]}
_MESSAGES = [{"role": "user", "content": QUESTION}]

TALKS = {
    "openai responses": Talk(
        plain="/v1/responses",
        streamed="/v1/responses",
        body={"input": QUESTION},
        split=_kept(b"\n\n"),
        document=_data,
        message=_failed,
        input_tokens=13,
        usage=frozenset({"input_tokens", "output_tokens"}),
    ),
    "openai completions": Talk(
        plain="/v1/completions",
        streamed="/v1/completions",
        body={"prompt": QUESTION, "max_tokens": 500},
        split=_kept(b"\n\n"),
        document=_data,
        message=lambda told: json.loads(told.removeprefix(b"data: "))["error"]["message"],
        input_tokens=6,
        usage=frozenset({"prompt_tokens", "completion_tokens"}),
        when_streamed={"stream_options": {"include_usage": True}},
    ),
    "mistral fim": Talk(
        plain="/v1/fim/completions",
        streamed="/v1/fim/completions",
        body={"prompt": QUESTION},
        split=_kept(b"\n\n"),
        document=_data,
        message=_mistral,
        input_tokens=6,
        usage=frozenset({"usage"}),
    ),
    "gemini": Talk(
        plain="/v1beta/models/{model}:generateContent",
        streamed="/v1beta/models/{model}:streamGenerateContent?alt=sse",
        body=_GEMINI,
        split=_kept(b"\r\n\r\n"),
        document=_data,
        message=lambda told: json.loads(told.removeprefix(b"data: "))["error"]["message"],
        input_tokens=7,
        model_in_body=False,
        stream_in_body=False,
        usage=frozenset({"usageMetadata"}),
    ),
    "gemini array": Talk(
        plain="/v1beta/models/{model}:generateContent",
        streamed="/v1beta/models/{model}:streamGenerateContent",
        body=_GEMINI,
        split=_items,
        document=_item,
        message=lambda told: _item(told)["error"]["message"],
        input_tokens=7,
        model_in_body=False,
        stream_in_body=False,
        end_events=2,
        usage=frozenset({"usageMetadata"}),
    ),
    "ollama chat": Talk(
        plain="/api/chat",
        streamed="/api/chat",
        body={"messages": _MESSAGES},
        split=_kept(b"\n"),
        document=json.loads,
        message=lambda told: json.loads(told)["error"],
        input_tokens=11,
        usage=frozenset({"eval_count", "prompt_eval_count"}),
    ),
    "ollama generate": Talk(
        plain="/api/generate",
        streamed="/api/generate",
        body={"prompt": QUESTION},
        split=_kept(b"\n"),
        document=json.loads,
        message=lambda told: json.loads(told)["error"],
        input_tokens=6,
        usage=frozenset({"eval_count", "prompt_eval_count"}),
    ),
    "cohere": Talk(
        plain="/v2/chat",
        streamed="/v2/chat",
        body={"messages": _MESSAGES},
        split=_kept(b"\n\n"),
        document=_data,
        message=lambda told: json.loads(told.removeprefix(b"data: "))["message"],
        input_tokens=7,
        end_events=2,
        usage=frozenset({"usage"}),
    ),
    "bedrock": Talk(
        plain="/model/{model}/converse",
        streamed="/model/{model}/converse-stream",
        body={"messages": [{"role": "user", "content": [{"text": QUESTION}]}]},
        split=_frames,
        document=lambda frame: json.loads(_payload(frame)),
        message=lambda told: json.loads(told if told[:1] == b"{" else _payload(told))["message"],
        input_tokens=9,
        model_in_body=False,
        stream_in_body=False,
        end_events=2,
        usage=frozenset({"usage"}),
    ),
}
"""By name."""
