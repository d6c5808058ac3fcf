"""What a model refuses is taken out of its requests, and each time noted."""

from typing import Any

import msgspec
import pytest

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination, Traits
from trunkline.gateway.exchange.fit import NAMES, fit
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import (
    Audio,
    File,
    Image,
    Inline,
    Link,
    Text,
    ToolCall,
    ToolResult,
)
from trunkline.gateway.exchange.request import (
    Message,
    OutputFormat,
    ReasoningAsk,
    Request,
    Tool,
    ToolChoice,
)

ASKED = (Message("user", (Text("hello"),), bare=True),)
LOOK = Tool("look", schema={"type": "object"})
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def asked(**members: Any) -> Request:
    return Request(**{"wire": "openai_chat", "model": "m", "messages": ASKED, **members})


def fitted(request: Request, *refuses: str, **traits: Any) -> tuple[Request, tuple[str, ...]]:
    losses = Losses()
    destination = Destination("m", traits=Traits(refuses=frozenset(refuses), **traits))
    return fit(request, destination, losses), losses.names


def test_a_request_that_fits_stays_the_same_object() -> None:
    request = asked(temperature=0.5, tools=(LOOK,), tool_choice=ToolChoice("required"))
    told, lost = fitted(request)
    assert told is request
    assert lost == ()


@pytest.mark.parametrize(
    ("member", "value", "known_as"),
    [
        ("temperature", 0.5, "temperature"),
        ("top_p", 0.5, "top_p"),
        ("top_k", 5, "top_k"),
        ("min_p", 0.5, "min_p"),
        ("seed", 0, "seed"),
        ("presence_penalty", 0.5, "presence_penalty"),
        ("frequency_penalty", 0.5, "frequency_penalty"),
        ("repetition_penalty", 1.5, "repetition_penalty"),
        ("logprobs", True, "logprobs"),
        ("top_logprobs", 5, "top_logprobs"),
        ("logit_bias", {"5": 1.0}, "logit_bias"),
        ("verbosity", "low", "verbosity"),
        ("answers", 2, "n"),
        ("parallel_tools", False, "parallel_tool_calls"),
        ("user", "u1", "user"),
        ("metadata", {"a": "b"}, "metadata"),
        ("service_tier", "flex", "service_tier"),
        ("prompt_cache_key", "k", "prompt_cache_key"),
    ],
)
def test_a_member_that_is_refused_is_left_out(member: str, value: Any, known_as: str) -> None:
    request = asked(**{member: value})
    assert fitted(request, member) == (asked(), (known_as,))
    assert fitted(request, *(NAMES - {member})) == (request, ())


def test_a_member_that_asks_for_nothing_is_left_out_without_a_word() -> None:
    request = asked(temperature=1, top_p=1.0, presence_penalty=0, answers=1, logprobs=False)
    told = fitted(request, "temperature", "top_p", "presence_penalty", "answers", "logprobs")
    assert told == (asked(), ())


def test_stop_sequences_are_left_out_where_they_are_refused() -> None:
    assert fitted(asked(stop=("END",)), "stop") == (asked(), ("stop",))


def test_the_temperature_stays_where_only_one_of_two_is_taken() -> None:
    both = asked(temperature=0.5, top_p=0.5)
    assert fitted(both, "top_p_with_temperature") == (asked(temperature=0.5), ("top_p",))
    assert fitted(asked(top_p=0.5), "top_p_with_temperature") == (asked(top_p=0.5), ())


def test_what_is_refused_while_thinking_stays_otherwise() -> None:
    request = asked(temperature=0.5)
    traits: dict[str, Any] = {
        "refuses_thinking": frozenset({"temperature"}),
        "thinking": "adaptive",
    }
    assert fitted(request, **traits) == (request, ())
    thinks = asked(temperature=0.5, reasoning=ReasoningAsk(enabled=True))
    assert fitted(thinks, **traits) == (
        asked(reasoning=ReasoningAsk(enabled=True)),
        ("temperature",),
    )
    assert fitted(request, **traits, thinks_unasked=True) == (asked(), ("temperature",))
    assert fitted(request, **traits, thinks_always=True) == (asked(), ("temperature",))


def test_more_output_than_the_model_writes_is_not_asked_for() -> None:
    assert fitted(asked(max_tokens=64_000)) == (asked(max_tokens=32_768), ("max_tokens",))


def test_a_model_that_cannot_be_forced_may_still_call() -> None:
    request = asked(tools=(LOOK,), tool_choice=ToolChoice("required", ("look",)))
    told = asked(tools=(LOOK,), tool_choice=ToolChoice("auto"))
    assert fitted(request, "forced_tools") == (told, ("tool_choice",))
    free = asked(tools=(LOOK,), tool_choice=ToolChoice("none"))
    assert fitted(free, "forced_tools") == (free, ())


def test_a_model_without_tools_is_given_none() -> None:
    request = asked(tools=(LOOK,), tool_choice=ToolChoice("auto"), parallel_tools=False)
    assert fitted(request, "tools") == (asked(), ("tools",))


def test_a_model_that_knows_no_strictness_is_not_asked_for_it() -> None:
    strict = msgspec.structs.replace(LOOK, strict=True)
    assert fitted(asked(tools=(strict,)), "strict_tools") == (
        asked(tools=(LOOK,)),
        ("tools.strict",),
    )
    assert fitted(asked(tools=(LOOK,)), "strict_tools") == (asked(tools=(LOOK,)), ())


def test_the_beginning_of_an_answer_is_left_out_where_it_cannot_be_continued() -> None:
    begun = Message("assistant", (Text("{"),), bare=True)
    request = asked(messages=(*ASKED, begun))
    assert fitted(request, "prefill") == (asked(), ("prefill",))
    assert fitted(request) == (request, ())


def test_nothing_but_the_beginning_of_an_answer_is_refused() -> None:
    begun = Message("assistant", (Text("{"),), bare=True)
    with pytest.raises(InvalidRequest) as refusal:
        fitted(asked(messages=(begun,)), "prefill")
    assert (refusal.value.code, refusal.value.param) == ("unsupported_parameter", "messages")


def test_content_that_the_model_cannot_take_leaves_words_in_its_place() -> None:
    picture = Image(Inline("image/png", "aGk="))
    parts = (
        Text("Look:"),
        picture,
        Audio(Inline("audio/wav", "aGk=")),
        File(Link("https://example.com/a.pdf")),
    )
    request = asked(messages=(Message("user", parts),))
    told, lost = fitted(request, "image", "audio", "file")
    assert told.messages == (
        Message(
            "user",
            (
                Text("Look:"),
                Text("[image left out: the model cannot take it]"),
                Text("[audio left out: the model cannot take it]"),
                Text("[file left out: the model cannot take it]"),
            ),
        ),
    )
    assert lost == ("image", "audio", "file")
    assert fitted(request)[0] is request


def test_a_picture_inside_a_result_is_left_out_as_well() -> None:
    result = ToolResult("call_1", (Text("Here."), Image(Link("https://example.com/a.png"))))
    messages = (*ASKED, Message("assistant", (ToolCall("call_1", "look"),)))
    request = asked(messages=(*messages, Message("user", (result,))))
    told, lost = fitted(request, "image")
    left = Text("[image left out: the model cannot take it]")
    assert told.messages == (
        *messages,
        Message("user", (ToolResult("call_1", (Text("Here."), left)),)),
    )
    assert lost == ("image",)


def test_a_file_of_text_is_told_as_text() -> None:
    named = File(Inline("text/markdown", "IyBIaQ=="), "note.md")
    nameless = File(Inline("text/plain", "SGk="))
    broken = File(Inline("text/plain", "/w=="))
    told, lost = fitted(asked(messages=(Message("user", (named, nameless, broken)),)), "file")
    assert told.messages[0].parts == (
        Text("note.md:\n# Hi"),
        Text("Hi"),
        Text("[file left out: the model cannot take it]"),
    )
    assert lost == ("file",)


def test_a_model_without_a_system_prompt_hears_it_from_the_user() -> None:
    order = Message("developer", (Text("Be short."),), bare=True)
    told, lost = fitted(asked(messages=(order, *ASKED)), "system")
    assert told.messages == (msgspec.structs.replace(order, role="user"), *ASKED)
    assert lost == ("system",)


def test_a_schema_is_told_in_words_where_it_is_refused() -> None:
    order = Message("system", (Text("Be short."),), bare=True)
    request = asked(
        messages=(order, *ASKED), output=OutputFormat("json_schema", "a", SCHEMA, strict=True)
    )
    told, lost = fitted(request, "json_schema")
    words = (
        "Answer with one JSON value and nothing else, without a code fence. "
        "It must follow this JSON schema:\n"
        '{"type":"object","properties":{"a":{"type":"integer"}}}'
    )
    assert told == asked(
        messages=(order, Message("system", (Text(words),), bare=True), *ASKED),
        output=OutputFormat("json"),
    )
    assert lost == ("response_format",)


def test_json_is_asked_for_in_words_alone_where_there_is_no_mode_for_it() -> None:
    words = "Answer with one JSON object and nothing else, without a code fence."
    told, lost = fitted(asked(output=OutputFormat("json")), "json")
    assert told == asked(messages=(Message("system", (Text(words),), bare=True), *ASKED))
    assert lost == ("response_format",)
    told, _ = fitted(asked(output=OutputFormat("json")), "json", "system")
    assert told == asked(messages=(Message("user", (Text(words),), bare=True), *ASKED))


def test_forms_that_the_model_knows_stay() -> None:
    for output in (OutputFormat("text"), OutputFormat("json"), OutputFormat("json_schema")):
        request = asked(output=output)
        assert fitted(request, "json_schema" if output.kind == "json" else "json") == (request, ())


def test_how_much_to_think_is_told_in_the_models_terms() -> None:
    request = asked(reasoning=ReasoningAsk(effort="high"))
    assert fitted(request, thinking="switch") == (
        asked(reasoning=ReasoningAsk(enabled=True)),
        ("reasoning_effort",),
    )
