"""What the clients ask, the same for all of them."""

import base64
import json
from types import MappingProxyType
from typing import Any

SAID = (
    "Gateways carry words both ways, and none of them is lost between two providers. "
    "What one side says in its own manner, the other side reads in another, word for word."
)
QUESTION = f"Please answer. [[say {SAID}]]"

CITY = MappingProxyType({"city": "Montréal", "unit": "celsius"})
CALLING = f"How warm is it? [[call get_weather {json.dumps(dict(CITY))}]]"
RESULT = '{"degrees": 17}'
TOOL = "get_weather"
TOOL_SAYS = "Tells the weather of a place."

ANSWER_NAME = "place"

BEFORE_GAP = "def twice(n):"
AFTER_GAP = "return two"
# As docs/simulator.md counts: a word with the space before it.
AFTER_GAP_TOKENS = 2

COUNTS_THINKING = frozenset({"openai_chat", "openai_responses", "gemini"})
"""The provider wires whose usage tells reasoning from other output."""

SIGNS_THINKING = frozenset({"openai_responses", "anthropic_messages", "bedrock_converse"})
"""The provider wires on which a thought bears the provider's own seal; Gemini seals its calls."""

TELLS_WHEN = frozenset(
    {
        "openai_chat",
        "openai_responses",
        "anthropic_messages",
        "gemini",
        "ollama_chat",
        "cohere_chat",
    }
)
"""The provider wires on which a rate limit says when to come back."""

# One black pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
IMAGE_TOKENS = MappingProxyType(
    {
        "openai_chat": 765,
        "openai_responses": 765,
        "anthropic_messages": 1600,
        "gemini": 258,
        "ollama_chat": 256,
        "cohere_chat": 256,
        "bedrock_converse": 1600,
    }
)
"""What the simulator counts for a picture, as docs/simulator.md says."""

PNG_TEXT = base64.b64encode(PNG).decode()


def broken_stream(provider: str) -> str:
    """The fault that breaks a stream on this provider wire after its first words."""
    # Gemini tells many words at a time, Responses says a lot before the first one.
    return f"error_in_stream;after={2 if provider == 'gemini' else 8}"


def weather_schema() -> dict[str, Any]:
    """The arguments of the tool."""
    return {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "unit": {"type": "string", "enum": ["celsius", "kelvin"]},
        },
        "required": ["city", "unit"],
        "additionalProperties": False,
    }


def place_schema() -> dict[str, Any]:
    """What a structured answer looks like."""
    return {
        "type": "object",
        "properties": {"city": {"type": "string"}, "inhabitants": {"type": "integer"}},
        "required": ["city", "inhabitants"],
        "additionalProperties": False,
    }


def is_place(value: Any) -> bool:
    """Whether a value is one that ``place_schema`` allows."""
    return (
        isinstance(value, dict)
        and value.keys() == {"city", "inhabitants"}
        and isinstance(value["city"], str)
        and type(value["inhabitants"]) is int
    )
