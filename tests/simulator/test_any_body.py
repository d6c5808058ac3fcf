"""Whatever a body holds, a wire answers it or refuses it in its own words; it never breaks."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.simulator.answer import compose
from trunkline.simulator.asked import Asked
from trunkline.simulator.bedrock.wire import ConverseWire
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.cohere.embed import CohereEmbed
from trunkline.simulator.cohere.rerank import CohereRerank
from trunkline.simulator.cohere.wire import CohereChat
from trunkline.simulator.gemini.embeddings import BatchEmbedWire, EmbedWire
from trunkline.simulator.gemini.wire import GeminiArrayWire, GeminiWire
from trunkline.simulator.jina.rerank import JinaRerank
from trunkline.simulator.ollama.embed import EmbedApi
from trunkline.simulator.ollama.wire import ChatApi, GenerateApi
from trunkline.simulator.refusals import Refusal
from trunkline.simulator.voyage.embeddings import VoyageEmbeddings
from trunkline.simulator.voyage.rerank import VoyageRerank
from trunkline.simulator.wire import ChatWire, Telling, Wire, WorkWire

SCHEMA: Any = {"type": "object", "properties": {"city": {"type": "string", "enum": ["x"]}}}
FUNCTION: Any = {"type": "function", "function": {"name": "f", "parameters": SCHEMA}}
CALL: Any = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
PIXEL = "eA=="

GEMINI: Any = {
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "contents": [
        {
            "role": "user",
            "parts": [{"text": "x"}, {"inlineData": {"mimeType": "a/b", "data": PIXEL}}],
        },
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a": 1}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"a": 1}}}]},
    ],
    "tools": [{"functionDeclarations": [{"name": "f", "parameters": SCHEMA}]}],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
    "generationConfig": {
        "temperature": 1,
        "maxOutputTokens": 50,
        "stopSequences": ["x"],
        "candidateCount": 2,
        "responseMimeType": "application/json",
        "responseSchema": SCHEMA,
    },
}
OLLAMA: Any = {
    "model": "sim-fast",
    "messages": [
        {"role": "user", "content": "x", "images": [PIXEL]},
        {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]},
        {"role": "tool", "tool_name": "f", "content": "17"},
    ],
    "tools": [FUNCTION],
    "format": SCHEMA,
    "options": {"num_ctx": 100, "num_predict": 9, "stop": ["x"]},
    "think": "low",
}
COHERE: Any = {
    "model": "sim-fast",
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "x"}]},
        {"role": "assistant", "tool_plan": "y", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "a", "content": "17"},
    ],
    "tools": [FUNCTION],
    "documents": ["x", {"data": {"a": "b"}}],
    "response_format": {"type": "json_object", "json_schema": SCHEMA},
    "thinking": {"type": "enabled", "token_budget": 9},
    "stop_sequences": ["x"],
    "max_tokens": 50,
}
BEDROCK: Any = {
    "system": [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}],
    "messages": [
        {"role": "user", "content": [{"image": {"format": "png", "source": {"bytes": PIXEL}}}]},
        {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"redactedContent": PIXEL}},
                {"toolUse": {"toolUseId": "a", "name": "f", "input": {"a": 1}}},
            ],
        },
        {
            "role": "user",
            "content": [{"toolResult": {"toolUseId": "a", "content": [{"json": {"a": 1}}]}}],
        },
    ],
    "toolConfig": {
        "tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": SCHEMA}}}],
        "toolChoice": {"auto": {}},
    },
    "inferenceConfig": {"maxTokens": 2000, "stopSequences": ["x"]},
    "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
}
CHATS: list[tuple[ChatWire, Any]] = [
    (GeminiWire(), GEMINI),
    (GeminiWire(vertex=True), GEMINI),
    (GeminiArrayWire(), GEMINI),
    (ChatApi(), OLLAMA),
    (GenerateApi(), {"model": "sim-fast", "prompt": "x", "suffix": "y", "options": {"stop": "z"}}),
    (CohereChat(), COHERE),
    (ConverseWire(), BEDROCK),
]
RERANK: Any = {"model": "sim-rerank", "query": "x", "documents": ["y", "z"]}
EMBED: Any = {"content": {"parts": [{"text": "x"}]}, "model": "models/sim-embed"}
WORK: list[tuple[WorkWire, Any]] = [
    (EmbedWire(), {**EMBED, "outputDimensionality": 4, "taskType": "CLUSTERING"}),
    (BatchEmbedWire(), {"requests": [EMBED, EMBED]}),
    (EmbedApi(), {"model": "sim-embed", "input": ["x", "y"], "dimensions": 4, "truncate": False}),
    (
        CohereEmbed(),
        {"model": "sim-embed", "input_type": "clustering", "texts": ["x"], "output_dimension": 256},
    ),
    (CohereRerank(), {**RERANK, "top_n": 1}),
    (VoyageRerank(), {**RERANK, "top_k": 1}),
    (VoyageEmbeddings(), {"model": "sim-embed", "input": ["x"], "output_dtype": "int8"}),
    (JinaRerank(), {**RERANK, "top_n": 1, "return_documents": True}),
]

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
texts = st.sampled_from(["", "x", "f", "user", "model", "assistant", "tool", "é", "\ud800", "{}"])
values = st.recursive(
    scalars | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


def changed(body: Any, data: st.DataObject) -> bytes:
    """The body with some places in it taken out or replaced by anything."""
    body = json.loads(json.dumps(body))
    for _ in range(data.draw(st.integers(1, 3))):
        holder, place = body, None
        while isinstance(holder, dict | list) and holder:
            places = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            place = data.draw(st.sampled_from(places))
            if data.draw(st.booleans()) or not isinstance(holder[place], dict | list):
                break
            holder = holder[place]
        if place is None or place not in (
            holder if isinstance(holder, dict) else range(len(holder))
        ):
            continue
        if data.draw(st.booleans()):
            holder[place] = data.draw(values)
        else:
            del holder[place]
    return json.dumps(body).encode()


def asked(body: bytes, model: str, *, stream: bool = False) -> Asked:
    return Asked(body=body, params={"model": model}, stream=stream)


def check_words(wire: Wire, refusal: Refusal) -> None:
    assert 400 <= refusal.status < 500
    assert json.loads(wire.error_body(refusal, "id"))


@pytest.mark.parametrize(("wire", "body"), CHATS, ids=lambda value: type(value).__name__)
@given(data=st.data())
def test_a_chat_is_answered_or_refused(wire: ChatWire, body: Any, data: st.DataObject) -> None:
    try:
        question = wire.read(asked(changed(body, data), "sim-fast"))
        answer = compose(question, 7)
    except Refusal as refusal:
        check_words(wire, refusal)
        return
    use = TokenUse(
        uncached=question.input_tokens,
        output=answer.output_tokens,
        reasoning=answer.reasoning_tokens,
    )
    telling = Telling(question, answer, use)
    assert json.loads(wire.body(telling))
    steps = wire.events(telling)
    assert sum(step.tokens for step in steps) == answer.output_tokens
    assert [step.reports_usage for step in steps].count(True) == 1


@pytest.mark.parametrize(("wire", "body"), WORK, ids=lambda value: type(value).__name__)
@given(data=st.data())
def test_work_is_done_or_refused(wire: WorkWire, body: Any, data: st.DataObject) -> None:
    try:
        work = wire.work(asked(changed(body, data), "sim-embed"), 7, with_usage=True)
    except Refusal as refusal:
        check_words(wire, refusal)
        return
    (step,) = work.steps
    assert json.loads(step.data)
    assert work.use.output == 0
