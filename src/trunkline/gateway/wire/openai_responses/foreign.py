"""A request of another wire, written for a provider that speaks this one."""

import hashlib
from itertools import groupby
from typing import Any, Final

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document, Part, Reasoning, Text, ToolCall, ToolResult
from trunkline.gateway.exchange.request import Message, ReasoningAsk, Request, Tool
from trunkline.gateway.exchange.thinking import effort_of
from trunkline.gateway.wire.documents import note_extras
from trunkline.gateway.wire.openai_responses.foreign_parts import PartWriter
from trunkline.gateway.wire.openai_responses.names import ENCRYPTED, LOGPROBS
from trunkline.gateway.wire.openai_responses.settings import write_format, write_reasoning
from trunkline.gateway.wire.openai_responses.tools import write_choice

_ORDERS: Final = frozenset({"system", "developer"})
_MISSING: Final = "No result was given for this call."
_NO_SETTING: Final = "the provider's API has no such setting"
# As many letters as OpenAI takes in the id of a person.
_LONGEST_PERSON: Final = 64
# The fewest that OpenAI takes as a ceiling.
_LEAST_TOKENS: Final = 16

# Members of a request that the API does not have, and the values that ask for nothing.
_UNKNOWN: Final[tuple[tuple[str, str, tuple[Any, ...]], ...]] = (
    ("answers", "n", (1,)),
    ("seed", "seed", ()),
    ("presence_penalty", "presence_penalty", (0,)),
    ("frequency_penalty", "frequency_penalty", (0,)),
    ("logit_bias", "logit_bias", ({},)),
    ("suffix", "suffix", ()),
    ("stop", "stop", ((),)),
)
# Members that some makers of this API take beyond it.
_BEYOND: Final = ("top_k", "min_p", "repetition_penalty")


def write_request(request: Request, destination: Destination, losses: Losses) -> Document:
    """The document for the provider.

    Raises:
        InvalidRequest: nothing is left to be answered, or a result answers no call.
    """
    document: Document = {"model": destination.model}
    orders, said = _without_orders(request.messages)
    if orders:
        document["instructions"] = orders
    document["input"] = _Conversation(request, destination, losses).items(said)
    document["store"] = False
    if request.stream:
        document["stream"] = True
    _write_tools(request, document, losses)
    _write_sampling(request, destination, document, losses)
    _write_output(request, destination, document, losses)
    note_extras(request.extra, losses)
    for name in destination.quirks.refuses & document.keys():
        del document[name]
        losses.lose(name, _NO_SETTING)
    return document


def _without_orders(messages: tuple[Message, ...]) -> tuple[str, tuple[Message, ...]]:
    """The leading orders as one text, where they are nothing but text, and what follows them."""
    texts: list[str] = []
    for place, message in enumerate(messages):
        plain = all(isinstance(part, Text) for part in message.parts)
        if message.role not in _ORDERS or not plain:
            return "\n\n".join(texts), messages[place:]
        texts += [part.text for part in message.parts if isinstance(part, Text) and part.text]
    return "\n\n".join(texts), ()


class _Conversation:
    """Messages on their way to items. Its state is the calls so far and which are answered."""

    def __init__(self, request: Request, destination: Destination, losses: Losses) -> None:
        self._losses = losses
        self._writer = PartWriter(request.wire, destination, losses)
        self._late = "developer" if destination.quirks.developer_role else "system"
        self._calls: dict[str, ToolCall] = {}
        self._answered: set[str] = set()
        self._items: list[Document] = []

    def items(self, messages: tuple[Message, ...]) -> list[Document]:
        """All items, in their order; every call has its output."""
        for message in messages:
            if message.name is not None:
                self._losses.lose("name", "the provider's API has no names of participants")
            if message.cache is not None:
                self._losses.lose("cache_control", "the provider caches by itself")
            note_extras(message.extra, self._losses)
            self._add(message)
        self._drop_loose_thought()
        for call_id, call in self._calls.items():
            if call_id not in self._answered:
                self._losses.lose("missing tool result", "the provider wants one for each call")
                self._answer(ToolResult(call_id, (Text(_MISSING),), bare=True), call)
        if not self._items:
            raise InvalidRequest(
                "The messages hold nothing that the model could answer.",
                code="missing_messages",
                param="messages",
                hint="Send at least one message of the role 'user' that is not empty.",
            )
        return self._items

    def _add(self, message: Message) -> None:
        for kind, group in groupby(message.parts, _sort_of):
            parts = list(group)
            if kind is Reasoning:
                self._think([part for part in parts if isinstance(part, Reasoning)])
            elif kind is ToolCall:
                for part in parts:
                    self._call(part)
            elif kind is ToolResult:
                for part in parts:
                    self._result(part)
            else:
                self._say(message, parts)

    def _say(self, message: Message, parts: list[Part]) -> None:
        role: str = message.role
        if role == "assistant":
            written = [self._writer.answered(part) for part in parts]
        else:
            self._drop_loose_thought()
            written = [self._writer.said(part) for part in parts]
            role = self._late if role in _ORDERS else role
        content = [element for element in written if element is not None]
        if content:
            self._items.append({"type": "message", "role": role, "content": content})

    def _think(self, parts: list[Reasoning]) -> None:
        """One item for each thought; its last text has what its maker wants back."""
        thought: list[Reasoning] = []
        for number, part in enumerate(parts):
            thought.append(part)
            last = number + 1 == len(parts) or parts[number + 1].id != part.id or part.id is None
            if last or part.signature is not None:
                item = self._writer.thought(thought)
                if item is not None:
                    self._items.append(item)
                thought = []

    def _drop_loose_thought(self) -> None:
        """Thought that nothing follows is refused."""
        while self._items and self._items[-1]["type"] == "reasoning":
            self._items.pop()
            self._losses.lose("reasoning content", "nothing of the model's follows it")

    def _call(self, part: Part) -> None:
        if isinstance(part, ToolCall) and part.id not in self._calls:
            self._calls[part.id] = part
            self._items.append(self._writer.call(part))

    def _result(self, part: Part) -> None:
        if not isinstance(part, ToolResult) or part.call_id in self._answered:
            return
        call = self._calls.get(part.call_id)
        if call is None:
            raise InvalidRequest(
                f"The tool result for '{part.call_id}' answers no call of the messages before it.",
                code="orphan_tool_result",
                param="messages",
                hint="Send the assistant message that holds the call, or leave the result out.",
            )
        self._drop_loose_thought()
        self._answer(part, call)

    def _answer(self, result: ToolResult, call: ToolCall) -> None:
        self._answered.add(result.call_id)
        self._items.append(self._writer.result(result, custom=call.kind == "custom"))


def _sort_of(part: Part) -> type:
    for kind in (Reasoning, ToolCall, ToolResult):
        if isinstance(part, kind):
            return kind
    return Text


def _write_tools(request: Request, document: Document, losses: Losses) -> None:
    tools = [tool for tool in request.tools if _is_known(tool, losses)]
    if not tools:
        return
    document["tools"] = [_write_tool(tool, losses) for tool in tools]
    if request.tool_choice is not None:
        document["tool_choice"] = write_choice(request.tool_choice, tuple(tools))
        note_extras(request.tool_choice.extra, losses)
    if request.parallel_tools is not None:
        document["parallel_tool_calls"] = request.parallel_tools


def _is_known(tool: Tool, losses: Losses) -> bool:
    if tool.kind == "server":
        losses.lose(f"tools.{tool.name}", "the tool runs at another provider")
        return False
    return True


def _write_tool(tool: Tool, losses: Losses) -> Document:
    if tool.cache is not None:
        losses.lose("cache_control", "the provider caches by itself")
    note_extras(tool.extra, losses)
    document: Document = {"type": tool.kind, "name": tool.name}
    if tool.description is not None:
        document["description"] = tool.description
    if tool.kind == "custom":
        form = tool.native.get("format") if isinstance(tool.native, dict) else None
        if isinstance(form, dict):
            document["format"] = _flat(form)
        return document
    document["parameters"] = tool.schema or {"type": "object", "properties": {}}
    # Without a word this API is strict, and all others are not.
    document["strict"] = bool(tool.strict)
    return document


def _flat(form: Document) -> Document:
    """The format of a custom tool: chat completions have its grammar one level deeper."""
    inner = form.get("grammar")
    if form.get("type") == "grammar" and isinstance(inner, dict):
        return {"type": "grammar", **inner}
    return form


def _write_sampling(
    request: Request, destination: Destination, document: Document, losses: Losses
) -> None:
    for member, known_as, neutral in _UNKNOWN:
        value = getattr(request, member)
        if value is not None and value not in neutral:
            losses.lose(known_as, _NO_SETTING)
    for name in _BEYOND:
        value = getattr(request, name)
        if value is not None:
            if name in destination.quirks.takes:
                document[name] = value
            else:
                losses.lose(name, _NO_SETTING)
    for name, value in (
        ("max_output_tokens", _ceiling(request.max_tokens, destination)),
        ("temperature", request.temperature),
        ("top_p", request.top_p),
        ("user", _person(request.user)),
        ("metadata", request.metadata or None),
        ("service_tier", request.service_tier),
        ("prompt_cache_key", request.prompt_cache_key),
    ):
        if value is not None:
            document[name] = value


def _ceiling(asked: int | None, destination: Destination) -> int | None:
    if asked is None or destination.family != "openai":
        return asked
    return max(asked, _LEAST_TOKENS)


def _person(user: str | None) -> str | None:
    if user is None or len(user) <= _LONGEST_PERSON:
        return user
    return hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()


def _write_output(
    request: Request, destination: Destination, document: Document, losses: Losses
) -> None:
    text: Document = {}
    if request.output is not None and request.output.kind != "text":
        text["format"] = write_format(request.output)
        if request.output.kind == "json_schema":
            text["format"].setdefault("name", "answer")
            text["format"]["schema"] = request.output.schema or {}
    if request.verbosity is not None:
        if "verbosity" in destination.quirks.refuses:
            losses.lose("verbosity", _NO_SETTING)
        else:
            text["verbosity"] = request.verbosity
    if text:
        document["text"] = text
    reasoning = _reasoning(request.reasoning, losses)
    if reasoning:
        document["reasoning"] = reasoning
    include = []
    if reasoning or destination.traits.thinking:
        include.append(ENCRYPTED)
    if request.logprobs:
        include.append(LOGPROBS)
        if request.top_logprobs is not None:
            document["top_logprobs"] = request.top_logprobs
    if include:
        document["include"] = include


def _reasoning(ask: ReasoningAsk | None, losses: Losses) -> Document:
    if ask is None:
        return {}
    note_extras(ask.extra, losses)
    reasoning = write_reasoning(msgspec.structs.replace(ask, extra={}))
    if "effort" not in reasoning:
        if ask.enabled is False or ask.budget == 0:
            reasoning["effort"] = "none"
        elif ask.budget is not None and ask.budget > 0:
            reasoning["effort"] = effort_of(ask.budget)
    if ask.show and ask.summary is None:
        reasoning["summary"] = "auto"
    return reasoning
