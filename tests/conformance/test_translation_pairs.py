"""Another gateway's translations as a second opinion: ours agree, or a test says why not."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.recordings import PAIRS_FOLDER
from tests.conformance.transcripts import TRANSCRIPTS, needs_transcripts
from tests.gateway.http import post
from tests.gateway.rig import running
from tests.gateway.wire.recordings import answering

from trunkline.gateway.exchange.destination import Destination, Quirks
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.wire.contract import CHAT, NOWHERE
from trunkline.gateway.wire.registry import WIRES
from trunkline.simulator.server import Simulator

pytestmark = needs_transcripts

WIRE_TESTS = Path(__file__).parents[1] / "gateway" / "wire"
HERE = Path(__file__)
_CHAT = WIRE_TESTS / "openai_chat"
_MESSAGES = WIRE_TESTS / "anthropic_messages"
COMPARED: Mapping[str, tuple[Path, str]] = {
    "req.completions.image-url.anthropic": (_MESSAGES / "test_foreign.py", ""),
    "req.completions.parallel-tool-call.bedrock": (
        WIRE_TESTS / "bedrock_converse" / "test_foreign.py",
        "",
    ),
    "req.completions.parallel-tool-call.vertex-gemini": (
        WIRE_TESTS / "gemini" / "test_foreign.py",
        "",
    ),
    "req.completions.reasoning.anthropic": (_MESSAGES / "test_foreign.py", ""),
    "req.completions.tool-call.anthropic": (_MESSAGES / "test_foreign.py", ""),
    "req.count-tokens.with_system.vertex": (HERE, ""),
    "req.messages.system_message.completions": (_CHAT / "test_foreign.py", "system_message"),
    "req.messages.tools.completions": (_CHAT / "test_foreign.py", "tools"),
    "req.responses.parallel-tool-call.gemini": (HERE, ""),
    "resp.anthropic.stream_thinking.messages-completions-streaming": (
        _CHAT / "test_events.py",
        "",
    ),
    "resp.anthropic.tool.messages-completions": (_CHAT / "test_replies.py", ""),
    "resp.completions.tool_call.completions-messages": (_MESSAGES / "test_replies.py", ""),
    "resp.completions.tool_call.completions-responses": (
        WIRE_TESTS / "openai_responses" / "test_replies.py",
        "",
    ),
    "resp.vertex-gemini.tool.vertex-gemini-completions": (HERE, ""),
}
"""Where each pair is compared, and by which case where the name is put together there."""

_ALIASES = {
    "openai_chat": "sim-fast",
    "anthropic_messages": "claude:sim-fast",
    "bedrock_converse": "bedrock_converse:sim-fast",
    "cohere_chat": "cohere_chat:sim-fast",
    "gemini": "gemini:sim-fast",
    "ollama_chat": "ollama_chat:sim-fast",
}


def pair(name: str) -> tuple[Any, Any]:
    """Input and output of the other gateway's converter."""
    folder = TRANSCRIPTS / PAIRS_FOLDER
    given, told = (folder / f"{name}.{side}.json" for side in ("input", "output"))
    return json.loads(given.read_text()), json.loads(told.read_text())


def test_every_pair_is_compared_somewhere() -> None:
    stems = {
        file.name.split(".input.")[0] for file in (TRANSCRIPTS / PAIRS_FOLDER).glob("*.input.*")
    }
    assert stems == COMPARED.keys()
    for stem, (file, case) in COMPARED.items():
        text = file.read_text()
        looked_for = f'"{case}"' if case else stem
        assert looked_for in text, stem
        assert "req.messages.{case}" in text or not case


def test_parallel_calls_of_a_responses_request_agree() -> None:
    """It speaks to Gemini by its compatible endpoint, which is a chat completion."""
    given, other = pair("req.responses.parallel-tool-call.gemini")
    reader, writer = WIRES["openai_responses"].codec, WIRES["openai_chat"].codec
    assert reader is not None
    assert writer is not None
    losses = Losses()
    destination = Destination(model=given["model"], output_limit_field="max_completion_tokens")
    written = writer.write_request(reader.read_request(given, NOWHERE), destination, losses)
    expected = other["request"]
    del expected["stream"]  # False is what it is without saying so.
    # Where it writes a list of one text we write the text, which more servers understand.
    [question] = expected["messages"][0]["content"]
    expected["messages"][0]["content"] = question["text"]
    for message in written["messages"]:
        if message.get("content", "") is None:
            del message["content"]
    assert written == expected
    assert losses.names == ()


@pytest.mark.parametrize("provider", sorted(_ALIASES))
async def test_parallel_calls_of_a_responses_request_are_taken_by_every_provider(
    provider: str,
) -> None:
    """The simulated ones refuse results that do not follow their calls, as the real ones do."""
    given, _ = pair("req.responses.parallel-tool-call.gemini")
    simulator = Simulator(seed=3, speed=1e6)
    await simulator.start()
    async with running(simulator) as rig:
        answer = await post(rig, "/v1/responses", {**given, "model": _ALIASES[provider]})
    await simulator.stop()
    assert (answer.status_code, answer.json().get("status")) == (200, "completed"), answer.text
    [seen] = simulator.ledger
    assert (seen.wire, seen.tool_results) == (provider, True)


def test_a_call_of_gemini_told_as_a_chat_completion_agrees() -> None:
    given, other = pair("resp.vertex-gemini.tool.vertex-gemini-completions")
    source, caller = WIRES["gemini"], WIRES["openai_chat"]
    assert source.codec is not None
    assert caller.codec is not None
    usage = source.read_reply(json.dumps(given).encode(), CHAT).usage
    told = caller.codec.write_reply(source.codec.read_reply(given, "5eed"), usage, answering())
    expected = other["response"]
    for document in (told, expected):
        # Both are made up, or time.
        del document["id"], document["created"]
    # The SDKs of this wire expect these members; it leaves them out, since they say nothing.
    for details in ("prompt_tokens_details", "completion_tokens_details"):
        assert set(told["usage"].pop(details).values()) == {0}
    [choice] = told["choices"]
    assert (choice.pop("logprobs"), choice["message"].pop("refusal")) == (None, None)
    assert choice["message"].pop("content") is None
    # Gemini's own word for the stop is told as well.
    assert choice.pop("native_finish_reason") == "STOP"
    assert told == expected


def test_a_count_of_tokens_agrees_but_for_what_claude_on_vertex_wants() -> None:
    """We count at Anthropic itself, where the version is a header and the model stays named."""
    given, other = pair("req.count-tokens.with_system.vertex")
    codec = WIRES["anthropic_messages"].codec
    assert codec is not None
    losses = Losses()
    destination = Destination(model=given["model"], quirks=Quirks())
    written = codec.write_request(codec.read_request(given, NOWHERE), destination, losses)
    expected = other["request"]
    assert expected.pop("anthropic_version") == "vertex-2023-10-16"
    assert expected.pop("model") == "anthropic/claude-sonnet-4-5"
    assert written.pop("model") == given["model"]
    assert written == expected
    assert losses.names == ()
