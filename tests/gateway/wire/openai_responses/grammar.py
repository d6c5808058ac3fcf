"""Requests, answers and events of the Responses API, for Hypothesis."""

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

MARK = an_object({"mode": one_of("explicit")}, {"ttl": one_of("30m")})
MARKED = {"prompt_cache_breakpoint": MARK}
URL = one_of("https://x.test/a.png", "data:image/png;base64,aGk=", "data:,x")
ID = one_of("msg_1", "rs_1", "fc_1", "call_1", "call_2")
ANNOTATION = st.one_of(
    an_object(
        {"type": one_of("url_citation"), "url": either(WORDS), "title": either(WORDS)},
        {"start_index": NUMBERS, "end_index": NUMBERS},
    ),
    ANY,
)
ELEMENT = st.one_of(
    an_object({"type": one_of("input_text", "text"), "text": either(WORDS)}, MARKED),
    an_object(
        {"type": one_of("output_text"), "text": either(WORDS)},
        {"annotations": listed(ANNOTATION), "logprobs": ANY},
    ),
    an_object({"type": one_of("refusal"), "refusal": either(WORDS)}),
    an_object(
        {"type": one_of("input_image")},
        {
            "image_url": st.one_of(URL, an_object({"url": URL})),
            "file_id": either(WORDS),
            "detail": one_of("low", "auto"),
            **MARKED,
        },
    ),
    an_object(
        {"type": one_of("input_file")},
        {
            "file_data": one_of("aGk=", "data:application/pdf;base64,aGk="),
            "file_url": URL,
            "file_id": either(WORDS),
            "filename": one_of("a.pdf", "b"),
        },
    ),
    an_object(
        {
            "type": one_of("input_audio"),
            "input_audio": an_object({"data": either(WORDS), "format": one_of("wav")}),
        }
    ),
    an_object({"type": either(WORDS)}),
)
CONTENT = st.one_of(either(WORDS), listed(ELEMENT))
OF_ITSELF = {"id": ID, "status": one_of("completed", "incomplete"), "phase": either(WORDS)}
MESSAGE = an_object(
    {"role": one_of("user", "assistant", "system", "developer", "critic"), "content": CONTENT},
    {"type": one_of("message"), **OF_ITSELF},
)
CALL = an_object(
    {
        "type": one_of("function_call"),
        "call_id": ID,
        "name": one_of("look", "b" * 70),
        "arguments": either(WORDS),
    },
    {
        "namespace": one_of("mcp__a", "m__", "n" * 60),
        "extra_content": st.one_of(
            ANY, an_object({"google": an_object({"thought_signature": either(WORDS)})})
        ),
        **OF_ITSELF,
    },
)
CUSTOM_CALL = an_object(
    {"type": one_of("custom_tool_call"), "call_id": ID, "name": one_of("patch"), "input": WORDS},
    OF_ITSELF,
)
RESULT = an_object(
    {"type": one_of("function_call_output", "custom_tool_call_output"), "output": CONTENT},
    {"call_id": ID, "name": either(WORDS), "namespace": either(WORDS), **OF_ITSELF},
)
SUMMARY = an_object({"type": one_of("summary_text"), "text": either(WORDS)})
THOUGHT_TEXT = an_object({"type": one_of("reasoning_text"), "text": either(WORDS)})
SEALED = one_of("gAAA", "trunkline.anthropic.shown.x.y", "trunkline.none.redacted.", "trunkline.")
REASONING = an_object(
    {"type": one_of("reasoning")},
    {
        "id": ID,
        "summary": listed(SUMMARY),
        "content": listed(THOUGHT_TEXT),
        "encrypted_content": SEALED,
        "status": one_of("completed"),
    },
)
FUNCTION = an_object(
    {"type": one_of("function"), "name": either(WORDS)},
    {
        "description": either(WORDS),
        "parameters": an_object({}),
        "strict": either(FLAGS),
        "defer_loading": either(FLAGS),
    },
)
CUSTOM = an_object(
    {"type": one_of("custom"), "name": either(WORDS)},
    {"description": either(WORDS), "format": ANY},
)
SERVER = an_object({"type": one_of("web_search", "mcp", "namespace")}, {"name": either(WORDS)})
NAMESPACE = an_object(
    {"type": one_of("namespace"), "tools": listed(st.one_of(FUNCTION, CUSTOM, SERVER))},
    {"name": one_of("mcp__a", "m__")},
)
NESTED = an_object({"type": one_of("function"), "function": an_object({"name": either(WORDS)})})
TOOL = st.one_of(FUNCTION, CUSTOM, SERVER, NAMESPACE, NESTED)
FORM = st.one_of(
    an_object({"type": one_of("text", "json_object", "grammar")}),
    an_object(
        {"type": one_of("json_schema"), "schema": an_object({})},
        {"name": either(WORDS), "strict": either(FLAGS), "description": either(WORDS)},
    ),
)
EFFORT = one_of("none", "minimal", "low", "medium", "high", "xhigh")
ASIDE = st.one_of(
    an_object({"type": one_of("additional_tools"), "tools": listed(TOOL)}, {"role": WORDS}),
    an_object(
        {"type": one_of("configuration_update")},
        {"reasoning": an_object({}, {"effort": EFFORT}), "text": an_object({}, {"format": FORM})},
    ),
)
OTHER = an_object(
    {"type": one_of("web_search_call", "mcp_call", "shell_call_output", "item_reference")},
    {"id": ID},
)
ITEM = st.one_of(MESSAGE, CALL, CUSTOM_CALL, RESULT, REASONING, ASIDE, OTHER)
CHOICE = st.one_of(
    one_of("auto", "none", "required", "any"),
    an_object({"type": one_of("function", "custom"), "name": either(WORDS)}, {"namespace": WORDS}),
    an_object(
        {"type": one_of("allowed_tools"), "tools": listed(FUNCTION)},
        {"mode": one_of("auto", "required")},
    ),
    an_object({"type": one_of("web_search")}),
)
COUNT = either(st.integers(0, 9))
INCLUDED = one_of("reasoning.encrypted_content", "message.output_text.logprobs", "other")
REQUEST = an_object(
    {"model": one_of("m"), "input": st.one_of(either(WORDS), listed(ITEM, 1))},
    {
        "instructions": either(WORDS),
        "tools": listed(TOOL),
        "tool_choice": CHOICE,
        "parallel_tool_calls": either(FLAGS),
        "text": an_object({}, {"format": FORM, "verbosity": either(WORDS)}),
        "reasoning": an_object(
            {}, {"effort": EFFORT, "summary": either(WORDS), "generate_summary": either(WORDS)}
        ),
        "include": listed(INCLUDED),
        "store": either(FLAGS),
        "stream": either(FLAGS),
        "background": either(FLAGS),
        "previous_response_id": either(WORDS),
        "max_output_tokens": COUNT,
        "max_tool_calls": COUNT,
        "temperature": either(NUMBERS),
        "top_p": either(NUMBERS),
        "top_logprobs": COUNT,
        "truncation": one_of("auto", "disabled"),
        "user": either(WORDS),
        "safety_identifier": either(WORDS),
        "metadata": st.dictionaries(WORDS, either(WORDS), max_size=2),
        "client_metadata": ANY,
        "service_tier": either(WORDS),
        "prompt_cache_key": either(WORDS),
        "prompt": ANY,
        "stream_options": an_object({}, {"include_obfuscation": either(FLAGS)}),
    },
)

OUTPUT = listed(st.one_of(MESSAGE, CALL, CUSTOM_CALL, REASONING, OTHER))
RESPONSE = an_object(
    {"output": OUTPUT},
    {
        "id": either(WORDS),
        "model": either(WORDS),
        "created_at": NUMBERS,
        "status": one_of("completed", "incomplete", "failed"),
        "incomplete_details": an_object({}, {"reason": one_of("max_output_tokens", "steered")}),
        "service_tier": either(WORDS),
        "usage": ANY,
        "error": ANY,
    },
)
PLACE = {
    "item_id": ID,
    "output_index": st.integers(0, 2),
    "delta": either(WORDS),
    "arguments": either(WORDS),
    "input": either(WORDS),
    "logprobs": ANY,
    "text": either(WORDS),
    "annotation": ANNOTATION,
}
EVENT = st.one_of(
    an_object(
        {
            "type": one_of(
                *(
                    f"response.{name}"
                    for name in (
                        "output_text.delta",
                        "refusal.delta",
                        "reasoning_text.delta",
                        "reasoning_summary_text.delta",
                        "reasoning_summary_part.added",
                        "function_call_arguments.delta",
                        "function_call_arguments.done",
                        "custom_tool_call_input.delta",
                        "custom_tool_call_input.done",
                        "content_part.done",
                        "output_text.annotation.added",
                        "web_search_call.searching",
                    )
                )
            )
        },
        PLACE,
    ),
    an_object(
        {
            "type": one_of("response.output_item.added", "response.output_item.done"),
            "item": st.one_of(MESSAGE, CALL, CUSTOM_CALL, REASONING, OTHER),
            "output_index": st.integers(0, 2),
        }
    ),
    an_object(
        {
            "type": one_of("response.created", "response.completed", "response.incomplete"),
            "response": RESPONSE,
        }
    ),
    an_object({"type": one_of("error", "response.failed", "keepalive")}, {"error": ANY}),
)
STREAM: Shape = st.lists(either(EVENT), max_size=6)
