"""Which answers ended as they should, told by the words of each wire."""

import pytest

from trunkline.gateway.recall.reply import is_clean


@pytest.mark.parametrize(
    ("wire", "answer", "clean"),
    [
        ("openai_chat", b'{"choices":[{"finish_reason":"stop"}]}', True),
        ("openai_chat", b'{"choices":[{"finish_reason":"length"}]}', True),
        ("openai_chat", b'{"choices":[{"finish_reason":"content_filter"}]}', False),
        ("openai_chat", b'{"choices":[{"message":{"refusal":null}}]}', True),
        ("openai_chat", b'{"choices":[{"message":{"refusal": "No."}}]}', False),
        ("openai_chat", b'{"choices":[{"message":{"content":"error"}}]}', True),
        ("openai_completions", b'{"choices":[{"finish_reason": "error"}]}', False),
        ("anthropic_messages", b'{"stop_reason":"end_turn"}', True),
        ("anthropic_messages", b'{"stop_reason":"refusal"}', False),
        ("anthropic_messages", b'{"stop_reason":"pause_turn"}', False),
        ("anthropic_messages", b'{"content":[{"input":{"status":"failed"}}]}', True),
        ("gemini", b'{"candidates": [{\n "finishReason": "STOP"}]}', True),
        ("gemini", b'{"candidates": [{\n "finishReason": "SAFETY"}]}', False),
        ("gemini", b'{"promptFeedback":{"blockReason":"OTHER"}}', False),
        ("openai_responses", b'{"status":"completed","error":null}', True),
        ("openai_responses", b'{"status":"failed"}', False),
        ("openai_responses", b'{"content":[{"type":"refusal","refusal":"No."}]}', False),
        ("openai_responses", b'{"incomplete_details":{"reason":"content_filter"}}', False),
        ("bedrock_converse", b'{"stopReason":"guardrail_intervened"}', False),
        ("cohere_chat", b'{"finish_reason":"ERROR_TOXIC"}', False),
        ("ollama_chat", b'{"done_reason":"load"}', False),
    ],
)
def test_an_answer_ends_badly_where_its_wire_says_so(
    wire: str, answer: bytes, *, clean: bool
) -> None:
    half = len(answer) // 2
    assert is_clean(wire, (answer,)) is clean
    assert is_clean(wire, (answer[:half], answer[half:])) is clean
