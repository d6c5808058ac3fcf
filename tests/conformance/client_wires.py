"""What callers of each wire send, and what such a caller that trusts nothing reads of an answer."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from tests.product.answers import Reading, code_of
from tests.simulator.raw import Raw

Documents = list[Any]
QUESTION = "Why do gateways exist?"
_TURNS = [{"role": "user", "content": QUESTION}]


class Told(msgspec.Struct):
    """What the documents of an answer tell, one after another."""

    text: str = ""
    error: str | None = None
    ended: bool = False


class ClientWire(msgspec.Struct, frozen=True):
    """How callers of one wire ask for text and what they understand.

    Attributes:
        whole: path of an answer in one piece; ``{model}`` stands where the wire names it there.
        streamed: path of a stream.
        asks: the members beside the model.
        body: adds a whole answer to what is told.
        event: adds one document of a stream.
        framing: how a stream is cut into documents.
    """

    name: str
    whole: str
    streamed: str
    asks: Mapping[str, Any]
    body: Callable[[Any, Told], None]
    event: Callable[[Any, Told], None]
    framing: Callable[[bytes], Documents]

    def request(self, model: str, *, stream: bool) -> tuple[str, dict[str, Any]]:
        """Path and body of the smallest question."""
        path = self.streamed if stream else self.whole
        if "{model}" in path:
            return path.format(model=model), dict(self.asks)
        return path, {"model": model, "stream": stream, **self.asks}

    def read(self, answer: Raw, *, stream: bool) -> Reading:
        """The answer as an SDK would understand it."""
        if not answer.data:
            return Reading(None, clean=False, text="", error=None)
        told = Told()
        if answer.status != 200 or not stream:
            self._read_body(answer, told)
        else:
            for document in self.framing(answer.body):
                self.event(document, told)
        clean = answer.status == 200 and told.ended and told.error is None and answer.ended_well
        return Reading(answer.status, clean=clean, text=told.text, error=told.error)

    def _read_body(self, answer: Raw, told: Told) -> None:
        document = json.loads(answer.body)
        if answer.status != 200:
            told.error = error_of(self.name, document)
            return
        self.body(document, told)
        told.ended = True


def error_of(wire: str, document: Any) -> str:
    """Our code in an error body; fails where the wire's own clients could not read the body."""
    if wire.startswith("ollama"):
        assert isinstance(document["error"], str)
        return str(document["code"])
    if wire.startswith("cohere"):
        assert document["message"]
        return str(document["code"])
    if wire.startswith(("jina", "voyage")):
        assert document["detail"]
        return str(document["code"])
    error = document["error"]
    assert error["message"]
    if wire.startswith("gemini"):
        assert isinstance(error["code"], int)
        assert error["status"].isupper()
        return str(error["details"][0]["metadata"]["code"])
    if wire == "anthropic_messages":
        assert document["type"] == "error"
    assert error["type"]
    return code_of(error)


def server_sent(body: bytes) -> Documents:
    """The data of server-sent events; the mark of OpenAI's end stays a string."""
    datas = [
        line.removeprefix(b"data:").strip()
        for line in body.splitlines()
        if line.startswith(b"data:")
    ]
    return [data.decode() if data == b"[DONE]" else json.loads(data) for data in datas]


def lines(body: bytes) -> Documents:
    """Lines of JSON."""
    return [json.loads(line) for line in body.splitlines() if line.strip()]


def array(body: bytes) -> Documents:
    """One JSON array."""
    items: Documents = json.loads(body)
    return items


def _chat_body(document: Any, told: Told) -> None:
    told.text += document["choices"][0]["message"]["content"]


def _completion_body(document: Any, told: Told) -> None:
    told.text += document["choices"][0]["text"]


def _chat_event(document: Any, told: Told) -> None:
    if document == "[DONE]":
        told.ended = True
        return
    if document.get("error"):
        told.error = error_of("openai_chat", document)
    for choice in document.get("choices") or ():
        told.text += choice.get("text") or (choice.get("delta") or {}).get("content") or ""


def _responses_body(document: Any, told: Told) -> None:
    assert document["status"] == "completed"
    for item in document["output"]:
        for part in item.get("content") or ():
            told.text += part.get("text", "")


def _responses_event(document: Any, told: Told) -> None:
    kind = document["type"]
    if kind == "response.output_text.delta":
        told.text += document["delta"]
    elif kind == "error":
        told.error = code_of(document)
    elif kind == "response.failed":
        # Clients that know one of the two events only learn the same.
        assert document["response"]["error"]["code"] == told.error
    told.ended = told.ended or kind == "response.completed"


def _messages_body(document: Any, told: Told) -> None:
    told.text += "".join(block["text"] for block in document["content"])


def _messages_event(document: Any, told: Told) -> None:
    if document["type"] == "error":
        told.error = error_of("anthropic_messages", document)
    elif document["type"] == "content_block_delta":
        told.text += document["delta"].get("text", "")
    told.ended = told.ended or document["type"] == "message_stop"


def _gemini_body(document: Any, told: Told) -> None:
    for candidate in document.get("candidates") or ():
        for part in (candidate.get("content") or {}).get("parts") or ():
            told.text += part.get("text", "")
        told.ended = told.ended or bool(candidate.get("finishReason"))


def _gemini_event(document: Any, told: Told) -> None:
    if "error" in document:
        told.error = error_of("gemini", document)
    _gemini_body(document, told)


def _ollama_body(document: Any, told: Told) -> None:
    told.text += document["message"]["content"] if "message" in document else document["response"]
    assert document["done"] is True


def _ollama_event(document: Any, told: Told) -> None:
    if "error" in document:
        told.error = error_of("ollama", document)
        return
    told.text += document["message"]["content"] if "message" in document else document["response"]
    told.ended = told.ended or document["done"]


def _cohere_body(document: Any, told: Told) -> None:
    told.text += "".join(block["text"] for block in document["message"]["content"])


def _cohere_event(document: Any, told: Told) -> None:
    if document == "[DONE]":
        return
    if document["type"] == "content-delta":
        told.text += document["delta"]["message"]["content"]["text"]
    if document["type"] == "message-end":
        # The wire has a place for the sentence and none for a code.
        told.error = document["delta"].get("error")
        assert (document["delta"]["finish_reason"] == "ERROR") == (told.error is not None)
        told.ended = told.error is None


_GEMINI = {"contents": [{"role": "user", "parts": [{"text": QUESTION}]}]}
_CEILING = {"max_tokens": 300}

CLIENTS: Mapping[str, ClientWire] = {
    wire.name: wire
    for wire in (
        ClientWire("openai_chat", "/v1/chat/completions", "/v1/chat/completions",
                   {"messages": _TURNS, **_CEILING}, _chat_body, _chat_event, server_sent),
        ClientWire("openai_responses", "/v1/responses", "/v1/responses",
                   {"input": QUESTION}, _responses_body, _responses_event, server_sent),
        ClientWire("openai_completions", "/v1/completions", "/v1/completions",
                   {"prompt": QUESTION, **_CEILING}, _completion_body, _chat_event, server_sent),
        ClientWire("mistral_fim", "/v1/fim/completions", "/v1/fim/completions",
                   {"prompt": QUESTION, **_CEILING}, _chat_body, _chat_event, server_sent),
        ClientWire("anthropic_messages", "/v1/messages", "/v1/messages",
                   {"messages": _TURNS, **_CEILING}, _messages_body, _messages_event,
                   server_sent),
        ClientWire("gemini", "/v1beta/models/{model}:generateContent",
                   "/v1beta/models/{model}:streamGenerateContent?alt=sse",
                   _GEMINI, _gemini_body, _gemini_event, server_sent),
        ClientWire("gemini_array", "/v1/models/{model}:generateContent",
                   "/v1/models/{model}:streamGenerateContent",
                   _GEMINI, _gemini_body, _gemini_event, array),
        ClientWire("ollama_chat", "/api/chat", "/api/chat",
                   {"messages": _TURNS}, _ollama_body, _ollama_event, lines),
        ClientWire("ollama_generate", "/api/generate", "/api/generate",
                   {"prompt": QUESTION, "options": {"num_predict": 300}},
                   _ollama_body, _ollama_event, lines),
        ClientWire("cohere_chat", "/v2/chat", "/v2/chat",
                   {"messages": _TURNS, **_CEILING}, _cohere_body, _cohere_event, server_sent),
    )
}  # fmt: skip
