"""Every recorded answer of every provider: passed on, metered, cut anywhere, and retold."""

import json
import random
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.conformance.client_wires import CLIENTS, Told, error_of
from tests.conformance.recorded_usage import recorded_usage
from tests.conformance.recordings import UNUSED, Recording, recorded_names, recordings
from tests.conformance.retelling import RETELLERS, RULES, SEED, differences
from tests.conformance.transcripts import TRANSCRIPTS, needs_transcripts
from tests.gateway.rig import KEY, Rig, running
from tests.gateway.wire.recordings import NOBODY, answering
from tests.simulator.raw import Raw, exchange, request

from trunkline.gateway.exchange.embedding import EmbeddingReply, EmbeddingRequest
from trunkline.gateway.exchange.rerank import RerankReply, RerankRequest
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.upstream_errors import from_fault
from trunkline.gateway.wire.cohere_family.errors import message_of
from trunkline.gateway.wire.contract import (
    CHAT,
    COMPLETION,
    COUNT_TOKENS,
    EMBEDDING,
    RERANK,
    Sight,
)
from trunkline.gateway.wire.registry import WIRES
from trunkline.simulator.server import Simulator

pytestmark = needs_transcripts

SMALL = 16_384
"""Bytes of a stream that is cut at each of its boundaries; of longer ones a sample is."""
SAMPLE = 400
GENERATING = frozenset({CHAT, COMPLETION})
OPENROUTER_ERROR = "openrouter/stream-error-in-chunk.sse"
# Streams in which the provider reports a failure; OpenRouter says that it is over all the same.
BROKEN = {"groq/stream-error-event.sse", OPENROUTER_ERROR}
# Refusals whose status the recorder did not keep, so that they cannot be played as they were.
EDITED = {
    "azure/prompt-filter-error.json",
    "gemini/error-429-shape.json",
    "openai-responses/error-insufficient-quota-shape.json",
}
# A refusal of our key is told as our failure, and the provider's words stay with us.
OUR_KEY = "azure/error-401.json"
ONE_TEXT = {"input": ["a"]}
RANKED = {"query": "q", "documents": ["a", "b"]}
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "openai_embeddings": ("/v1/embeddings", ONE_TEXT),
    "voyage_embeddings": ("/voyage/v1/embeddings", ONE_TEXT),
    "cohere_rerank": ("/v2/rerank", RANKED),
    "jina_rerank": ("/v1/rerank", RANKED),
    "voyage_rerank": ("/voyage/v1/rerank", RANKED),
}
MODELS = {
    "openai_chat": "sim-fast",
    "anthropic_messages": "claude:sim-fast",
    "openai_embeddings": "openai_embeddings:sim-embed",
    "voyage_embeddings": "voyage_embeddings:sim-embed",
    "cohere_rerank": "cohere_rerank:sim-rerank",
    "jina_rerank": "jina_rerank:sim-rerank",
    "voyage_rerank": "voyage_rerank:sim-rerank",
}


@pytest_asyncio.fixture
async def rig() -> AsyncIterator[Rig]:
    """A data path whose provider plays the recordings."""
    simulator = Simulator(seed=3, speed=1e6, transcripts=TRANSCRIPTS)
    await simulator.start()
    async with running(simulator) as started:
        yield started
    await simulator.stop()


def test_every_recording_of_the_index_is_used_or_named_with_the_reason() -> None:
    """The index, the folder and what is used here are the same 105 files."""
    index, folder = [], ""
    for line in (TRANSCRIPTS / "INDEX.md").read_text().splitlines():
        if heading := re.match(r"## ([\w-]+) \(\d+\)", line):
            folder = heading[1]
        elif (row := re.match(r"\| ([\w.-]+\.(?:json|sse|ndjson|bin)) \|", line)) and folder:
            index.append(f"{folder}/{row[1]}")
    listed = sorted(name for name in index if not name.startswith("translation-pairs/"))
    used = [recording.name for recording in recordings()]
    assert listed == recorded_names() == sorted([*used, *UNUSED])
    assert (len(listed), len(used), len(UNUSED)) == (105, 104, 1)


def asked(recording: Recording) -> tuple[str, dict[str, Any]]:
    """The smallest request of the wire and operation that the recording answers."""
    wire, model = recording.wire, MODELS.get(recording.wire, f"{recording.wire}:sim-fast")
    if recording.operation == COUNT_TOKENS:
        path, document = CLIENTS[wire].request(model, stream=False)
        document.pop("stream", None)
        counted = {"gemini": path.replace(":generateContent", ":countTokens"),
                   "anthropic_messages": f"{path}/count_tokens",
                   "openai_responses": f"{path}/input_tokens"}  # fmt: skip
        return counted[wire], document
    if wire in ASKED:
        path, document = ASKED[wire]
        return path, {"model": model, **document}
    path, document = CLIENTS[wire].request(model, stream=recording.streamed)
    if recording.streamed and wire.startswith("openai_c"):
        document["stream_options"] = {"include_usage": True}
    return path, document


async def play(rig: Rig, recording: Recording, split: int) -> Raw:
    """The answer to a caller of the provider's own wire."""
    path, document = asked(recording)
    headers = {
        "authorization": f"Bearer {KEY}",
        "x-simulator-replay": recording.name,
        "x-simulator-split": str(split),
    }
    return await exchange(rig.base_url, request(path, document, headers))


async def test_each_passes_byte_equal_and_is_metered_as_it_says(rig: Rig) -> None:
    """But for Bedrock's, whose wire no caller speaks, and for failures inside of a 200."""
    got, wanted, calls = {}, {}, 0
    for recording in recordings():
        if recording.wire == "bedrock_converse" or recording.name in BROKEN | EDITED:
            continue
        for split in range(2):
            answer = await play(rig, recording, split)
            calls += 1
            [(_, outcome)] = (await rig.observed.wait_for(calls)).attempts
            seen = outcome.usage if outcome.cost_state == "exact" else None
            passed = answer.body == recording.body
            got[recording.name, split] = (answer.status, passed, answer.ended_well, seen)
            wanted[recording.name, split] = (recording.status, True, True, _used(recording))
    wanted |= dict.fromkeys(((OUR_KEY, 0), (OUR_KEY, 1)), (502, False, True, Usage()))
    assert got == wanted


def _used(recording: Recording) -> Usage | None:
    """A refusal and a count of tokens cost nothing; who says nothing is estimated."""
    if recording.status >= 400 or recording.operation == COUNT_TOKENS:
        return Usage()
    told = recorded_usage(recording)
    return None if told is None else Usage(**told)


def test_the_usage_that_is_read_is_the_recorded_one() -> None:
    """Bedrock's too, and without anything between the bytes and their reader."""
    got, wanted = {}, {}
    for recording in recordings():
        if recording.status != 200 or recording.operation == COUNT_TOKENS:
            continue
        if recording.name in BROKEN:
            continue
        wire = WIRES[recording.wire]
        if recording.streamed:
            reader = wire.stream_reader(NOBODY)
            for frame in frames_of(recording, [recording.body]):
                reader.read(frame)
            got[recording.name] = reader.usage
        else:
            got[recording.name] = wire.read_reply(recording.body, recording.operation).usage
        wanted[recording.name] = _used(recording)
    assert got == wanted
    assert len(got) == 88


def frames_of(recording: Recording, chunks: list[bytes]) -> list[bytes]:
    """The frames of a stream that comes in these chunks, with what stands behind the last one."""
    splitter = WIRES[recording.wire].splitter(1 << 20)
    frames = [frame for chunk in chunks for frame in splitter.feed(chunk)]
    rest = splitter.rest()
    return [*frames, rest] if rest else frames


@pytest.mark.parametrize(
    "recording", [each for each in recordings() if each.streamed], ids=lambda each: each.name
)
def test_a_stream_is_the_same_wherever_it_is_cut(recording: Recording) -> None:
    body = recording.body
    whole = frames_of(recording, [body])
    assert b"".join(whole) == body
    reader = WIRES[recording.wire].stream_reader(NOBODY)
    sights = [reader.read(frame) for frame in whole]
    last = Sight.ERROR if recording.name in BROKEN else Sight.END
    assert (
        sights[-1] is last
        or (recording.wire, sights[-1]) == ("gemini", Sight.CLOSING)
        or (recording.name == OPENROUTER_ERROR and last in sights)
    )
    places = list(range(1, len(body)))
    if len(body) > SMALL:
        places = sorted(random.Random(recording.name).sample(places, SAMPLE))
    for place in places:
        assert frames_of(recording, [body[:place], body[place:]]) == whole, place
    assert frames_of(recording, [body[at : at + 1] for at in range(len(body))]) == whole


@pytest.mark.parametrize("client", RETELLERS)
def test_nothing_is_lost_in_another_wire_but_what_a_rule_says(client: str) -> None:
    """And each rule is needed by a recording."""
    lost: dict[str, dict[str, Any]] = {}
    retold = 0
    for recording in recordings():
        if recording.operation not in GENERATING or recording.wire == client:
            continue
        if recording.status != 200 or recording.name in BROKEN:
            continue
        retold += 1
        for kind, change in differences(recording, client).items():
            lost.setdefault(kind, {})[recording.name] = change
    unlisted = {kind: changes for kind, changes in lost.items() if kind not in RULES[client]}
    assert unlisted == {}
    assert RULES[client].keys() - lost.keys() == set()
    assert retold > 40


def test_every_refusal_is_understood_and_told_in_each_callers_wire() -> None:
    """With the provider's status and words, or with our own where it is about our account."""
    refusals = [recording for recording in recordings() if recording.status >= 400]
    assert len(refusals) == 11
    for recording in refusals:
        fault = WIRES[recording.wire].read_fault(recording.status, recording.body)
        assert fault.status == recording.status
        assert fault.message
        assert fault.message in recording.body.decode()
        error = from_fault(fault, "refused", None).error
        for client in RETELLERS:
            told = json.loads(WIRES[client].error_body(error, "id"))
            assert error_of(client, told) == error.code
            assert fault.ours or fault.message in json.dumps(told)


def test_every_failure_inside_a_stream_is_told_in_each_callers_wire() -> None:
    broken = {each.name: each for each in recordings() if each.name in BROKEN}
    assert broken.keys() == BROKEN
    for recording in broken.values():
        reader = WIRES[recording.wire].stream_reader(NOBODY)
        for frame in frames_of(recording, [recording.body]):
            if reader.read(frame) is Sight.ERROR:
                break
        assert reader.error is not None
        error = from_fault(reader.error, "failed", None).error
        for client in RETELLERS:
            wire = WIRES[client]
            seen = Told()
            for document in CLIENTS[client].framing(wire.error_frame(error, "id")):
                CLIENTS[client].event(document, seen)
            assert (seen.error, seen.ended) != (None, True)
            assert seen.error in {error.code, message_of(error)}


@pytest.mark.parametrize("operation", [EMBEDDING, RERANK])
def test_vectors_and_rankings_are_the_same_in_every_wire_of_theirs(operation: str) -> None:
    """Numbers stay what they are, but for their order where a wire sorts by relevance."""
    answers = [each for each in recordings() if each.operation == operation and each.status == 200]
    assert len(answers) == 3
    wires = [wire for wire in WIRES.values() if operation in wire.operations]
    for recording in answers:
        source = WIRES[recording.wire]
        assert source.codec is not None
        usage = source.read_reply(recording.body, operation).usage
        reply = source.codec.read_reply(recording.document, SEED)
        for wire in wires:
            assert wire.codec is not None
            told = wire.codec.write_reply(reply, usage, answering(_asks(operation, wire.name)))
            again = wire.codec.read_reply(json.loads(json.dumps(told)), SEED)
            # Ollama's older path has one vector, for one text.
            most = 1 if wire.name == "ollama_embeddings" else None
            assert _numbers(again) == _numbers(reply)[:most], (recording.name, wire.name)


def _asks(operation: str, wire: str) -> EmbeddingRequest | RerankRequest:
    if operation == EMBEDDING:
        return EmbeddingRequest(wire=wire, model="public", inputs=("a",))
    return RerankRequest(wire=wire, model="public", query="q", documents=("a",) * 9)


def _numbers(reply: EmbeddingReply | RerankReply) -> list[Any]:
    if isinstance(reply, EmbeddingReply):
        return list(reply.vectors)
    return sorted((one.index, one.score) for one in reply.results)
