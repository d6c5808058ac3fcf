"""A request as one model can take it: what the model refuses is taken out, and each time noted.

Pure data decides: ``Traits`` of the capability table. ``NAMES`` are the names that its members
``refuses`` and ``refuses_thinking`` may hold.
"""

import base64
from typing import Any, Final

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination, Traits
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Audio, File, Image, Inline, Part, Text, ToolResult
from trunkline.gateway.exchange.request import (
    Message,
    OutputFormat,
    ReasoningAsk,
    Request,
    ToolChoice,
)
from trunkline.gateway.exchange.thinking import is_off, says_something, settle_thinking

_SAMPLING: Final[tuple[tuple[str, str, tuple[Any, ...]], ...]] = (
    # A member, the name by which callers know it, and the values that ask for nothing.
    ("temperature", "temperature", (1,)),
    ("top_p", "top_p", (1,)),
    ("top_k", "top_k", ()),
    ("min_p", "min_p", (0,)),
    ("seed", "seed", ()),
    ("presence_penalty", "presence_penalty", (0,)),
    ("frequency_penalty", "frequency_penalty", (0,)),
    ("repetition_penalty", "repetition_penalty", (1,)),
    ("logprobs", "logprobs", (False,)),
    ("top_logprobs", "top_logprobs", (0,)),
    ("logit_bias", "logit_bias", ({},)),
    ("verbosity", "verbosity", ()),
    ("answers", "n", (1,)),
    ("parallel_tools", "parallel_tool_calls", (True,)),
    ("user", "user", ()),
    ("metadata", "metadata", ({},)),
    ("service_tier", "service_tier", ("auto",)),
    ("prompt_cache_key", "prompt_cache_key", ()),
)
MEMBERS: Final = frozenset(member for member, _, _ in _SAMPLING)
NAMES: Final = MEMBERS | {
    "stop", "top_p_with_temperature", "tools", "forced_tools", "strict_tools", "system", "prefill",
    "image", "audio", "file", "json", "json_schema", "disabled_thinking",
}  # fmt: skip
_REFUSED: Final = "the model does not accept it"
_KINDS: Final = (("image", Image), ("audio", Audio), ("file", File))


def fit(request: Request, destination: Destination, losses: Losses) -> Request:
    """The request without what the model refuses.

    Raises:
        InvalidRequest: nothing would be left of it.
    """
    traits = destination.traits
    changes: dict[str, Any] = {}
    ask = settle_thinking(request, destination, losses)
    if ask != request.reasoning:
        changes["reasoning"] = ask
    refuses = traits.refuses
    if traits.refuses_thinking and _thinks(ask, traits):
        refuses |= traits.refuses_thinking
    if request.max_tokens is not None and request.max_tokens > destination.max_output_tokens:
        changes["max_tokens"] = destination.max_output_tokens
        losses.lose("max_tokens", f"the model writes {destination.max_output_tokens} at most")
    if refuses:
        _drop_members(request, refuses, changes, losses)
        _fit_tools(request, refuses, changes, losses)
        _fit_messages(request, refuses, changes, losses)
        _fit_output(request, refuses, changes, losses)
    return msgspec.structs.replace(request, **changes) if changes else request


def _thinks(ask: ReasoningAsk | None, traits: Traits) -> bool:
    if traits.thinks_always:
        return True
    if ask is None or not says_something(ask):
        return traits.thinks_unasked
    return not is_off(ask)


def _drop_members(
    request: Request, refuses: frozenset[str], changes: dict[str, Any], losses: Losses
) -> None:
    for member in refuses & MEMBERS:
        if getattr(request, member) is not None:
            changes[member] = None
    for name in asked_members(request, refuses):
        losses.lose(name, _REFUSED)
    if "stop" in refuses and request.stop:
        changes["stop"] = ()
        losses.lose("stop", _REFUSED)
    both = request.temperature is not None and request.top_p is not None
    if both and "top_p_with_temperature" in refuses and "top_p" not in changes:
        changes["top_p"] = None
        losses.lose("top_p", "the model takes it or the temperature, not both")


def asked_members(request: Request, members: frozenset[str]) -> list[str]:
    """What callers call these members, as far as the request asks for something by them.

    A member that has the value which a model takes for granted asks for nothing.
    """
    asked = []
    for member, known_as, neutral in _SAMPLING:
        if member in members:
            value = getattr(request, member)
            if value is not None and value not in neutral:
                asked.append(known_as)
    return asked


def _fit_tools(
    request: Request, refuses: frozenset[str], changes: dict[str, Any], losses: Losses
) -> None:
    if not request.tools:
        return
    choice = request.tool_choice
    if "tools" in refuses:
        changes.update(tools=(), tool_choice=None, parallel_tools=None)
        losses.lose("tools", "the model calls no tools")
        return
    if "forced_tools" in refuses and choice is not None and choice.mode == "required":
        changes["tool_choice"] = ToolChoice("auto")
        losses.lose("tool_choice", "the model cannot be made to call a tool")
    if "strict_tools" in refuses and any(tool.strict for tool in request.tools):
        changes["tools"] = tuple(
            msgspec.structs.replace(tool, strict=None) for tool in request.tools
        )
        losses.lose("tools.strict", "the model does not hold itself to schemas")


def _fit_messages(
    request: Request, refuses: frozenset[str], changes: dict[str, Any], losses: Losses
) -> None:
    messages = request.messages
    if "prefill" in refuses and messages and messages[-1].role == "assistant":
        messages = _without_prefill(messages, losses)
    kinds = tuple(kind for name, kind in _KINDS if name in refuses)
    if kinds:
        messages = tuple(_without_parts(message, kinds, losses) for message in messages)
    if "system" in refuses:
        messages = tuple(_said_by_user(message, losses) for message in messages)
    if messages is not request.messages:
        changes["messages"] = messages


def _without_prefill(messages: tuple[Message, ...], losses: Losses) -> tuple[Message, ...]:
    kept = list(messages)
    while kept and kept[-1].role == "assistant":
        kept.pop()
    if not any(message.role == "user" for message in kept):
        raise InvalidRequest(
            "The model does not continue the beginning of an answer, and nothing else is asked.",
            code="unsupported_parameter",
            param="messages",
            hint="End the messages with one of the role 'user'.",
        )
    losses.lose("prefill", "the model does not continue the beginning of an answer")
    return tuple(kept)


def _without_parts(message: Message, kinds: tuple[type, ...], losses: Losses) -> Message:
    parts = _left(message.parts, kinds, losses)
    return message if parts is message.parts else msgspec.structs.replace(message, parts=parts)


def _left(parts: tuple[Part, ...], kinds: tuple[type, ...], losses: Losses) -> tuple[Part, ...]:
    """The parts with words in place of those that the model cannot take."""
    left: list[Part] = []
    changed = False
    for part in parts:
        kept: Part = part
        if isinstance(part, File) and File in kinds and (text := text_of(part)) is not None:
            kept = Text(text)
        elif isinstance(part, kinds):
            name = type(part).__name__.lower()
            losses.lose(name, "the model does not understand such content")
            kept = Text(f"[{name} left out: the model cannot take it]")
        elif isinstance(part, ToolResult):
            inner: Any = _left(part.parts, kinds, losses)
            if inner is not part.parts:
                kept = msgspec.structs.replace(part, parts=inner, bare=False)
        changed = changed or kept is not part
        left.append(kept)
    return tuple(left) if changed else parts


def text_of(file: File) -> str | None:
    """The words of a file of text under its name, for models that read no files; else None."""
    source = file.source
    if not isinstance(source, Inline) or not source.media_type.startswith("text/"):
        return None
    try:
        words = base64.b64decode(source.data, validate=True).decode()
    except ValueError:
        return None
    return f"{file.name}:\n{words}" if file.name else words


def _said_by_user(message: Message, losses: Losses) -> Message:
    if message.role not in {"system", "developer"}:
        return message
    losses.lose("system", "the model takes no system prompt; the user says it")
    return msgspec.structs.replace(message, role="user")


def _fit_output(
    request: Request, refuses: frozenset[str], changes: dict[str, Any], losses: Losses
) -> None:
    output = request.output
    if output is None or output.kind == "text":
        return
    name = output.kind
    if name not in refuses:
        return
    losses.lose("response_format", "the model is only told in words which form is wanted")
    changes["output"] = None if "json" in refuses else OutputFormat("json")
    told = Message(
        "user" if "system" in refuses else "system", (Text(in_words(output)),), bare=True
    )
    messages: tuple[Message, ...] = changes.get("messages", request.messages)
    changes["messages"] = with_order(messages, told)


def in_words(output: OutputFormat) -> str:
    """What asks a model for JSON that cannot be made to write it."""
    if output.schema is None:
        return "Answer with one JSON object and nothing else, without a code fence."
    schema = msgspec.json.encode(output.schema).decode()
    return (
        "Answer with one JSON value and nothing else, without a code fence. "
        f"It must follow this JSON schema:\n{schema}"
    )


def with_order(messages: tuple[Message, ...], order: Message) -> tuple[Message, ...]:
    """The messages with one more after the leading system messages."""
    place = 0
    while place < len(messages) and messages[place].role in {"system", "developer"}:
        place += 1
    return (*messages[:place], order, *messages[place:])
