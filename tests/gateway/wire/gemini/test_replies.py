import json
from typing import Any

import pytest
from hypothesis import event, given
from tests.gateway.wire.gemini.grammar import REPLIES
from tests.gateway.wire.recordings import answering, needs_transcripts, recorded
from tests.gateway.wire.shapes import thorough, told

from trunkline.gateway.exchange.parts import (
    Citation,
    File,
    Foreign,
    Image,
    Inline,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from trunkline.gateway.exchange.reply import Choice, Reason, Reply, Stop
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Malformed, Place
from trunkline.gateway.wire.gemini.passing import Gemini

WIRE = Gemini()
CODEC = WIRE.codec
SEED = "0123456789abcdef0123456789abcdef"
RESPONSE_ID = "ASNFZ4mrze8BI0VniavN7w"
RECORDED = (
    "gemini/json-schema.json",
    "gemini/safety-stop.json",
    "gemini/text.json",
    "gemini/thinking.json",
    "gemini/tool-call.json",
    "vertex/logprobs.json",
)
# What our answer has of its own: usage is told again, and names stand for those that are missing.
OURS = ("usageMetadata", "modelVersion", "responseId")


@needs_transcripts
@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_answer_is_told_as_it_came(name: str) -> None:
    data = recorded(name)
    usage = WIRE.read_reply(data, "chat").usage
    reply = CODEC.read_reply(json.loads(data), SEED)
    assert CODEC.write_reply(reply, usage, answering()) == json.loads(data)


@thorough
@given(REPLIES)
def test_each_answer_that_is_read_is_told_as_it_came_and_others_are_malformed(
    document: Any,
) -> None:
    if not isinstance(document, dict):
        return
    try:
        reply = CODEC.read_reply(document, SEED)
    except Malformed:
        event("malformed")
        return
    event("read")
    written = told(CODEC.write_reply(reply, None, answering()))
    came = told(document)
    for name in OURS:
        written.pop(name, None)
        came.pop(name, None)
    assert written == came


def read(*candidates: Any, **members: Any) -> Reply:
    document = {"candidates": list(candidates), **members}
    reply: Reply = CODEC.read_reply(document, SEED)
    return reply


def says(*parts: Any, **members: Any) -> dict[str, Any]:
    content = {"parts": list(parts), "role": "model"}
    return {"content": content, "finishReason": "STOP", **members}


def test_an_answer_in_the_internal_form() -> None:
    reply = read(
        says(
            {"text": "hm", "thought": True},
            {"text": "Hi", "thoughtSignature": "c2ln"},
            {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "Y2FsbA=="},
            {"functionCall": {"id": "g1", "name": "g"}},
        ),
        says({"inlineData": {"mimeType": "image/png", "data": "aGk="}}, finishReason="MAX_TOKENS"),
        modelVersion="gemini-x",
        responseId="r1",
        usageMetadata={"serviceTier": "flex", "promptTokenCount": 1},
    )
    thought, text, sealed, call, other = reply.choices[0].parts
    assert (thought, text) == (Reasoning("hm"), Text("Hi"))
    assert isinstance(sealed, Reasoning)
    assert (sealed.text, sealed.signature, sealed.family) == ("", "c2ln", "google")
    assert isinstance(call, ToolCall)
    assert (call.id, call.name, call.arguments) == (
        "call_89abcdef0123456789abcdef_0",
        "f",
        '{"a":1}',
    )
    assert (call.signature, call.family) == ("Y2FsbA==", "google")
    assert isinstance(other, ToolCall)
    assert (other.id, other.arguments, other.signature) == ("g1", "{}", None)
    assert reply.choices[0].stop == Stop("tools", "STOP")
    assert reply.choices[1].parts == (Image(Inline("image/png", "aGk=")),)
    assert reply.choices[1].stop == Stop("length", "MAX_TOKENS")
    assert (reply.id, reply.model, reply.service_tier) == ("r1", "gemini-x", "flex")


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("STOP", "end"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "filtered"),
        ("RECITATION", "filtered"),
        ("OTHER", "filtered"),
        ("MODEL_ARMOR", "filtered"),
        ("CONTINUATION", "paused"),
        ("MALFORMED_FUNCTION_CALL", "end"),
        ("SOMETHING_NEW", "end"),
    ],
)
def test_why_the_model_stopped(word: str, reason: Reason) -> None:
    assert read(says({"text": "a"}, finishReason=word)).choices[0].stop == Stop(reason, word)


@pytest.mark.parametrize("word", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"])
def test_an_answer_that_is_only_a_call_that_could_not_be_read_is_none(word: str) -> None:
    with pytest.raises(Malformed, match=word):
        read({"finishReason": word})


def test_a_blocked_prompt_is_a_filtered_answer() -> None:
    blocked = CODEC.read_reply({"promptFeedback": {"blockReason": "SAFETY"}}, SEED)
    assert [choice.stop for choice in blocked.choices] == [Stop("filtered", "SAFETY")]
    nothing = CODEC.read_reply({"usageMetadata": {}}, SEED)
    assert [choice.stop for choice in nothing.choices] == [Stop("end")]


GROUNDING = {
    "groundingChunks": [
        {"web": {"uri": "https://a", "title": "A"}},
        {"retrievedContext": {"uri": "https://b", "title": "B"}},
    ],
    "groundingSupports": [
        {
            "segment": {"startIndex": 0, "endIndex": 3, "text": "H\u00e9"},
            "groundingChunkIndices": [0, 1, 9],
        }
    ],
}


def test_sources_are_citations_counted_in_characters() -> None:
    reply = read(says({"text": "Hé there"}, groundingMetadata=GROUNDING))
    (text,) = reply.choices[0].parts
    assert isinstance(text, Text)
    assert text.citations == (
        Citation("https://a", "A", None, 0, 2, "gemini"),
        Citation("https://b", "B", None, 0, 2, "gemini"),
    )


def test_sources_without_a_place_and_recitations_belong_to_the_last_text() -> None:
    chunks = {"groundingChunks": GROUNDING["groundingChunks"]}
    recited = {"citations": [{"uri": "https://c", "startIndex": 1, "endIndex": 2}, {"title": "D"}]}
    reply = read(
        says(
            {"text": "a"},
            {"text": "bcd", "thoughtSignature": "c2ln"},
            groundingMetadata=chunks,
            citationMetadata=recited,
        )
    )
    first, last, _ = reply.choices[0].parts
    assert first == Text("a")
    assert isinstance(last, Text)
    assert last.citations == (
        Citation("https://a", "A", wire="gemini"),
        Citation("https://b", "B", wire="gemini"),
        Citation("https://c", None, None, 1, 2, "gemini"),
        Citation(None, "D", wire="gemini"),
    )


LISTED = {
    "content": [
        {
            "token": "é",
            "logprob": -0.5,
            "bytes": [195, 169],
            "top_logprobs": [{"token": "e", "logprob": -1.5, "bytes": [101]}],
        }
    ],
    "refusal": None,
}
RESULT = {
    "chosenCandidates": [{"token": "é", "logProbability": -0.5}],
    "topCandidates": [{"candidates": [{"token": "e", "logProbability": -1.5}]}],
}


def test_probabilities_have_openais_shape_inside() -> None:
    reply = read(says({"text": "é"}, logprobsResult=RESULT))
    assert reply.choices[0].logprobs == LISTED


def test_an_answer_of_another_wire_in_googles_shape() -> None:
    cited = (Citation("https://a", "A", None, 1, 2), Citation("https://a", "A"), Citation(None))
    foreign = Reply(
        wire="openai_chat",
        choices=(
            Choice(
                (
                    Reasoning("hm"),
                    Text("Hé", citations=cited),
                    Refusal("no"),
                    ToolCall("c1", "f", '{"a":1}', signature="c2ln", family="google"),
                    ToolCall("c2", "g", "free", kind="custom"),
                    Foreign("openai_chat", {"type": "odd"}),
                    File(Inline("application/pdf", "aGk=")),
                ),
                Stop("tools", "tool_calls"),
                LISTED,
            ),
            Choice((), Stop("refusal", "refusal")),
        ),
        model="gpt-x",
        id="chatcmpl-1",
        extra={"odd": 1},
    )
    usage = Usage(input=1, cache_read=2, output=3, reasoning=4)
    assert CODEC.write_reply(foreign, usage, answering()) == {
        "candidates": [
            {
                "content": {
                    "parts": [
                        {"text": "hm", "thought": True},
                        {"text": "Hé"},
                        {"text": "no"},
                        {
                            "functionCall": {"id": "c1", "name": "f", "args": {"a": 1}},
                            "thoughtSignature": "c2ln",
                        },
                        {"functionCall": {"id": "c2", "name": "g", "args": {"input": "free"}}},
                        {"inlineData": {"mimeType": "application/pdf", "data": "aGk="}},
                    ],
                    "role": "model",
                },
                "finishReason": "STOP",
                "index": 0,
                "logprobsResult": RESULT,
                "groundingMetadata": {
                    "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}],
                    "groundingSupports": [
                        {
                            "segment": {
                                "startIndex": 1,
                                "endIndex": 3,
                                "text": "é",
                                "partIndex": 1,
                            },
                            "groundingChunkIndices": [0],
                        }
                    ],
                },
            },
            {
                "content": {"parts": [{"text": ""}], "role": "model"},
                "finishReason": "SAFETY",
                "finishMessage": "refusal",
                "index": 1,
            },
        ],
        "usageMetadata": {
            "promptTokenCount": 3,
            "candidatesTokenCount": 3,
            "totalTokenCount": 10,
            "cachedContentTokenCount": 2,
            "thoughtsTokenCount": 4,
        },
        "modelVersion": "gpt-x",
        "responseId": RESPONSE_ID,
    }


def test_usage_that_nobody_knows_is_not_claimed() -> None:
    foreign = Reply(wire="openai_chat", choices=(Choice((Text("a"),)),))
    assert CODEC.write_reply(foreign, None, answering()) == {
        "candidates": [
            {
                "content": {"parts": [{"text": "a"}], "role": "model"},
                "finishReason": "STOP",
                "index": 0,
            }
        ],
        "modelVersion": "public",
        "responseId": RESPONSE_ID,
    }


def test_audio_is_told_by_modality() -> None:
    foreign = Reply(wire="openai_chat", choices=(Choice((Text("a"),)),))
    usage = Usage(input=1, audio_input=2, audio_output=3)
    assert CODEC.write_reply(foreign, usage, answering())["usageMetadata"] == {
        "promptTokenCount": 3,
        "candidatesTokenCount": 3,
        "totalTokenCount": 6,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 1},
            {"modality": "AUDIO", "tokenCount": 2},
        ],
        "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 3}],
    }


THOUGHTS = (
    Reasoning("why", "sig/+=", "anthropic"),
    Reasoning("", "data", "anthropic", redacted=True),
)
ITEM = Reasoning("sum", "enc", "openai", "rs_1", summary=True)


@pytest.mark.parametrize(
    "parts",
    [
        (*THOUGHTS, ToolCall("toolu_1", "f")),
        (*THOUGHTS, Text("Hi")),
        (ITEM, ToolCall("call_1", "f")),
        THOUGHTS,
    ],
)
def test_what_another_maker_wants_back_comes_back_with_the_next_turn(parts: Any) -> None:
    """As google-genai sends it: with its bytes written anew in the alphabet for addresses."""
    foreign = Reply(wire="anthropic_messages", choices=(Choice(parts),))
    answer = CODEC.write_reply(foreign, None, answering())
    content = answer["candidates"][0]["content"]
    for part in content["parts"]:
        if "thoughtSignature" in part:
            part["thoughtSignature"] = part["thoughtSignature"].replace("+", "-").replace("/", "_")
    asked = CODEC.read_request(
        {"contents": [{"role": "user", "parts": [{"text": "a"}]}, content]}, Place(item="m")
    )
    back = [
        Reasoning(p.text, p.signature, p.family, p.id, redacted=p.redacted, summary=p.summary)
        for p in asked.messages[1].parts
        if isinstance(p, Reasoning) and p.signature
    ]
    assert back == [part for part in parts if isinstance(part, Reasoning)]


@pytest.mark.parametrize(
    "document",
    [
        {"candidates": 1},
        {"candidates": [1]},
        {"candidates": [{"content": 1}]},
        {"candidates": [{"content": {"parts": 1}}]},
        {"candidates": [{"content": {"parts": [1]}}]},
        {"candidates": [{"finishReason": 1}]},
    ],
)
def test_an_answer_that_breaks_its_promise_is_malformed(document: Any) -> None:
    with pytest.raises(Malformed):
        CODEC.read_reply(document, SEED)


def test_arguments_without_end_are_malformed() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(Malformed):
        read(says({"functionCall": {"name": "f", "args": {"a": deep}}}))
