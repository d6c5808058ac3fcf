"""OpenAI's wires, and Mistral's, under any body: they answer or refuse, and never break."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.simulator.test_any_body import PIXEL, SCHEMA, asked, changed, check_words

from trunkline.simulator.answer import compose
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.mistral.fim_wire import MistralFim
from trunkline.simulator.openai.completions_wire import Completions
from trunkline.simulator.openai.embeddings_wire import Embeddings
from trunkline.simulator.openai.images_wire import Images
from trunkline.simulator.openai.moderation_wire import Moderations
from trunkline.simulator.openai.responses_wire import Responses
from trunkline.simulator.openai.speech_wire import Speech
from trunkline.simulator.refusals import Refusal
from trunkline.simulator.wire import ChatWire, Telling, WorkWire

TEXT: Any = {"type": "input_text", "text": "x"}
RESPONSE: Any = {
    "model": "sim-think",
    "instructions": "Be brief.",
    "input": [
        {"role": "user", "content": [TEXT, {"type": "input_image", "image_url": PIXEL}]},
        {"type": "message", "role": "developer", "content": "y"},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": [TEXT]},
        {"type": "custom_tool_call", "call_id": "b", "name": "g", "input": "x"},
        {"type": "custom_tool_call_output", "call_id": "b", "output": "z"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "x"}]},
    ],
    "tools": [
        {"type": "function", "name": "f", "parameters": SCHEMA},
        {"type": "custom", "name": "g"},
        {"type": "web_search"},
    ],
    "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"name": "f"}]},
    "text": {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA, "strict": False}},
    "reasoning": {"effort": "low", "summary": "auto"},
    "include": ["reasoning.encrypted_content"],
    "metadata": {"a": "b"},
    "max_output_tokens": 100,
    "stream": True,
    "stream_options": {"include_obfuscation": True},
}
COMPLETION: Any = {
    "model": "sim-fast",
    "prompt": ["x", [1, 2], "y"],
    "n": 2,
    "logprobs": 1,
    "stop": ["z"],
    "stream": True,
    "stream_options": {"include_usage": True},
}
CHATS: list[tuple[ChatWire, Any]] = [
    (Responses(), RESPONSE),
    (Completions(), COMPLETION),
    (MistralFim(), {"model": "sim-fast", "prompt": "x", "suffix": "y", "stop": ["z"]}),
]
WORK: list[tuple[WorkWire, Any]] = [
    (Embeddings(), {"model": "sim-embed", "input": ["x", "y"], "dimensions": 4}),
    (Embeddings(), {"model": "sim-embed", "input": [[1, 2], "x"], "encoding_format": "base64"}),
    (Images(), {"model": "sim-image", "prompt": "x", "n": 2, "size": "auto", "quality": "low"}),
    (Speech(), {"model": "sim-speech", "input": "x", "voice": {"id": "y"}, "speed": 2}),
    (Moderations(), {"input": [{"type": "text", "text": "x"}], "model": "sim-moderate"}),
]


@pytest.mark.parametrize(("wire", "body"), CHATS, ids=lambda value: type(value).__name__)
def test_the_bodies_to_be_changed_are_good(wire: ChatWire, body: Any) -> None:
    assert wire.read(asked(json.dumps(body).encode(), "")).model.name == body["model"]


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
    wire.remember(telling)
    assert json.loads(wire.body(telling))
    steps = wire.events(telling)
    assert sum(step.tokens for step in steps) == answer.output_tokens
    assert [step.reports_usage for step in steps].count(True) <= 1


@pytest.mark.parametrize(("wire", "body"), WORK, ids=lambda value: type(value).__name__)
@given(data=st.data())
def test_work_is_done_or_refused(wire: WorkWire, body: Any, data: st.DataObject) -> None:
    try:
        work = wire.work(asked(changed(body, data), ""), 7, with_usage=True)
    except Refusal as refusal:
        check_words(wire, refusal)
        return
    assert sum(step.tokens for step in work.steps) == work.use.output


def test_a_choice_may_name_its_tools_by_anything() -> None:
    choice = {**RESPONSE["tool_choice"], "tools": [{"name": []}, {"name": "f"}]}
    body = json.dumps(RESPONSE | {"tool_choice": choice}).encode()
    assert [tool.name for tool in Responses().read(asked(body, "")).tools] == ["f"]
