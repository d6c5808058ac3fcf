"""Whole answers of this wire, read and written."""

from collections.abc import Mapping
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.parts import (
    Document,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from trunkline.gateway.exchange.reply import Choice, Reason, Reply, Stop
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Answering, Malformed
from trunkline.gateway.wire.documents import arguments_text
from trunkline.gateway.wire.openai_family.custom import input_of
from trunkline.gateway.wire.openai_responses import output
from trunkline.gateway.wire.openai_responses.content import write_annotation
from trunkline.gateway.wire.openai_responses.form import Item
from trunkline.gateway.wire.openai_responses.items import item_back, read_item, write_thought
from trunkline.gateway.wire.openai_responses.names import WIRE
from trunkline.gateway.wire.openai_responses.tools import Called
from trunkline.gateway.wire.openai_responses.usage import write_usage

_REASONS: Final[Mapping[str, Reason]] = MappingProxyType(
    {"max_output_tokens": "length", "content_filter": "filtered", "max_messages": "paused"}
)
# Tuples, since what is looked for in them may be of any type.
_OVER: Final = ("failed", "cancelled")
_CALLS: Final = ("function_call", "custom_tool_call")


class OutputChoice(Choice, frozen=True, kw_only=True):
    """An answer of this wire; its parts lie in ``items``."""

    items: tuple[Item, ...] = ()


def read_reply(document: Document, seed: str) -> Reply:
    """A provider's answer.

    Raises:
        Malformed: it is no response, or one that failed.
    """
    listed = document.get("output")
    if not isinstance(listed, list):
        raise Malformed("the answer has no output")
    if document.get("status") in _OVER:
        raise Malformed(f"the response is '{document['status']}'")
    items = tuple([read_output(value, seed, number) for number, value in enumerate(listed)])
    parts = tuple([part for item in items for part in item.parts])
    rest = dict(document)
    for name in ("object", "output", "usage"):
        rest.pop(name, None)
    created = rest.get("created_at")
    return Reply(
        wire=WIRE,
        choices=(OutputChoice(parts, read_stop(document, parts), items=items),),
        id=_taken(rest, "id"),
        model=_taken(rest, "model"),
        created=int(created) if isinstance(created, int | float) else None,
        service_tier=_taken(rest, "service_tier"),
        extra=rest,
    )


def _taken(rest: Document, name: str) -> str | None:
    value = rest.get(name)
    if not isinstance(value, str):
        return None
    del rest[name]
    return value


def read_output(value: Any, seed: str, number: int) -> Item:
    """One item of the output.

    Raises:
        Malformed: it lacks what its type cannot do without.
    """
    if isinstance(value, dict) and value.get("type") in _CALLS:
        value = _completed(value, seed, number)
    try:
        return read_item(value, f"output[{number}]")
    except InvalidRequest as error:
        raise Malformed(f"its member {error.param} is of the wrong type") from None


def _completed(value: Document, seed: str, number: int) -> Document:
    """A call with an id and with arguments that are JSON, which some servers leave out."""
    call_id = value.get("call_id") or value.get("id")
    if not isinstance(value.get("call_id"), str) or not value["call_id"]:
        made = call_id if isinstance(call_id, str) and call_id else f"call_{seed[-24:]}_{number}"
        value = {**value, "call_id": made}
    if value.get("type") == "function_call":
        told = value.get("arguments")
        arguments = arguments_text(told)
        if arguments != told:
            value = {**value, "arguments": arguments}
    return value


def read_stop(document: Document, parts: tuple[Part, ...]) -> Stop:
    """Why the model stopped; that it called a tool counts more than the word that it gives."""
    details = document.get("incomplete_details")
    native = details.get("reason") if isinstance(details, dict) else None
    if isinstance(native, str):
        return Stop(_REASONS.get(native, "end"), native)
    status = document.get("status")
    word = status if isinstance(status, str) else None
    if any(isinstance(part, ToolCall) for part in parts):
        return Stop("tools", word)
    if any(isinstance(part, Refusal) for part in parts):
        return Stop("refusal", word)
    return Stop("length" if word == "incomplete" else "end", word)


def write_reply(reply: Reply, usage: Usage | None, answering: Answering) -> Document:
    """The answer for a caller of this wire."""
    choice = reply.choices[0] if reply.choices else Choice(())
    told = None if usage is None else write_usage(usage)
    if reply.wire == WIRE and isinstance(choice, OutputChoice):
        tier = {} if reply.service_tier is None else {"service_tier": reply.service_tier}
        return {
            "id": reply.id or f"resp_{answering.id}",
            "object": "response",
            "created_at": answering.created if reply.created is None else reply.created,
            "model": reply.model or answering.model,
            **tier,
            "output": [item_back(item) for item in choice.items],
            "usage": told,
            **reply.extra,
        }
    created = answering.created if reply.created is None else reply.created
    document = output.response(answering, reply.model or answering.model, created)
    if reply.service_tier is not None:
        document["service_tier"] = reply.service_tier
    refused = any(isinstance(part, Refusal) for part in choice.parts)
    cut = output.cut_short(choice.stop, refused=refused)
    output.finish(document, _Output(answering, cut, choice.logprobs).items(choice.parts), cut)
    document["usage"] = told
    return document


class _Output:
    """Parts on their way to items. Its state is the items so far."""

    def __init__(self, answering: Answering, cut: str | None, logprobs: Any) -> None:
        self._answering = answering
        self._tools = output.known_tools(answering)
        self._status = "completed" if cut is None else "incomplete"
        self._logprobs = output.logprobs_of(logprobs)
        self._items: list[Document] = []

    def items(self, parts: tuple[Part, ...]) -> list[Document]:
        """All items, in their order."""
        for kind, group in groupby(parts, _sort_of):
            if kind is Text:
                self._say(list(group))
                continue
            for part in group:
                if isinstance(part, Reasoning):
                    self._think(part)
                elif isinstance(part, ToolCall):
                    self._call(part)
        return self._items

    def _say(self, parts: list[Part]) -> None:
        content: list[Document] = []
        for part in parts:
            if isinstance(part, Text):
                annotations = [write_annotation(c, len(part.text)) for c in part.citations]
                content.append(output.text_element(part.text, annotations, self._logprobs))
                self._logprobs = []
            elif isinstance(part, Refusal):
                content.append({"type": "refusal", "refusal": part.text})
        if content:
            known_as = self._id("msg")
            self._items.append(output.message_item(known_as, content, self._status))

    def _think(self, part: Reasoning) -> None:
        item = write_thought([part])
        if not (part.id or "").startswith("rs_"):
            item["id"] = self._id("rs")
        self._items.append(item)

    def _call(self, part: ToolCall) -> None:
        called = self._tools.get(part.name) or Called(part.name, custom=part.kind == "custom")
        arguments = part.arguments
        if part.kind == "function":
            whole = arguments_text(arguments)
            arguments = input_of(whole) if called.custom else whole
        known_as = self._id("ctc" if called.custom else "fc")
        item = output.call_item(known_as, part.id, called, arguments, "completed")
        self._items.append(item)

    def _id(self, prefix: str) -> str:
        return output.item_id(prefix, self._answering, len(self._items))


def _sort_of(part: Part) -> type:
    return type(part) if isinstance(part, Reasoning | ToolCall) else Text
