"""One request and one stream of every wire, redacted and refused, on real sockets."""

import pytest
from tests.conformance.client_wires import CLIENTS
from tests.conformance.translated_calls import leftovers
from tests.gateway.guarding.asking import (
    HEADER,
    ask,
    guard,
    guarded_alias,
    mistakes_in_the_bill,
    provider_wire,
)
from tests.gateway.rig import running

from trunkline.gateway.metering.event import Guarded
from trunkline.simulator.server import Simulator

EMAIL, CARD = "jo.doe@example.com", "4111 1111 1111 1111"
SAID = f"Write to {EMAIL} or pay with {CARD}, then write to {EMAIL} again."
HIDDEN = "Write to [EMAIL] or pay with [CREDIT_CARD], then write to [EMAIL] again."
KINDS = (("email", 2), ("credit_card", 1))
EVERY_WIRE = pytest.mark.parametrize("client", CLIENTS)
BOTH_WAYS = pytest.mark.parametrize("stream", [False, True])
# Whoever calls by this wire is translated for a provider of that one.
OTHER = {
    "openai_chat": "anthropic_messages",
    "openai_responses": "gemini",
    "openai_completions": "mistral_fim",
    "mistral_fim": "openai_completions",
    "anthropic_messages": "openai_chat",
    "gemini": "cohere_chat",
    "gemini_array": "openai_chat",
    "ollama_chat": "bedrock_converse",
    "ollama_generate": "openai_completions",
    "cohere_chat": "ollama_chat",
}


def providers(client: str) -> list[str]:
    return [provider_wire(client), OTHER[client]]


@EVERY_WIRE
@BOTH_WAYS
async def test_a_request_is_redacted_before_the_provider_sees_it(
    simulator: Simulator, client: str, stream: bool
) -> None:
    for provider in providers(client):
        alias = guarded_alias(simulator, provider, guard(way="in"))
        async with running(simulator, extra=[alias]) as rig:
            answer, reading = await ask(rig, client, f"say {SAID}", stream=stream)
            event = await rig.observed.wait_for(1)
        assert (reading.text, reading.clean) == (HIDDEN, True)
        assert event.guarded == (Guarded("pii", "in", "redacted", KINDS),)
        assert answer.headers[HEADER] == "pii=redacted:3"
        assert leftovers(rig) == []


@EVERY_WIRE
@BOTH_WAYS
async def test_an_answer_is_redacted_before_its_caller_sees_it(
    simulator: Simulator, client: str, stream: bool
) -> None:
    for provider in providers(client):
        alias = guarded_alias(simulator, provider, guard(way="out"))
        async with running(simulator, extra=[alias]) as rig:
            answer, reading = await ask(rig, client, f"say {SAID}", stream=stream)
            event = await rig.observed.wait_for(1)
        assert (reading.text, reading.clean) == (HIDDEN, True)
        assert EMAIL.encode() not in answer.data
        assert event.guarded == (Guarded("pii", "out", "redacted", KINDS),)
        assert [outcome.ending for _, outcome in event.attempts] == ["completed"]
        assert mistakes_in_the_bill(event, simulator) == []
        assert leftovers(rig) == []


@EVERY_WIRE
@BOTH_WAYS
async def test_a_request_is_refused_and_no_provider_is_asked(
    simulator: Simulator, client: str, stream: bool
) -> None:
    alias = guarded_alias(
        simulator, provider_wire(client), guard("keep-out", action="refuse", way="in")
    )
    async with running(simulator, extra=[alias]) as rig:
        answer, reading = await ask(rig, client, f"say {SAID}", stream=stream)
        event = await rig.observed.wait_for(1)
    assert (reading.status, reading.error) == (400, "guardrail_refused")
    assert EMAIL.encode() not in answer.data
    assert answer.headers[HEADER] == "keep-out=refused:3"
    assert event.guarded == (Guarded("keep-out", "in", "refused", KINDS),)
    assert event.error_code == "guardrail_refused"
    assert simulator.ledger == []
    assert leftovers(rig) == []


@EVERY_WIRE
@BOTH_WAYS
async def test_an_answer_is_refused_before_anything_of_it_was_said(
    simulator: Simulator, client: str, stream: bool
) -> None:
    for provider in providers(client):
        alias = guarded_alias(simulator, provider, guard("keep-in", action="refuse", way="out"))
        async with running(simulator, extra=[alias]) as rig:
            answer, reading = await ask(rig, client, f"say {EMAIL}", stream=stream)
            event = await rig.observed.wait_for(1)
        assert (reading.status, reading.error) == (400, "guardrail_refused")
        assert EMAIL.encode() not in answer.data
        assert event.guarded == (Guarded("keep-in", "out", "refused", (("email", 1),)),)
        [(_, outcome)] = event.attempts
        assert (outcome.ending, outcome.error_code) == ("failed", "guardrail_refused")
        assert leftovers(rig) == []


@EVERY_WIRE
async def test_a_stream_is_broken_off_and_never_ends_cleanly(
    simulator: Simulator, client: str
) -> None:
    for provider in providers(client):
        alias = guarded_alias(simulator, provider, guard("keep-in", action="refuse", way="out"))
        async with running(simulator, extra=[alias]) as rig:
            answer, reading = await ask(
                rig, client, f"say Some words before the address {EMAIL} come.", stream=True
            )
            event = await rig.observed.wait_for(1)
        assert reading.status == 200
        assert not reading.clean
        assert reading.error is not None
        assert "guardrail_refused" in reading.error or "keep-in" in reading.error
        assert "Some words before the address ".startswith(reading.text)
        assert EMAIL.encode() not in answer.data
        assert event.error_code == "guardrail_refused"
        assert leftovers(rig) == []


@EVERY_WIRE
@BOTH_WAYS
async def test_what_is_only_noted_passes_byte_by_byte(client: str, stream: bool) -> None:
    answers = []
    for guards in ([guard(action="note")], []):
        simulator = Simulator(seed=3, speed=1e6)
        await simulator.start()
        alias = guarded_alias(simulator, provider_wire(client), *guards)
        async with running(simulator, extra=[alias]) as rig:
            answer, reading = await ask(rig, client, f"say {SAID}", stream=stream)
            event = await rig.observed.wait_for(1)
        await simulator.stop()
        assert (reading.text, reading.clean) == (SAID, True)
        answers.append((answer.body, event.guarded))
    noted = tuple(Guarded("pii", way, "noted", KINDS) for way in ("in", "out"))
    assert answers[0] == (answers[1][0], noted)
