"""Requests and answers of chat completions, for Hypothesis."""

from hypothesis import strategies as st
from tests.gateway.wire.shapes import (
    ANY,
    FLAGS,
    NUMBERS,
    WORDS,
    Shape,
    an_object,
    either,
    listed,
    one_of,
)

MARK = an_object({"type": one_of("ephemeral")}, {"ttl": one_of("5m", "1h")})
URL = one_of("https://x.test/a.png", "data:image/png;base64,aGk=", "data:,x")
DATA = one_of("aGk=", "data:application/pdf;base64,aGk=", "https://x.test/a.pdf")
MARKED = {"cache_control": MARK}
ITEM = st.one_of(
    an_object({"type": one_of("text"), "text": either(WORDS)}, MARKED),
    an_object(
        {
            "type": one_of("image_url"),
            "image_url": st.one_of(URL, an_object({"url": URL}, {"detail": one_of("low")})),
        },
        MARKED,
    ),
    an_object(
        {
            "type": one_of("input_audio"),
            "input_audio": st.one_of(
                an_object({"data": either(WORDS), "format": one_of("wav", "mp3", "mpeg")}), URL
            ),
        }
    ),
    an_object(
        {
            "type": one_of("file"),
            "file": an_object(
                {}, {"file_data": DATA, "file_id": either(WORDS), "filename": either(WORDS)}
            ),
        },
        MARKED,
    ),
    an_object({"type": one_of("document_url"), "document_url": URL, "document_name": ANY}),
    an_object({"type": one_of("refusal"), "refusal": either(WORDS)}),
    an_object(
        {
            "type": one_of("thinking"),
            "thinking": st.one_of(WORDS, listed(an_object({"type": WORDS, "text": WORDS}))),
        },
        {"signature": either(WORDS), "closed": FLAGS},
    ),
    an_object({"type": either(WORDS)}),
    ANY,
)
CONTENT = st.one_of(either(WORDS), listed(ITEM))
CALL = st.one_of(
    an_object(
        {
            "id": either(WORDS),
            "type": one_of("function"),
            "function": an_object({"name": either(WORDS), "arguments": either(WORDS)}),
        },
        {
            "extra_content": st.one_of(
                ANY, an_object({"google": an_object({"thought_signature": either(WORDS)})})
            ),
            **MARKED,
        },
    ),
    an_object(
        {"type": one_of("custom"), "custom": an_object({"name": either(WORDS), "input": WORDS})},
        {"id": either(WORDS)},
    ),
)
DETAIL = an_object(
    {"type": one_of("reasoning.text", "reasoning.summary", "reasoning.encrypted")},
    {
        "text": either(WORDS),
        "summary": either(WORDS),
        "data": either(WORDS),
        "signature": either(WORDS),
        "id": either(WORDS),
        "format": one_of("anthropic-claude-v1", "openai-responses-v1", "google-gemini-v1"),
        "index": NUMBERS,
    },
)
BLOCK = an_object(
    {"type": one_of("thinking", "redacted_thinking")},
    {"thinking": either(WORDS), "signature": either(WORDS), "data": either(WORDS)},
)
ANNOTATION = st.one_of(
    an_object(
        {
            "type": one_of("url_citation"),
            "url_citation": an_object(
                {"url": either(WORDS), "title": either(WORDS)},
                {"start_index": NUMBERS, "end_index": NUMBERS},
            ),
        }
    ),
    ANY,
)
THOUGHT = {
    "reasoning_content": either(WORDS),
    "reasoning": either(WORDS),
    "reasoning_details": listed(DETAIL),
    "thinking_blocks": listed(BLOCK),
}
ANSWER = {
    "content": CONTENT,
    "refusal": either(WORDS),
    "tool_calls": listed(CALL),
    "function_call": an_object({"name": either(WORDS), "arguments": either(WORDS)}),
    "annotations": listed(ANNOTATION),
    "audio": ANY,
    "images": listed(ITEM),
    **THOUGHT,
}
MESSAGE = st.one_of(
    an_object(
        {"role": one_of("system", "developer", "user", "critic"), "content": CONTENT},
        {"name": either(WORDS), **MARKED},
    ),
    an_object({"role": one_of("assistant")}, {"name": either(WORDS), **ANSWER, **MARKED}),
    an_object(
        {"role": one_of("tool", "function"), "content": CONTENT},
        {"tool_call_id": either(WORDS), "name": either(WORDS), **MARKED},
    ),
)
FUNCTION = an_object(
    {"name": either(WORDS)},
    {"description": either(WORDS), "parameters": an_object({}), "strict": either(FLAGS)},
)
TOOL = st.one_of(
    an_object({"type": one_of("function"), "function": FUNCTION}, MARKED),
    an_object(
        {"type": one_of("custom"), "custom": an_object({"name": either(WORDS)}, {"format": ANY})}
    ),
    an_object({"type": one_of("function", "custom", "web_search"), "name": either(WORDS)}),
)
NAMED = an_object({"name": either(WORDS)})
CHOICE = st.one_of(
    one_of("auto", "none", "required", "any"),
    an_object({"type": one_of("function"), "function": NAMED}),
    an_object({"type": one_of("custom"), "custom": NAMED}),
    an_object(
        {
            "type": one_of("allowed_tools"),
            "allowed_tools": an_object({"mode": one_of("auto", "required"), "tools": listed(TOOL)}),
        }
    ),
)
FORM = st.one_of(
    an_object({"type": one_of("text", "json_object", "grammar")}, {"schema": an_object({})}),
    an_object(
        {
            "type": one_of("json_schema"),
            "json_schema": an_object(
                {"name": either(WORDS)}, {"schema": an_object({}), "strict": either(FLAGS)}
            ),
        }
    ),
)
EFFORT = one_of("none", "minimal", "low", "medium", "high", "xhigh", "max", "default")
COUNT = either(st.integers(0, 9))
REQUEST = an_object(
    {"model": one_of("m"), "messages": listed(MESSAGE, 1)},
    {
        "tools": listed(TOOL),
        "tool_choice": CHOICE,
        "functions": listed(FUNCTION),
        "function_call": st.one_of(one_of("auto", "none"), NAMED),
        "parallel_tool_calls": either(FLAGS),
        "response_format": FORM,
        "reasoning_effort": EFFORT,
        "reasoning": an_object(
            {}, {"effort": EFFORT, "max_tokens": COUNT, "enabled": FLAGS, "exclude": FLAGS}
        ),
        "thinking": an_object(
            {"type": one_of("enabled", "disabled", "adaptive")}, {"budget_tokens": COUNT}
        ),
        "include_reasoning": either(FLAGS),
        "stream": either(FLAGS),
        "stream_options": an_object({}, {"include_usage": either(FLAGS)}),
        "n": COUNT,
        "max_tokens": COUNT,
        "max_completion_tokens": COUNT,
        "temperature": either(NUMBERS),
        "top_p": either(NUMBERS),
        "top_k": COUNT,
        "seed": COUNT,
        "random_seed": COUNT,
        "stop": st.one_of(either(WORDS), listed(WORDS)),
        "logprobs": st.one_of(either(FLAGS), COUNT),
        "top_logprobs": COUNT,
        "logit_bias": st.dictionaries(WORDS, NUMBERS, max_size=2),
        "verbosity": either(WORDS),
        "user": either(WORDS),
        "metadata": st.dictionaries(WORDS, either(WORDS), max_size=2),
        "service_tier": either(WORDS),
        "prompt_cache_key": either(WORDS),
        "web_search_options": an_object({}),
        "prediction": ANY,
    },
)

REPLY_CHOICE = an_object(
    {
        "message": an_object({"role": one_of("assistant")}, ANSWER),
        "finish_reason": one_of("stop", "length", "tool_calls", "content_filter", "eos"),
    },
    {"index": COUNT, "logprobs": ANY, "native_finish_reason": WORDS, "stop_reason": ANY},
)
REPLY = an_object(
    {"choices": listed(REPLY_CHOICE)},
    {"id": either(WORDS), "model": either(WORDS), "created": COUNT, "usage": ANY},
)

CALL_PIECE = an_object(
    {"index": COUNT},
    {
        "id": either(WORDS),
        "function": an_object({}, {"name": either(WORDS), "arguments": either(WORDS)}),
        "custom": an_object({}, {"name": either(WORDS), "input": either(WORDS)}),
        "extra_content": ANY,
    },
)
CHUNK = an_object(
    {
        "choices": listed(
            an_object(
                {
                    "index": st.integers(0, 2),
                    "delta": an_object({}, {**ANSWER, "tool_calls": listed(CALL_PIECE)}),
                },
                {"finish_reason": one_of("stop", "length"), "logprobs": ANY},
            )
        )
    },
    {"id": WORDS, "model": WORDS, "created": COUNT, "usage": ANY},
)
STREAM: Shape = st.lists(either(CHUNK), max_size=4)
