"""A request of this wire, read into the internal form and written back as it came.

What is not written back just as it came stays among the ``extra`` members, which override what is
written; see ``blocks``. How a request of another wire becomes one of this wire: ``foreign``.
"""

from typing import Any, Final

from trunkline.gateway.exchange.parts import Document, Part
from trunkline.gateway.exchange.request import (
    Message,
    OutputFormat,
    ReasoningAsk,
    Request,
    Role,
    Tool,
    ToolChoice,
)
from trunkline.gateway.wire.anthropic_messages.blocks import (
    WIRE,
    content_of,
    give_back,
    read_content,
    take_true,
)
from trunkline.gateway.wire.anthropic_messages.marks import take_mark, write_mark
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
    choice, parallel = _read_choice(rest)
    output = _read_output(rest)
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
        reasoning=_read_reasoning(rest),
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


def _read_choice(rest: Document) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and whether several tools may be called at once."""
    value = rest.get("tool_choice")
    if not isinstance(value, dict):
        return None, None
    alone = value.get("disable_parallel_tool_use")
    parallel = not alone if isinstance(alone, bool) else None
    match value:
        case {"type": "auto"}:
            choice = ToolChoice("auto")
        case {"type": "any"}:
            choice = ToolChoice("required")
        case {"type": "none"}:
            choice = ToolChoice("none")
        case {"type": "tool", "name": str(name)}:
            choice = ToolChoice("required", (name,))
        case _:
            return None, None
    if write_choice(choice, parallel) == value:
        del rest["tool_choice"]
    return choice, parallel


def write_choice(choice: ToolChoice, parallel: bool | None) -> Document:  # noqa: FBT001 - the request's own member
    """The member ``tool_choice``."""
    if choice.mode == "required":
        document: Document = {"type": "any"}
        if choice.names:
            document = {"type": "tool", "name": choice.names[0]}
    else:
        document = {"type": choice.mode}
    if parallel is not None:
        document["disable_parallel_tool_use"] = not parallel
    return document


def _read_output(rest: Document) -> OutputFormat | None:
    """The format of ``output_config``, or of the member that preceded it."""
    config = rest.get("output_config")
    if isinstance(config, dict) and isinstance(config.get("format"), dict):
        asked = config["format"]
    else:
        asked = rest.get("output_format")
    if not isinstance(asked, dict) or asked.get("type") != "json_schema":
        return None
    schema = asked.get("schema")
    return OutputFormat("json_schema", schema=schema) if isinstance(schema, dict) else None


def _read_reasoning(rest: Document) -> ReasoningAsk | None:
    """What ``thinking`` and ``output_config`` say; both stay where they say anything else."""
    thinking, config = rest.get("thinking"), rest.get("output_config")
    effort = config.get("effort") if isinstance(config, dict) else None
    ask = ReasoningAsk(effort=effort) if isinstance(effort, str) else None
    if isinstance(thinking, dict):
        ask = _read_thinking(thinking, ask.effort if ask else None) or ask
        if ask is not None and write_thinking(ask) == thinking:
            del rest["thinking"]
    if isinstance(config, dict):
        output = _read_output(rest)
        known = "output_format" not in rest and write_config(ask, output) == config
        if config and known:
            del rest["output_config"]
    return ask


def _read_thinking(thinking: Document, effort: str | None) -> ReasoningAsk | None:
    display = thinking.get("display")
    show = None if display is None else display != "omitted"
    match thinking:
        case {"type": "enabled", "budget_tokens": int(budget)} if not isinstance(budget, bool):
            return ReasoningAsk(enabled=True, effort=effort, budget=budget, show=show)
        case {"type": "adaptive"}:
            return ReasoningAsk(enabled=True, effort=effort, show=show)
        case {"type": "disabled" | "between_tools"}:
            return ReasoningAsk(enabled=False, effort=effort)
    return None


def write_thinking(ask: ReasoningAsk) -> Document | None:
    """The member ``thinking``, or None where only an effort is asked for."""
    if ask.enabled is None:
        return None
    if not ask.enabled:
        return {"type": "disabled"}
    document: Document = {"type": "adaptive"}
    if ask.budget is not None:
        document = {"type": "enabled", "budget_tokens": ask.budget}
    if ask.show is not None:
        document["display"] = "summarized" if ask.show else "omitted"
    return document


def write_config(ask: ReasoningAsk | None, output: OutputFormat | None) -> Document:
    """The member ``output_config``; empty where there is nothing to say in it."""
    config: Document = {}
    if ask is not None and ask.effort is not None:
        config["effort"] = ask.effort
    if output is not None and output.schema is not None:
        config["format"] = {"type": "json_schema", "schema": output.schema}
    return config


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


def write_back(request: Request, model: str) -> Document:
    """The document of a request that came by this wire."""
    document: Document = {"model": model}
    messages = request.messages
    first = messages[0]
    if first.role == "system" and "role" not in first.extra:
        document["system"] = content_of(first.parts, bare=first.bare)
        messages = messages[1:]
    document["messages"] = [_message_back(message) for message in messages]
    _put(document, "max_tokens", request.max_tokens)
    _put(document, "temperature", request.temperature)
    _put(document, "top_p", request.top_p)
    _put(document, "top_k", request.top_k)
    _put(document, "stop_sequences", list(request.stop) or None)
    _put(document, "tools", [_tool_back(tool) for tool in request.tools] or None)
    if request.stream:
        document["stream"] = True
    if request.tool_choice is not None:
        document["tool_choice"] = write_choice(request.tool_choice, request.parallel_tools)
    if request.user is not None:
        document["metadata"] = {"user_id": request.user}
    _put(document, "service_tier", _tier_back(request.service_tier))
    _put_reasoning(document, request)
    give_back(request.extra, document)
    return document


def _put(document: Document, name: str, value: Any) -> None:
    if value is not None:
        document[name] = value


def _put_reasoning(document: Document, request: Request) -> None:
    ask = request.reasoning
    if ask is not None:
        _put(document, "thinking", write_thinking(ask))
    if "output_format" not in request.extra:
        _put(document, "output_config", write_config(ask, request.output) or None)


def _tier_back(tier: str | None) -> str | None:
    return "standard_only" if tier == "default" else tier


def _message_back(message: Message) -> Document:
    parts: tuple[Part, ...] = message.parts
    return {
        "role": message.role,
        "content": content_of(parts, bare=message.bare),
        **message.extra,
    }


def _tool_back(tool: Tool) -> Document:
    if tool.kind == "server":
        native: Document = tool.native
        return native
    document: Document = {"name": tool.name}
    _put(document, "description", tool.description)
    _put(document, "input_schema", tool.schema)
    _put(document, "strict", tool.strict)
    if tool.cache is not None:
        document["cache_control"] = write_mark(tool.cache)
    document.update(tool.extra)
    return document
