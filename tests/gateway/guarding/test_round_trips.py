"""Guards in the company of everything else on the path, on real sockets."""

import json
from typing import Any

import pytest
from tests.conformance.translated_calls import leftovers
from tests.gateway.guarding.asking import (
    HEADER,
    PRICE,
    ask,
    guard,
    guarded_alias,
    mistakes_in_the_bill,
)
from tests.gateway.http import CHAT, MESSAGES, post
from tests.gateway.rig import connection, running

from trunkline.gateway.metering.event import Guarded
from trunkline.gateway.policy import CachePolicy, Route
from trunkline.gateway.snapshot import Alias, Target
from trunkline.simulator.server import Simulator

EMAIL = "jo@example.com"
BOTH_WAYS = pytest.mark.parametrize("stream", [False, True])
NUMBERED = {"placeholder": "<{kind}_{n}>", "restore": True, "entities": ["email", "phone"]}
TOOL = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}


@BOTH_WAYS
@pytest.mark.parametrize("client", ["openai_chat", "anthropic_messages", "openai_responses"])
@pytest.mark.parametrize("provider", ["openai_chat", "anthropic_messages"])
async def test_the_caller_gets_back_what_the_provider_never_saw(
    simulator: Simulator, client: str, provider: str, stream: bool
) -> None:
    # The guard of answers would find it, were it not put back after it has looked.
    alias = guarded_alias(simulator, provider, guard(pii=NUMBERED), cache=CachePolicy(enabled=True))
    words = f"say {EMAIL}, ann@example.com and {EMAIL} at +442079460958"
    async with running(simulator, extra=[alias]) as rig:
        _, reading = await ask(rig, client, words, stream=stream)
        # Another caller's address reads the same to the provider and is not mixed up.
        _, other = await ask(rig, client, words.replace("jo@", "xi@"), stream=stream)
        event = await rig.observed.wait_for(2)
    assert len(simulator.ledger) == 2
    assert (reading.text, reading.clean) == (words.removeprefix("say "), True)
    assert other.text == words.removeprefix("say ").replace("jo@", "xi@")
    assert event.guarded == (Guarded("pii", "in", "redacted", (("email", 3), ("phone", 1))),)
    assert mistakes_in_the_bill(event, simulator) == []
    assert leftovers(rig) == []


def calls_of(path: str, text: str, *, stream: bool) -> list[Any]:
    """The arguments of the calls in an answer, decoded."""
    datas = [line[6:] for line in text.splitlines() if line.startswith("data: {")]
    documents = [json.loads(data) for data in (datas if stream else [text])]
    pieces: dict[int, str] = {}
    found: list[Any] = []
    for document in documents:
        if path == CHAT:
            for choice in document["choices"]:
                said = choice["delta" if stream else "message"]
                for call in said.get("tool_calls") or ():
                    place = call.get("index", len(pieces))
                    told = call["function"].get("arguments", "")
                    pieces[place] = pieces.get(place, "") + told
        elif stream and document["type"] == "content_block_delta":
            place = document["index"]
            pieces[place] = pieces.get(place, "") + document["delta"].get("partial_json", "")
        elif not stream:
            found += [b["input"] for b in document["content"] if b["type"] == "tool_use"]
    return found + [json.loads(piece) for piece in pieces.values() if piece]


@BOTH_WAYS
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("provider", ["openai_chat", "anthropic_messages", "gemini"])
async def test_arguments_of_calls_are_redacted_and_stay_json(
    simulator: Simulator, path: str, provider: str, stream: bool
) -> None:
    alias = guarded_alias(simulator, provider, guard(way="out"))
    asked = {"to": f"\n{EMAIL} \u00e9"}
    words = f"[[call send {json.dumps(asked)}]]"
    tool: Any = {"name": "send", "description": "Sends.", "input_schema": TOOL}
    if path == CHAT:
        tool = {"type": "function", "function": {"name": "send", "parameters": TOOL}}
    document = {"model": "m", "max_tokens": 99, "stream": stream, "tools": [tool]}
    document["messages"] = [{"role": "user", "content": words}]
    async with running(simulator, extra=[alias]) as rig:
        answer = await post(rig, path, document)
        event = await rig.observed.wait_for(1)
    assert answer.status_code == 200
    assert calls_of(path, answer.text, stream=stream) == [{"to": "\n[EMAIL] \u00e9"}]
    assert event.guarded == (Guarded("pii", "out", "redacted", (("email", 1),)),)
    assert mistakes_in_the_bill(event, simulator) == []


async def test_a_stream_that_is_held_as_a_whole_is_refused_with_a_status(
    simulator: Simulator,
) -> None:
    targets = tuple(
        Target(connection(simulator, "openai_chat", id=name), "sim-fast", PRICE)
        for name in ("one", "two")
    )
    alias = Alias(
        name="m",
        targets=targets,
        guards=(guard("keep-in", action="refuse", way="out"),),
        route=Route(buffered=True),
    )
    async with running(simulator, extra=[alias]) as rig:
        _, reading = await ask(rig, "openai_chat", f"say some words and {EMAIL}.", stream=True)
        event = await rig.observed.wait_for(1)
        states = [row.state for row in rig.health.report()]
    assert (reading.status, reading.error) == (400, "guardrail_refused")
    # Another provider would be paid to say it again.
    assert len(event.attempts) == len(simulator.ledger) == 1
    assert states == ["closed"]
    assert leftovers(rig) == []


@BOTH_WAYS
async def test_a_refused_answer_is_asked_of_nobody_else(simulator: Simulator, stream: bool) -> None:
    targets = tuple(
        Target(connection(simulator, "openai_chat", id=name), "sim-fast", PRICE)
        for name in ("one", "two")
    )
    guards = (guard("keep-in", action="refuse", way="out"),)
    alias = Alias(name="m", targets=targets, guards=guards)
    async with running(simulator, extra=[alias]) as rig:
        answer, reading = await ask(rig, "openai_chat", f"say {EMAIL}", stream=stream)
        event = await rig.observed.wait_for(1)
    assert (reading.status, reading.error) == (400, "guardrail_refused")
    assert len(event.attempts) == len(simulator.ledger) == 1
    assert answer.headers[HEADER] == "keep-in=refused:1"


@BOTH_WAYS
async def test_an_answer_is_only_as_long_as_it_may_be(simulator: Simulator, stream: bool) -> None:
    size = guard("short", kind="size", way="out", action="refuse", size={"characters": 40})
    async with running(simulator, extra=[guarded_alias(simulator, "openai_chat", size)]) as rig:
        _, short = await ask(rig, "openai_chat", "say few words", stream=stream)
        _, long = await ask(rig, "openai_chat", "say " + "many words " * 20, stream=stream)
    assert (short.text, short.clean) == ("few words", True)
    assert (long.clean, long.error) == (False, "guardrail_refused")
    assert long.status == (200 if stream else 400)
    assert len(long.text) <= 40 or not stream


async def test_topics_and_scripts_are_refused_on_either_way(simulator: Simulator) -> None:
    topics = guard("t", kind="topics", action="refuse", topics={"deny": {"war": ["bomb*"]}})
    script = guard(
        "l", kind="language", action="refuse", way="out", language={"deny": ["cyrillic"]}
    )
    async with running(
        simulator, extra=[guarded_alias(simulator, "openai_chat", topics, script)]
    ) as rig:
        _, first = await ask(rig, "openai_chat", "say BOMBS", stream=True)
        _, second = await ask(rig, "openai_chat", "say Это война", stream=True)
        _, third = await ask(rig, "openai_chat", "say peace", stream=True)
        await rig.observed.wait_for(3)
        told = [event.guarded for event in rig.observed.events]
    assert [one.error for one in (first, second)] == ["guardrail_refused"] * 2
    assert (third.text, third.clean) == ("peace", True)
    assert told == [
        (Guarded("t", "in", "refused", (("war", 1),)),),
        (Guarded("l", "out", "refused", (("cyrillic", 1),)),),
        (),
    ]


@BOTH_WAYS
async def test_a_transcript_is_redacted_whole_and_not_streamed(
    simulator: Simulator, stream: bool
) -> None:
    model = "whisper-1"
    alias = guarded_alias(simulator, "openai_transcription", guard(way="out"), model=model)
    told = {}
    async with running(simulator, extra=[alias]) as rig:
        for kind in ("json", "text"):
            told[kind] = await post(
                rig,
                "/v1/audio/transcriptions",
                _upload(
                    {
                        "model": "m",
                        "prompt": f"say {EMAIL}",
                        "response_format": kind,
                        "stream": "true" if stream else "false",
                    }
                ),
                content_type="multipart/form-data; boundary=xx",
            )
    if stream:
        assert [one.json()["error"]["code"] for one in told.values()] == [
            "guardrail_unsupported"
        ] * 2
        assert simulator.ledger == []
        return
    assert told["json"].json()["text"] == "[EMAIL]"
    assert EMAIL not in told["text"].text


def _upload(fields: dict[str, str]) -> bytes:
    parts = [
        f'--xx\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    sound = (
        '--xx\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n'
        "content-type: audio/wav\r\n\r\n"
    )
    return "".join(parts).encode() + sound.encode() + _WAV + b"\r\n--xx--\r\n"


_WAV = (
    b"RIFF\x24\x08\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00"
    b"\x02\x00\x10\x00data\x00\x08\x00\x00" + bytes(2048)
)


async def test_documents_to_be_ranked_are_redacted(simulator: Simulator) -> None:
    alias = guarded_alias(simulator, "cohere_rerank", guard(), model="rerank-v3.5")
    document = {"model": "m", "query": f"who is {EMAIL}", "documents": [EMAIL, "nobody"]}
    async with running(simulator, extra=[alias]) as rig:
        answer = await post(rig, "/v2/rerank", document)
        event = await rig.observed.wait_for(1)
    assert answer.status_code == 200
    assert answer.headers[HEADER] == "pii=redacted:2"
    assert event.guarded == (Guarded("pii", "in", "redacted", (("email", 2),)),)
