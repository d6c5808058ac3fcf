"""Objects of an answer: the response, and the items of its output."""

from typing import Any, Final

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.reply import Stop
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.wire.contract import Answering
from trunkline.gateway.wire.openai_responses.names import WIRE
from trunkline.gateway.wire.openai_responses.requests import write_back
from trunkline.gateway.wire.openai_responses.tools import Called, callable_tools

_CUT: Final = {"length": "max_output_tokens", "filtered": "content_filter"}

# What OpenAI says in each response where the request said nothing.
_USUAL: Final[tuple[tuple[str, Any], ...]] = (
    ("background", False),
    ("instructions", None),
    ("max_output_tokens", None),
    ("max_tool_calls", None),
    ("metadata", {}),
    ("parallel_tool_calls", True),
    ("previous_response_id", None),
    ("prompt_cache_key", None),
    ("reasoning", {"effort": None, "summary": None}),
    ("safety_identifier", None),
    ("service_tier", "default"),
    ("store", False),
    ("temperature", 1.0),
    ("text", {"format": {"type": "text"}}),
    ("tool_choice", "auto"),
    ("tools", []),
    ("top_logprobs", 0),
    ("top_p", 1.0),
    ("truncation", "disabled"),
    ("user", None),
)


def cut_short(stop: Stop, *, refused: bool) -> str | None:
    """Why a response is incomplete, or None for one that is complete.

    Args:
        stop: why the model stopped.
        refused: whether it told in words why it does not answer, which is a complete answer.
    """
    if stop.reason == "refusal" and not refused:
        return "content_filter"
    return _CUT.get(stop.reason)


def response(answering: Answering, model: str, created: int) -> Document:
    """A response that has just begun, with what its request asked for."""
    asked = answering.request
    told: Document = {}
    if isinstance(asked, Request) and asked.wire == WIRE:
        told = write_back(asked, model)
    document: Document = {
        "id": f"resp_{answering.id}",
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        "usage": None,
    }
    for name, usual in _USUAL:
        document[name] = told.get(name, usual)
    return document


def finish(document: Document, output: list[Document], cut: str | None) -> None:
    """Make it a response that is over."""
    document["output"] = output
    if cut is None:
        document["status"] = "completed"
        document["completed_at"] = document["created_at"]
    else:
        document["status"] = "incomplete"
        document["incomplete_details"] = {"reason": cut}


def known_tools(answering: Answering) -> dict[str, Called]:
    """The caller's tools by the names under which the model calls them, where these differ."""
    asked = answering.request
    return callable_tools(asked.tools) if isinstance(asked, Request) else {}


def item_id(prefix: str, answering: Answering, number: int) -> str:
    """The id of an item: ``msg``, ``rs``, ``fc`` or ``ctc``, the answer's id and its place."""
    return f"{prefix}_{answering.id}_{number}"


def message_item(known_as: str, content: list[Document], status: str) -> Document:
    """A message of the model."""
    return {
        "id": known_as,
        "type": "message",
        "status": status,
        "content": content,
        "role": "assistant",
    }


def text_element(text: str, annotations: list[Any], logprobs: list[Any]) -> Document:
    """A text of a message."""
    return {
        "type": "output_text",
        "annotations": annotations,
        "logprobs": logprobs,
        "text": text,
    }


def call_item(known_as: str, call_id: str, called: Called, arguments: str, status: str) -> Document:
    """A call of one of the caller's tools, under the name by which it knows the tool."""
    item: Document = {
        "id": known_as,
        "type": "custom_tool_call" if called.custom else "function_call",
        "status": status,
        "input" if called.custom else "arguments": arguments,
        "call_id": call_id,
        "name": called.name,
    }
    if called.namespace is not None:
        item["namespace"] = called.namespace
    return item


def logprobs_of(logprobs: Any) -> list[Any]:
    """What chat completions tell of a text's tokens, as a list of them."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    return content if isinstance(content, list) else []
