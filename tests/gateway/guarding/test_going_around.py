"""Ways around a guard that were tried: what a provider, or a caller, gets to see."""

import json
import re
from typing import Any

import pytest
from tests.conformance.client_wires import CLIENTS
from tests.gateway.guarding.asking import ask, guard, guarded_alias, provider_wire
from tests.gateway.http import CHAT, post
from tests.gateway.rig import running

from trunkline.simulator.server import Simulator

EMAIL, CARD = "jo@example.com", "4111 1111 1111 1111"
# As a caller may write them, and as a model may.
WRITTEN = [
    EMAIL,
    CARD,
    "jo\uff20example.com",
    "jo@exam\u200bple.com",
    "jo&#64;example.com",
    "jo%40example.com",
    "\\u006ao\\u0040example.com",
    "4111\u202f1111\u202f1111\u202f1111",
    "4111\u20111111\u20111111\u20111111",
    f"`{EMAIL}`",
    f"![{EMAIL}](x.png)",
    f"<{EMAIL}>",
    f"mailto:{EMAIL}?subject=x",
    f'{{"a":"{{\\"to\\":\\"{EMAIL}\\"}}"}}',
    f' {{"to": "{EMAIL}"}}',
]


def shows(text: str) -> bool:
    """Whether somebody who reads it as it is meant finds one of them."""
    plain = re.sub("[\u200b\u200d]", "", text).replace("\uff20", "@").replace("%40", "@")
    plain = plain.replace("&#64;", "@").replace("\\u0040", "@").replace("\\u006a", "j")
    plain = re.sub("[\u202f\u2011]", " ", plain)
    return EMAIL in plain or CARD in plain


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("stream", [False, True])
async def test_no_way_of_writing_goes_around_on_the_way_out(
    simulator: Simulator, client: str, stream: bool
) -> None:
    alias = guarded_alias(
        simulator, provider_wire(client), guard(way="out"), model="sim-fast+fault=byte_by_byte"
    )
    async with running(simulator, extra=[alias]) as rig:
        for written in WRITTEN:
            _, reading = await ask(rig, client, f"say so {written} is it.", stream=stream)
            assert reading.clean
            assert reading.text.startswith("so ")
            assert reading.text.endswith(" is it.")
            assert not shows(reading.text), written


async def test_no_way_of_writing_goes_around_on_the_way_in(simulator: Simulator) -> None:
    alias = guarded_alias(simulator, "openai_chat", guard(way="in"))
    async with running(simulator, extra=[alias]) as rig:
        for written in WRITTEN:
            _, reading = await ask(rig, "openai_chat", f"say so {written} is it.", stream=False)
            assert not shows(reading.text), written


@pytest.mark.parametrize("escaped", [False, True])
async def test_escapes_of_the_body_itself_are_nothing(simulator: Simulator, escaped: bool) -> None:
    alias = guarded_alias(simulator, "openai_chat", guard(way="in"))
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": f"say {EMAIL}"}]})
    if escaped:
        body = "".join(
            f"\\u{ord(one):04x}" if one in "jo@.4" and place > body.index("say") else one
            for place, one in enumerate(body)
        ).replace('"r\\u006fle"', '"role"')
    async with running(simulator, extra=[alias]) as rig:
        answer = await post(rig, CHAT, body.encode())
    assert answer.json()["choices"][0]["message"]["content"] == "[EMAIL]"


MESSAGES: list[dict[str, Any]] = [
    {"role": "developer", "content": EMAIL},
    {"role": "user", "name": EMAIL, "content": [{"type": "text", "text": EMAIL}]},
    {"role": "assistant", "content": None, "tool_calls": [
        {"id": "c", "type": "function", "function": {
            "name": "f", "arguments": '{"to": "jo\\u0040example.com"}'}}]},
    {"role": "tool", "tool_call_id": "c", "content": f'["{EMAIL}", {{"a": 4111111111111111}}]'},
    {"role": "user", "content": "say done"},
]  # fmt: skip
TOOLS = [{"type": "function", "function": {
    "name": "f", "description": EMAIL, "parameters": {"type": "object", "properties": {
        "to": {"type": "string", "description": EMAIL, "default": EMAIL}}}}}]  # fmt: skip


@pytest.mark.parametrize("provider", ["openai_chat", "anthropic_messages", "gemini"])
async def test_no_place_in_a_request_goes_around(simulator: Simulator, provider: str) -> None:
    alias = guarded_alias(simulator, provider, guard(way="in"))
    document = {"model": "m", "messages": MESSAGES, "tools": TOOLS, "unknown": {"a": [EMAIL]}}
    async with running(simulator, extra=[alias]) as rig:
        answer = await post(rig, CHAT, document)
        event = await rig.observed.wait_for(1)
    assert answer.status_code == 200
    [noted] = event.guarded
    assert dict(noted.kinds) == {"email": 9, "credit_card": 1}
