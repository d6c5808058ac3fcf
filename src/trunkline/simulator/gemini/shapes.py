"""The messages of Gemini's requests, with every field that Google knows and no other.

Google reads JSON as protocol buffers do: names in camel case or with underscores, null as absent,
numbers also as texts, and an unknown name anywhere is an error. What the simulator has no use for
is ``Any``.
"""

import re
from typing import Any

import msgspec

from trunkline.simulator.refusals import Refusal


class _Shape(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    pass


class Blob(_Shape):
    """Bytes in the request itself."""

    mime_type: str = ""
    data: str = ""
    display_name: str = ""


class FileData(_Shape):
    """Bytes that lie somewhere else."""

    file_uri: str = ""
    mime_type: str = ""
    display_name: str = ""


class FunctionCall(_Shape):
    """A call that the model made."""

    name: str = ""
    args: dict[str, Any] = {}
    id: str = ""


class FunctionResponse(_Shape):
    """What came of a call."""

    name: str = ""
    response: dict[str, Any] = {}
    id: str = ""
    parts: list[Any] = []
    will_continue: bool = False
    scheduling: str = ""


class Part(_Shape):
    """One part of a content; exactly one of the fields that hold data is there."""

    text: str | None = None
    inline_data: Blob | None = None
    file_data: FileData | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    executable_code: Any = None
    code_execution_result: Any = None
    tool_call: Any = None
    tool_response: Any = None
    thought: bool = False
    thought_signature: str = ""
    video_metadata: Any = None
    part_metadata: Any = None
    media_resolution: Any = None


class Content(_Shape):
    """A turn of the conversation."""

    parts: list[Part] = []
    role: str = ""


class FunctionDeclaration(_Shape):
    """A function that the model may call; ``parameters`` is Google's own kind of schema."""

    name: str = ""
    description: str = ""
    behavior: str = ""
    parameters: Any = None
    parameters_json_schema: Any = None
    response: Any = None
    response_json_schema: Any = None


class Tool(_Shape):
    """Functions of the client, or tools that Google runs."""

    function_declarations: list[FunctionDeclaration] = []
    google_search: Any = None
    google_search_retrieval: Any = None
    google_maps: Any = None
    code_execution: Any = None
    url_context: Any = None
    computer_use: Any = None
    file_search: Any = None
    retrieval: Any = None
    enterprise_web_search: Any = None
    mcp_servers: Any = None


class FunctionCallingConfig(_Shape):
    """Whether and what the model must call."""

    mode: str = "AUTO"
    allowed_function_names: list[str] = []
    stream_function_call_arguments: bool = False


class ToolConfig(_Shape):
    """Settings of all tools."""

    function_calling_config: FunctionCallingConfig | None = None
    retrieval_config: Any = None
    include_server_side_tool_invocations: Any = None


class ThinkingConfig(_Shape):
    """How much to think: a budget up to Gemini 2.5, a level from Gemini 3 on."""

    include_thoughts: bool = False
    thinking_budget: int | None = None
    thinking_level: str = ""


class GenerationConfig(_Shape):
    """How to answer."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    candidate_count: int | None = None
    max_output_tokens: int | None = None
    stop_sequences: list[str] = []
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_mime_type: str = ""
    response_schema: Any = None
    response_json_schema: Any = None
    response_format: Any = None
    response_logprobs: bool = False
    logprobs: int | None = None
    thinking_config: ThinkingConfig | None = None
    response_modalities: list[str] = []
    media_resolution: Any = None
    speech_config: Any = None
    image_config: Any = None
    enable_enhanced_civic_answers: Any = None
    audio_timestamp: Any = None
    routing_config: Any = None
    model_selection_config: Any = None


class GenerateRequest(_Shape):
    """The body of a generateContent."""

    contents: list[Content] = []
    model: str = ""
    system_instruction: Content | None = None
    tools: list[Tool] = []
    tool_config: ToolConfig | None = None
    safety_settings: list[Any] = []
    cached_content: str = ""
    generation_config: GenerationConfig = msgspec.field(default_factory=GenerationConfig)
    service_tier: str = ""
    labels: dict[str, str] = {}
    store: Any = None


class CountRequest(_Shape):
    """The body of a countTokens: contents alone, or a whole request to be counted."""

    contents: list[Content] = []
    model: str = ""
    generate_content_request: GenerateRequest | None = None
    system_instruction: Content | None = None
    tools: list[Tool] = []
    generation_config: GenerationConfig | None = None


class EmbedRequest(_Shape):
    """The body of an embedContent, or one request of a batch."""

    content: Content | None = None
    model: str = ""
    task_type: str = ""
    title: str = ""
    output_dimensionality: int | None = None


class BatchEmbedRequest(_Shape):
    """The body of a batchEmbedContents."""

    requests: list[EmbedRequest] = []


_OPAQUE = frozenset(
    {"args", "response", "parametersJsonSchema", "responseJsonSchema", "parameters", "labels"}
    | {"responseSchema", "partMetadata"}
)
_UNKNOWN = re.compile(r"contains unknown field `(?P<name>.*?)`(?: - at `\$\.?(?P<path>.*)`)?$")
_PLACE = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?$", re.DOTALL)


def invalid(message: str, param: str | None = None) -> Refusal:
    """Google's 400."""
    return Refusal(400, "INVALID_ARGUMENT", message, param=param)


def unknown_name(name: str, path: str) -> Refusal:
    """Google's 400 for a field that it does not know."""
    place = f" at '{path}'" if path else ""
    return invalid(
        f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.', path
    )


def decode(body: bytes, shape: type[msgspec.Struct]) -> Any:
    """A JSON body as one of the messages above.

    Raises:
        Refusal: with Google's status, message and field.
    """
    try:
        return msgspec.convert(_tidied(msgspec.json.decode(body)), shape, strict=False)
    except msgspec.ValidationError as error:
        if found := _UNKNOWN.search(str(error)):
            raise unknown_name(found["name"], found["path"] or "") from None
        place = _PLACE.match(str(error))
        path = (place["path"] or "") if place else ""
        what = place["what"] if place else str(error)
        raise invalid(f"Invalid value at '{path}': {what}.", path) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise invalid("Invalid JSON payload received. Unexpected token.") from None


def _tidied(value: Any) -> Any:
    """Names in camel case and no nulls, but for what the client may name as it likes."""
    if isinstance(value, list):
        return [_tidied(item) for item in value]
    if not isinstance(value, dict):
        return value
    tidy = {}
    for name, inner in value.items():
        camel = _camel(name)
        if inner is not None:
            tidy[camel] = inner if camel in _OPAQUE else _tidied(inner)
    return tidy


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other[:1].upper() + other[1:] for other in others) if first else name
