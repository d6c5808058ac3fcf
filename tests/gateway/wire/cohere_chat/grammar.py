"""Requests of Cohere's chat for Hypothesis."""

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

FUNCTION = an_object({"name": either(WORDS)}, {"arguments": either(WORDS)})
CALL = an_object({"function": either(FUNCTION)}, {"id": either(WORDS), "type": either(WORDS)})
IMAGE = an_object(
    {"url": one_of("https://h/p.png", "data:image/png;base64,aGk=", "data:x", "")},
    {"detail": either(WORDS)},
)
BLOCK = an_object(
    {"type": one_of("text", "thinking", "image_url", "document")},
    {
        "text": either(WORDS),
        "thinking": either(WORDS),
        "image_url": either(IMAGE),
        "document": ANY,
    },
)
MESSAGE = an_object(
    {"role": one_of("system", "user", "assistant", "tool", "control")},
    {
        "content": either(WORDS) | listed(BLOCK),
        "tool_calls": listed(CALL),
        "tool_plan": either(WORDS),
        "tool_call_id": either(WORDS),
        "citations": ANY,
    },
)
TOOL = an_object(
    {
        "function": either(
            an_object(
                {"name": either(WORDS)},
                {
                    "description": either(WORDS),
                    "parameters": either(an_object({})),
                    "strict": FLAGS,
                },
            )
        )
    },
    {"type": one_of("function", "other")},
)
REQUEST: Shape = an_object(
    {"model": one_of("m", "n"), "messages": listed(MESSAGE, 1)},
    {
        "tools": listed(TOOL),
        "strict_tools": either(FLAGS),
        "tool_choice": one_of("REQUIRED", "NONE", "AUTO"),
        "documents": ANY,
        "response_format": either(
            an_object(
                {"type": one_of("text", "json_object")}, {"json_schema": either(an_object({}))}
            )
        ),
        "max_tokens": either(NUMBERS),
        "stop_sequences": listed(WORDS),
        "temperature": either(NUMBERS),
        "seed": either(NUMBERS),
        "frequency_penalty": either(NUMBERS),
        "presence_penalty": either(NUMBERS),
        "k": either(NUMBERS),
        "p": either(NUMBERS),
        "logprobs": either(FLAGS),
        "thinking": either(
            an_object({"type": one_of("enabled", "disabled")}, {"token_budget": either(NUMBERS)})
        ),
        "stream": either(FLAGS),
        "safety_mode": ANY,
    },
)
