"""Requests of ``/v2/chat``, read."""

from typing import Final

import msgspec

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import OutputFormat, ReasoningAsk, Tool, ToolChoice
from trunkline.gateway.wire.cohere_chat.content import WIRE
from trunkline.gateway.wire.cohere_chat.messages import read_messages
from trunkline.gateway.wire.documents import (
    members_of,
    missing,
    require_model,
    take_count,
    take_flag,
    take_list,
    take_number,
    take_texts,
)
from trunkline.gateway.wire.functions import read_tools
from trunkline.gateway.wire.spelling import SpelledRequest, SpelledTool

_CHOICES: Final = {"REQUIRED": ToolChoice("required"), "NONE": ToolChoice("none")}


def read_request(document: Document) -> SpelledRequest:
    """A caller's request.

    Raises:
        InvalidRequest: with the field in ``param``.
    """
    rest = members_of(document)
    model = require_model(rest)
    messages = take_list(rest, "messages")
    if not messages:
        raise missing("messages", "There is no message to answer.", "Send at least one message.")
    plain: Document = {}
    stream = take_flag(rest, "stream")
    if stream is False:
        plain["stream"] = stream
    stop = take_texts(rest, "stop_sequences")
    if stop == ():
        plain["stop_sequences"] = []
    return SpelledRequest(
        wire=WIRE,
        model=model,
        messages=read_messages(messages),
        stream=stream is True,
        tools=_read_tools(rest, plain),
        tool_choice=_read_choice(rest),
        output=_read_output(rest),
        reasoning=_read_thinking(rest),
        max_tokens=take_count(rest, "max_tokens"),
        temperature=take_number(rest, "temperature"),
        top_p=take_number(rest, "p"),
        top_k=take_count(rest, "k"),
        seed=take_count(rest, "seed"),
        presence_penalty=take_number(rest, "presence_penalty"),
        frequency_penalty=take_number(rest, "frequency_penalty"),
        stop=stop or (),
        logprobs=take_flag(rest, "logprobs"),
        plain=plain,
        extra=rest,
    )


def _read_tools(rest: Document, plain: Document) -> tuple[Tool, ...]:
    """The functions; ``strict_tools`` is for all of them."""
    values = take_list(rest, "tools")
    if values == []:
        plain["tools"] = values
    tools = read_tools(values, WIRE)
    strict = take_flag(rest, "strict_tools")
    if strict is None:
        return tools
    plain["strict_tools"] = strict
    return tuple(_strict_with_all(tool, strict=strict) for tool in tools)


def _strict_with_all(tool: Tool, *, strict: bool) -> Tool:
    if not isinstance(tool, SpelledTool) or tool.strict is not None:
        return tool
    return msgspec.structs.replace(tool, strict=strict, strict_with_all=True)


def _read_choice(rest: Document) -> ToolChoice | None:
    """Whether tools must be called; a word that we do not know stays where it is."""
    word = rest.get("tool_choice")
    choice = _CHOICES.get(word) if isinstance(word, str) else None
    if choice is not None:
        del rest["tool_choice"]
    return choice


def _read_output(rest: Document) -> OutputFormat | None:
    """The form of the text; what else it says stays where it is."""
    match rest.get("response_format"):
        case {"type": "text", **others} if not others:
            output = OutputFormat("text")
        case {"type": "json_object", **others} if not others:
            output = OutputFormat("json")
        case {"type": "json_object", "json_schema": dict(schema), **others} if not others:
            output = OutputFormat("json_schema", schema=schema)
        case _:
            return None
    del rest["response_format"]
    return output


def _read_thinking(rest: Document) -> ReasoningAsk | None:
    """How much the model shall think; what else it says stays where it is."""
    match rest.get("thinking"):
        case {"type": "enabled" | "disabled" as word, **others} if not others:
            ask = ReasoningAsk(enabled=word == "enabled")
        case {"type": "enabled", "token_budget": int(budget), **others} if (
            not others and not isinstance(budget, bool) and budget >= 0
        ):
            ask = ReasoningAsk(enabled=True, budget=budget)
        case _:
            return None
    del rest["thinking"]
    return ask
