"""What the fake providers say has the shape of what the real ones said when they were recorded."""

import json
from typing import Any

import pytest
from tests.simulator.conftest import TRANSCRIPTS
from tests.simulator.raw import exchange, request
from tests.simulator.talks import TALKS

from trunkline.simulator import Simulator

pytestmark = pytest.mark.skipif(
    not TRANSCRIPTS.is_dir(), reason="the recorded transcripts are not on this machine"
)

TOOL = {"type": "object", "properties": {"city": {"type": "string"}}}


def recorded(name: str) -> bytes:
    return (TRANSCRIPTS / name).read_bytes()


def paths(value: Any, *, opaque: frozenset[str] = frozenset(), path: str = "") -> set[str]:
    """The names in a document with the kinds of their values; lists are as their items."""
    if isinstance(value, dict) and path.rpartition(".")[2] not in opaque:
        return set().union(
            *(paths(inner, opaque=opaque, path=f"{path}.{name}") for name, inner in value.items())
        )
    if isinstance(value, list):
        return set().union(*(paths(inner, opaque=opaque, path=path) for inner in value))
    kind = "number" if isinstance(value, int | float) else type(value).__name__
    return {f"{path}: {kind}"}


async def body(simulator: Simulator, path: str, asked: Any) -> Any:
    return (await exchange(simulator.base_url, request(path, asked))).json()


async def test_gemini_text_and_thoughts(swift: Simulator) -> None:
    asked = {"contents": [{"parts": [{"text": "hello"}]}]}
    path = "/v1beta/models/gemini-2.5-flash:generateContent"
    told = paths(await body(swift, path, asked))
    was = paths(json.loads(recorded("gemini/text.json")))
    assert told == was | {".usageMetadata.serviceTier: str"}
    newer = paths(json.loads(recorded("gemini/json-schema.json")))
    assert told == newer


async def test_gemini_streams_of_a_signed_call(swift: Simulator) -> None:
    asked = {
        "contents": [{"parts": [{"text": "hello"}]}],
        "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": TOOL}]}],
    }
    path = "/v1beta/models/gemini-3-pro-preview:streamGenerateContent?alt=sse"
    raw = await exchange(swift.base_url, request(path, asked))
    talk = TALKS["gemini"]
    opaque = frozenset({"args"})
    told = [paths(talk.document(event), opaque=opaque) for event in talk.split(raw.body)]
    was = [
        paths(talk.document(event), opaque=opaque)
        for event in talk.split(recorded("gemini/stream-tool-thought-signature.sse"))
    ]
    extra = {".usageMetadata.serviceTier: str"}
    assert told[-2:] == [one | extra for one in was]
    assert raw.body.endswith(b"}\r\n\r\n")
    assert raw.headers["content-type"] == "text/event-stream"


async def test_vertex_refuses_a_role_in_the_same_words(swift: Simulator) -> None:
    asked = {"contents": [{"role": "invalid_role", "parts": [{"text": "x"}]}]}
    path = "/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-pro:generateContent"
    was = json.loads(recorded("vertex/error-400-role.json"))
    del was["error"]["details"]
    assert await body(swift, path, asked) == was


async def test_gemini_limits(swift: Simulator) -> None:
    raw = await TALKS["gemini"].ask(swift.base_url, fault="status_429;retry_after=34.4")
    was = paths(json.loads(recorded("gemini/error-429-shape.json")))
    assert was <= paths(raw.json())


async def test_gemini_counts(swift: Simulator) -> None:
    asked = {"contents": [{"parts": [{"text": "hello"}]}]}
    told = await body(swift, "/v1beta/models/sim-fast:countTokens", asked)
    assert paths(told) == paths(json.loads(recorded("gemini/count-tokens.json")))


async def test_ollama_bodies_and_lines(swift: Simulator) -> None:
    asked = {"model": "llama3.2", "messages": [{"role": "user", "content": "hello"}]}
    told = paths(await body(swift, "/api/chat", {**asked, "stream": False}))
    assert told == paths(json.loads(recorded("ollama/chat.json")))
    raw = await exchange(swift.base_url, request("/api/chat", asked))
    lines = [paths(json.loads(line)) for line in raw.body.splitlines()]
    was = [paths(json.loads(line)) for line in recorded("ollama/stream-chat.ndjson").splitlines()]
    assert (lines[0], lines[-1]) == (was[0], was[-1])
    assert set(map(frozenset, lines)) == set(map(frozenset, was))


async def test_cohere_bodies_and_events(swift: Simulator) -> None:
    asked: Any = {"model": "sim-cohere", "messages": [{"role": "user", "content": "hello"}]}
    cached = {".usage.cached_tokens: number"}
    told = paths(await body(swift, "/v2/chat", asked))
    assert told == paths(json.loads(recorded("cohere/chat.json"))) | cached
    asked["tools"] = [{"type": "function", "function": {"name": "f", "parameters": TOOL}}]
    told = paths(await body(swift, "/v2/chat", asked))
    assert told == paths(json.loads(recorded("cohere/null-tool-args-shape.json")))
    talk = TALKS["cohere"]
    raw = await exchange(swift.base_url, request("/v2/chat", {**asked, "stream": True}))
    events, was = talk.split(raw.body), talk.split(recorded("cohere/stream-tools.sse"))
    shapes = {frozenset(paths(talk.document(event))) for event in events}
    old = {frozenset(paths(talk.document(event))) for event in was}
    end = next(one for one in old if any("finish_reason" in path for path in one))
    assert shapes == old - {end} | {end | {".delta.usage.cached_tokens: number"}}
    assert [event.partition(b"\n")[0] for event in (events[0], events[-1])] == [
        event.partition(b"\n")[0] for event in (was[0], was[-1])
    ]


async def test_cohere_reranks(swift: Simulator) -> None:
    asked = {"model": "sim-rerank", "query": "x", "documents": ["y"]}
    told = await body(swift, "/v2/rerank", asked)
    assert paths(told) == paths(json.loads(recorded("cohere/rerank.json")))


@pytest.mark.parametrize("file", ["converse-text.json", "converse-tool.json"])
async def test_bedrock_bodies(swift: Simulator, file: str) -> None:
    asked: Any = {"messages": [{"role": "user", "content": [{"text": "hello"}]}]}
    if "tool" in file:
        spec = {"name": "f", "inputSchema": {"json": TOOL}}
        asked["toolConfig"] = {"tools": [{"toolSpec": spec}], "toolChoice": {"any": {}}}
    opaque = frozenset({"input", "serverToolUsage"})
    told = paths(await body(swift, "/model/sim-bedrock/converse", asked), opaque=opaque)
    was = paths(json.loads(recorded(f"bedrock/{file}")), opaque=opaque)
    assert told == was | {".usage.serverToolUsage: dict"}


async def test_bedrock_frames_of_a_text(swift: Simulator) -> None:
    talk = TALKS["bedrock"]
    raw = await talk.ask(swift.base_url, stream=True)
    frames, was = (
        talk.split(raw.body),
        talk.split(recorded("bedrock/converse-stream.eventstream.bin")),
    )

    def told(frame: bytes) -> tuple[bytes, frozenset[str]]:
        document = talk.document(frame)
        header = frame[12 : frame.index(b"{")]
        return header, frozenset(paths(document, opaque=frozenset({"serverToolUsage"})))

    assert [told(frame) for frame in frames[:2] + frames[-3:]] == [
        told(frame) for frame in was[:2] + was[-3:]
    ]


async def test_every_recorded_transcript_can_be_played_on_its_wire() -> None:
    running = Simulator(transcripts=TRANSCRIPTS)
    await running.start()
    try:
        for name, file in (
            ("gemini", "gemini/stream-text.sse"),
            ("ollama chat", "ollama/stream-chat.ndjson"),
            ("cohere", "cohere/stream-tools.sse"),
            ("bedrock", "bedrock/converse-stream.eventstream.bin"),
        ):
            headers = {"x-simulator-replay": file, "x-simulator-split": "3"}
            raw = await TALKS[name].ask(running.base_url, stream=True, headers=headers)
            assert raw.body == recorded(file)
    finally:
        await running.stop()
