"""The body of a Responses request: its fields, and where those of Chat Completions have gone."""

from typing import Any, Literal

import msgspec

from trunkline.simulator.openai.wire import invalid
from trunkline.simulator.reading import decode
from trunkline.simulator.refusals import Refusal

_MOVED = {
    "messages": "input",
    "response_format": "text.format",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
}
"""What Chat Completions calls otherwise; OpenAI tells the new name."""

_DOCUMENTATION = "https://platform.openai.com/docs/api-reference/responses/create"


class TextFormat(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The format of the answer."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    name: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class TextSettings(msgspec.Struct, forbid_unknown_fields=True):
    """How the answer is to be written."""

    format: TextFormat = TextFormat()
    verbosity: Literal["low", "medium", "high"] | None = None


class ReasoningSettings(msgspec.Struct, forbid_unknown_fields=True):
    """How the model is to reason."""

    effort: str | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None
    mode: str | None = None
    context: str | None = None


class _StreamOptions(msgspec.Struct, forbid_unknown_fields=True):
    include_obfuscation: bool = True


class ResponseBody(msgspec.Struct, forbid_unknown_fields=True):
    """A request, with every field that OpenAI knows and the simulator reads or repeats.

    ``client_metadata`` is in no documentation; OpenAI's own coding tool sends it with each request.
    """

    model: str
    input: str | list[msgspec.Raw] | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    tools: list[msgspec.Raw] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    text: TextSettings | None = None
    reasoning: ReasoningSettings | None = None
    include: list[str] | None = None
    store: bool | None = None
    previous_response_id: str | None = None
    conversation: str | dict[str, Any] | None = None
    background: bool | None = None
    truncation: Literal["auto", "disabled"] | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    metadata: dict[str, str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    context_management: list[dict[str, Any]] | None = None
    moderation: dict[str, Any] | None = None
    user: str | None = None
    client_metadata: dict[str, str] | None = None


def decode_body(body: bytes) -> ResponseBody:
    """The fields of a request.

    Raises:
        Refusal: one is missing, unknown or of the wrong type.
    """
    return decode(body, ResponseBody, _invalid)


def _invalid(message: str, param: str | None, code: str | None) -> Refusal:
    moved = _MOVED.get(param or "") if code == "unknown_parameter" else None
    if moved is None:
        return invalid(message, param, code)
    return invalid(
        f"Unsupported parameter: '{param}'. In the Responses API, this parameter has moved to "
        f"'{moved}'. Try again with the new parameter. See the API documentation for more "
        f"information: {_DOCUMENTATION}.",
        None,
        "unsupported_parameter",
    )
