"""Which members of a request and of an answer are texts, in the shapes that SDKs send."""

import json
from typing import Any

import msgspec
import pytest
from tests.gateway.guarding.asking import guard

from trunkline.errors import InvalidRequest
from trunkline.gateway.guarding.analysis import NO_ANALYSIS
from trunkline.gateway.guarding.guard import Guard, GuardrailRefused
from trunkline.gateway.guarding.inward import guard_request
from trunkline.gateway.guarding.look import Look
from trunkline.gateway.guarding.outward import guard_answer
from trunkline.gateway.guarding.stand_ins import StandIns
from trunkline.gateway.metering.event import Guarded
from trunkline.gateway.wire.contract import Inbound, Place
from trunkline.gateway.wire.registry import WIRES

M, X = "jo@example.com", "[EMAIL]"
# A member that is structure keeps even what looks like an address: it is nobody's text.
S = "id@example.com"


class Named(msgspec.Struct, frozen=True):
    """An alias, as far as guards matter."""

    guards: tuple[Guard, ...]


REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "openai_chat": ("openai_chat", "chat", {
        "model": "m", "user": S, "metadata": {"k": S},
        "messages": [
            {"role": "system", "content": M},
            {"role": "user", "name": M, "content": [
                {"type": "text", "text": M},
                {"type": "image_url", "image_url": {"url": f"https://h/{S}"}},
                {"type": "input_audio", "input_audio": {"data": S, "format": "wav"}},
                {"type": "file", "file": {"filename": S, "file_data": f"data:x;base64,{S}"}},
            ]},
            {"role": "assistant", "content": None, "reasoning_content": M, "tool_calls": [
                {"id": S, "type": "function",
                 "function": {"name": "f", "arguments": f'{{"to":"{M}","n":[1,2.5,true]}}'}},
            ]},
            {"role": "tool", "tool_call_id": S, "content": f'{{"found": ["{M}"]}}'},
        ],
        "tools": [{"type": "function", "function": {
            "name": "f", "description": M, "parameters": {
                "type": "object", "properties": {"description": {
                    "type": "string", "description": M, "enum": [S], "default": M}}}}}],
        "response_format": {"type": "json_schema", "json_schema": {
            "name": "n", "schema": {"title": M, "const": S}}},
        "prediction": {"type": "content", "content": M},
    }),
    "openai_responses": ("openai_responses", "chat", {
        "model": "m", "instructions": M, "prompt_cache_key": S, "safety_identifier": S,
        "input": [
            {"role": "user", "content": [
                {"type": "input_text", "text": M},
                {"type": "input_image", "image_url": f"https://h/{S}"},
                {"type": "input_file", "file_data": S, "filename": S}]},
            {"type": "reasoning", "id": S, "summary": [{"type": "summary_text", "text": M}],
             "encrypted_content": S},
            {"type": "function_call", "call_id": S, "name": "f", "arguments": f'{{"a":"{M}"}}'},
            {"type": "function_call_output", "call_id": S, "output": f"to {M}"},
            {"type": "custom_tool_call", "call_id": S, "name": "g", "input": M},
            {"type": "custom_tool_call_output", "call_id": S, "output": [
                {"type": "input_text", "text": M}]},
        ],
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"description": M}}},
        "tools": [{"type": "function", "name": "f", "description": M, "parameters": {
            "type": "object", "properties": {}}},
            {"type": "mcp", "server_url": f"https://h/{S}", "headers": {"a": S}}],
    }),
    "openai_completions": ("openai_completions", "completion",
                           {"model": "m", "prompt": [M, M], "suffix": M, "stop": [S]}),
    "mistral_fim": ("mistral_fim", "completion", {"model": "m", "prompt": M, "suffix": M}),
    "anthropic_messages": ("anthropic_messages", "chat", {
        "model": "m", "max_tokens": 9, "metadata": {"user_id": S},
        "system": [{"type": "text", "text": M, "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": M},
                {"type": "image", "source": {
                    "type": "base64", "media_type": "image/png", "data": S}},
                {"type": "document", "title": M, "context": M, "source": {
                    "type": "text", "media_type": "text/plain", "data": M}},
                {"type": "document", "source": {"type": "url", "url": f"https://h/{S}"}},
            ]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": M, "signature": S},
                {"type": "redacted_thinking", "data": S},
                {"type": "tool_use", "id": S, "name": "f", "input": {
                    "id": M, "type": M, M: 4111111111111111}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": S, "content": M},
                {"type": "tool_result", "tool_use_id": S, "content": [
                    {"type": "text", "text": M}]}]},
        ],
        "tools": [{"name": "f", "description": M, "input_schema": {
            "type": "object", "properties": {"a": {"description": M}}}}],
    }),
    "gemini": ("gemini", "chat", {
        "systemInstruction": {"parts": [{"text": M}]},
        "contents": [
            {"role": "user", "parts": [
                {"text": M},
                {"inlineData": {"mimeType": "image/png", "data": S}},
                {"fileData": {"mimeType": "image/png", "fileUri": f"https://h/{S}"}}]},
            {"role": "model", "parts": [
                {"text": M, "thought": True, "thoughtSignature": S},
                {"functionCall": {"id": S, "name": "f", "args": {"name": M}}}]},
            {"role": "user", "parts": [
                {"functionResponse": {"id": S, "name": "f", "response": {"name": M}}}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "f", "description": M, "parameters": {
            "type": "OBJECT", "properties": {"a": {"description": M}}}}]}],
        "generationConfig": {"responseSchema": {"description": M}, "stopSequences": ["x"]},
    }),
    "gemini_embeddings": ("gemini_embeddings", "embedding", {
        "requests": [{"model": "models/m", "content": {"parts": [{"text": M}]}, "title": M}]}),
    "openai_embeddings": ("openai_embeddings", "embedding", {"model": "m", "input": [M, M]}),
    "ollama_chat": ("ollama_chat", "chat", {
        "model": "m", "keep_alive": "5m", "options": {"stop": [S]}, "messages": [
            {"role": "user", "content": M, "images": [S]},
            {"role": "assistant", "content": "", "thinking": M, "tool_calls": [
                {"function": {"name": "f", "arguments": {"name": M}}}]},
            {"role": "tool", "tool_name": S, "content": M}],
        "format": {"type": "object", "description": M}}),
    "ollama_generate": ("ollama_generate", "completion",
                        {"model": "m", "prompt": M, "system": M, "suffix": M, "template": M}),
    "ollama_embed": ("ollama_embed", "embedding", {"model": "m", "input": M}),
    "cohere_chat": ("cohere_chat", "chat", {
        "model": "m", "messages": [
            {"role": "user", "content": M},
            {"role": "assistant", "tool_plan": M, "tool_calls": [
                {"id": S, "type": "function",
                 "function": {"name": "f", "arguments": f'{{"a":"{M}"}}'}}]},
            {"role": "tool", "tool_call_id": S, "content": [
                {"type": "document", "document": {"id": S, "data": f'{{"a":"{M}"}}'}}]}],
        "documents": [M, {"id": S, "data": {"title": M, "url": M}}]}),
    "cohere_embed": ("cohere_embed", "embedding", {
        "model": "m", "input_type": "search_query", "texts": [M, M]}),
    "cohere_rerank": ("cohere_rerank", "rerank", {"model": "m", "query": M, "documents": [M]}),
    "jina_rerank": ("jina_rerank", "rerank",
                    {"model": "m", "query": M, "documents": [{"text": M}]}),
    "voyage_rerank": ("voyage_rerank", "rerank", {"model": "m", "query": M, "documents": [M]}),
    "voyage_embeddings": ("voyage_embeddings", "embedding", {"model": "m", "input": [M]}),
    "openai_images": ("openai_images", "image", {"model": "m", "prompt": M, "size": "1x1"}),
    "openai_speech": ("openai_speech", "speech",
                      {"model": "m", "input": M, "voice": "v", "instructions": M}),
    "openai_moderation": ("openai_moderation", "moderation", {"model": "m", "input": [M]}),
}  # fmt: skip


def read(wire: str, operation: str, document: dict[str, Any]) -> Inbound:
    return WIRES[wire].read_request(json.dumps(document).encode(), operation, Place(item="m"))


def hidden(value: Any) -> Any:
    """What is expected: each text changed, in JSON within texts as well, numbers of cards too."""
    written = json.dumps(value).replace(M, X)
    return json.loads(written.replace("4111111111111111", '"[CREDIT_CARD]"'))


def without_spaces(value: Any) -> Any:
    """JSON within texts is told again without its blanks where something of it changed."""
    if isinstance(value, str) and value.startswith("{"):
        return json.dumps(json.loads(value), separators=(",", ":"))
    if isinstance(value, list):
        return [without_spaces(item) for item in value]
    if isinstance(value, dict):
        return {name: without_spaces(item) for name, item in value.items()}
    return value


@pytest.mark.parametrize("case", REQUESTS)
async def test_every_text_of_a_request_is_looked_at_and_nothing_else(case: str) -> None:
    wire, operation, document = REQUESTS[case]
    request = read(wire, operation, document)
    before = dict(request.fields)
    told: list[Guarded] = []
    await guard_request(Named((guard(),)), request, told, NO_ANALYSIS)
    after = {name: json.loads(bytes(raw)) for name, raw in request.fields.items()}
    assert after == without_spaces(
        hidden(
            json.loads(json.dumps({name: json.loads(bytes(raw)) for name, raw in before.items()}))
        )
    )
    found = dict(told[0].kinds)["email"]
    assert found == json.dumps(document).count(M)
    unchanged = [name for name in before if M not in json.dumps(document.get(name))]
    assert all(request.fields[name] is before[name] for name in unchanged)
    sent = WIRES[wire].write_request(request, "upstream")
    assert M.encode() not in sent
    assert sent.count(S.encode()) == json.dumps(document).count(S)


async def test_the_bound_of_a_request_grows_with_what_stands_instead() -> None:
    request = read("openai_completions", "completion", {"model": "m", "prompt": "a@b.co"})
    size = request.size
    await guard_request(
        Named((guard(pii={"placeholder": "[[{kind}]]"}),)), request, [], NO_ANALYSIS
    )
    assert request.size == size + len("[[EMAIL]]") - len("a@b.co")


async def test_a_request_without_findings_keeps_its_bytes() -> None:
    request = read("openai_chat", "chat", {"model": "m", "messages": [{"content": '{"a": 1 }'}]})
    before = dict(request.fields)
    await guard_request(Named((guard(),)), request, [], NO_ANALYSIS)
    assert all(request.fields[name] is raw for name, raw in before.items())


async def test_of_an_upload_only_the_prompt_is_looked_at() -> None:
    form = (
        f'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\n{S}\r\n'
        f'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nTo {M}\r\n'
        f'--x\r\nContent-Disposition: form-data; name="file"; filename="{S}"\r\n\r\n{S}\r\n'
        f'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n{M}\r\n--x--\r\n'
    ).encode()
    place = Place(content_type=b"multipart/form-data; boundary=x")
    request = WIRES["openai_images"].read_request(form, "image_edit", place)
    noted: list[Guarded] = []
    await guard_request(Named((guard(),)), request, noted, NO_ANALYSIS)
    assert request.form == form.replace(M.encode(), X.encode())
    assert request.size == len(request.form)
    assert noted == [Guarded("pii", "in", "redacted", (("email", 2),))]
    again = request.form
    await guard_request(Named((guard(),)), request, [], NO_ANALYSIS)
    assert request.form is again


async def test_guards_of_answers_leave_a_request_alone() -> None:
    request = Inbound(fields={"prompt": msgspec.Raw(b'"jo@example.com"')}, model="m", size=9)
    await guard_request(Named((guard(way="out"),)), request, [], NO_ANALYSIS)
    assert bytes(request.fields["prompt"]) == b'"jo@example.com"'


async def test_what_is_nested_too_deeply_is_refused() -> None:
    deep = b'{"a":' * 900 + b"1" + b"}" * 900
    request = Inbound(fields={"messages": msgspec.Raw(deep)}, model="m", size=9)
    with pytest.raises(InvalidRequest) as refused:
        await guard_request(Named((guard(),)), request, [], NO_ANALYSIS)
    assert refused.value.code == "too_deeply_nested"


@pytest.mark.parametrize(
    ("ceilings", "passed"),
    [
        ({"characters": 20}, "characters"),
        ({"tokens": 5}, "tokens"),
        ({"messages": 1}, "messages"),
        ({"message_characters": 11}, "longest"),
        ({"characters": 21, "tokens": 7, "messages": 2, "message_characters": 12}, None),
    ],
)
async def test_a_request_has_ceilings(ceilings: dict[str, int], passed: str | None) -> None:
    turns = [{"role": "user", "content": "x" * 12}, {"role": "user", "content": "é" * 6 + "abc"}]
    request = read("openai_chat", "chat", {"model": "m", "messages": turns})
    told: list[Guarded] = []
    size = guard("size", kind="size", action="refuse", size=ceilings)
    if passed is None:
        await guard_request(Named((size,)), request, told, NO_ANALYSIS)
        assert told == []
        return
    with pytest.raises(GuardrailRefused, match=passed):
        await guard_request(Named((size,)), request, told, NO_ANALYSIS)
    assert told == [Guarded("size", "in", "refused", ((passed, 1),))]


ANSWERS: dict[str, dict[str, Any]] = {
    "openai_chat": {"id": S, "model": S, "choices": [{
        "index": 0, "finish_reason": "stop", "logprobs": {"content": [{"token": "jo"}]},
        "message": {"role": "assistant", "content": M, "refusal": M, "reasoning_content": M,
                    "audio": {"id": S, "data": S, "transcript": M},
                    "annotations": [{"type": "url_citation", "url_citation": {
                        "url": f"https://h/{S}", "title": M}}],
                    "tool_calls": [{"id": S, "function": {
                        "name": "f", "arguments": f'{{"a":"{M}"}}'}}]}}]},
    "openai_responses": {"id": S, "instructions": S, "tools": [{"description": S}],
                         "text": {"format": {"description": S}}, "output": [
        {"type": "reasoning", "id": S, "summary": [{"type": "summary_text", "text": M}]},
        {"type": "message", "id": S, "content": [
            {"type": "output_text", "text": M, "annotations": [], "logprobs": [{"token": "j"}]},
            {"type": "refusal", "refusal": M}]},
        {"type": "function_call", "call_id": S, "name": "f", "arguments": f'{{"a":"{M}"}}'},
        {"type": "image_generation_call", "id": S, "result": S}]},
    "anthropic_messages": {"id": S, "content": [
        {"type": "thinking", "thinking": M, "signature": S},
        {"type": "text", "text": M, "citations": [{"cited_text": M, "document_title": M}]},
        {"type": "tool_use", "id": S, "name": "f", "input": {"name": M}}]},
    "gemini": {"responseId": S, "candidates": [{
        "content": {"parts": [{"text": M}, {"functionCall": {"args": {"url": M}}}]},
        "groundingMetadata": {"webSearchQueries": [M], "groundingChunks": [
            {"web": {"uri": f"https://h/{S}", "title": M}}]}}]},
    "ollama_chat": {"model": S, "message": {"content": M, "thinking": M, "tool_calls": [
        {"function": {"name": "f", "arguments": {"name": M}}}]}},
    "ollama_generate": {"model": S, "response": M, "thinking": M, "context": [1, 2]},
    "cohere_chat": {"id": S, "message": {
        "content": [{"type": "text", "text": M}, {"type": "thinking", "thinking": M}],
        "tool_plan": M, "citations": [{"text": M, "sources": [
            {"type": "document", "id": S, "document": {"id": S, "text": M}}]}]}},
    "jina_rerank": {"results": [{"index": 0, "document": {"text": M}}]},
    "openai_transcription": {"text": M, "segments": [{"id": 0, "text": M}]},
    "openai_images": {"data": [{"b64_json": S, "revised_prompt": M}]},
}  # fmt: skip


@pytest.mark.parametrize("wire", ANSWERS)
def test_every_text_of_an_answer_is_looked_at_and_nothing_else(wire: str) -> None:
    document = json.loads(json.dumps(ANSWERS[wire]))
    assert guard_answer(document, Look([guard()], [], "out", StandIns()))
    expected = hidden(ANSWERS[wire])
    written = json.dumps(expected)
    # The single pieces would say it once more.
    written = written.replace('{"content": [{"token": "jo"}]}', "null")
    assert document == json.loads(written.replace('[{"token": "j"}]', "[]"))
    assert not guard_answer(document, Look([guard()], [], "out", StandIns()))
