"""The facts of a live request."""

from tests.gateway.routing.test_needs import chat, messages

from trunkline.gateway.caller import Caller
from trunkline.gateway.routing.choose import facts_of
from trunkline.gateway.routing.facts import TYPICAL_OUTPUT_TOKENS
from trunkline.gateway.wire.contract import CHAT, EMBEDDING
from trunkline.gateway.wire.registry import WIRES

WIRE = WIRES["openai_chat"]
CALLER = Caller("org", "key-1", team_id="team-1", user_id="ann", tags=(("env", "prod"),))


def test_everything_is_read_from_the_caller_and_the_request() -> None:
    asked = chat(
        user="bob",
        max_tokens=50,
        stream=True,
        service_tier="flex",
        metadata={"app": "chat"},
        messages=[
            {"role": "user", "content": "why?"},
            {"role": "assistant", "content": "because"},
            {"role": "user", "content": "really?"},
        ],
    )
    facts = facts_of(CALLER, asked, {b"x-trunkline-conversation": b"c-1"}, WIRE, CHAT)
    assert facts.team_id == "team-1"
    assert facts.tags == (("env", "prod"), *asked.tags)
    assert asked.tags == (("app", "chat"),)
    assert facts.user == "bob"
    assert facts.conversation == b"c-1"
    assert facts.goes_on is True
    assert facts.input_tokens == -(-asked.size // 4)
    assert facts.output_tokens == 50
    assert facts.needs == {"stream"}
    assert facts.service_tier == "flex"


def test_who_asks_is_the_end_user_or_the_keys_user_or_the_key() -> None:
    asked = messages()
    nobody = Caller("org", "key-1")
    assert facts_of(CALLER, asked, {}, WIRE, CHAT).user == "ann"
    assert facts_of(nobody, asked, {}, WIRE, CHAT).user == "key-1"


def test_an_answer_without_a_ceiling_has_the_typical_length() -> None:
    assert facts_of(CALLER, chat(), {}, WIRE, CHAT).output_tokens == TYPICAL_OUTPUT_TOKENS
    assert facts_of(CALLER, chat(), {}, WIRE, EMBEDDING).output_tokens == 0


def test_what_was_read_once_is_not_read_again() -> None:
    asked = chat(prompt_cache_key="k")
    facts = facts_of(CALLER, asked, {}, WIRE, CHAT)
    read = facts.conversation, facts.needs, facts.input_tokens, facts.goes_on, facts.user
    asked.fields.clear()
    asked.stream, asked.size, asked.end_user = True, 0, "carl"
    again = facts.conversation, facts.needs, facts.input_tokens, facts.goes_on, facts.user
    assert again == read
