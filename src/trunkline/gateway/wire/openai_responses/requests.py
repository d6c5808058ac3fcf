"""A request of this wire, read into the internal form and written back as it came."""

from typing import Any, Final

import msgspec

from trunkline.gateway.exchange.parts import Document, Text
from trunkline.gateway.exchange.request import (
    Message,
    OutputFormat,
    ReasoningAsk,
    Request,
    Tool,
    ToolChoice,
)
from trunkline.gateway.wire.documents import (
    members_of,
    missing,
    require_model,
    take_count,
    take_flag,
    take_list,
    take_number,
    take_text,
    wrong_type,
)
from trunkline.gateway.wire.openai_family.spelling import respelled, spelling
from trunkline.gateway.wire.openai_responses import settings, tools
from trunkline.gateway.wire.openai_responses.form import Aside, Item, ResponsesRequest
from trunkline.gateway.wire.openai_responses.items import item_back, items_of, read_item
from trunkline.gateway.wire.openai_responses.names import ENCRYPTED, LOGPROBS, WIRE

_MORE_TOOLS: Final = "additional_tools"
_UPDATE: Final = "configuration_update"
_ASIDES: Final = frozenset({_MORE_TOOLS, _UPDATE})
# What is between the caller and us, or says nothing to a provider of another wire.
_PLAIN: Final = frozenset(
    {"store", "background", "previous_response_id", "stream_options", "client_metadata",
     "safety_identifier"}
)  # fmt: skip


def read_request(document: Document) -> ResponsesRequest:
    """A caller's request.

    Raises:
        InvalidRequest: it makes no sense as it is; ``param`` names the place.
    """
    rest = members_of(document)
    model = require_model(rest)
    given = rest.pop("input", None)
    messages, asides = _read_input(given, has_prompt="prompt" in rest)
    instructions = take_text(rest, "instructions")
    if instructions is not None:
        messages = (Message("system", (Text(instructions),), bare=True), *messages)
    told = dict(rest)
    included = settings.take_include(rest)
    output, verbosity = settings.take_text(rest)
    ask = settings.take_reasoning(rest, encrypted=ENCRYPTED in included)
    output, ask = _updated(asides, output, ask)
    given_tools = take_list(rest, "tools") or []
    request = ResponsesRequest(
        wire=WIRE,
        model=model,
        messages=messages,
        stream=take_flag(rest, "stream") or False,
        tools=(*tools.read_tools(given_tools, "tools"), *_more_tools(asides)),
        tool_choice=_take_choice(rest),
        parallel_tools=take_flag(rest, "parallel_tool_calls"),
        output=output,
        reasoning=ask,
        max_tokens=take_count(rest, "max_output_tokens"),
        temperature=take_number(rest, "temperature"),
        top_p=take_number(rest, "top_p"),
        logprobs=True if LOGPROBS in included else None,
        top_logprobs=take_count(rest, "top_logprobs"),
        verbosity=verbosity,
        user=_take_user(rest),
        metadata=_take_metadata(rest),
        service_tier=take_text(rest, "service_tier"),
        prompt_cache_key=take_text(rest, "prompt_cache_key"),
        asides=asides,
        extra=_without_plain(rest),
    )
    plain = spelling(told, _members(request))
    if given == []:
        plain["input"] = given
    return msgspec.structs.replace(request, plain=plain) if plain else request


def _read_input(given: Any, *, has_prompt: bool) -> tuple[tuple[Message, ...], tuple[Aside, ...]]:
    if given is None or given == []:
        if not has_prompt:
            raise missing("input", "'input' is missing.", "Send a string or at least one item.")
        return (), ()
    if isinstance(given, str):
        return (Item("user", (Text(given),), bare=True, whole=True),), ()
    if not isinstance(given, list):
        raise wrong_type("input", "a string or an array")
    messages: list[Message] = []
    asides: list[Aside] = []
    for number, value in enumerate(given):
        kind = value.get("type") if isinstance(value, dict) else None
        if isinstance(kind, str) and kind in _ASIDES:
            asides.append(Aside(number, value))
        else:
            messages.append(read_item(value, f"input[{number}]"))
    return tuple(messages), tuple(asides)


def _more_tools(asides: tuple[Aside, ...]) -> list[Tool]:
    """The tools that items of the input bring."""
    found: list[Tool] = []
    for aside in asides:
        listed = aside.value.get("tools")
        if aside.value.get("type") == _MORE_TOOLS and isinstance(listed, list):
            found += tools.inner_tools(listed)
    return found


def _updated(
    asides: tuple[Aside, ...], output: OutputFormat | None, ask: ReasoningAsk | None
) -> tuple[OutputFormat | None, ReasoningAsk | None]:
    """The format and the effort that the newest updates in the input leave in effect."""
    for aside in asides:
        if aside.value.get("type") != _UPDATE:
            continue
        match aside.value.get("reasoning"):
            case {"effort": str(effort)}:
                ask = msgspec.structs.replace(ask or ReasoningAsk(), effort=effort)
        match aside.value.get("text"):
            case {"format": form}:
                output = settings.read_format(form) or output
    return output, ask


def _take_choice(rest: Document) -> ToolChoice | None:
    value = rest.get("tool_choice")
    if value is None:
        return None
    if not isinstance(value, str | dict):
        raise wrong_type("tool_choice", "a string or an object")
    choice = tools.read_choice(value)
    if choice is not None:
        del rest["tool_choice"]
    return choice


def _take_user(rest: Document) -> str | None:
    """The person behind the request, by the older member or by the one that replaces it."""
    user = take_text(rest, "user")
    person = rest.get("safety_identifier")
    return person if isinstance(person, str) else user


def _take_metadata(rest: Document) -> dict[str, str] | None:
    value = rest.get("metadata")
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        return None
    del rest["metadata"]
    return value


def _without_plain(rest: Document) -> Document:
    if rest.get("truncation") == "disabled":
        del rest["truncation"]
    return {name: value for name, value in rest.items() if name not in _PLAIN}


def write_back(request: Request, model: str) -> Document:
    """The document of a request that came by this wire."""
    messages = request.messages
    document: Document = {"model": model}
    first = messages[0] if messages else None
    if first is not None and first.role == "system" and not isinstance(first, Item):
        document["instructions"] = "".join(
            part.text for part in first.parts if isinstance(part, Text)
        )
        messages = messages[1:]
    asides = request.asides if isinstance(request, ResponsesRequest) else ()
    if messages or asides:
        document["input"] = _input_back(messages, asides)
    document |= _members(request)
    return respelled(document, request.plain) if isinstance(request, ResponsesRequest) else document


def _input_back(messages: tuple[Message, ...], asides: tuple[Aside, ...]) -> str | list[Document]:
    items = [item for message in messages for item in items_of(message)]
    if len(items) == 1 and items[0].whole and isinstance(items[0].parts[0], Text):
        return items[0].parts[0].text
    documents = [item_back(item) for item in items]
    for aside in asides:
        documents.insert(aside.position, aside.value)
    return documents


def _members(request: Request) -> Document:
    """Everything but the model and the conversation, in the usual spelling."""
    document = settings.write_settings(request)
    listed = tools.tools_back(request.tools)
    if listed:
        document["tools"] = listed
    if request.tool_choice is not None:
        document["tool_choice"] = tools.write_choice(request.tool_choice, request.tools)
    return {**document, **request.extra}
