"""The bodies of Converse, as far as the simulator reads them."""

from typing import Annotated, Any, Literal

import msgspec

Lifetime = Literal["5m", "1h"]
ToolName = Annotated[str, msgspec.Meta(pattern="^[a-zA-Z0-9_-]{1,64}$")]
ToolUseId = Annotated[str, msgspec.Meta(pattern="^[a-zA-Z0-9_-]{1,64}$")]
"""Bedrock itself takes more letters; this is what all models behind it take."""

NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class CachePoint(msgspec.Struct):
    """A place up to which the prompt is cached."""

    type: Literal["default"]
    ttl: Lifetime = "5m"


class ReasoningText(msgspec.Struct):
    """Reasoning in the open, with its signature."""

    text: str
    signature: str = ""


class Reasoning(msgspec.Struct, rename="camel"):
    """Reasoning in the open, or encrypted."""

    reasoning_text: ReasoningText | None = None
    redacted_content: str | None = None


class Bytes(msgspec.Struct):
    """Where a picture or a file comes from."""

    bytes: str | None = None
    s3_location: Any = msgspec.field(default=None, name="s3Location")
    text: str | None = None
    content: list[Any] | None = None


class Image(msgspec.Struct):
    """A picture."""

    format: Literal["png", "jpeg", "gif", "webp"]
    source: Bytes


class Document(msgspec.Struct):
    """A file."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    source: Bytes
    format: Literal["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"] = "txt"


class ToolUse(msgspec.Struct, rename="camel"):
    """A call that the model made."""

    tool_use_id: ToolUseId
    name: ToolName
    input: dict[str, Any]


class ResultBlock(msgspec.Struct):
    """A part of a result; exactly one member is there."""

    text: str | None = None
    json: Any = None
    image: Image | None = None
    document: Document | None = None


class ToolResult(msgspec.Struct, rename="camel"):
    """What came of a call."""

    tool_use_id: ToolUseId
    content: list[ResultBlock]
    status: Literal["success", "error"] = "success"


class Block(msgspec.Struct, rename="camel"):
    """A part of a message; exactly one member is there."""

    text: str | None = None
    image: Image | None = None
    document: Document | None = None
    tool_use: ToolUse | None = None
    tool_result: ToolResult | None = None
    reasoning_content: Reasoning | None = None
    cache_point: CachePoint | None = None
    guard_content: Any = None
    video: Any = None


class Message(msgspec.Struct):
    """A turn of the conversation."""

    role: Literal["user", "assistant"]
    content: list[Block]


class SystemBlock(msgspec.Struct, rename="camel"):
    """A part of the system prompt."""

    text: NonEmpty | None = None
    cache_point: CachePoint | None = None
    guard_content: Any = None


class InferenceConfig(msgspec.Struct, rename="camel"):
    """How to answer."""

    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    temperature: _Share | None = None
    top_p: _Share | None = None
    stop_sequences: list[NonEmpty] = []


class InputSchema(msgspec.Struct):
    """The JSON schema of a tool's arguments."""

    json: dict[str, Any]


class ToolSpec(msgspec.Struct, rename="camel"):
    """A tool."""

    name: ToolName
    input_schema: InputSchema
    description: NonEmpty | None = None


class Tool(msgspec.Struct, rename="camel"):
    """A tool, or a place up to which the tools are cached."""

    tool_spec: ToolSpec | None = None
    cache_point: CachePoint | None = None


class Chosen(msgspec.Struct):
    """The tool that must be called."""

    name: ToolName


class ToolChoice(msgspec.Struct):
    """Whether and what the model must call; exactly one member is there."""

    auto: dict[str, Any] | None = None
    any: dict[str, Any] | None = None
    tool: Chosen | None = None


class ToolConfig(msgspec.Struct, rename="camel"):
    """The tools, and what to do with them."""

    tools: Annotated[list[Tool], msgspec.Meta(min_length=1)]
    tool_choice: ToolChoice | None = None


class Thinking(msgspec.Struct):
    """Claude's extended thinking, which Bedrock passes on."""

    type: Literal["enabled", "disabled", "adaptive"]
    budget_tokens: int | None = None


class MoreFields(msgspec.Struct):
    """The fields of a model that Converse does not know itself."""

    thinking: Thinking | None = None


class JsonSchema(msgspec.Struct):
    """A schema, which Bedrock wants as a text."""

    schema: str
    name: str = ""


class Structure(msgspec.Struct, rename="camel"):
    """The form of an answer."""

    json_schema: JsonSchema


class TextFormat(msgspec.Struct):
    """The form of an answer, by its kind."""

    type: Literal["json_schema"]
    structure: Structure


class OutputConfig(msgspec.Struct, rename="camel"):
    """What the answer must be like."""

    text_format: TextFormat | None = None


class Body(msgspec.Struct, rename="camel"):
    """A request of Converse; the model stands in the path."""

    messages: list[Message]
    system: list[SystemBlock] = []
    inference_config: InferenceConfig | None = None
    tool_config: ToolConfig | None = None
    additional_model_request_fields: MoreFields | None = None
    output_config: OutputConfig | None = None
    service_tier: dict[str, str] | None = None
