"""Members of a request beside its conversation and its tools: format, thought, what to include."""

from typing import Any, Final

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import OutputFormat, ReasoningAsk, Request
from trunkline.gateway.wire.documents import are_texts, take_list, take_object
from trunkline.gateway.wire.openai_responses.names import ENCRYPTED, LOGPROBS

_KNOWN_FORMAT: Final = frozenset({"type", "name", "schema", "strict", "description"})


def read_format(value: Any) -> OutputFormat | None:
    """A format of the text, or None for one that we do not know."""
    match value:
        case {"type": "text"}:
            return OutputFormat("text", extra=_others(value))
        case {"type": "json_object"}:
            return OutputFormat("json", extra=_others(value))
        case {"type": "json_schema", "schema": dict(schema)}:
            name, strict = value.get("name"), value.get("strict")
            description = value.get("description")
            return OutputFormat(
                "json_schema",
                name=name if isinstance(name, str) else None,
                schema=schema,
                strict=strict if isinstance(strict, bool) else None,
                description=description if isinstance(description, str) else None,
                extra=_others(value),
            )
    return None


def _others(value: Document) -> Document:
    return {k: v for k, v in value.items() if k not in _KNOWN_FORMAT and v is not None}


def write_format(output: OutputFormat) -> Document:
    """The member ``text.format``."""
    if output.kind != "json_schema":
        kind = "json_object" if output.kind == "json" else "text"
        return {"type": kind, **output.extra}
    document: Document = {"type": "json_schema", "schema": output.schema}
    for name in ("name", "description", "strict"):
        value = getattr(output, name)
        if value is not None:
            document[name] = value
    return {**document, **output.extra}


def take_text(rest: Document) -> tuple[OutputFormat | None, str | None]:
    """Take the format and the verbosity; what is not understood stays.

    Raises:
        InvalidRequest: the member is no object.
    """
    text = take_object(rest, "text")
    if text is None:
        return None, None
    left = {name: value for name, value in text.items() if value is not None}
    output = read_format(left.get("format"))
    if output is not None:
        del left["format"]
    verbosity = left.get("verbosity")
    if isinstance(verbosity, str):
        del left["verbosity"]
    else:
        verbosity = None
    if left:
        rest["text"] = left
    return output, verbosity


def take_reasoning(rest: Document, *, encrypted: bool) -> ReasoningAsk | None:
    """Take how much to think and what to show of it.

    Raises:
        InvalidRequest: the member is no object.
    """
    asked = take_object(rest, "reasoning") or {}
    left = {name: value for name, value in asked.items() if value is not None}
    effort, summary = left.get("effort"), left.get("summary", left.get("generate_summary"))
    for name, value in (("effort", effort), ("summary", summary), ("generate_summary", summary)):
        if isinstance(value, str):
            left.pop(name, None)
    effort = effort if isinstance(effort, str) else None
    summary = summary if isinstance(summary, str) else None
    if not (effort or summary or encrypted or left):
        return None
    return ReasoningAsk(
        effort=effort,
        show=True if summary else None,
        summary=summary,
        encrypted=encrypted or None,
        extra=left,
    )


def take_include(rest: Document) -> frozenset[str]:
    """Take what shall be included beside the text; what only this API knows stays.

    Raises:
        InvalidRequest: the member is no array.
    """
    include = take_list(rest, "include")
    if not include:
        return frozenset()
    if not are_texts(include):
        rest["include"] = include
        return frozenset()
    known = frozenset(include) & {ENCRYPTED, LOGPROBS}
    left = [name for name in include if name not in known]
    if left:
        rest["include"] = left
    return known


def write_settings(request: Request) -> Document:
    """Everything but the model, the conversation and the tools, in the usual spelling."""
    document: Document = {}
    for name, value in (
        ("max_output_tokens", request.max_tokens),
        ("temperature", request.temperature),
        ("top_p", request.top_p),
        ("top_logprobs", request.top_logprobs),
        ("parallel_tool_calls", request.parallel_tools),
        ("user", request.user),
        ("metadata", request.metadata),
        ("service_tier", request.service_tier),
        ("prompt_cache_key", request.prompt_cache_key),
    ):
        if value is not None:
            document[name] = value
    text = _write_text(request)
    if text:
        document["text"] = text
    ask = request.reasoning
    reasoning = write_reasoning(ask) if ask is not None else {}
    if reasoning:
        document["reasoning"] = reasoning
    include = _write_include(request)
    if include:
        document["include"] = include
    if request.stream:
        document["stream"] = True
    return document


def _write_text(request: Request) -> Document:
    text: Document = {}
    if request.output is not None:
        text["format"] = write_format(request.output)
    if request.verbosity is not None:
        text["verbosity"] = request.verbosity
    return text


def write_reasoning(ask: ReasoningAsk) -> Document:
    """The member ``reasoning``; empty where there is nothing to say in it."""
    reasoning: Document = {}
    if ask.effort is not None:
        reasoning["effort"] = ask.effort
    if ask.summary is not None:
        reasoning["summary"] = ask.summary
    return {**reasoning, **ask.extra}


def _write_include(request: Request) -> list[str]:
    include = []
    if request.reasoning is not None and request.reasoning.encrypted:
        include.append(ENCRYPTED)
    if request.logprobs:
        include.append(LOGPROBS)
    return include
