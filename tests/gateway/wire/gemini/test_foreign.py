import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from tests.gateway.wire.gemini.grammar import REQUESTS
from tests.gateway.wire.recordings import FIXTURES, needs_transcripts
from tests.gateway.wire.shapes import thorough

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination, Quirks, Traits
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import (
    Audio,
    CacheMark,
    File,
    Foreign,
    Image,
    Inline,
    Link,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Upload,
)
from trunkline.gateway.exchange.request import (
    Message,
    OutputFormat,
    ReasoningAsk,
    Request,
    Role,
    Tool,
    ToolChoice,
)
from trunkline.gateway.wire.contract import Place
from trunkline.gateway.wire.gemini.passing import Gemini

CODEC = Gemini().codec
PLAIN = Destination(model="gemini-3-pro", family="google")
THINKING = Destination(
    model="gemini-3-pro",
    family="google",
    traits=Traits(thinking="level", efforts=("low", "high"), thinks_unasked=True),
)
BUDGET = Destination(
    model="gemini-2.5-flash", family="google", traits=Traits(thinking="budget", least_budget=1)
)
UNSIGNED = "skip_thought_signature_validator"


def said(role: Role, *parts: Part | str) -> Message:
    return Message(role, tuple(Text(one) if isinstance(one, str) else one for one in parts))


USER = said("user", "hello")
GREETING = {"role": "user", "parts": [{"text": "hello"}]}


def write(
    *messages: Message, to: Destination = PLAIN, **members: Any
) -> tuple[dict[str, Any], tuple[str, ...]]:
    losses = Losses()
    request = Request(wire="openai_chat", model="public", messages=messages, **members)
    return CODEC.write_request(request, to, losses), losses.names


def contents(*messages: Message, to: Destination = PLAIN, **members: Any) -> Any:
    """What the messages become where nothing is lost."""
    document, lost = write(*messages, to=to, **members)
    assert lost == ()
    return document["contents"]


def config(**members: Any) -> Any:
    return write(USER, **members)[0]["generationConfig"]


@thorough
@given(REQUESTS)
def test_any_request_becomes_a_conversation_or_is_refused(document: Any) -> None:
    if not isinstance(document, dict):
        return
    try:
        read = CODEC.read_request(document, Place(item="m"))
        foreign = msgspec.structs.replace(read, wire="other")
        written = CODEC.write_request(foreign, THINKING, Losses())
    except InvalidRequest:
        return
    msgspec.json.encode(written)
    roles = [content["role"] for content in written["contents"]]
    assert roles == ["user" if place % 2 == 0 else "model" for place in range(len(roles))]
    waiting: list[str] = []
    for content in written["contents"]:
        answered = [
            part["functionResponse"]["name"]
            for part in content["parts"]
            if "functionResponse" in part
        ]
        assert answered == waiting
        waiting = [
            part["functionCall"]["name"] for part in content["parts"] if "functionCall" in part
        ]
    assert waiting == []


def test_a_conversation_with_tools() -> None:
    document, lost = write(
        said("system", "Be kind.", ""),
        said("developer", "And short."),
        said("user", "Weather?"),
        said("assistant", "Let me see.", ToolCall("c1", "f", '{"a":1}'), ToolCall("c2", "g", "")),
        Message("user", (ToolResult("c2", (Text("sunny"),), bare=True),)),
        Message("user", (ToolResult("c1", (Text('{"t": 15}'),), bare=True), Text("Well?"))),
        to=THINKING,
    )
    assert lost == ()
    assert document == {
        "contents": [
            {"role": "user", "parts": [{"text": "Weather?"}]},
            {
                "role": "model",
                "parts": [
                    {"text": "Let me see."},
                    {
                        "functionCall": {"id": "c1", "name": "f", "args": {"a": 1}},
                        "thoughtSignature": UNSIGNED,
                    },
                    {"functionCall": {"id": "c2", "name": "g", "args": {}}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"id": "c1", "name": "f", "response": {"t": 15}}},
                    {
                        "functionResponse": {
                            "id": "c2",
                            "name": "g",
                            "response": {"result": "sunny"},
                        }
                    },
                    {"text": "Well?"},
                ],
            },
        ],
        "systemInstruction": {"parts": [{"text": "Be kind."}, {"text": "And short."}]},
    }


def test_googles_own_signatures_go_back_and_others_do_not() -> None:
    (_, model, _) = contents(
        USER,
        said(
            "assistant",
            Reasoning("hm", "dA==", "google"),
            Reasoning("why", "s", "anthropic"),
            ToolCall("c1", "f", signature="c2ln", family="google"),
            ToolCall("c2", "f", signature="s", family="other"),
        ),
        said("user", ToolResult("c1"), ToolResult("c2")),
        to=THINKING,
    )
    assert model["parts"] == [
        {"text": "hm", "thought": True, "thoughtSignature": "dA=="},
        {"text": "why", "thought": True},
        {
            "functionCall": {"id": "c1", "name": "f", "args": {}},
            "thoughtSignature": "c2ln",
        },
        {"functionCall": {"id": "c2", "name": "f", "args": {}}},
    ]


def test_thought_that_only_its_maker_can_read_is_lost() -> None:
    redacted = Reasoning("", "data", "anthropic", redacted=True)
    document, lost = write(USER, said("assistant", redacted, Reasoning(), "Hi"))
    assert document["contents"][1] == {"role": "model", "parts": [{"text": "Hi"}]}
    assert lost == ("reasoning content",)


def test_a_call_without_a_result_gets_one_and_one_that_comes_twice_is_one() -> None:
    document, lost = write(USER, said("assistant", ToolCall("c1", "f"), ToolCall("c1", "f")))
    assert document["contents"][1:] == [
        {"role": "model", "parts": [{"functionCall": {"id": "c1", "name": "f", "args": {}}}]},
        {
            "role": "user",
            "parts": [
                {
                    "functionResponse": {
                        "id": "c1",
                        "name": "f",
                        "response": {"error": "No result was given for this call."},
                    }
                }
            ],
        },
    ]
    assert lost == ("missing tool result",)


def test_a_result_that_answers_nothing_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        write(USER, said("user", ToolResult("c9")))
    assert caught.value.code == "orphan_tool_result"


def test_ids_that_come_again_belong_to_the_latest_call() -> None:
    call, result = ToolCall("c", "f"), ToolResult
    told = contents(
        USER,
        said("assistant", call),
        said("user", result("c", (Text("1"),))),
        said("assistant", call),
        said("user", result("c", (Text("2"),), is_error=True)),
    )
    assert [one["parts"][0]["functionResponse"]["response"] for one in told[2::2]] == [
        {"result": "1"},
        {"error": "2"},
    ]


def test_turns_of_one_role_are_one_and_empty_ones_are_none() -> None:
    assert contents(USER, said("user", ""), said("assistant", ""), said("user", "there")) == [
        {"role": "user", "parts": [{"text": "hello"}, {"text": "there"}]}
    ]


def test_results_stand_between_two_turns_of_the_model() -> None:
    told = contents(
        USER,
        said("assistant", ToolCall("c", "f")),
        said("user", ToolResult("c")),
        said("assistant", "done"),
    )
    assert [one["role"] for one in told] == ["user", "model", "user", "model"]


def test_an_order_in_the_middle_is_said_by_the_user() -> None:
    told = contents(USER, said("assistant", "Hi"), said("system", "Be\n", "brief"), USER)
    assert told[2] == {
        "role": "user",
        "parts": [{"text": "<system>\nBe\n\nbrief\n</system>"}, {"text": "hello"}],
    }


def test_orders_alone_are_the_question() -> None:
    document, lost = write(said("system", "Say hi."))
    assert (document, lost) == (
        {"contents": [{"role": "user", "parts": [{"text": "Say hi."}]}]},
        (),
    )


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ((said("assistant", "Hi"), USER), "first_message_not_user"),
        ((said("user", ""),), "missing_messages"),
    ],
)
def test_a_conversation_that_google_would_refuse_is_refused(
    messages: tuple[Message, ...], code: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        write(*messages)
    assert caught.value.code == code


def test_a_gap_cannot_be_filled() -> None:
    with pytest.raises(InvalidRequest) as caught:
        write(USER, suffix="}")
    assert caught.value.param == "suffix"


def test_pictures_sounds_and_files() -> None:
    (told,) = contents(
        said(
            "user",
            Image(Inline("image/PNG; charset=x", "aGk="), detail="auto"),
            Audio(Inline("audio/wav", "aGk=")),
            File(Inline("application/pdf", "aGk="), "a.pdf"),
            Image(Link("https://h/a.png", "image/png")),
            File(Upload("gs://b/c", "application/pdf"), "c"),
        )
    )
    assert told["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
        {"inlineData": {"mimeType": "audio/wav", "data": "aGk="}},
        {"inlineData": {"mimeType": "application/pdf", "data": "aGk="}},
        {"fileData": {"mimeType": "image/png", "fileUri": "https://h/a.png"}},
        {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://b/c"}},
    ]


def test_what_google_cannot_reach_is_lost() -> None:
    deaf = Destination(model="m", quirks=Quirks(fetches=False))
    video = Link("https://www.youtube.com/watch?v=1")
    document, lost = write(
        said("user", Image(Link("https://h/a.png")), File(video), File(Upload("file-1"))), to=deaf
    )
    assert document["contents"][0]["parts"] == [
        {"fileData": {"fileUri": "https://www.youtube.com/watch?v=1"}}
    ]
    assert lost == ("image", "file")
    emptied, _ = write(said("user", File(Upload("file-1"))), to=deaf)
    assert emptied["contents"][0]["parts"] == [{"text": "[the content of this turn was left out]"}]


def test_a_result_may_hold_pictures() -> None:
    (_, _, told) = contents(
        USER,
        said("assistant", ToolCall("c", "f")),
        said("user", ToolResult("c", (Text("a"), Image(Inline("image/png", "aGk=")), Text("b")))),
    )
    assert told["parts"] == [
        {
            "functionResponse": {
                "id": "c",
                "name": "f",
                "response": {"result": "a\nb"},
                "parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}],
            }
        }
    ]


def test_what_has_no_place_is_noted() -> None:
    mark = CacheMark()
    document, lost = write(
        Message("user", (Text("a", mark), Refusal("no")), name="ann", cache=mark, extra={"odd": 1}),
        said(
            "assistant",
            Foreign("openai_chat", {"type": "search"}),
            Foreign("openai_chat", 5),
            ToolCall("c", "f", "[1]", extra={"strange": 1, "no": False}),
            ToolCall("d", "g", "free", kind="custom"),
        ),
        said("user", ToolResult("c"), ToolResult("d"), Image(Inline("image/png", ""), "low")),
        to=PLAIN,
        parallel_tools=False,
        logit_bias={"1": 2.0},
        user="ann",
        metadata={"a": "b"},
        service_tier="scale",
        raw_prompt=True,
        extra={"store": True, "nothing": None},
        min_p=0.5,
        tools=(Tool("web_search", "server"),),
    )
    assert lost == (
        "name",
        "cache_control",
        "odd",
        "search",
        "content",
        "arguments",
        "strange",
        "detail",
        "web_search",
        "min_p",
        "logit_bias",
        "parallel_tool_calls",
        "user",
        "raw",
        "metadata",
        "service_tier",
        "store",
    )
    assert document["contents"][1]["parts"] == [
        {"functionCall": {"id": "c", "name": "f", "args": {"input": [1]}}},
        {"functionCall": {"id": "d", "name": "g", "args": {"input": "free"}}},
    ]
    assert document.keys() == {"contents"}


SCHEMA = {"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {}}}


def test_tools_keep_their_schemas() -> None:
    tools = (
        Tool("f", description="d", schema=SCHEMA, strict=True, cache=CacheMark(), extra={"odd": 1}),
        Tool("g"),
        Tool("h", "custom", native={"grammar": 1}),
    )
    document, lost = write(USER, tools=tools)
    assert document["tools"] == [
        {
            "functionDeclarations": [
                {"name": "f", "description": "d", "parametersJsonSchema": SCHEMA},
                {"name": "g"},
                {
                    "name": "h",
                    "parametersJsonSchema": {
                        "type": "object",
                        "properties": {"input": {"type": "string"}},
                        "required": ["input"],
                    },
                },
            ]
        }
    ]
    assert lost == ("cache_control", "odd", "tools.format", "tools.strict")


@pytest.mark.parametrize(
    ("choice", "calling", "offered"),
    [
        (ToolChoice("auto"), {"mode": "AUTO"}, ["f", "g"]),
        (ToolChoice("none"), {"mode": "NONE"}, ["f", "g"]),
        (ToolChoice("required"), {"mode": "ANY"}, ["f", "g"]),
        (
            ToolChoice("required", ("g", "unknown")),
            {"mode": "ANY", "allowedFunctionNames": ["g"]},
            ["f", "g"],
        ),
        (ToolChoice("auto", ("g",)), {"mode": "AUTO"}, ["g"]),
    ],
)
def test_whether_tools_must_be_called(
    choice: ToolChoice, calling: dict[str, Any], offered: list[str]
) -> None:
    document, lost = write(USER, tools=(Tool("f"), Tool("g")), tool_choice=choice)
    assert lost == ()
    assert document["toolConfig"] == {"functionCallingConfig": calling}
    assert [one["name"] for one in document["tools"][0]["functionDeclarations"]] == offered


def test_a_choice_without_tools_is_none() -> None:
    assert write(USER, tool_choice=ToolChoice("required")) == ({"contents": [GREETING]}, ())


def test_settings() -> None:
    told = config(
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        max_tokens=9,
        answers=2,
        seed=1 << 40 | 5,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        logprobs=True,
        top_logprobs=3,
        stop=("a", "", "b"),
        output=OutputFormat("json_schema", "name", SCHEMA, strict=True),
    )
    assert told == {
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 40,
        "maxOutputTokens": 9,
        "candidateCount": 2,
        "seed": 5,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "responseLogprobs": True,
        "logprobs": 3,
        "stopSequences": ["a", "b"],
        "responseMimeType": "application/json",
        "responseJsonSchema": SCHEMA,
    }


def test_json_without_a_schema_and_text_as_usual() -> None:
    assert config(output=OutputFormat("json")) == {"responseMimeType": "application/json"}
    assert write(USER, output=OutputFormat("text"), top_logprobs=0)[0] == {"contents": [GREETING]}


def test_sequences_beyond_five_are_lost() -> None:
    document, lost = write(USER, stop=("a", "b", "c", "d", "e", "f"))
    assert document["generationConfig"] == {"stopSequences": ["a", "b", "c", "d", "e"]}
    assert lost == ("stop",)


@pytest.mark.parametrize(
    ("ask", "to", "thinking"),
    [
        (None, THINKING, None),
        (ReasoningAsk(effort="high"), THINKING, {"includeThoughts": True, "thinkingLevel": "HIGH"}),
        (
            ReasoningAsk(effort="high", show=False),
            THINKING,
            {"includeThoughts": False, "thinkingLevel": "HIGH"},
        ),
        (ReasoningAsk(show=True), THINKING, {"includeThoughts": True}),
        (ReasoningAsk(budget=-1), BUDGET, {"includeThoughts": True, "thinkingBudget": -1}),
        (ReasoningAsk(effort="low"), BUDGET, {"includeThoughts": True, "thinkingBudget": 2048}),
        (ReasoningAsk(enabled=False), THINKING, {"thinkingBudget": 0}),
        (ReasoningAsk(extra={"odd": 1}), THINKING, None),
    ],
)
def test_how_much_to_think_is_told_as_the_model_takes_it(
    ask: ReasoningAsk | None, to: Destination, thinking: dict[str, Any] | None
) -> None:
    document, _ = write(USER, to=to, reasoning=ask)
    assert document.get("generationConfig", {}).get("thinkingConfig") == thinking


def test_tiers_labels_and_what_a_dialect_lacks() -> None:
    vertex = Destination(
        model="m", quirks=Quirks(takes=frozenset({"labels"}), refuses=frozenset({"serviceTier"}))
    )
    members: dict[str, Any] = {"metadata": {"a": "b"}, "service_tier": "default"}
    assert write(USER, **members)[0]["serviceTier"] == "standard"
    document, lost = write(USER, to=vertex, **members)
    assert document == {"contents": [GREETING], "labels": {"a": "b"}}
    assert lost == ("serviceTier",)


@needs_transcripts
def test_the_recorded_pair_of_parallel_calls_agrees_but_for_two_rules() -> None:
    """Ids are kept, since Gemini pairs by them; a result that is an object stays one."""
    pair = FIXTURES / "translation-pairs/req.completions.parallel-tool-call.vertex-gemini"
    asked = json.loads(pair.with_name(f"{pair.name}.input.json").read_text())["messages"]
    calls = [
        ToolCall(one["id"], one["function"]["name"], one["function"]["arguments"])
        for one in asked[1]["tool_calls"]
    ]
    results = [
        said("user", ToolResult(one["tool_call_id"], (Text(one["content"]),))) for one in asked[2:]
    ]
    told = contents(said("user", asked[0]["content"]), said("assistant", *calls), *results)
    golden = json.loads(pair.with_name(f"{pair.name}.output.json").read_text())["request"]
    for content in told:
        for part in content["parts"]:
            for call in (part.get("functionCall"), part.get("functionResponse")):
                if call is not None:
                    del call["id"]
    for part in golden["contents"][2]["parts"]:
        response = part["functionResponse"]
        response["response"] = json.loads(response["response"]["content"])
    assert told == golden["contents"]


def test_calls_of_the_user_and_results_of_the_model_are_lost() -> None:
    document, lost = write(
        said("user", "hello", ToolCall("c", "f")), said("assistant", "Hi", ToolResult("c"))
    )
    assert document["contents"] == [GREETING, {"role": "model", "parts": [{"text": "Hi"}]}]
    assert lost == ("tool calls",)
