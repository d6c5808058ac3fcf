"""What a caller asks a model to generate, whichever wire it came by."""

from typing import Any, Literal

import msgspec

from trunkline.gateway.exchange.parts import CacheMark, Document, Part

Role = Literal["system", "developer", "user", "assistant"]


class Message(msgspec.Struct, frozen=True):
    """One message.

    Results of tools are parts of a user message: OpenAI's ``tool`` message is a user message with
    one ``ToolResult``. A system prompt that has a place of its own in the wire comes first, with
    the role ``system``.

    Attributes:
        bare: whether the wire gave the content as a string and not as a list of parts.
    """

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
    bare: bool = False
    cache: CacheMark | None = None
    extra: Document = {}


class Tool(msgspec.Struct, frozen=True):
    """Something that the model may call.

    Attributes:
        kind: ``function`` takes JSON, ``custom`` takes text, ``server`` runs at the provider.
        schema: JSON schema of a function's arguments, whole and unchanged.
        native: the wire's own object, for a server tool and for a custom tool's grammar.
        wire: the wire that ``native`` belongs to.
    """

    name: str
    kind: Literal["function", "custom", "server"] = "function"
    description: str | None = None
    schema: Document | None = None
    strict: bool | None = None
    native: Any = None
    wire: str = ""
    cache: CacheMark | None = None
    extra: Document = {}


class ToolChoice(msgspec.Struct, frozen=True):
    """Whether tools must be called; ``names`` narrows ``required`` to some of them."""

    mode: Literal["auto", "none", "required"]
    names: tuple[str, ...] = ()
    extra: Document = {}


class OutputFormat(msgspec.Struct, frozen=True):
    """The form of the text: free, any JSON, or JSON that follows a schema."""

    kind: Literal["text", "json", "json_schema"]
    name: str | None = None
    schema: Document | None = None
    strict: bool | None = None
    description: str | None = None
    extra: Document = {}


class ReasoningAsk(msgspec.Struct, frozen=True):
    """How much the model shall think.

    Attributes:
        enabled: False turns thinking off, True on; None leaves it to the other members.
        effort: none, minimal, low, medium, high, xhigh or max.
        budget: most tokens of thought; -1 leaves it to the model (Gemini's dynamic budget).
        show: whether the thought or its summary shall be told; None for the provider's default.
        summary: OpenAI's auto, concise or detailed.
        encrypted: whether signatures shall be told, for a caller who keeps no state at the
            provider.
    """

    enabled: bool | None = None
    effort: str | None = None
    budget: int | None = None
    show: bool | None = None
    summary: str | None = None
    encrypted: bool | None = None
    extra: Document = {}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request for generated content. None and empty mean that the caller did not say.

    Attributes:
        wire: the caller's wire; ``extra`` everywhere below belongs to it.
        model: as the caller named it.
        suffix: text after the gap that the answer shall fill (fill in the middle).
        raw_prompt: the prompt is to be continued as it stands, without a chat template.
        answers: how many alternatives.
        max_tokens: most output tokens, reasoning included.
        parallel_tools: whether several tools may be called at once.
        wants_usage: whether a stream shall end with its usage, where the wire leaves the choice.
        user: the caller's own id of the person behind the request.
    """

    wire: str
    model: str
    messages: tuple[Message, ...]
    stream: bool = False
    wants_usage: bool = True
    suffix: str | None = None
    raw_prompt: bool = False
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    output: OutputFormat | None = None
    reasoning: ReasoningAsk | None = None
    answers: int | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repetition_penalty: float | None = None
    stop: tuple[str, ...] = ()
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: dict[str, float] | None = None
    verbosity: str | None = None
    user: str | None = None
    metadata: dict[str, str] | None = None
    service_tier: str | None = None
    prompt_cache_key: str | None = None
    extra: Document = {}
