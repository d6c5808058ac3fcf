"""A request of this wire, read into the internal form.

What ``own_requests`` would not write back just as it came stays among the ``extra`` members, which
override what is written. How a request of another wire becomes one of this wire: ``foreign``.
"""

from typing import Any, Final

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import (
    Message,
    Request,
    Role,
    Tool,
)
from trunkline.gateway.wire.anthropic_messages.blocks import WIRE, read_content, take_true
from trunkline.gateway.wire.anthropic_messages.marks import take_mark
from trunkline.gateway.wire.anthropic_messages.settings import (
    read_choice,
    read_output,
    read_reasoning,
)
from trunkline.gateway.wire.documents import (
    are_texts,
    members_of,
    missing,
    require_model,
    take_count,
    take_list,
    take_number,
    wrong_type,
)

_TURNS: Final[dict[str, Role]] = {"user": "user", "assistant": "assistant"}
_ORDERS: Final[dict[str, Role]] = {"system": "system", "developer": "developer"}


def read_request(document: Document) -> Request:
    """A caller's request.

    Raises:
        InvalidRequest: it makes no sense as it is; ``param`` names the place.
    """
    rest = members_of(document)
    model = require_model(rest)
    messages = _read_system(rest) + _read_messages(rest)
    stream = take_true(rest, "stream")
    choice, parallel = read_choice(rest)
    output = read_output(rest)
    user, metadata = _read_metadata(rest)
    return Request(
        wire=WIRE,
        model=model,
        messages=messages,
        stream=stream,
        tools=_read_tools(rest),
        tool_choice=choice,
        parallel_tools=parallel,
        output=output,
        reasoning=read_reasoning(rest),
        max_tokens=take_count(rest, "max_tokens"),
        temperature=take_number(rest, "temperature"),
        top_p=take_number(rest, "top_p"),
        top_k=take_count(rest, "top_k"),
        stop=_read_stop(rest),
        user=user,
        metadata=metadata,
        service_tier=_read_tier(rest),
        extra=rest,
    )


def _read_system(rest: Document) -> tuple[Message, ...]:
    content = rest.pop("system", None)
    if content is None:
        return ()
    parts, bare = read_content(content, "system")
    return (Message("system", parts, bare=bare),)


def _read_messages(rest: Document) -> tuple[Message, ...]:
    messages = take_list(rest, "messages")
    if not messages:
        raise missing(
            "messages", "messages: at least one message is required.", "Send at least one message."
        )
    return tuple(_read_message(message, f"messages.{i}") for i, message in enumerate(messages))


def _read_message(message: Any, where: str) -> Message:
    if not isinstance(message, dict):
        raise wrong_type(where, "an object")
    rest = members_of(message)
    said = rest.get("role")
    if not isinstance(said, str):
        raise wrong_type(f"{where}.role", "a string")
    # Any other role stays among the unknown members; a first message of the role ``system`` that
    # has none there stands for the member ``system``.
    if said in _TURNS:
        del rest["role"]
    role = _TURNS.get(said) or _ORDERS.get(said) or "user"
    parts, bare = read_content(rest.pop("content", None), f"{where}.content")
    return Message(role, parts, bare=bare, extra=rest)


def _read_tools(rest: Document) -> tuple[Tool, ...]:
    tools = take_list(rest, "tools")
    if tools is None:
        return ()
    if not tools:
        rest["tools"] = tools
    return tuple(_read_tool(tool, f"tools.{i}") for i, tool in enumerate(tools))


def _read_tool(tool: Any, where: str) -> Tool:
    if not isinstance(tool, dict):
        raise wrong_type(where, "an object")
    name, kind = tool.get("name"), tool.get("type")
    if kind is not None and kind != "custom":
        # Tools that Anthropic defines: those that it runs, and those whose form only it knows.
        known = name if isinstance(name, str) else kind if isinstance(kind, str) else ""
        return Tool(known, "server", native=tool, wire=WIRE)
    if not isinstance(name, str):
        raise wrong_type(f"{where}.name", "a string")
    rest = members_of(tool)
    del rest["name"]
    schema, description = rest.pop("input_schema", None), rest.pop("description", None)
    if not isinstance(schema, (dict, type(None))):
        raise wrong_type(f"{where}.input_schema", "an object")
    if not isinstance(description, (str, type(None))):
        raise wrong_type(f"{where}.description", "a string")
    strict = rest.pop("strict") if isinstance(rest.get("strict"), bool) else None
    mark = take_mark(rest)
    return Tool(name, description=description, schema=schema, strict=strict, cache=mark, extra=rest)


def _read_metadata(rest: Document) -> tuple[str | None, dict[str, str] | None]:
    """The end user's id, and the other texts of ``metadata``."""
    value = rest.get("metadata")
    if not isinstance(value, dict):
        return None, None
    user = value.get("user_id")
    others = {k: v for k, v in value.items() if k != "user_id" and isinstance(v, str)}
    if not isinstance(user, str):
        return None, others or None
    if value == {"user_id": user}:
        del rest["metadata"]
    return user, others or None


def _read_stop(rest: Document) -> tuple[str, ...]:
    stop = take_list(rest, "stop_sequences")
    if stop is None:
        return ()
    if not are_texts(stop):
        raise wrong_type("stop_sequences", "an array of strings")
    if not stop:
        rest["stop_sequences"] = stop
    return tuple(stop)


def _read_tier(rest: Document) -> str | None:
    """The service tier in OpenAI's words: what Anthropic calls standard is the default there."""
    tier = rest.get("service_tier")
    if tier == "standard_only":
        del rest["service_tier"]
        return "default"
    if tier == "auto":
        del rest["service_tier"]
        return "auto"
    return None
