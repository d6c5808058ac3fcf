import json
from typing import Any

import msgspec
import pytest
from tests.gateway.rig import price_of

from trunkline.errors import InvalidRequest
from trunkline.gateway.bounds import TOKENS_PER_IMAGE, are_bound_alike, bounds_of
from trunkline.gateway.metering.price import Price, Rates, Tier
from trunkline.gateway.routing.speaking import Speech
from trunkline.gateway.snapshot import Connection, Origin, Target
from trunkline.gateway.wire.anthropic_messages.passing import AnthropicMessages
from trunkline.gateway.wire.contract import Inbound, Wire
from trunkline.gateway.wire.openai_chat.passing import OpenAIChat
from trunkline.simulator.prices import PRICES

OPENAI = OpenAIChat()
ANTHROPIC = AnthropicMessages()
CONTEXT = 200_000


def asked(target: Target, wire: Wire) -> Speech:
    return Speech(target, wire, "chat", passes=True)


def read_chat(document: Any) -> Inbound:
    return OPENAI.read_request(json.dumps(document).encode(), "chat")


def target(wire: str) -> Target:
    account = Connection("c", "c", "simulator", {wire: ""}, Origin("http", "localhost", 80), ())
    return Target(account, "m", price_of("m", PRICES["sim-fast"]), context_window=CONTEXT)


def request(**members: Any) -> bytes:
    return json.dumps({"model": "m", "max_tokens": 10, "messages": [1], **members}).encode()


def test_an_image_is_counted_however_its_name_is_written() -> None:
    part = b'{"model":"m","messages":[{"content":[{"type":"NAME","NAME":{"url":"http://x/y"}}]}]}'
    plain = part.replace(b"NAME", b"image_url")
    escaped = part.replace(b"NAME", b"image\\u005Furl")
    assert json.loads(plain) == json.loads(escaped)
    for body in (plain, escaped):
        read = OPENAI.read_request(body, "chat")
        assert read.attachments == 2
        assert bounds_of(read, asked(target("openai_chat"), OPENAI)).input_tokens == (
            len(body) + 2 * TOKENS_PER_IMAGE
        )


@pytest.mark.parametrize(
    ("tools", "members"),
    [
        (b'[{"type":"web_search_20250305"}]', {}),
        (b'[{"type":"w\\u0065b_fetch_20250910"}]', {}),
        (b'[{"type":"code_execution_20250825"}]', {}),
        (b"[]", {"mcp_servers": [{"url": "https://x"}]}),
    ],
)
def test_a_tool_that_runs_at_the_provider_may_fill_the_context(
    tools: bytes, members: dict[str, Any]
) -> None:
    body = request(**members)[:-1] + b',"tools":' + tools + b"}"
    read = ANTHROPIC.read_request(body, "chat")
    assert read.server_tools
    assert bounds_of(read, asked(target("anthropic_messages"), ANTHROPIC)).input_tokens == CONTEXT


@pytest.mark.parametrize("wire", [OPENAI, ANTHROPIC], ids=["chat", "messages"])
def test_a_file_may_fill_the_context(wire: Any) -> None:
    kind = "file" if wire is OPENAI else "document"
    part = {"type": kind, "source": {"type": "file", "file_id": "f"}}
    read = wire.read_request(request(messages=[{"content": [part]}]), "chat")
    assert bounds_of(read, asked(target(wire.name), wire)).input_tokens == CONTEXT


@pytest.mark.parametrize("member", ["max_tokens", "n"])
def test_a_count_that_no_sum_could_show_is_refused(member: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        OPENAI.read_request(request(**{member: 10**30}), "chat")
    assert refused.value.param == member


def test_a_ceiling_binds_only_where_the_provider_reads_its_name() -> None:
    old, new = target("openai_chat"), target("openai_chat")
    account = msgspec.structs.replace(new.connection, output_limit_field="max_completion_tokens")
    new = msgspec.structs.replace(new, connection=account)
    sent: dict[str, Any] = {"model": "m", "messages": [1]}
    bounds = [
        [
            bounds_of(
                OPENAI.read_request(json.dumps(body).encode(), "chat"), asked(t, OPENAI)
            ).output_tokens
        ]
        for body in ({**sent, "max_tokens": 5}, {**sent, "max_completion_tokens": 5})
        for t in (old, new)
    ]
    assert bounds == [[5], [5], [old.max_output_tokens], [5]]


def test_what_names_a_request_is_kept_short() -> None:
    long = "x" * 100_000
    chat = OPENAI.read_request(request(user=long, metadata={"a": long, long: "b"}), "chat")
    messages = ANTHROPIC.read_request(request(metadata={"user_id": long}), "chat")
    assert chat.end_user == messages.end_user == "x" * 256
    assert chat.tags == (("a", "x" * 256), ("x" * 256, "b"))


def test_a_repeated_member_of_the_stream_options_is_sent_on_as_it_was_read() -> None:
    raw = b'{"model":"m","messages":[1],"stream":true,"stream_options":OPTIONS}'
    options = b'{"include_usage":false,"include_usage":true}'
    read = OPENAI.read_request(raw.replace(b"OPTIONS", options), "chat")
    assert read.wants_usage
    assert OPENAI.write_request(read, "m") == raw.replace(b"OPTIONS", b'{"include_usage":true}')


@pytest.mark.parametrize(
    ("rates", "tools", "known"),
    [
        (Rates(input=1, output=1), [], True),
        (Rates(input=1, output=1), [{"type": "web_search_20250305"}], False),
        (Rates(input=1, output=1, searches=1), [{"type": "web_search_20250305"}], True),
        (Rates(input=1), [], False),
        (Rates(output=1), [], False),
    ],
)
def test_a_price_that_leaves_out_what_may_be_used_is_none(
    rates: Rates, tools: list[Any], *, known: bool
) -> None:
    read = ANTHROPIC.read_request(request(tools=tools), "chat")
    priced = msgspec.structs.replace(target("anthropic_messages"), price=Price("p", rates))
    assert (bounds_of(read, asked(priced, ANTHROPIC)).hold_nano is not None) == known


def test_the_window_is_no_bound_where_longer_inputs_have_a_price() -> None:
    body = request(messages=["x" * 3 * CONTEXT])
    read = ANTHROPIC.read_request(body, "chat")
    known = target("anthropic_messages")
    rates = Rates(input=1, output=1)
    longer = Price("p", rates, (Tier(CONTEXT, rates),))
    assert bounds_of(read, asked(known, ANTHROPIC)).input_tokens == CONTEXT
    beyond = msgspec.structs.replace(known, price=longer)
    assert bounds_of(read, asked(beyond, ANTHROPIC)).input_tokens == len(body)


@pytest.mark.parametrize(
    ("operation", "rates", "hold"),
    [
        ("embedding", Rates(input=1_000_000), 3_000),
        ("rerank", Rates(input=1_000_000), 3_500),
        ("rerank", Rates(searches=2_000_000_000_000), 2 * 2_000_000),
        ("rerank", Rates(input=1_000_000, searches=2_000_000_000_000), 2 * 2_000_000 + 3_500),
        ("rerank", Rates(), None),
    ],
)
def test_what_generates_nothing_is_held_by_its_input_or_by_its_searches(
    operation: str, rates: Rates, hold: int | None
) -> None:
    read = Inbound({}, "m", 3_000, inputs=150, repeated=500 if operation == "rerank" else 0)
    priced = msgspec.structs.replace(target("openai_chat"), price=Price("p", rates))
    bounds = bounds_of(read, Speech(priced, OPENAI, operation))
    assert (bounds.output_tokens, bounds.hold_nano) == (0, hold)


def test_targets_are_bound_alike_only_where_nothing_that_counts_differs() -> None:
    first = target("openai_chat")
    speech, replaced = asked(first, OPENAI), msgspec.structs.replace
    elsewhere = replaced(first.connection, id="d", name="d")
    assert are_bound_alike(speech, asked(replaced(first, model="n", connection=elsewhere), OPENAI))
    others = [
        replaced(first, price=price_of("m", PRICES["sim-chat"])),
        replaced(first, context_window=100),
        replaced(first, bytes_per_token=1.5),
        replaced(first, max_output_tokens=7),
        replaced(first, connection=replaced(elsewhere, output_limit_field="max_completion_tokens")),
    ]
    read = OPENAI.read_request(json.dumps({"model": "m", "messages": ["x" * 900]}).encode(), "chat")
    for other in others[:-1]:
        assert not are_bound_alike(speech, asked(other, OPENAI))
        assert bounds_of(read, asked(other, OPENAI)) != bounds_of(read, speech)
    assert not are_bound_alike(speech, asked(others[-1], OPENAI))
    assert not are_bound_alike(speech, Speech(first, OPENAI, "chat"))
    assert not are_bound_alike(speech, Speech(first, OPENAI, "embedding", passes=True))
