"""Requests of Converse, read, and written as they were read.

Converse is spoken with providers only, so this reader serves the wire's own documents: members
whose text would not come back the same are read for their meaning and kept whole beside it.
"""

from typing import Any, Final

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import (
    Message,
    OutputFormat,
    ReasoningAsk,
    Request,
    Role,
    Tool,
    ToolChoice,
)
from trunkline.gateway.wire.bedrock_converse.blocks import (
    WIRE,
    read_blocks,
    read_cache_point,
    write_blocks,
    write_cache_point,
)
from trunkline.gateway.wire.contract import Place
from trunkline.gateway.wire.documents import (
    decoded,
    members_of,
    missing,
    take_count,
    take_list,
    take_number,
    take_object,
    take_text,
    take_texts,
    wrong_type,
)

_ROLES: Final[dict[str, Role]] = {"user": "user", "assistant": "assistant", "system": "system"}
_CONFIG: Final = "inferenceConfig"
_TOOLS: Final = "toolConfig"


def read_request(document: Document, place: Place) -> Request:
    """A request of this wire; the model stands in the path.

    Raises:
        InvalidRequest: a member that everything depends on is missing or of another type.
    """
    rest = members_of(document)
    messages = _read_messages(rest)
    settings = _read_config(rest)
    tools, choice = _read_tools(rest)
    return Request(
        wire=WIRE,
        model=place.item or "",
        messages=messages,
        tools=tools,
        tool_choice=choice,
        output=_read_output(rest),
        reasoning=_read_reasoning(rest),
        service_tier=_take_tier(rest),
        metadata=_take_metadata(rest),
        extra=rest,
        **settings,
    )


def write_request(request: Request) -> Document:
    """The document that a request of this wire was read from."""
    extra = dict(request.extra)
    document: Document = {}
    messages = list(request.messages)
    if messages and messages[0].role == "system" and "role" not in messages[0].extra:
        document["system"] = write_blocks(messages.pop(0).parts)
    document["messages"] = [_write_message(message) for message in messages]
    config = {**_written_config(request), **extra.pop(_CONFIG, {})}
    if config or _CONFIG in request.extra:
        document[_CONFIG] = config
    tools = extra.pop(_TOOLS, None)
    if tools is not None:
        document[_TOOLS] = _write_tools(request, tools)
    if request.service_tier is not None:
        document["serviceTier"] = {"type": request.service_tier}
    if request.metadata is not None:
        document["requestMetadata"] = request.metadata
    return document | extra


def _read_messages(rest: Document) -> tuple[Message, ...]:
    turns = take_list(rest, "messages")
    if not turns:
        raise missing("messages", "'messages' is missing or empty.", "Send at least one message.")
    system = take_list(rest, "system")
    messages = [] if system is None else [Message("system", read_blocks(system))]
    for number, turn in enumerate(turns):
        messages.append(_read_message(turn, number, top=bool(messages)))
    return tuple(messages)


def _read_message(turn: Any, number: int, *, top: bool) -> Message:
    where = f"messages[{number}]"
    if not isinstance(turn, dict):
        raise wrong_type(where, "an object")
    rest = members_of(turn)
    role, content = take_text(rest, "role", f"{where}."), take_list(rest, "content", f"{where}.")
    if role is None or content is None:
        absent = "role" if role is None else "content"
        raise InvalidRequest(
            f"'{where}' has no {absent}.",
            code="missing_member",
            param=f"{where}.{absent}",
            hint="Send each message with its role and its content.",
        )
    if role not in _ROLES or (role == "system" and not top):
        # A system prompt among the messages is told from the one that has a place of its own.
        rest["role"] = role
    return Message(_ROLES.get(role, "user"), read_blocks(content), extra=rest)


def _write_message(message: Message) -> Document:
    return {"role": message.role, "content": write_blocks(message.parts), **message.extra}


def _read_config(rest: Document) -> dict[str, Any]:
    """The settings that we know; what else must come back as it is stays where it is."""
    config = take_object(rest, _CONFIG)
    if config is None:
        return {}
    left = rest[_CONFIG] = members_of(config)
    where = f"{_CONFIG}."
    stop = take_texts(left, "stopSequences", where)
    if stop == ():
        left["stopSequences"] = []
    return {
        "max_tokens": take_count(left, "maxTokens", where),
        "temperature": take_number(left, "temperature", where),
        "top_p": take_number(left, "topP", where),
        "stop": stop or (),
    }


def _written_config(request: Request) -> Document:
    told = {
        "maxTokens": request.max_tokens,
        "temperature": request.temperature,
        "topP": request.top_p,
        "stopSequences": list(request.stop) or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _read_tools(rest: Document) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    """Tools and choice; what else must come back as it is stays where it is."""
    config = take_object(rest, _TOOLS)
    if config is None:
        return (), None
    left = rest[_TOOLS] = members_of(config)
    listed = take_list(left, "tools", f"{_TOOLS}.")
    if listed == []:
        left["tools"] = []
    tools: list[Tool] = []
    for item in listed or ():
        mark = read_cache_point(item)
        if mark is not None and tools and tools[-1].cache is None:
            tools[-1] = msgspec.structs.replace(tools[-1], cache=mark)
        else:
            tools.append(_read_tool(item))
    choice = _read_choice(left.get("toolChoice"))
    if choice is not None:
        del left["toolChoice"]
    return tuple(tools), choice


def _read_tool(item: Any) -> Tool:
    spec = item.get("toolSpec") if isinstance(item, dict) and len(item) == 1 else None
    if isinstance(spec, dict):
        rest = members_of(spec)
        name, wrapped = rest.pop("name", None), rest.pop("inputSchema", None)
        about, strict = rest.pop("description", None), rest.pop("strict", None)
        schema = wrapped.get("json") if isinstance(wrapped, dict) and len(wrapped) == 1 else None
        whole = isinstance(name, str) and isinstance(schema, dict)
        optional = isinstance(about, (str, type(None))) and isinstance(strict, (bool, type(None)))
        if whole and optional:
            return Tool(name, description=about, schema=schema, strict=strict, extra=rest)
    return Tool("", kind="server", native=item, wire=WIRE)


def _read_choice(value: Any) -> ToolChoice | None:
    """The choice, where it is written as we would write it."""
    if value == {"auto": {}}:
        return ToolChoice("auto")
    if value == {"any": {}}:
        return ToolChoice("required")
    name = value["tool"].get("name") if _is_named(value) else None
    return ToolChoice("required", (name,)) if isinstance(name, str) else None


def _is_named(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() != {"tool"}:
        return False
    return isinstance(value["tool"], dict) and value["tool"].keys() == {"name"}


def _write_tools(request: Request, rest: Document) -> Document:
    listed: list[Any] = []
    for tool in request.tools:
        listed.append(tool.native if tool.kind == "server" else {"toolSpec": _write_tool(tool)})
        if tool.cache is not None:
            listed.append(write_cache_point(tool.cache))
    choice = request.tool_choice
    told: Document = {"tools": listed} if listed else {}
    if choice is not None:
        told["toolChoice"] = write_choice(choice)
    return told | rest


def _write_tool(tool: Tool) -> Document:
    spec: Document = {"name": tool.name, "inputSchema": {"json": tool.schema}}
    if tool.description is not None:
        spec["description"] = tool.description
    if tool.strict is not None:
        spec["strict"] = tool.strict
    return spec | tool.extra


def write_choice(choice: ToolChoice) -> Document:
    """A choice that Converse has a word for."""
    if choice.names:
        return {"tool": {"name": choice.names[0]}}
    return {"auto": {}} if choice.mode == "auto" else {"any": {}}


def _read_output(rest: Document) -> OutputFormat | None:
    """What ``outputConfig`` means; it stays where it is, since the schema is a text in it."""
    found: Any = rest.get("outputConfig")
    for name in ("textFormat", "structure", "jsonSchema"):
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        return None
    text, named = found.get("schema"), found.get("name")
    schema = decoded(text) if isinstance(text, str) else None
    if not isinstance(schema, dict):
        return None
    return OutputFormat("json_schema", named if isinstance(named, str) else None, schema)


def _read_reasoning(rest: Document) -> ReasoningAsk | None:
    """What the model's own fields say of thinking; they stay where they are."""
    fields = rest.get("additionalModelRequestFields")
    thinking = fields.get("thinking") if isinstance(fields, dict) else None
    if not isinstance(thinking, dict):
        return None
    budget = thinking.get("budget_tokens")
    counted = isinstance(budget, int) and not isinstance(budget, bool)
    return ReasoningAsk(
        enabled=thinking.get("type") != "disabled", budget=budget if counted else None
    )


def _take_tier(extra: Document) -> str | None:
    tier = extra.get("serviceTier")
    if not isinstance(tier, dict) or tier.keys() != {"type"} or not isinstance(tier["type"], str):
        return None
    named: str = extra.pop("serviceTier")["type"]
    return named


def _take_metadata(extra: Document) -> dict[str, str] | None:
    pairs = extra.get("requestMetadata")
    if not isinstance(pairs, dict) or not all(isinstance(text, str) for text in pairs.values()):
        return None
    taken: dict[str, str] = extra.pop("requestMetadata")
    return taken
