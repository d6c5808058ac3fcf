"""An answer of one wire told in another, and read again as that wire's own clients read it."""

import json
from collections.abc import Mapping
from typing import Any

from tests.conformance.client_wires import CLIENTS
from tests.conformance.essence import Essence, essence_of, essence_of_events
from tests.conformance.recordings import Recording
from tests.gateway.wire.recordings import answering, metered

from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import CHAT, COMPLETION, Answering, Place, Sight, Wire
from trunkline.gateway.wire.registry import WIRES

SEED = "5eed"
RETELLERS = tuple(name for name in CLIENTS if name in WIRES)
"""The wires in which a caller can have an answer told."""

_WITH_USAGE = {"stream": True, "stream_options": {"include_usage": True}}
# The recorder cut the last empty line off.
_MISSING = {"openai-chat/compat-stream-tool-index-starts-at-1.sse": b"\n"}
# What a caller asks for in order to be told everything.
_EVERYTHING: Mapping[str, Mapping[str, Any]] = {
    "openai_chat": _WITH_USAGE,
    "openai_completions": _WITH_USAGE,
    "openai_responses": {
        "reasoning": {"effort": "high", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
    },
    "anthropic_messages": {
        "max_tokens": 9000,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
    },
    "gemini": {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}},
    "ollama_chat": {"think": True},
    "ollama_generate": {"think": True},
    "cohere_chat": {"thinking": {"type": "enabled"}},
}

# Which kinds a caller's wire has no place for, or another one, and where what is said then stands.
_NO_SEQUENCE = "The wire says that it stopped, and has no word for a sequence of the caller's."
_ONE_CHOICE = "The wire has one answer; callers who want several are refused before."
_NO_SIGNATURE = "Signatures wait for the next turn in our own store, by the ids of calls."
_ONE_CACHE = "The wire's cache has one lifetime, so that the other one's tokens are told as its."
_NO_CACHE = "The wire counts input and output alone; both totals stay what they are."
_NO_LOGPROBS = "The wire has no likelihoods in the shape of chat completions."
_NO_TOOLS = "The wire's callers cannot offer a tool, so that no model calls one."
_NO_THOUGHT = "The wire has text alone."
_TWICE = (
    "Thought stands a second time beside its signature, for callers that give it back; only "
    "another gateway behind this one reads both."
)
_NO_MODEL = "The wire's answers name no model; a header of ours does."
_OF_OLLAMA = {
    "choices": _ONE_CHOICE,
    "stop": "The wire knows an end and a length.",
    "stop sequence": _NO_SEQUENCE,
    "buckets": _NO_CACHE,
    "signatures": _NO_SIGNATURE,
}
RULES: Mapping[str, Mapping[str, str]] = {
    "openai_chat": {
        "stop": _NO_SEQUENCE,
        "stop sequence": _NO_SEQUENCE,
        "buckets": _ONE_CACHE,
        "thought": _TWICE,
    },
    "mistral_fim": {
        "stop": _NO_SEQUENCE,
        "stop sequence": _NO_SEQUENCE,
        "buckets": _ONE_CACHE,
        "thought": _TWICE,
    },
    "openai_responses": {
        "stop": _NO_SEQUENCE,
        "stop sequence": _NO_SEQUENCE,
        "buckets": _ONE_CACHE,
        "choices": _ONE_CHOICE,
        "logprobs": _NO_LOGPROBS,
        "signatures": _NO_SIGNATURE,
    },
    "openai_completions": {
        "stop": "The wire has no word for a refusal, for tools or for a caller's sequence.",
        "stop sequence": _NO_SEQUENCE,
        "buckets": _ONE_CACHE,
        "calls": _NO_TOOLS,
        "call ids": _NO_TOOLS,
        "signatures": _NO_SIGNATURE,
        "thought": _NO_THOUGHT,
    },
    "anthropic_messages": {
        "choices": _ONE_CHOICE,
        "logprobs": _NO_LOGPROBS,
        "stop": "The provider's filter is told as a refusal, the nearest word that the wire has.",
        "buckets": _ONE_CACHE,
        "signatures": _NO_SIGNATURE,
    },
    "gemini": {
        "stop": "A refusal is told as the filter's, and a caller's sequence as an end.",
        "stop sequence": _NO_SEQUENCE,
        "buckets": "The wire does not tell what was written to a cache.",
        "thought": _TWICE,
    },
    "ollama_chat": _OF_OLLAMA,
    "ollama_generate": _OF_OLLAMA,
    "cohere_chat": {
        "choices": _ONE_CHOICE,
        "model": _NO_MODEL,
        "stop": "The wire has no word for a filter or a refusal.",
        "stop sequence": _NO_SEQUENCE,
        "buckets": _NO_CACHE,
        "signatures": _NO_SIGNATURE,
    },
}
"""By the caller's wire and the kind of what is said: why it is not the same afterwards."""

REFUSES_IN_WORDS = frozenset({"openai_chat", "openai_responses", "mistral_fim"})
"""Wires with a place for the words of a refusal; in the others they stand as text."""


def differences(recording: Recording, client: str) -> dict[str, tuple[Any, Any]]:
    """What the recording says and what the caller reads, by kind, where they are not the same."""
    provider, caller = WIRES[recording.wire], WIRES[client]
    if recording.streamed:
        said, heard = _stream(provider, caller, recording, _answering(client))
    else:
        said, heard = _whole(provider, caller, recording, _answering(client))
    if client not in REFUSES_IN_WORDS and "refusal" in said:
        said["text"] = said.get("text", "") + said.pop("refusal")
    found = {
        kind: (said.get(kind), heard.get(kind))
        for kind in said.keys() | heard.keys()
        if said.get(kind) != heard.get(kind)
    }
    if "model" not in said:
        # The provider names none, so that the caller hears the name that it asked for.
        found.pop("model", None)
    return found


def _answering(client: str) -> Answering:
    _, document = CLIENTS[client].request("public", stream=False)
    codec = WIRES[client].codec
    assert codec is not None
    document |= _EVERYTHING.get(client, {})
    return answering(codec.read_request(document, Place(item="public")))


def _whole(
    provider: Wire, caller: Wire, recording: Recording, answer: Answering
) -> tuple[Essence, Essence]:
    assert provider.codec is not None
    assert caller.codec is not None
    usage = provider.read_reply(recording.body, recording.operation).usage
    reply = provider.codec.read_reply(recording.document, SEED)
    told = json.dumps(caller.codec.write_reply(reply, usage, answer)).encode()
    operation = CHAT if CHAT in caller.operations else COMPLETION
    heard = essence_of(caller.codec.read_reply(json.loads(told), SEED))
    counted = caller.read_reply(told, operation).usage
    return essence_of(reply) | _used(usage, usage), heard | _used(counted, usage)


def _stream(
    provider: Wire, caller: Wire, recording: Recording, answer: Answering
) -> tuple[Essence, Essence]:
    assert provider.events is not None
    assert caller.events is not None
    meter, _, frames = metered(provider, [recording.body + _MISSING.get(recording.name, b"")])
    reader, writer = provider.events.event_reader(SEED), caller.events.event_writer(answer)
    batches = [*map(reader.read, frames), reader.close()]
    told = b"".join(map(writer.write, batches)) + writer.close(meter.usage)
    counted, sights, heard = metered(caller, [told])
    assert sights[-1] in {Sight.END, Sight.CLOSING}
    assert Sight.ERROR not in sights
    again = caller.events.event_reader(SEED)
    events = [event for frame in heard for event in again.read(frame)] + again.close()
    said = essence_of_events(event for batch in batches for event in batch)
    return said | _used(meter.usage, meter.usage), essence_of_events(events) | _used(
        counted.usage, meter.usage
    )


def _used(told: Usage | None, known: Usage | None) -> Essence:
    """The totals and the buckets; nothing where the provider said nothing."""
    if known is None:
        return {}
    assert told is not None
    return {"input": told.input_total, "output": told.output_total, "buckets": told}
