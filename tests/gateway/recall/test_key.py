"""Which requests are the same, and which must never be taken for the same."""

import json
from typing import Any

import msgspec
import pytest
from typing_extensions import override

from trunkline.gateway.caller import Caller
from trunkline.gateway.guarding.guard import Finding, Guard
from trunkline.gateway.metering.price import Price, Rates
from trunkline.gateway.policy import CachePolicy, CacheScope, Condition, Route, Rule
from trunkline.gateway.recall.configuration import Configurations
from trunkline.gateway.recall.key import key_of
from trunkline.gateway.recall.place import beginning_of, place_of
from trunkline.gateway.snapshot import Alias, Connection, Origin, Target
from trunkline.gateway.wire.registry import WIRES

CALLER = Caller("org-1", "key-1", team_id="team-1", user_id="user-1")
CONNECTION = Connection(
    "c", "c", "openai", {"openai_chat": "/v1"}, Origin("https", "h", 443), headers=()
)
TARGET = Target(CONNECTION, "m", None)
ALIAS = Alias("gpt", (TARGET,))
PLAIN = {"model": "gpt", "messages": [{"role": "user", "content": "Hi"}], "temperature": 0.5}


def key_and_space(
    body: dict[str, Any] | bytes = PLAIN,
    *,
    caller: Caller = CALLER,
    alias: Alias = ALIAS,
    wire: str = "openai_chat",
    operation: str = "chat",
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> tuple[str, str]:
    """The key of a request, and the space of its near ones."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = WIRES[wire].read_request(content, operation)
    known = Configurations().of(caller.org_id, alias)
    return key_of(caller, request, wire, operation, dict(headers), headers, known)


def key(body: dict[str, Any] | bytes = PLAIN, **asked: Any) -> str:
    """The key of a request."""
    return key_and_space(body, **asked)[0]


def changed(**members: Any) -> dict[str, Any]:
    """The plain request with other members."""
    return {**PLAIN, **members}


@pytest.mark.parametrize(
    "body",
    [
        dict(reversed(PLAIN.items())),
        json.dumps(PLAIN, indent=4).encode(),
        changed(stream=False),
        changed(user="u", metadata={"a": "b"}, safety_identifier="s", prompt_cache_key="p"),
    ],
    ids=["order", "white space", "what is so anyway", "attribution"],
)
def test_what_asks_the_same_is_the_same(body: dict[str, Any] | bytes) -> None:
    assert key(body) == key()


SCHEMA = {"type": "object", "properties": {"a": {}, "b": {}}}
TWICE = (
    b'{"model":"gpt","temperature":0.5,"messages":[{"role":"user","content":"x","content":"Hi"}]}'
)
TURNED = {"type": "object", "properties": {"b": {}, "a": {}}}


@pytest.mark.parametrize(
    "body",
    [
        changed(messages=[{"role": "user", "content": "Hi."}]),
        changed(temperature=0.6),
        changed(seed=1),
        changed(stream=True),
        changed(stream=True, stream_options={"include_usage": True}),
        changed(n=2),
        changed(unknown_member=1),
        changed(unknown_member=None),
        changed(model="gpt-also"),
        changed(response_format={"schema": SCHEMA}),
        changed(response_format={"schema": TURNED}),
        TWICE,
    ],
)
def test_what_may_be_answered_otherwise_is_another(body: dict[str, Any] | bytes) -> None:
    assert key(body) != key()


def test_no_two_of_many_requests_are_the_same() -> None:
    bodies = [
        changed(response_format={"schema": SCHEMA}),
        changed(response_format={"schema": TURNED}),
        changed(stop="ab"),
        changed(stop=["ab"]),
        changed(stop=["a", "b"]),
        changed(messages=[{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]),
        changed(messages=[{"role": "user", "content": 'a"},{"role":"user","content":"b'}]),
        changed(stream=True),
        changed(stream=True, stream_options={"include_usage": True}),
        changed(stream=True, stream_options={"include_obfuscation": False}),
    ]
    assert len({key(body) for body in bodies}) == len(bodies)


def test_attribution_that_the_answer_repeats_parts_requests() -> None:
    body = {"model": "gpt", "input": "Hi", "store": False}
    plain = key(body, wire="openai_responses")
    for member in ("user", "safety_identifier", "prompt_cache_key"):
        assert key({**body, member: "u"}, wire="openai_responses") != plain
    assert key({**body, "metadata": {"a": "b"}}, wire="openai_responses") != plain


@pytest.mark.parametrize(
    ("header", "same"),
    [
        ((b"user-agent", b"x"), True),
        ((b"authorization", b"Bearer x"), True),
        ((b"x-stainless-retry-count", b"1"), True),
        ((b"traceparent", b"00"), True),
        ((b"x-trunkline-cache", b"on"), True),
        ((b"connection", b"Keep-Alive"), True),
        ((b"connection", b"close, anthropic-beta"), False),
        ((b"anthropic-beta", b"x"), False),
        ((b"anthropic-version", b"2023-06-01"), False),
        ((b"openai-beta", b"x"), False),
        ((b"x-nobody-knows", b"x"), False),
    ],
)
def test_headers_that_may_change_the_answer_part_requests(
    header: tuple[bytes, bytes], *, same: bool
) -> None:
    assert (key(headers=(header,)) == key()) is same


def test_every_value_of_a_repeated_header_counts() -> None:
    one, two = (b"anthropic-beta", b"one"), (b"anthropic-beta", b"two")
    assert key(headers=(one, two)) == key(headers=(two, one))
    assert len({key(headers=headers) for headers in ((one,), (two,), (one, two))}) == 3


def test_the_endpoint_parts_requests() -> None:
    body = {**PLAIN, "max_tokens": 9}
    assert key(body, wire="anthropic_messages") != key(body)
    assert key(body, operation="moderation") != key(body)


@pytest.mark.parametrize(
    ("scope", "who"),
    [("org", "org"), ("team", "team:team-1"), ("user", "user:user-1"), ("key", "key:key-1")],
)
def test_a_key_says_who_shares_the_answer(scope: CacheScope, who: str) -> None:
    alias = Alias("a/b%", (TARGET,), cache=CachePolicy(scope=scope))
    made = key(alias=alias)
    organisation, name, sharing, way, _ = made.split("/")
    assert (organisation, name, sharing) == ("org-1", "a%2Fb%25", who)
    assert way == f"{Configurations().of('org-1', alias).digest}:openai_chat:chat:whole"


@pytest.mark.parametrize("scope", ["team", "user"])
def test_who_belongs_to_none_shares_with_nobody(scope: CacheScope) -> None:
    alias = Alias("gpt", (TARGET,), cache=CachePolicy(scope=scope))
    made = [key(alias=alias, caller=Caller("org-1", key_id)) for key_id in ("key-1", "key-2")]
    assert [one.split("/")[2] for one in made] == ["key:key-1", "key:key-2"]


def test_near_prompts_share_a_space_and_other_parameters_do_not() -> None:
    alias = Alias("gpt", (TARGET,), cache=CachePolicy(mode="semantic"))
    plain, space = key_and_space(alias=alias)
    near = changed(messages=[{"role": "user", "content": "Hello"}])
    near_key, near_space = key_and_space(near, alias=alias)
    assert near_space == space
    assert near_key != plain == key()
    assert key_and_space(changed(temperature=0.6), alias=alias)[1] != space
    assert key_and_space()[1] == ""


def test_white_space_between_members_parts_nothing() -> None:
    compact, spaced = ((",", ":"), (", ", ": "))
    bodies = [json.dumps(PLAIN, separators=way).encode() for way in (compact, spaced)]
    assert len({len(body) for body in bodies}) == 2
    assert key(bodies[0]) == key(bodies[1])
    nested = {**PLAIN, "user": "u"}
    assert key(json.dumps(nested, separators=compact).encode()) == key(bodies[0])


def test_another_name_of_the_same_alias_parts_requests() -> None:
    assert key(changed(model="gpt-also")) != key()
    gemini = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    assert key({**gemini, "model": "gpt"}, wire="gemini") != key(
        {**gemini, "model": "gpt-also"}, wire="gemini"
    )


@pytest.mark.parametrize(
    ("condition", "one", "other"),
    [
        (
            Condition(teams=frozenset({"t"})),
            Caller("o", "k", team_id="t"),
            Caller("o", "k", team_id="u"),
        ),
        (Condition(tags=(("a", "1"),)), Caller("o", "k", tags=(("a", "1"),)), Caller("o", "k")),
    ],
    ids=["team", "tag"],
)
def test_what_a_rule_sends_elsewhere_is_another(
    condition: Condition, one: Caller, other: Caller
) -> None:
    ruled = Alias("gpt", (TARGET,), route=Route(rules=(Rule(condition, (0,)),)))
    assert key(alias=ruled, caller=one) != key(alias=ruled, caller=other)
    unasked = Caller("o", "k", team_id="v", tags=(("b", "1"),))
    assert key(alias=ruled, caller=unasked) == key(alias=ruled, caller=other)
    assert key(caller=one) == key(caller=other)


def of(**changes: Any) -> str:
    """The digest of an alias that differs so."""
    alias = msgspec.structs.replace(ALIAS, **changes)
    return Configurations().of("org-1", alias).digest


def test_a_configuration_that_may_change_answers_is_another() -> None:
    other = msgspec.structs.replace
    secret = (b"x-project", b"other")
    digests = [
        of(),
        of(targets=(other(TARGET, model="n"),)),
        of(targets=(TARGET, other(TARGET, model="n"))),
        of(targets=(other(TARGET, model="n"), TARGET)),
        of(targets=(other(TARGET, connection=other(CONNECTION, id="d")),)),
        of(targets=(other(TARGET, connection=other(CONNECTION, headers=(secret,))),)),
        of(targets=(other(TARGET, connection=other(CONNECTION, origin=Origin("http", "h", 1))),)),
        of(max_tokens=5),
        of(on_unsupported="refuse"),
        of(route=Route(strategy="price")),
        of(route=Route(rules=(Rule(Condition(input_tokens_from=5), (0,)),))),
    ]
    assert len(set(digests)) == len(digests)


def test_a_configuration_that_changes_no_answer_is_the_same() -> None:
    other = msgspec.structs.replace
    price = Price("p", Rates(input=1, output=2))
    same = [
        of(targets=(other(TARGET, price=price),)),
        of(targets=(other(TARGET, weight=9, state="draining"),)),
        of(hold_headers=1.0, created=5),
        of(cache=CachePolicy(enabled=True, ttl=5)),
    ]
    assert set(same) == {of()}


class Plain(Guard):
    """A guard that finds nothing."""

    name = "plain"
    inward = outward = True
    action = "note"
    reach = 0

    @override
    def find(self, text: str, start: int = 0) -> list[Finding]:
        return []


class Told(Plain):
    """A guard that says what it does."""

    digest = "abc"


def test_a_guard_is_the_same_only_as_long_as_it_is() -> None:
    configurations, guard = Configurations(), Plain()
    first, second, third = (
        configurations.of("o", Alias("gpt", (TARGET,), guards=(one,))).digest
        for one in (guard, guard, Plain())
    )
    assert first == second != third
    assert of(guards=(Told(),)) == of(guards=(Told(),)) != of()


def test_an_alias_is_read_once_as_long_as_it_is_the_same() -> None:
    configurations = Configurations()
    guarded = Alias("gpt", (TARGET,), guards=(Plain(),))
    assert configurations.of("o", guarded) is configurations.of("o", guarded)
    assert configurations.of("o", ALIAS).digest != configurations.of("o", guarded).digest


def test_keys_of_an_alias_begin_with_its_place() -> None:
    assert key().startswith(place_of("org-1", "gpt"))
    assert place_of("org-1", "a/b") == "org-1/a%2Fb/"
    assert beginning_of("org-1", "a/") == "org-1/a%2F"
    assert beginning_of("org-1") == "org-1/"
